# row: B8
# demands: one value may be several arguments at once, and the variable that an answer goes to; nothing of it is freed twice
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic shared]
set master [master]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set out [$producer new_topic #auto $topic]
set in [$consumer new_topic #auto $topic]

# The number is the payload and the key, too.
set same 0
$out produce $same $same $same
set row [list $same $same]
$out produce_batch $same [list $row $row [list $row $row]]
same [$producer flush 10000] 0

# The name of the array is the partition, the topic, an element's value.
$in start $same beginning
set 0(payload) 0
for {set i 0} {$i < 4} {incr i} {
    same [$in consume $same 15000 $same] 1
    set payload $0(payload)
    unset 0(payload)
    set 0(payload) $payload
}
same $payload {0 0}

# Values of all representations, each shared and not.
set values {}
lappend values [expr {1 + 1}] [expr {0.5 * 3}] [binary format c* {1 2 3 255}] [dict create a b c d] \
	[list a b] [lrepeat 3 x] [split "a b c"] [string range abcdef 1 3] [info commands set] \
	[lrange {a b c d} 1 2] [clock seconds] {} [expr {1 == 1}] [encoding convertto utf-8 \u20ac]
foreach value $values {
    set copy $value
    $out produce 0 $value
    $out produce 0 $value $value
    $out produce_batch 0 [list [list $value] [list $value $value] [list $copy]]
    same $value $copy
}
same [$producer flush 10000] 0
same [llength [collect $topic [expr {4 + 5 * [llength $values]}]]] [expr {4 + 5 * [llength $values]}]

# An answer that is kept while its source goes.
set kept [$producer info topics]
set config [$master config]
set tuple [list [list $topic 0 0]]
set member [$master subscriber #auto -config [list group.id [unique shared]]]
$member assign $tuple
foreach object [list $member $in $out $consumer $producer $master] {
    $object delete
}
same [expr {$topic in $kept}] 1
same [expr {[dict size $config] > 50}] 1
same $tuple [list [list $topic 0 0]]
held
