#!/usr/bin/env bash
# How many instructions a decision takes, by valgrind's callgrind: the difference between two runs that decide more and less often, so that the
# start of the program does not count. The argument is the directory with the optimised example.
set -euo pipefail
program=$1/decide_many
command -v valgrind >/dev/null || { echo "valgrind is missing: no instruction counts" >&2; exit 0; }
few=1000
many=3000

instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$2" 2>&1 | awk '/Collected/ {print $NF}'
}

echo "| decision | instructions |"
echo "|---|---|"
for case in fresh followed over; do
	echo "| $case | $((($(instructions "$case" $many) - $(instructions "$case" $few)) / (many - few))) |"
done
