#!/usr/bin/env bash
# Builds the program for every system that is released. The same sources and the
# same Go make the same files, in any directory and from any commit: they contain
# no paths and no version control information.
#
#   build-binaries.sh vX.Y.Z DIRECTORY
set -euo pipefail
version=$1 directory=$2

mkdir -p "$directory"
for system in ${SYSTEMS:-linux darwin windows}; do
  for arch in ${ARCHES:-amd64 arm64}; do
    file=$directory/xc-group-sync_${version}_${system}_${arch}
    if [[ $system == windows ]]; then file+=.exe; fi
    CGO_ENABLED=0 GOOS=$system GOARCH=$arch go build -trimpath -buildvcs=false \
      -ldflags "-s -w -X xc-group-sync/internal/cli.version=$version" -o "$file" .
  done
done
