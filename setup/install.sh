#!/usr/bin/env bash
# Downloads the program of the release that this action belongs to, verifies it, and
# puts it on the PATH of the job.
#
# Only the commit of a release has the file "release": the URL of its files, then
# the checksum of each program. So pinning this action pins the program.
set -euo pipefail

# fail MESSAGE HINT
fail() { printf '::error::%s%%0Ahint: %s\n' "$1" "$2"; exit 1; }

release=$(dirname "${BASH_SOURCE[0]}")/release
[[ -f $release ]] || fail 'this commit is not a release, so it has no programs' 'use setup@vX.Y.Z, or the commit of that tag'
read -r url <"$release"
[[ $url =~ ^https://([^/]+)/([^/]+/[^/]+)/releases/download/(v[0-9]+\.[0-9]+\.[0-9]+)$ ]] || fail "invalid URL in $release" 'use the action as it was released'
host=${BASH_REMATCH[1]} repository=${BASH_REMATCH[2]} version=${BASH_REMATCH[3]}

suffix=
case $RUNNER_OS in
  Linux) system=linux ;;
  macOS) system=darwin ;;
  Windows) system=windows suffix=.exe ;;
  *) system= ;;
esac
case $RUNNER_ARCH in
  X64) arch=amd64 ;;
  ARM64) arch=arm64 ;;
  *) arch= ;;
esac
file=xc-group-sync_${version}_${system}_$arch$suffix
want=$(sed -n "s/^\([0-9a-f]\{64\}\)  $file\$/\1/p" "$release")
[[ $want ]] || fail "there is no program for $RUNNER_OS on $RUNNER_ARCH" 'use Linux, macOS or Windows on X64 or ARM64'

directory=$RUNNER_TEMP/xc-group-sync-$version
program=$directory/xc-group-sync$suffix
rm -rf "$directory"
mkdir "$directory"
curl --fail --silent --show-error --location --proto '=https' --retry 3 --max-time 300 --max-filesize 100000000 \
  --output "$program" "$url/$file" || fail "cannot download $url/$file" 'check that this runner can reach that host; if it needs a proxy, set HTTPS_PROXY'
if command -v sha256sum >/dev/null; then has=$(sha256sum <"$program"); else has=$(shasum -a 256 <"$program"); fi
[[ ${has%% *} == "$want" ]] || fail "$url/$file has the checksum ${has%% *}, not $want" 'do not use it, and report it as SECURITY.md says'

case $ATTESTATION in
  true)
    gh attestation --help >/dev/null 2>&1 ||
      fail 'cannot verify the attestation: gh is missing, or older than 2.49' 'install it, or set attestation: false to rely only on the checksum in the commit of this action'
    GH_HOST=$host gh attestation verify "$program" --repo "$repository" --signer-workflow "$repository/.github/workflows/release.yml" ||
      fail "the attestation of $file could not be verified" 'read the output of gh above; if it says that no attestation matches, do not use the program'
    ;;
  false) echo "The checksum matches. The attestation was not verified, because attestation is false." ;;
  *) fail "invalid attestation \"$ATTESTATION\": must be true or false" 'leave it out to verify' ;;
esac

chmod +x "$program"
[[ $("$program" version) == "xc-group-sync $version" ]] || fail "$file is not xc-group-sync $version" 'report it as SECURITY.md says'
echo "$directory" >>"$GITHUB_PATH"
{
  echo "version=$version"
  echo "path=$program"
} >>"$GITHUB_OUTPUT"
