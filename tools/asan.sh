#!/bin/sh
# Builds the package with AddressSanitizer, librdkafka too, apart from the ordinary build, and runs under it, leaks
# included: the catalogue in Tcl 8.6 and 9, the test files that ask most of lifetimes, hostile calls. Any Rust will do: the
# flag that is for nightly ones is allowed by RUSTC_BOOTSTRAP. It must not touch the ordinary build.
# The last line is the total, `N passed, N failed, N skipped`.
#
# usage: tools/asan.sh ?build? ?words for tests/catalogue.tcl?      build: builds, and runs nothing
#   TCLSH86, TCLSH9   the two shells              CARGOFLAGS   words for cargo build
#   ASAN_FILES        test files of tests/ to run as well in Tcl 8.6; "lifetime.test"
#   ASAN_CALLS        how many hostile calls, 500
set -uf
cd "$(dirname "$0")/.." || exit 1
mkdir -p "${CARGO_TARGET_DIR:-target}/asan" && target=$(cd "${CARGO_TARGET_DIR:-target}/asan" && pwd -P) || exit 1
package=$target/build
triple=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n 's/^version *= *"\(.*\)".*/\1/p' Cargo.toml | head -n 1)

stop() {
    echo "asan: $*" >&2
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
}

# --- build -----------------------------------------------------------------------------------------------------------

library=$(cc -print-file-name=libasan.so)
[ -e "$library" ] || stop "the compiler has no libasan.so."

# The sanitizer knows the threads that pthread_create makes, and not those of C11's thrd_create: it would not look into the
# stacks of librdkafka's threads, and take for a leak what only they hold. Without this header librdkafka's configure script
# chooses its own functions of that name, on top of pthread_create.
mkdir -p "$target/pthreads" && echo '#error "no C11 threads"' >"$target/pthreads/threads.h" || stop "no folder for a header."

# With --target the flags do not reach what runs during the build.
env RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$target" \
    CFLAGS="-fsanitize=address -fno-omit-frame-pointer -g1 -I$target/pthreads" LDFLAGS=-fsanitize=address \
    RUSTFLAGS="-Zsanitizer=address -Cforce-frame-pointers=yes" \
    cargo build --release --target "$triple" ${CARGOFLAGS:-} -p kafkatcl || stop "the build failed."
rm -rf "$package"
CARGO_TARGET_DIR=$target/$triple tools/package.sh build "$package/kafka$version" || stop "no package."

# A build that lost a flag would find nothing: each part must call the sanitizer.
set +f
for part in "$target/$triple"/release/build/rdkafka-sys-*/out/src/librdkafka.a "$target/$triple"/release/deps/librdk-*.rlib \
    "$target/$triple"/release/deps/libtclstubs-*.rlib; do
    nm "$part" 2>/dev/null | grep -q 'U __asan_report_load' || stop "$part does not call the sanitizer."
done
set -f
# What an earlier version of this script has built is not built anew for other flags.
find "$target/$triple/release/build" -name librdkafka.a -exec nm {} + 2>/dev/null | grep -q 'T thrd_create' ||
    stop "librdkafka has threads of C11: remove $target and begin again."
[ "${1:-}" != build ] || exit 0

# --- run -------------------------------------------------------------------------------------------------------------

passed=0 failed=0 skipped=0
logs=$target/logs
mkdir -p "$logs"

# run NAME WORD...: runs a command, shows its output, adds the total that is its last line.
run() {
    name=$1
    shift
    # In the foreground, so that an interrupt reaches all, and no signal is ignored by the tests.
    "$@" </dev/null 2>&1 | tee "$logs/$name"
    # Unquoted on purpose: three words.
    set -- $(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$logs/$name" | tail -n 1)
    [ "$#" = 3 ] || set -- 0 1 0             # it did not reach its end
    passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

run catalogue tools/catalogue.sh 8.6 9 -- -asan "$package" "$@"

# What the tests print of themselves, and a failure for each report. The processes that tests start inherit the sanitizer.
under() {
    name=$1
    shift
    for try in 1 2; do
        find "$logs" -name "report.*" -exec rm -f {} +
        (
            passed=0 failed=0 skipped=0
            run "$name" env TCLLIBPATH="$package" LD_PRELOAD="$library" KAFKATCL_TEST_SECONDS=1200 \
                ASAN_OPTIONS="log_path=$logs/report:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1" \
                "${TCLSH86:-tclsh8.6}" "$@"
            echo "$passed $failed $skipped" >"$logs/$name.total"
        )
        read -r good bad left <"$logs/$name.total"
        doubt=0
        set +f
        for report in "$logs"/report.*; do
            [ -s "$report" ] || continue
            cat "$report"
            bad=$((bad + 1))
            # A process that ends while a thread begins: the leak detector says itself that it could not look there.
            if grep -q 'False leaks are possible' "$report" && ! grep -q 'ERROR: AddressSanitizer' "$report"; then
                doubt=$((doubt + 1))
            fi
        done
        set -f
        [ "$bad" != 0 ] && [ "$bad" = "$doubt" ] && [ "$try" = 1 ] || break
        echo "asan: $name once more, because the detector could not stop a thread"
    done
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
}
for file in ${ASAN_FILES-lifetime.test}; do
    under "$file" tests/all.tcl -file "$file"
done
[ "${ASAN_CALLS:-500}" = 0 ] || under hostile tests/hostile.tcl -calls "${ASAN_CALLS:-500}" -hang 120

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
