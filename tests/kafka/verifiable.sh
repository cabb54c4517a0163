#!/bin/sh
# Starts a verifiable client so that signals stop it as frameworks expect: SIGTERM and SIGINT mean a clean stop, SIGKILL a
# crash. Tcl without extensions cannot catch signals; its end of standard input is what stops these programs, so this
# script holds a pipe open and closes it when a signal comes. It must not read or print anything, must end with the
# client's status, and must not leave the client behind.
#
# usage: verifiable.sh producer|consumer OPTION...     TCLSH: the interpreter (default tclsh), TCLLIBPATH: the package
# pid: that of this script is the one to signal; after a KILL of it the kernel kills the client, too.
set -u
home=$(cd "$(dirname "$0")" && pwd) || exit 1
who=${1:-}
case $who in
    producer|consumer) shift ;;
    *) echo "usage: verifiable.sh producer|consumer OPTION..." >&2; exit 1 ;;
esac

# A pipe whose both ends are ours: read by the client, written by nobody, closed to stop it.
pipes=$(mktemp -d) || exit 1
mkfifo "$pipes/stop" || exit 1
exec 3<>"$pipes/stop" 4<"$pipes/stop"
rm -r "$pipes"

trap 'exec 3>&-' INT TERM

# The client ignores the signals themselves: Ctrl-C at a terminal reaches it, too.
guard=
if setpriv --pdeathsig KILL true 2>/dev/null; then guard="setpriv --pdeathsig KILL"; fi
(
    trap '' INT TERM
    exec $guard "${TCLSH:-tclsh}" "$home/verifiable_$who.tcl" "$@" <&4 3>&- 4<&-
) &
client=$!
exec 4<&-

# A signal ends the wait, so it is repeated until the client has ended.
while :; do
    wait "$client"
    status=$?
    kill -0 "$client" 2>/dev/null || break
done
exit "$status"
