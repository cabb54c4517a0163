#!/bin/sh
# Runs the tests, one part after the other, all of them even if one fails, and prints as its very last line the total
# of the Tcl suites: `N passed, N failed, N skipped`. A part that ends badly without a failed test of its own (Rust
# tests, a crash, no Tcl 9, no end in time) counts as one more that failed, so `0 failed` always means success.
# It must not build the package (`make` did), and it leaves no process behind.
#
# usage: tools/test.sh ?rust? ?8.6? ?9?
#   TESTFLAGS      words for tests/all.tcl         TCLSH86, TCLSH9   the two shells
#   TESTJOBS       files at a time, 4
#   CARGOFLAGS     words for cargo test            TEST_SECONDS      how long one part may take, 3600
#   PACKAGES       the folder with the package     build
set -uf
cd "$(dirname "$0")/.." || exit 1
logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs" || exit 1
TCLLIBPATH=$(cd "${PACKAGES:-build}" && pwd) || exit 1
export TCLLIBPATH

passed=0 failed=0 skipped=0
group=""

# Ends what the running part started. `timeout` leads a process group of its own, which its children inherit.
sweep() {
    [ -z "$group" ] || kill -s "${1:-TERM}" -- "-$group" 2>/dev/null
}
trap 'sweep KILL' EXIT
trap 'trap "" HUP INT TERM; sweep TERM; sleep 1; exit 130' HUP INT TERM

# run LOG WORD...: runs a command for a bounded time, shows what it prints while it does, and keeps that in LOG.
# The command writes to a file, not into a pipe of ours: a stray child that keeps its output open cannot hold us up.
run() {
    log=$logs/$1.log
    shift
    : >"$log"
    if command -v timeout >/dev/null && tail --version >/dev/null 2>&1; then
        timeout -k 10 "${TEST_SECONDS:-3600}" "$@" </dev/null >"$log" 2>&1 &
        group=$!
        tail -n +1 -s 0.1 -f --pid="$group" "$log"
        wait "$group"
        status=$?
        sweep TERM && echo "note: a process was still running after the tests, and was ended"
        group=""
        [ "$status" != 124 ] || echo "stopped: no end after ${TEST_SECONDS:-3600} seconds"
    else
        "$@" </dev/null >"$log" 2>&1
        status=$?
        cat "$log"
    fi
    return "$status"
}

# suite NAME SHELL: the tcltest suite, added to the total.
suite() {
    echo "== Tcl $1"
    # They wait most of the time: four at a time are done in a third of it.
    run "tcl-$1" "$2" tests/all.tcl -jobs "${TESTJOBS:-4}" ${TESTFLAGS:-}
    status=$?
    line=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$log" | tail -n 1)
    bad=0
    if [ -n "$line" ]; then
        # Unquoted on purpose: three words.
        set -- "$1" $line
        passed=$((passed + $2)) bad=$3 skipped=$((skipped + $4))
    fi
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ -z "$line" ]; }; then
        echo "Tcl $1: the suite ended with status $status${line:-, without its total}"
        bad=1
    fi
    failed=$((failed + bad))
}

for part in "$@"; do
    case $part in
        rust)
            echo "== Rust"
            # Unquoted on purpose: a list of words.
            run rust cargo test --release ${CARGOFLAGS:-} -p tclstubs -p rdk || {
                echo "Rust: the tests failed"
                failed=$((failed + 1))
            }
            ;;
        8.6) suite 8.6 "${TCLSH86:-tclsh8.6}" ;;
        9)
            if shell=$(tools/tcl9.sh); then
                suite 9 "$shell"
            else
                echo "Tcl 9: not tested"
                failed=$((failed + 1))
            fi
            ;;
        *) echo "usage: tools/test.sh ?rust? ?8.6? ?9?" >&2; exit 2 ;;
    esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
