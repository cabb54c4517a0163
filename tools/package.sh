#!/bin/sh
# Puts the package together in a folder: the shared library that cargo built, the Tcl files, the index. `make` does it
# in build/, `make install` copies from there. It must not build anything, and writes only into the folder it is given.
#
# usage: tools/package.sh build FOLDER      the files of this source tree into FOLDER
#        tools/package.sh install FOLDER    the files of FOLDER to where the interpreter $TCLSH finds them, or to
#                                           $pkglibdir, or into $LIBDIR, or under $PREFIX; $DESTDIR goes before all
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version *= *"\(.*\)".*/\1/p' Cargo.toml | head -n 1)

case $(uname -s) in
    Darwin) suffix=.dylib ;;
    *) suffix=.so ;;
esac

# Copies a file if it differs, under another name first: a process that has the old library loaded keeps it whole.
put() {
    cmp -s "$1" "$2" && return
    cp "$1" "$2.new.$$"
    chmod "$3" "$2.new.$$"
    mv "$2.new.$$" "$2"
}

build() {
    mkdir -p "$1"
    index=$1/index.$$
    sed "s/@VERSION@/$version/g" library/pkgIndex.tcl.in >"$index"
    put "$index" "$1/pkgIndex.tcl" 644
    rm "$index"
    for file in library/*.tcl; do
        put "$file" "$1/${file##*/}" 644
    done
    put "${CARGO_TARGET_DIR:-target}/release/libkafkatcl$suffix" "$1/libkafka$version$suffix" 755
}

# The interpreter's own package path: its first folder under $PREFIX/lib*, or else its first folder that can be written.
# With $DESTDIR the files are only staged, so every folder will do.
package_path() {
    "${TCLSH:-tclsh}" <<'TCL'
proc setting {name} {
    expr {[info exists ::env($name)] ? $::env($name) : ""}
}
proc writable {dir} {
    while {![file exists $dir]} {set dir [file dirname $dir]}
    expr {[file isdirectory $dir] && [file writable $dir]}
}
set prefix [string trimright [setting PREFIX] /]
set folders {}
if {[info exists tcl_pkgPath]} {lappend folders {*}$tcl_pkgPath}
lappend folders {*}$auto_path
foreach dir $folders {
    if {$dir eq [info library] || [string match //zipfs:* $dir] || "share" in [file split $dir]} continue
    if {$prefix ne "" ? [string first $prefix/lib $dir] == 0 : ([setting DESTDIR] ne "" || [writable $dir])} {
        puts $dir
        exit
    }
}
if {$prefix ne ""} {
    puts $prefix/lib
    exit
}
puts stderr "install: no folder of [info nameofexecutable]'s package path can be written: [join $folders ", "]"
puts stderr "install: say PREFIX=folder, or install as another user"
exit 1
TCL
}

install() {
    if [ -n "${pkglibdir:-}" ]; then
        folder=$pkglibdir
    elif [ -n "${LIBDIR:-}" ]; then
        folder=$LIBDIR/kafka$version
    else
        folder=$(package_path)/kafka$version || exit 1
    fi
    folder=${DESTDIR:-}$folder
    mkdir -p "$folder"
    for file in "$1"/*.tcl; do
        put "$file" "$folder/${file##*/}" 644
    done
    put "$1/libkafka$version$suffix" "$folder/libkafka$version$suffix" 755
    echo "installed: $folder"
}

case "${1:-} $#" in
    "build 2") build "$2" ;;
    "install 2") install "$2" ;;
    *) echo "usage: tools/package.sh build|install folder" >&2; exit 2 ;;
esac
