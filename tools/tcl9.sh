#!/bin/sh
# Prints the path of a Tcl 9 shell: $TCLSH9, or the machine's own tclsh9.0, or one that it fetches once from Debian 13
# into target/tcl9. The fetched one brings its own C library, finds its own scripts, and needs no environment, so
# [info nameofexecutable] can be run as a child, and a library built on this machine loads into it. With it comes the
# package Thread, for the tests with threads.
# It must not change the machine: no package is installed, apt works in folders of ours, and nothing outside
# target/ is written. Only the path goes to standard output; everything else to standard error.
set -u
cd "$(dirname "$0")/.." || exit 1

stop() {
    echo "tcl9: $*" >&2
    exit 1
}

# --- one that is there already ---------------------------------------------------------------------------------------

# True if $1 is a Tcl 9 that can run tests and start itself.
works() {
    "$1" >/dev/null 2>&1 <<'TCL'
package require Tcl 9.0-
package require tcltest
if {[exec [info nameofexecutable] << {puts [package require Tcl 9.0-]}] ne [package require Tcl]} {exit 1}
exit 0
TCL
}

if [ -n "${TCLSH9:-}" ]; then
    works "$TCLSH9" || stop "TCLSH9=$TCLSH9 is no Tcl 9 shell with tcltest."
    echo "$TCLSH9"
    exit
fi
installed=$(command -v tclsh9.0) && works "$installed" && { echo "$installed"; exit; }

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target" && target=$(cd "$target" && pwd -P) || exit 1
home=$target/tcl9
shell=$home/bin/tclsh9.0
[ -e "$home/lib/thread" ] && works "$shell" && { echo "$shell"; exit; }

# --- fetch it --------------------------------------------------------------------------------------------------------

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null ||
    stop "no Tcl 9 on this machine, and no apt to fetch one with. Install Tcl 9.0, or say TCLSH9=/path/to/tclsh9.0"
command -v patchelf >/dev/null || stop "patchelf is missing; tools/setup.sh installs it."
for keyring in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp ""; do
    [ ! -e "$keyring" ] || break
done
[ -n "$keyring" ] || stop "no Tcl 9 on this machine, and no Debian archive keyring to check a download with." \
    "Install Tcl 9.0, or say TCLSH9=/path/to/tclsh9.0"

# The folder is put together under another name and moved: one that was interrupted is never taken for a good one.
work=$home.new.$$
log=$target/tcl9.log
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
umask 022
mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial" "$work/deb" "$work/bin" "$work/lib/tcl9" || exit 1
: >"$work/apt/status"
: >"$log"

# The package mirrors of this machine, most likely first. A mirror's address may hold a password: it goes into the
# list that only we can read, never into a message.
mirrors() {
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ ! -r "$file" ] || sed -n 's/\[[^]]*\]//; s/^[[:space:]]*deb[[:space:]]\{1,\}//p' "$file" |
            awk '/ main( |$)/ {print $1}'
    done
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -r "$file" ] || awk '
            function finish(   n, i, word) {
                if (value["types"] ~ /deb( |$)/ && value["components"] ~ /(^| )main( |$)/ && value["enabled"] !~ /no/) {
                    n = split(value["uris"], word, " ")
                    for (i = 1; i <= n; i++) print word[i]
                }
                split("", value)
            }
            /^#/ {next}
            /^[[:space:]]*$/ {finish(); next}
            /^[A-Za-z-]+:/ {
                field = tolower(substr($0, 1, index($0, ":") - 1))
                value[field] = substr($0, index($0, ":") + 1)
                next
            }
            {value[field] = value[field] " " $0}
            END {finish()}' "$file"
    done
}

apt() {
    apt-get -q \
        -o Dir::Etc::sourcelist="$work/apt/debian.list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null -o APT::Default-Release= \
        -o Dir::State="$work/apt" -o Dir::State::lists="$work/apt/lists" -o Dir::State::status="$work/apt/status" \
        -o Dir::Cache="$work/apt" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 -o APT::Update::Error-Mode=any "$@" </dev/null >>"$log" 2>&1
}

# Fetches the packages into $work/deb from the first mirror that has Debian 13 signed by Debian.
download() {
    for mirror in $(mirrors | awk '/\/debian\/?$/ {print "0 " $0; next} {print "1 " $0}' | sort -u | cut -d' ' -f2); do
        (umask 077 && echo "deb [signed-by=$keyring target=Packages] $mirror trixie main" >"$work/apt/debian.list")
        if apt update && (cd "$work/deb" && apt download tcl9.0 libtcl9.0 tcl9.0-thread libtommath1 zlib1g libc6); then
            return
        fi
    done
    return 1
}

echo "tcl9: fetching Tcl 9.0 into $home" >&2
download || stop "Tcl 9.0 could not be downloaded from this machine's Debian mirrors; apt's words are in $log." \
    "Install Tcl 9.0, or say TCLSH9=/path/to/tclsh9.0"

# --- put it together -------------------------------------------------------------------------------------------------
# bin/tclsh9.0, lib/*.so*, lib/tcl9.0 (the scripts), lib/tcl9/9.0 (the modules) and lib/thread (the package): where Tcl
# looks by itself, seen from its shell.

for deb in "$work"/deb/*.deb; do
    dpkg-deb -x "$deb" "$work/root" || stop "cannot unpack $(basename "$deb")."
done
# Programs need a C library at least as new as their own and as every library they load: take the newer of the two.
own=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed 's/^[^ ]* //')
new=$(dpkg-deb -f "$work"/deb/libc6_*.deb Version | sed 's/[^0-9.].*//')
triplet=$(cd "$work/root/usr/lib" && echo *-linux-*)
if [ "$(printf '%s\n%s\n' "$own" "$new" | sort -V | tail -n 1)" != "$own" ]; then
    mv "$work/root/usr/lib/$triplet"/*.so* "$work/lib"
    loader=$(basename "$(echo "$work"/lib/ld*.so.*)")
else
    mv "$work/root/usr/lib/$triplet"/libtcl9*.so* "$work/root/usr/lib/$triplet"/libtommath.so* "$work/lib"
    loader=""
fi
mv "$work/root/usr/bin/tclsh9.0" "$work/bin"
mv "$work/root/usr/lib/tcl9.0" "$work/lib/tcl9.0"
mv "$work/root/usr/lib/tcltk/$triplet"/thread* "$work/lib/thread"
ln -s ../tcl9.0/tcl9 "$work/lib/tcl9/9.0"

# A forced rpath (DT_RPATH) holds for the libraries of libraries too; a plain one would not, and a library of this
# machine could then bring an old libresolv or libm into the new C library.
patchelf ${loader:+--set-interpreter "$home/lib/$loader"} --force-rpath \
    --set-rpath "$home/lib:/lib/$triplet:/usr/lib/$triplet" "$work/bin/tclsh9.0" || stop "patchelf failed."

rm -rf "$work/apt" "$work/deb" "$work/root" "$home"
mv "$work" "$home"
works "$shell" || stop "the fetched $shell does not run on this machine. Say TCLSH9=/path/to/tclsh9.0"
rm -f "$log"
echo "$shell"
