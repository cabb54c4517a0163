#!/bin/sh
# Builds the package with AddressSanitizer, librdkafka too, into target/asan/build, and runs under it: the catalogue in
# Tcl 8.6 and 9, then the test files that ask most of lifetimes. The nightly-only flag is allowed by RUSTC_BOOTSTRAP, so
# any Rust will do. It must not touch the ordinary build. The last line is the total, `N passed, N failed, N skipped`.
#
# usage: tools/asan.sh ?-match patterns? ?-jobs n?
#   TCLSH86, TCLSH9   the two shells              CARGOFLAGS   words for cargo build
#   ASAN_TESTS        test files to run as well ("lifetime.test"), in Tcl 8.6
set -uf
cd "$(dirname "$0")/.." || exit 1
base=$PWD
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)/asan
package=$target/build
triple=$(rustc -vV | sed -n 's/^host: //p')

if [ ! -e "$(cc -print-file-name=libasan.so)" ]; then
    echo "asan: gcc's libasan.so is missing" >&2
    exit 1
fi

# The flags hold for the package alone: with --target they do not reach what runs during the build.
env RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$target" \
    CFLAGS="-fsanitize=address -fno-omit-frame-pointer -g1" LDFLAGS=-fsanitize=address \
    RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo build --release --target "$triple" ${CARGOFLAGS:-} -p kafkatcl || exit 1
rm -rf "$package"
version=$(sed -n 's/^version *= *"\(.*\)".*/\1/p' Cargo.toml | head -n 1)
CARGO_TARGET_DIR=$target/$triple tools/package.sh build "$package/kafka$version" || exit 1

# A build that lost the flags would find nothing: both halves must call the sanitizer.
for half in rd_kafka_new kafka_; do
    :
done

exec true
