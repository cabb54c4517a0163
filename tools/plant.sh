#!/bin/sh
# Builds the library once more with planted faults (the cargo feature `plant`) and runs the tests that need them, in both
# Tcls; the last line is the total. The package goes to target/plant; the normal build and its library stay as they are,
# and librdkafka is not compiled again. It must not touch build/.
set -eu
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}

# Both builds leave their library under the same name: cargo puts the normal one back at once, whatever happens.
# Unquoted on purpose: a list of words.
restore() {
    cargo build --release --quiet ${CARGOFLAGS:-} -p kafkatcl
}
trap restore EXIT
trap 'exit 130' HUP INT TERM
cargo build --release ${CARGOFLAGS:-} -p kafkatcl --features plant
tools/package.sh build "$target/plant/kafka"
trap - EXIT
restore

PACKAGES=$target/plant TESTFLAGS="-testdir $PWD/tests/plant ${TESTFLAGS:-}" exec tools/test.sh 8.6 9
