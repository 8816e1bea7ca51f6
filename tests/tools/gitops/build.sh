#!/usr/bin/env bash
# Finds or builds Flux's kustomize-controller and argo-health, which runs a health.lua as Argo CD does, and prints the directory that holds
# them, and Flux's definition of a Kustomization, as the only line on standard output.
set -euo pipefail

flux=github.com/fluxcd/kustomize-controller
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../go-programs.sh"

build_all() {
	local modules
	build "$here/go" "$1/argo-health" ./argo-health "" ""
	build "$here/go" "$1/kustomize-controller" "$flux" "" "(some minutes the first time)"
	modules=$(in_module "$here/go" list -m -f '{{.Dir}}' "$flux")
	install -m 644 "$modules/config/crd/bases/kustomize.toolkit.fluxcd.io_kustomizations.yaml" "$1/kustomizations.yaml"
}

keep gitops "$here/build.sh" "install it" argo-health kustomize-controller
echo "$kept"
