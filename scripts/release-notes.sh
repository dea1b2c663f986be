#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version, which must be something.
#
#   release-notes.sh vX.Y.Z
set -euo pipefail
version=${1#v}

notes=$(awk -v heading="## [$version]" '
  /^## / || /^\[[^]]+\]: / { within = index($0, heading) == 1; next }
  within' CHANGELOG.md)
if [[ ! $notes =~ [^[:space:]] ]]; then
  echo "::error::CHANGELOG.md says nothing of $version: rename Unreleased to [$version] - $(date -u +%F)" >&2
  exit 1
fi
# Without the empty lines at both ends.
printf '%s\n' "$notes" | sed -e '/./,$!d'
