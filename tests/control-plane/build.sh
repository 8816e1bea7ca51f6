#!/usr/bin/env bash
# Finds or builds kube-apiserver, kubectl and etcd, and prints the directory that holds them as the only line on standard output.
#
# KUBEBUILDER_ASSETS wins when it names a directory with all three. Otherwise they are built from the modules pinned in go/ and kept in the
# user's cache, outside of any target directory, so that a `cargo clean` or a second checkout does not cost the minutes again.
set -euo pipefail

kubernetes_version=v1.37.2
etcd_version=v3.7.0
binaries=(etcd kube-apiserver kubectl)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

has_all() {
	local binary
	for binary in "${binaries[@]}"; do
		[[ -x "$1/$binary" ]] || return 1
	done
}

say() {
	echo "$*" >&2
}

# A server built without these calls itself v0.0.0-master and misleads every client that reads its version.
linker_flags() {
	local version=k8s.io/component-base/version
	local minor=${kubernetes_version#v1.}
	echo "-s -w -X $version.gitVersion=$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}"
}

build() {
	local directory=$1 binary=$2 package=$3 started=$SECONDS
	say "building $binary $4 ..."
	# The pinned files decide, whatever workspace or flags the caller's environment has; without cgo no C compiler is needed.
	(cd "$here/go" && GOWORK=off CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath \
		-ldflags "$(linker_flags)" -o "$directory/$binary" "$package")
	say "built $binary in $((SECONDS - started)) s"
}

build_all() {
	build "$1" etcd go.etcd.io/etcd/server/v3 "$etcd_version"
	build "$1" kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver "$kubernetes_version (several minutes the first time)"
	build "$1" kubectl k8s.io/kubernetes/cmd/kubectl "$kubernetes_version"
}

if [[ -n "${KUBEBUILDER_ASSETS:-}" ]]; then
	if has_all "$KUBEBUILDER_ASSETS"; then
		echo "$KUBEBUILDER_ASSETS"
		exit 0
	fi
	say "KUBEBUILDER_ASSETS ($KUBEBUILDER_ASSETS) lacks one of: ${binaries[*]}; using the ones built here instead"
fi

if ! command -v go >/dev/null; then
	say "Go is needed to build kube-apiserver, kubectl and etcd; install it, or set KUBEBUILDER_ASSETS to a directory that has them"
	exit 1
fi

key=$({
	cat "$here/go/go.mod" "$here/go/go.sum" "$here/build.sh"
	go version
} | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/passcode-operator/control-plane
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
