#!/usr/bin/env bash
# Prints a version's entry in CHANGELOG.md. An empty one is an error.
#
#   release-notes.sh vX.Y.Z
set -euo pipefail
version=${1#v}

notes=$(awk -v heading="## [$version]" '
  /^## / || /^\[[^]]+\]: / { within = index($0, heading) == 1; next }
  within' CHANGELOG.md)
if [[ ! $notes =~ [^[:space:]] ]]; then
  echo "::error::CHANGELOG.md has no entry for $version: insert \"## [$version] - $(date -u +%F)\" below Unreleased" >&2
  exit 1
fi
# Without empty lines at either end.
printf '%s\n' "$notes" | sed -e '/./,$!d'
