#!/usr/bin/env bash
# Builds the program for every system that a release is for. The same sources
# and the same Go make the same files, wherever and from whichever commit:
# hence no paths and no version control in them.
#
#   build-binaries.sh vX.Y.Z FOLDER
set -euo pipefail
version=$1 folder=$2

mkdir -p "$folder"
for system in ${SYSTEMS:-linux darwin windows}; do
  for arch in ${ARCHES:-amd64 arm64}; do
    file=$folder/xc-group-sync_${version}_${system}_${arch}
    if [[ $system == windows ]]; then file+=.exe; fi
    CGO_ENABLED=0 GOOS=$system GOARCH=$arch go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X xc-group-sync/internal/cli.version=$version" -o "$file" .
  done
done
