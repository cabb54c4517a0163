#!/bin/sh
# Runs the catalogue (tests/catalogue.tcl) in the Tcls that are named, and prints as its last line the sum of their totals,
# `N passed, N failed, N skipped`. It must not build anything.
#
# usage: tools/catalogue.sh ?8.6? ?9? -- ?words for tests/catalogue.tcl?
#   TCLSH86, TCLSH9   the two shells
set -uf
cd "$(dirname "$0")/.." || exit 1
logs=${CARGO_TARGET_DIR:-target}/test-logs
mkdir -p "$logs" || exit 1
TCLLIBPATH=$PWD/build
export TCLLIBPATH
shell86=${TCLSH86:-tclsh8.6}

versions=""
while [ "$#" -gt 0 ] && [ "$1" != -- ]; do
    versions="$versions $1"
    shift
done
[ "$#" = 0 ] || shift

passed=0 failed=0 skipped=0
for version in $versions; do
    case $version in
        8.6) shell=$shell86 ;;
        *) shell=$(tools/tcl9.sh) || { failed=$((failed + 1)); echo "Tcl 9: not tested"; continue; } ;;
    esac
    # In the foreground, so that an interrupt reaches all, and no signal is ignored by the cases.
    "$shell86" tests/catalogue.tcl -tclsh "$shell" "$@" </dev/null 2>&1 | tee "$logs/catalogue-$version.log"
    line=$(sed -n 's/^\([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped$/\1 \2 \3/p' "$logs/catalogue-$version.log" | tail -n 1)
    # A run that did not reach its end has no total.
    read -r good bad left <<END
${line:-0 1 0}
END
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
