#!/usr/bin/env bash
# `make demo`: builds what the demonstration consists of, Go and Rust side by side, and runs it. Arguments go to the demonstration.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

started=$SECONDS
echo "Building the operator, the simulator and (once per machine) kube-apiserver, etcd and kubectl. The first time that takes minutes."
# A process group of its own, so that all of the build can be ended with this script.
set -m
tests/support/control-plane/build.sh >/dev/null &
control_plane=$!
set +m
trap 'kill -- -"$control_plane" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM

# Two programs and what they need, with the features of the whole workspace: `make test` then builds none of it again.
cargo build --locked --workspace --bin demo --bin passcode-operator
if kill -0 "$control_plane" 2>/dev/null; then
	echo "Rust is built after $((SECONDS - started)) s; waiting for Go"
fi
wait "$control_plane"
trap - EXIT INT TERM
echo "Everything is built after $((SECONDS - started)) s"

# Everything runs on this machine, and Kubernetes clients take a proxy for loopback addresses too.
exec env -u HTTPS_PROXY -u https_proxy "${CARGO_TARGET_DIR:-target}/debug/demo" "$@"
