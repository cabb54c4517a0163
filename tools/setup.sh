#!/bin/sh
# Checks that this machine can build and test KafkaTcl. `make` runs it first, every time, so it is quick when nothing
# is missing. Missing Debian packages are installed when that needs no password; otherwise it prints the one line to
# type and stops. It must not install Rust, must not build anything, and must not ask questions.
#
# usage: tools/setup.sh ?lint|valgrind?        lint: rustfmt and clippy are needed as well; valgrind: valgrind is
set -u
cd "$(dirname "$0")/.." || exit 1

stop() {
    echo "setup: $*" >&2
    exit 1
}

# --- Rust ------------------------------------------------------------------------------------------------------------

check_rust() {
    want=$(sed -n 's/^rust-version *= *"\(.*\)".*/\1/p' Cargo.toml)
    have=$(rustc --version 2>/dev/null | sed -n 's/^rustc \([0-9.]*\).*/\1/p')
    if [ -z "$have" ] || ! command -v cargo >/dev/null; then
        stop "KafkaTcl needs Rust $want or newer, and found none: install it with rustup (https://rustup.rs)."
    fi
    oldest=$(printf '%s\n%s\n' "$want" "$have" | sort -V | head -n 1)
    [ "$oldest" = "$want" ] ||
        stop "KafkaTcl needs Rust $want or newer, and found $have: update it with \`rustup update\` (https://rustup.rs)."
}

check_lint() {
    cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 ||
        stop "\`make check\` needs rustfmt and clippy: type \`rustup component add rustfmt clippy\`."
}

# --- tools and libraries ---------------------------------------------------------------------------------------------
# Asked by what is there, never by the name of the package: a library from elsewhere is as good.

missing=""          # what is not there, for people
packages=""         # the same, as Debian packages

lacks() {
    missing="$missing${missing:+, }$1"
    packages="$packages${packages:+ }$2"
}

need_command() {
    command -v "$1" >/dev/null || lacks "$1" "$2"
}

# A library is there if pkg-config knows it, or, away from Debian, if the compiler finds its header.
need_library() {
    pkg-config --exists "$1" 2>/dev/null && return
    if [ "$debian" = no ] && echo "#include <$2>" | cc -E - >/dev/null 2>&1; then
        return
    fi
    lacks "the headers of $1" "$3"
}

# A package that Tcl 8.6 finds.
has_package() {
    echo "exit [catch {package require $1}]" | tclsh8.6 >/dev/null 2>&1
}

check_machine() {
    missing="" packages=""
    need_command cc "gcc libc6-dev"
    need_command c++ g++                     # librdkafka's configure stops without it
    need_command make make
    need_command pkg-config pkg-config
    need_command tclsh8.6 tcl8.6
    [ "$more" != valgrind ] || need_command valgrind "valgrind libc6-dbg"
    if [ "$debian" = yes ]; then
        need_command "${TCLSH:-tclsh}" tcl
        [ -e /etc/ssl/certs/ca-certificates.crt ] || lacks "certificates" ca-certificates
        # No build needs Tcl's header: the test of the stub slots compares with it, and would be skipped without.
        [ -e /usr/include/tcl8.6/tclDecls.h ] || lacks "the headers of Tcl 8.6" tcl8.6-dev
        # The same for what the tests of threads, of forked children and of a clock that jumps need.
        has_package Thread || lacks "Tcl's package Thread" tcl-thread
        has_package Tclx || lacks "Tcl's package Tclx" tclx8.4
        [ -e "$(echo /usr/lib/*/faketime/libfaketimeMT.so.1)" ] || lacks libfaketime libfaketime
        # patchelf is for tools/tcl9.sh, which has nothing to do where Tcl 9 is installed.
        [ -n "${TCLSH9:-}" ] || command -v tclsh9.0 >/dev/null || need_command patchelf patchelf
    fi
    pkg-config --exists openssl libzstd libsasl2 zlib libcurl 2>/dev/null && return
    need_library openssl openssl/ssl.h libssl-dev
    need_library libzstd zstd.h libzstd-dev
    need_library zlib zlib.h zlib1g-dev
    need_library libcurl curl/curl.h libcurl4-openssl-dev
    if [ "$debian" = yes ]; then             # only Kerberos needs it: elsewhere nobody is stopped for it
        need_library libsasl2 sasl/sasl.h libsasl2-dev
    fi
}

install_packages() {
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        stop "missing: $missing. Type:  sudo apt-get install -y $packages"
    fi
    echo "setup: installing $packages" >&2
    # The lists of a fresh machine are empty, those of an old one name files that are gone: fetch them and try again.
    apt_install 2>/dev/null || { apt_get update && apt_install; } ||
        stop "apt-get failed. Type:  ${as_root:+sudo }apt-get update && ${as_root:+sudo }apt-get install -y $packages"
}

apt_install() {
    # Unquoted on purpose: a list of words.
    apt_get install -y --no-install-recommends $packages
}

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2 </dev/null
}

if command -v apt-get >/dev/null && [ -e /etc/debian_version ]; then debian=yes; else debian=no; fi

more=${1:-}

check_rust
[ "$more" != lint ] || check_lint
check_machine
if [ -n "$packages" ] && [ "$debian" = yes ]; then
    install_packages
    check_machine
fi
[ -z "$missing" ] || stop "missing: $missing. In Debian's words: $packages"
