#!/usr/bin/env bash
# Moves the major tag (v1) to the release that is checked out, unless a newer
# one of that major is out: a fix of an old release does not take users back.
#
#   move-major.sh vX.Y.Z
set -euo pipefail
version=$1 major=${1%%.*}

newest=$(git ls-remote --refs origin "refs/tags/$major.*" | sed 's|.*refs/tags/||' | grep -xE "$major\.[0-9]+\.[0-9]+" | sort -V | tail -n 1)
if [[ $newest != "$version" ]]; then
  echo "$major stays where it is: $newest is newer than $version"
  exit 0
fi
test "$(git ls-remote --refs origin "refs/tags/$version" | cut -f 1)" = "$(git rev-parse HEAD)" || { echo "::error::$version is not what is checked out" >&2; exit 1; }
git push --quiet --force origin "HEAD:refs/tags/$major"
