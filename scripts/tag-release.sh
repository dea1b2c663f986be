#!/usr/bin/env bash
# Makes the release's commit of the candidate that is checked out, and pushes
# its tag. The commit differs from the candidate in one line: action.yml names
# the image by digest.
#
#   tag-release.sh vX.Y.Z ghcr.io/OWNER/NAME@sha256:…
set -euo pipefail
version=$1 image=$2

die() { echo "::error::$1" >&2; exit 1; }

[[ $image =~ ^ghcr\.io/[a-z0-9._/-]+@sha256:[0-9a-f]{64}$ ]] || die "$image is no image by digest"
# The candidate's date, so that a second attempt makes the same commit, whose
# push then is none.
date=$(git log -1 --format=%cI)
pinned=$(sed "s|^  image: Dockerfile\$|  image: docker://$image|" action.yml)
printf '%s\n' "$pinned" >action.yml
test "$(git diff --numstat)" = "$(printf '1\t1\taction.yml')" || die "more or less than one line of action.yml changed"
GIT_AUTHOR_DATE=$date GIT_COMMITTER_DATE=$date \
  git -c user.name='github-actions[bot]' -c user.email='41898282+github-actions[bot]@users.noreply.github.com' \
  commit --quiet -m "Release $version" action.yml
# A tag that is there and is of another commit is never moved: this fails.
git push --quiet origin "HEAD:refs/tags/$version"
