# row: B9
# demands: a value that is a row, a payload and a key at once is sent as it was, whatever it is converted to meanwhile
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic shimmer]
set master [master]
set out [[$master producer_creator #auto] new_topic #auto $topic]
set e abc
$out produce_batch 0 [list $e [list $e]]
set e [list p k]
$out produce_batch 0 [list $e [list $e] [list $e $e]]
# The list of rows is its own row.
set e [list x]
$out produce_batch 0 $e
set e {}
lappend e $e
catch {$out produce_batch 0 $e}
# A partition that is a list of one, a payload that becomes a number.
set n [list 0]
$out produce $n $n $n
incr n 0
$out produce $n $n
# Bytes with a borrowed row after them, and the other way round.
set bytes [binary format a* "a b"]
$out produce_batch 0 [list $bytes [list $bytes] $bytes [list $bytes $bytes]]
same [$out creator flush 10000] 0
set got [collect $topic 12 -fields {payload key}]
foreach pair $got wanted [list abc abc {p k} [list {p k}] [list {p k} {p k}] x {0 0} 0 \
	{a b} [list {a b}] {a b} [list {a b} {a b}]] {
    same $pair $wanted
}
held
