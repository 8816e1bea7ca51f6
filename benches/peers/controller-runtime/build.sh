#!/usr/bin/env bash
# Builds the peer with Go's own cache, into the directory of its argument. Prints the program.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=$1
mkdir -p "$directory"
# Go takes seconds to see that nothing has changed.
(cd "$here" && go build -trimpath -o "$directory/peer-controller-runtime" . >&2)
echo "$directory/peer-controller-runtime"
