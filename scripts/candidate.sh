#!/usr/bin/env bash
# Checks that the checked-out candidate may be released, and prints version=vX.Y.Z.
#
#   candidate.sh vX.Y.Z-rc.N MAIN
set -euo pipefail
candidate=$1 main=$2

die() { echo "::error::$1" >&2; exit 1; }

number='(0|[1-9][0-9]*)'
[[ $candidate =~ ^(v$number\.$number\.$number)-rc\.[1-9][0-9]*$ ]] || die "invalid candidate $candidate: must be vX.Y.Z-rc.N"
version=${BASH_REMATCH[1]}
git merge-base --is-ancestor HEAD "$main" || die "$candidate is not on $main"
if git rev-parse --quiet --verify "refs/tags/$version" >/dev/null; then die "$version has been released already"; fi
grep -qx '  image: Dockerfile' action.yml || die "action.yml has no line image: Dockerfile to pin"
if [[ -e setup/release ]]; then die "setup/release belongs to releases only"; fi
"$(dirname "${BASH_SOURCE[0]}")/release-notes.sh" "$version" >/dev/null
echo "version=$version"
