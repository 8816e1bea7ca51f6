#!/usr/bin/env bash
# Builds the image without a container engine: deploy/image/build.sh OUTPUT [amd64] [arm64]
#
# OUTPUT becomes an OCI image layout with the architectures named, or this machine's. README.md beside this file says what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
exec </dev/null

say() {
	echo "$*" >&2
}

# Names the program that is missing and how to get it.
need() {
	command -v "$1" >/dev/null || {
		say "$1 is missing; install it with: $2"
		exit 1
	}
}

target_of() {
	case $1 in
	amd64) echo x86_64-unknown-linux-musl ;;
	arm64) echo aarch64-unknown-linux-musl ;;
	*)
		say "the architecture \"$1\" is not known: write amd64 or arm64"
		exit 2
		;;
	esac
}

this_machine() {
	case $(uname -m) in
	x86_64) echo amd64 ;;
	aarch64) echo arm64 ;;
	*) uname -m ;;
	esac
}

version() {
	awk -F '"' '/^version = / {print $2; exit}' Cargo.toml
}

output=${1:?write the directory to make: deploy/image/build.sh OUTPUT [amd64] [arm64]}
shift
(($# > 0)) || set -- "$(this_machine)"
[[ $output == /* ]] || output=$PWD/$output
built=${CARGO_TARGET_DIR:-target}
[[ $built == /* ]] || built=$PWD/$built
certificates=${CERTIFICATES:-/etc/ssl/certs/ca-certificates.crt}

need cargo-zigbuild "pip install cargo-zigbuild"
need cargo-auditable "cargo install --locked cargo-auditable"
need auditable2cdx "cargo install --locked auditable2cdx"
need go "your system's packages"
[[ -f $certificates ]] || {
	say "$certificates is missing: install ca-certificates, or set CERTIFICATES to a file of authorities to trust, PEM"
	exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
binaries=()
for architecture in "$@"; do
	target=$(target_of "$architecture")
	say "building passcode-operator for $target ..."
	cargo auditable zigbuild --locked --release --bin passcode-operator --target "$target" >&2
	binaries+=("$architecture=$built/$target/release/passcode-operator")
done

# What is in one of the binaries is in all of them.
auditable2cdx "${binaries[0]#*=}" >"$work/sbom.cdx.json"

layout=(--output "$output" --version "$(version)" --certificates "$certificates" --license "$PWD/LICENSE"
	--sbom "$work/sbom.cdx.json" --created "${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}")
(cd deploy/image/layout && GOWORK=off CGO_ENABLED=0 go run -mod=readonly -buildvcs=false . "${layout[@]}" "${binaries[@]}")
say "wrote $output; push it with:"
say "  (cd deploy/image/layout && go tool crane push --index $output REGISTRY/passcode-operator:$(version))"
