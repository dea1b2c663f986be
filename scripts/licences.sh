#!/bin/sh
# Prints the licenses of everything that is linked into the program, on every
# system that is released: Go's, each module's, and then the given files that
# exist. They must be distributed with the program.
#
#   licences.sh [FILE...] >LICENCES
set -eu

# show prints the license files of a directory under a title. A directory without
# a license is an error; notices and patents alone do not count.
show() {
  found=
  for file in "$2"/LICEN[CS]E* "$2"/COPYING* "$2"/COPYRIGHT* "$2"/NOTICE* "$2"/PATENTS*; do
    [ -f "$file" ] || continue
    case ${file##*/} in LICEN*|COPYING*) found=yes ;; esac
    printf '\n==== %s: %s\n\n' "$1" "${file##*/}"
    cat "$file"
  done
  [ -n "$found" ] || { echo "$1 has no license in $2" >&2; return 1; }
}

echo "xc-group-sync consists of its own code, licensed under LICENSE, and of the following."
show "Go $(go env GOVERSION)" "$(go env GOROOT)"
modules=$(for system in linux darwin windows; do
  GOOS=$system go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}' .
done)
printf '%s\n' "$modules" | sort -u | while read -r module version directory; do
  show "$module $version" "$directory"
done
for file in "$@"; do
  [ -f "$file" ] || continue
  printf '\n==== %s\n\n' "$file"
  cat "$file"
done
