#!/usr/bin/env bash
# Makes a virtual environment with what requirements.txt names, unless it is there, in the directory of its argument. Prints its python.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$1
if ! cmp -s "$here/requirements.txt" "$directory/requirements.txt"; then
	rm -rf "$directory"
	python3 -m venv "$directory" >&2
	"$directory/bin/python" -m pip --disable-pip-version-check --quiet install --requirement "$here/requirements.txt" >&2
	# Last, so that an installation that was cut short is made anew.
	cp "$here/requirements.txt" "$directory/requirements.txt"
fi
echo "$directory/bin/python"
