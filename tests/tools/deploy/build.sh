#!/usr/bin/env bash
# Finds or builds helm, and prints its path as the only line on standard output. HELM wins when it is set.
set -euo pipefail

helm_version=v4.3.1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../../go-programs.sh"

build_all() {
	build "$here/go" "$1/helm" helm.sh/helm/v4/cmd/helm "-X helm.sh/helm/v4/internal/version.version=$helm_version" \
		"$helm_version (some minutes the first time)"
}

if [[ -n "${HELM:-}" ]]; then
	echo "$HELM"
	exit 0
fi

keep helm "$here/build.sh" "install it, or set HELM to the path of helm 4" helm
echo "$kept/helm"
