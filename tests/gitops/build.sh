#!/usr/bin/env bash
# Finds or builds Flux's kustomize-controller and argo-health, which runs a health.lua as Argo CD does, and prints the directory that holds
# them, and Flux's definition of a Kustomization, as the only line on standard output.
#
# They are built from the modules pinned in go/ and kept in the user's cache, as the control plane's programs are.
set -euo pipefail

flux=github.com/fluxcd/kustomize-controller
binaries=(argo-health kustomize-controller)
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() {
	echo "$*" >&2
}

has_all() {
	local binary
	for binary in "${binaries[@]}"; do
		[[ -x "$1/$binary" ]] || return 1
	done
}

# The pinned files decide, whatever workspace or flags the caller's environment has; without cgo no C compiler is needed.
in_module() {
	(cd "$here/go" && GOFLAGS=-mod=readonly GOWORK=off CGO_ENABLED=0 go "$@")
}

build() {
	local directory=$1 binary=$2 package=$3 started=$SECONDS
	say "building $binary ..."
	in_module build -buildvcs=false -trimpath -ldflags "-s -w" -o "$directory/$binary" "$package"
	say "built $binary in $((SECONDS - started)) s"
}

build_all() {
	build "$1" argo-health ./argo-health
	build "$1" kustomize-controller "$flux"
	install -m 644 "$(in_module list -m -f '{{.Dir}}' "$flux")/config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml" \
		"$1/kustomizations.yaml"
}

if ! command -v go >/dev/null; then
	say "Go is needed to build kustomize-controller; install it"
	exit 1
fi

key=$({
	cat "$here"/go/go.mod "$here"/go/go.sum "$here"/go/argo-health/*.go "$here/build.sh"
	go version
} | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/passcode-operator/gitops
finished=$cache/$key

if ! has_all "$finished"; then
	mkdir -p "$cache"
	exec 9>"$cache/$key.lock"
	flock 9
	# Another run may have built them while this one waited for the lock.
	if ! has_all "$finished"; then
		unfinished=$cache/$key.unfinished
		rm -rf "$unfinished" "$finished"
		mkdir "$unfinished"
		build_all "$unfinished"
		# Renaming last means that a directory with the final name is always complete.
		mv "$unfinished" "$finished"
	fi
fi
echo "$finished"
