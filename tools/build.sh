#!/usr/bin/env bash
# Builds release functions as target/lambda/<function>/bootstrap.
# Arguments: arm64, x86_64 or nothing (this machine's); then the functions.
set -euo pipefail
cd "$(dirname "$0")/.."
arch=${1:-}
shift
if [ -z "$arch" ]; then
    case $(uname -m) in
    aarch64 | arm64) arch=arm64 ;;
    *) arch=x86_64 ;;
    esac
fi
case $arch in
arm64) triple=aarch64-unknown-linux-gnu flag=--arm64 ;;
x86_64) triple=x86_64-unknown-linux-gnu flag=--x86-64 ;;
*)
    echo "ARCH must be arm64 or x86_64, not '$arch'" >&2
    exit 2
    ;;
esac
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple/lib" ]; then
    printf '%s\n' "The Rust target $triple is not installed, so nothing can be built for $arch here." \
        "Where the toolchain comes from rustup: rustup target add $triple" >&2
    exit 1
fi

printf '\n==> building release functions for %s: %s (the first build takes some minutes)\n' "$arch" "$*"
# The first python3 on the path must be the one that has ziglang: zig links against the C library of provided.al2023,
# which may be older than this machine's.
export PATH="$PWD/.tools/lambda-venv/bin:$PATH"
cargo lambda build --release --locked "$flag" "${@/#/--package=}"
for function in "$@"; do
    printf '%s  %s\n' "target/lambda/$function/bootstrap" "$(du -h "target/lambda/$function/bootstrap" | cut -f1)"
done
