#!/usr/bin/env bash
# Builds the program twice, as a release does, and fails unless the files are the
# same: in two directories, the second time with an empty build cache, another
# time zone and another language.
#
#   reproducible.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# build NAME DIRECTORY copies the sources to DIRECTORY and builds into NAME.
build() {
  mkdir -p "$2"
  cp -R go.mod go.sum main.go internal scripts "$2"
  (cd "$2" && scripts/build-binaries.sh v0.0.0 "$work/$1")
}

# One system is enough here. Verifying a release compares its own.
export SYSTEMS=${SYSTEMS:-linux} ARCHES=${ARCHES:-amd64}
build first "$work/a"
TZ=Asia/Kathmandu LC_ALL=C GOCACHE=$work/cache build second "$work/another/directory/with a blank"

for file in "$work"/first/*; do
  name=${file##*/}
  cmp "$file" "$work/second/$name" || { echo "$name is not reproducible: two builds of the same sources differ" >&2; exit 1; }
done
(cd "$work/first" && sha256sum -- *)
