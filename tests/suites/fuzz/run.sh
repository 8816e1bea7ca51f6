#!/usr/bin/env bash
# `make fuzz`: libFuzzer on every target of tests/suites/fuzz, or on those named as arguments, for T seconds each (default 60). Nothing but stable
# Rust and a C++ compiler is needed. One line of result for each target; what makes one fail is kept, and its place is said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
exec </dev/null

seconds=${T:-60}
host=$(rustc -vV | sed -n 's/^host: //p')
# Outside of the workspace's own target/debug: everything is built once more, with counters.
work=$(cd ../../.. && mkdir -p "${CARGO_TARGET_DIR:-target}/fuzz" && cd "${CARGO_TARGET_DIR:-target}/fuzz" && pwd)

build() {
	local flags=(
		-Cpasses=sancov-module
		-Cllvm-args=-sanitizer-coverage-level=4
		-Cllvm-args=-sanitizer-coverage-inline-8bit-counters
		-Cllvm-args=-sanitizer-coverage-pc-table
		-Cllvm-args=-sanitizer-coverage-trace-compares
		-Ccodegen-units=1
	)
	# The versions are those of the workspace. A second file of them would fall behind.
	if [[ ../../../Cargo.lock -nt libfuzzer/Cargo.lock ]]; then
		cp ../../../Cargo.lock libfuzzer/Cargo.lock
	fi
	# With --target the flags are not for build scripts and macros, which have nothing to link them with.
	RUSTFLAGS="${flags[*]}" CARGO_TARGET_DIR=$work cargo build --manifest-path libfuzzer/Cargo.toml --target "$host"
}

# One target: what it did in a line, and what made it fail.
fuzz() {
	local target=$1 found=$work/found/$1 grown=$work/corpus/$1 log=$work/$1.log status=0
	mkdir -p "$found" "$grown"
	local options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=8192 -print_final_stats=1 -artifact_prefix="$found/")
	# The seeds come second: only the first directory is written to.
	TARGET=$target "$work/$host/debug/fuzz-libfuzzer" "${options[@]}" -dict="dictionaries/$(dictionary "$target")" "$grown" "corpus/$target" \
		>"$log" 2>&1 || status=$?
	local last
	last=$(grep -aE '^#[0-9]+.* cov: [0-9]+' "$log" | tail -n 1)
	printf '%-12s %9s executions in %4s s, %5s edges, %6s features, %5s inputs kept, %s\n' "$target" \
		"$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" "$seconds" "$(word cov "$last")" "$(word ft "$last")" \
		"$(word corp "$last")" "$( ((status == 0)) && echo "no failure" || echo "FAILED: $log, $found")"
	return "$status"
}

dictionary() {
	[[ $1 == resources ]] && echo resources.dict || echo graph.dict
}

# The number behind this word in a line of libFuzzer's.
word() {
	sed -n "s/.* $1: \([0-9]*\).*/\1/p" <<<"$2"
}

build
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(ls corpus)
failed=0
for target in "${targets[@]}"; do
	fuzz "$target" || failed=1
done
((failed == 0)) || echo "An input that fails belongs into tests/suites/fuzz/corpus/TARGET, under a name that says what it is: then make test knows it, too."
exit "$failed"
