#!/usr/bin/env bash
# Makes the release's commit from the checked-out candidate, and pushes its tag.
# The commit differs from the candidate in what is known only now: action.yml names
# the image by digest, and setup/release each program by its checksum.
#
#   tag-release.sh vX.Y.Z ghcr.io/OWNER/NAME@sha256:… https://github.com/OWNER/NAME CHECKSUMS
set -euo pipefail
version=$1 image=$2 repository=$3 checksums=$4

die() { echo "::error::$1" >&2; exit 1; }

[[ $image =~ ^ghcr\.io/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$ ]] || die "invalid image $image: must be ghcr.io/NAME@sha256:…"
# With the candidate's date, a second attempt makes the same commit, and pushing
# it again does nothing.
date=$(git log -1 --format=%cI)
pinned=$(sed "s|^  image: Dockerfile\$|  image: docker://$image|" action.yml)
printf '%s\n' "$pinned" >action.yml
{
  echo "$repository/releases/download/$version"
  grep -E "^[0-9a-f]{64}  xc-group-sync_${version}_((linux|darwin)_(amd64|arm64)|windows_(amd64|arm64)\.exe)\$" "$checksums"
} >setup/release
git add action.yml setup/release
test "$(git diff --cached --numstat)" = "$(printf '1\t1\taction.yml\n7\t0\tsetup/release')" || die "expected one changed line in action.yml, and setup/release with six programs"
GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date \
  git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit --quiet -m "Release $version"
# This fails if the tag exists on another commit: a tag is never moved.
git push --quiet origin "HEAD:refs/tags/$version"
