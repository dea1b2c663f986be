#!/usr/bin/env bash
# Moves the major tag (v1) to the checked-out release, unless that major has a
# newer one: a fix for an old release must not downgrade users.
#
#   move-major.sh vX.Y.Z
set -euo pipefail
version=$1 major=${1%%.*}

newest=$(git ls-remote --refs origin "refs/tags/$major.*" | sed 's|.*refs/tags/||' | grep -xE "$major\.[0-9]+\.[0-9]+" | sort -V | tail -n 1)
if [[ $newest != "$version" ]]; then
  echo "not moving $major: $newest is newer than $version"
  exit 0
fi
test "$(git ls-remote --refs origin "refs/tags/$version" | cut -f 1)" = "$(git rev-parse HEAD)" || { echo "::error::$version is not the checked-out commit" >&2; exit 1; }
git push --quiet --force origin "HEAD:refs/tags/$major"
