#!/usr/bin/env bash
# Finds or builds kube-apiserver, kubectl and etcd, and prints the directory that holds them as the only line on standard output.
#
# KUBEBUILDER_ASSETS wins when it names a directory with all three. Otherwise they are built from the modules pinned in go/ and kept.
set -euo pipefail

kubernetes_version=v1.37.2
etcd_version=v3.7.0
binaries=(etcd kube-apiserver kubectl)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../go-programs.sh"

# A server built without these calls itself v0.0.0-master and misleads every client that reads its version.
linker_flags() {
	local version=k8s.io/component-base/version
	local minor=${kubernetes_version#v1.}
	echo "-X $version.gitVersion=$kubernetes_version -X $version.gitMajor=1 -X $version.gitMinor=${minor%%.*}"
}

build_all() {
	local flags remark="$kubernetes_version (several minutes the first time)"
	flags=$(linker_flags)
	build "$here/go" "$1/etcd" go.etcd.io/etcd/server/v3 "$flags" "$etcd_version"
	build "$here/go" "$1/kube-apiserver" k8s.io/kubernetes/cmd/kube-apiserver "$flags" "$remark"
	build "$here/go" "$1/kubectl" k8s.io/kubernetes/cmd/kubectl "$flags" "$kubernetes_version"
}

if [[ -n "${KUBEBUILDER_ASSETS:-}" ]]; then
	if has_all "$KUBEBUILDER_ASSETS" "${binaries[@]}"; then
		echo "$KUBEBUILDER_ASSETS"
		exit 0
	fi
	say "KUBEBUILDER_ASSETS ($KUBEBUILDER_ASSETS) lacks one of: ${binaries[*]}; using the ones built here instead"
fi

keep control-plane "$here/build.sh" "install it, or set KUBEBUILDER_ASSETS to a directory that has them" "${binaries[@]}"
echo "$kept"
