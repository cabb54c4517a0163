#!/bin/sh
# The guard of one program (a broker, a Java tool, Maven): it starts the program, and kills it when the one who asked
# for it is gone, however that one ended, because then the pipe that is this script's standard input comes to its end.
# It must not decide anything by itself, and must need nothing that a Debian machine does not have.
#
# usage: watch.sh JOB, where JOB is a piece of sh that cluster.tcl writes:
#   input=FILE out=FILE err=FILE-or-empty dir=FOLDER lock=FILE-or-empty patience=SECONDS; set -- PROGRAM WORD...
# standard input:  names of signals, one a line; the end of it means KILL
# standard output: `pid N`, `sent SIGNAL` or `failed SIGNAL` for each order, `exit STATUS` at the end; or `locked`
set -u
LC_ALL=C.UTF-8                    # the same words and the same bytes everywhere
export LC_ALL

. "$1"

# The program inherits the lock, so that it is held as long as the program lives, whatever happens to this script.
if [ -n "$lock" ]; then
    exec 9>>"$lock"
    flock -w "$patience" 9 || { echo "locked"; exit 1; }
fi

# A group of its own, for programs with children; and a KILL from the kernel if this script dies first.
guard="setsid"
setpriv --pdeathsig KILL true 2>&- && guard="setsid setpriv --pdeathsig KILL"

# Nobody may be listening any more: that must neither end this script (the program would be left) nor show.
trap '' PIPE
say() {
    echo "$*" 2>&-
}

cd "$dir" || { say "exit 1"; exit 1; }
exec 3<&0
if [ -n "$err" ]; then
    (trap - PIPE; exec $guard "$@") <"$input" >>"$out" 2>>"$err" 3<&- &
else
    (trap - PIPE; exec $guard "$@") <"$input" >>"$out" 2>&1 3<&- &
fi
child=$!
say "pid $child"

# To the group; the program itself if it has not made its group yet.
# No file is opened here, not even /dev/null: this must work on a broken machine too.
tell() {
    kill -s "$1" -- "-$child" 2>&- || kill -s "$1" "$child" 2>&-
}

(
    exec 9>&-
    while read -r signal; do
        if tell "$signal"; then say "sent $signal"; else say "failed $signal"; fi
    done <&3
    tell KILL
    tell CONT
) &
orders=$!

trap 'tell KILL; tell CONT; kill "$orders" 2>&-; exit 1' HUP INT TERM
wait "$child"
status=$?
kill "$orders" 2>&-
kill -s KILL -- "-$child" 2>&-        # children that the program left behind
say "exit $status"
