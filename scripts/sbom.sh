#!/usr/bin/env bash
# Prints the SBOM (SPDX 2.3) of a binary: the modules and the Go version that it
# was built from, as Go recorded them in it.
#
#   sbom.sh FILE VERSION [DATE]   DATE: RFC 3339 in UTC; the commit's by default
set -euo pipefail
file=$1 version=$2 date=${3:-$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)}

go version -m -json "$file" | jq \
  --arg name "${file##*/}" --arg version "$version" --arg date "$date" --arg sum "$(sha256sum "$file" | cut -d ' ' -f 1)" '
  def package($id; $name; $version; $purl): {
    SPDXID: $id, name: $name, versionInfo: $version, downloadLocation: "NOASSERTION", filesAnalyzed: false,
    externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: $purl}]
  };
  [.Deps[] | (.Replace // .)] as $modules
  | (.GoVersion | ltrimstr("go")) as $go
  | {
      spdxVersion: "SPDX-2.3", dataLicense: "CC0-1.0", SPDXID: "SPDXRef-DOCUMENT", name: $name,
      documentNamespace: "https://spdx.org/spdxdocs/\($name)-\($sum)",
      creationInfo: {created: $date, creators: ["Tool: go version -m"]},
      packages: ([
        package("SPDXRef-binary"; .Path; $version; "pkg:golang/\(.Path)@\($version)")
          + {packageFileName: $name, checksums: [{algorithm: "SHA256", checksumValue: $sum}]},
        package("SPDXRef-go"; "stdlib"; $go; "pkg:golang/stdlib@\($go)")
      ] + [range($modules | length) as $i | $modules[$i] | package("SPDXRef-module-\($i)"; .Path; .Version; "pkg:golang/\(.Path | ascii_downcase)@\(.Version)")]),
      relationships: ([{spdxElementId: "SPDXRef-DOCUMENT", relationshipType: "DESCRIBES", relatedSpdxElement: "SPDXRef-binary"}]
        + [("go", "module-\(range($modules | length))") | {spdxElementId: "SPDXRef-binary", relationshipType: "DEPENDS_ON", relatedSpdxElement: "SPDXRef-\(.)"}])
    }'
