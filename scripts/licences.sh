#!/bin/sh
# Prints the licences of all that is linked into the program, for every system
# that a release is for: of Go and of each module, and then the files given,
# where there are any. They must travel along with the program.
#
#   licences.sh [FILE...] >LICENCES
set -eu

# show prints the licence files of a folder under a title; no licence is an
# error, notices and patents alone are none.
show() {
  found=
  for file in "$2"/LICEN[CS]E* "$2"/COPYING* "$2"/COPYRIGHT* "$2"/NOTICE* "$2"/PATENTS*; do
    [ -f "$file" ] || continue
    case ${file##*/} in LICEN*|COPYING*) found=yes ;; esac
    printf '\n==== %s: %s\n\n' "$1" "${file##*/}"
    cat "$file"
  done
  [ -n "$found" ] || { echo "$1 has no licence in $2" >&2; return 1; }
}

echo "xc-group-sync is made of its own code, whose licence stands in LICENSE, and of the following."
show "Go $(go env GOVERSION)" "$(go env GOROOT)"
modules=$(for system in linux darwin windows; do
  GOOS=$system go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' .
done)
printf '%s\n' "$modules" | sort -u | while read -r module version folder; do
  show "$module $version" "$folder"
done
for file in "$@"; do
  [ -f "$file" ] || continue
  printf '\n==== %s\n\n' "$file"
  cat "$file"
done
