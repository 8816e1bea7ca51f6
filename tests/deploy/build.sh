#!/usr/bin/env bash
# Finds or builds helm, and prints its path as the only line on standard output.
#
# HELM wins when it is set. Otherwise it is built from the module pinned in go/ and kept in the user's cache, outside of any target directory,
# as the control plane's programs are.
set -euo pipefail

helm_version=v4.3.1

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

say() {
	echo "$*" >&2
}

build() {
	local started=$SECONDS
	say "building helm $helm_version (some minutes the first time) ..."
	# The pinned files decide, whatever workspace or flags the caller's environment has.
	(cd "$here/go" && GOWORK=off CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath \
		-ldflags "-s -w -X helm.sh/helm/v4/internal/version.version=$helm_version" -o "$1" helm.sh/helm/v4/cmd/helm)
	say "built helm in $((SECONDS - started)) s"
}

if [[ -n "${HELM:-}" ]]; then
	echo "$HELM"
	exit 0
fi

if ! command -v go >/dev/null; then
	say "Go is needed to build helm; install it, or set HELM to the path of helm 4"
	exit 1
fi

key=$({
	cat "$here/go/go.mod" "$here/go/go.sum" "$here/build.sh"
	go version
} | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/passcode-operator/helm
finished=$cache/$key

if [[ ! -x "$finished/helm" ]]; then
	mkdir -p "$cache"
	exec 9>"$cache/$key.lock"
	flock 9
	# Another run may have built it while this one waited for the lock.
	if [[ ! -x "$finished/helm" ]]; then
		unfinished=$cache/$key.unfinished
		rm -rf "$unfinished" "$finished"
		mkdir "$unfinished"
		build "$unfinished/helm"
		# Renaming last means that a directory with the final name is always complete.
		mv "$unfinished" "$finished"
	fi
fi
echo "$finished/helm"
