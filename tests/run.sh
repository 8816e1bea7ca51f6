#!/usr/bin/env bash
# `make test`: formatting, lints, generated files, and every test of the workspace. The last line is "N passed, N failed": tests, and one
# failure for each of the other checks that does not hold.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null

work=$(mktemp -d)
passed=0
failed=0

step() {
	printf '\n== %s\n' "$*"
}

# Runs a check; one that does not hold is a failure, and the others run all the same.
check() {
	local name=$1
	shift
	step "$name: $*"
	"$@" || fail "$name"
}

fail() {
	echo "FAILED: $1"
	failed=$((failed + 1))
}

# What Go builds takes minutes the first time, so that begins before anything else and goes on beside cargo. Its own process group lets it be
# ended with this script.
go_tools=(support/control-plane tools/deploy tools/gitops)
declare -A go_builds=()

begin_go_tools() {
	local tool
	set -m
	for tool in "${go_tools[@]}"; do
		"tests/$tool/build.sh" >"$work/${tool##*/}.log" 2>&1 &
		go_builds[$tool]=$!
	done
	set +m
}

await_go_tools() {
	local tool
	for tool in "${go_tools[@]}"; do
		step "$tool: waiting for tests/$tool/build.sh"
		if ! wait "${go_builds[$tool]}"; then
			cat "$work/${tool##*/}.log"
			fail "$tool"
		fi
	done
}

clean_up() {
	local tool
	for tool in "${!go_builds[@]}"; do
		kill -- -"${go_builds[$tool]}" 2>/dev/null || true
	done
	rm -rf "$work"
}

crds_are_current() {
	mkdir "$work/crds"
	# The program that the tests use: cargo run would build it and most of its dependencies once more, with other features.
	"${CARGO_TARGET_DIR:-target}/debug/passcode-operator" crds --output "$work/crds"
	diff -r crds "$work/crds" || {
		echo "crds/ is not what core/src/api/ says; make crds writes it"
		return 1
	}
}

# Adds up what the test programs say at their ends. A program that crashed, or did not compile, says nothing: then cargo's word counts.
run_tests() {
	local log=$work/tests.log told_failed
	step "tests: cargo test"
	local status=0
	# Many tests mostly wait, for seconds that pass on a real control plane. Clients of loopback addresses would go to a proxy too.
	env -u HTTPS_PROXY -u https_proxy RUST_TEST_THREADS=$((2 * $(nproc))) cargo test --workspace --locked --no-fail-fast 2>&1 | tee "$log" || status=$?
	passed=$(sum passed "$log")
	told_failed=$(sum failed "$log")
	failed=$((failed + told_failed))
	if ((status != 0 && told_failed == 0)); then
		fail "cargo test"
	elif ((passed + told_failed == 0)); then
		fail "cargo test ran no test"
	fi
}

sum() {
	awk -v word="$1" '/^test result: / {for (i = 2; i <= NF; i++) if ($i == word ";") total += $(i - 1)} END {print total + 0}' "$2"
}

trap clean_up EXIT
trap 'exit 130' INT TERM
begin_go_tools
check "formatting" cargo fmt --all --check
check "lints" cargo clippy --workspace --all-targets --locked -- -D warnings
step "tests: compiling"
cargo test --workspace --locked --no-run || true # run_tests says so again, and counts it
check "generated files" crds_are_current
await_go_tools
run_tests
step "result"
echo "$passed passed, $failed failed"
((failed == 0))
