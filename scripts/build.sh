#!/bin/sh
#
# build.sh - the relay for every machine it is meant for, into dist/.
#
#     scripts/build.sh [GOOS/GOARCH[/GOARM] ...]
#
# The binaries are static and stripped. The same commit and the same Go give the same bytes, whoever builds: no paths,
# no time, and no settings of the builder's get in. So what somebody else built can be checked by building it again.

set -eu
cd "$(dirname "$0")/.."

limit=$((20 * 1024 * 1024))
version=${VERSION:-$(git describe --tags --always --dirty)}

# Whatever the builder's environment says about Go, the result shall not depend on it.
unset GOFLAGS GOEXPERIMENT GOAMD64 GOARM64 GOARM GOWORK 2>/dev/null || true
export CGO_ENABLED=0 GOENV=off GOWORK=off

[ $# -gt 0 ] || set -- linux/arm64 linux/arm/6 linux/arm/7 linux/amd64 darwin/arm64

# build OS/ARCH[/ARM]
# makes one binary and prints its size; it fails if that is too large for what is promised.
build() {
    os=${1%%/*} rest=${1#*/}
    arch=${rest%%/*} arm=${rest#"${rest%%/*}"}
    arm=${arm#/}
    file=dist/restante-$os-$arch${arm:+v$arm}
    GOOS=$os GOARCH=$arch GOARM=$arm go build -trimpath -buildvcs=false \
        -ldflags "-s -w -buildid= -X main.version=$version" -o "$file" .
    size=$(($(wc -c <"$file")))
    printf '%-30s %6d KiB\n' "$file" $((size / 1024))
    [ "$size" -le "$limit" ] || { echo "build.sh: $file is over $((limit / 1024 / 1024)) MiB" >&2; exit 1; }
}

# sums prints the SHA-256 of files, with whatever this system has for it.
sums() {
    if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

mkdir -p dist
rm -f dist/restante-* dist/SHA256SUMS
echo "restante $version, $(go version)"
for target in "$@"; do
    build "$target"
done
cd dist
sums restante-* >SHA256SUMS
