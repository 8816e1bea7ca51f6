#!/usr/bin/env bash
# Makes a virtual environment with what a requirements.txt (the first argument) names, unless it is there, in a directory (the second). Prints
# its python.
set -euo pipefail
requirements=$1
directory=$2
if ! cmp -s "$requirements" "$directory/requirements.txt"; then
	rm -rf "$directory"
	python3 -m venv "$directory" >&2
	"$directory/bin/python" -m pip --disable-pip-version-check --quiet install --requirement "$requirements" >&2
	# Last, so that an installation that was cut short is created again.
	cp "$requirements" "$directory/requirements.txt"
fi
echo "$directory/bin/python"
