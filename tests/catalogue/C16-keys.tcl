# row: C16
# demands: the keys of produce_batch are sent, each with its own message, also from one shared value
# limit: 30

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic keys]
master m linger.ms 0
m producer_creator p
p new_topic out $topic
set rows {}
set wanted {}
for {set i 0} {$i < 1000} {incr i} {
    lappend rows [list v$i k$i]
    lappend wanted [list v$i k$i]
}
# One value as payload, key, row and list at once.
set e abc
lappend rows [list $e $e]
lappend wanted [list abc abc]
out produce_batch 0 $rows
same [p flush 10000] 0
same [collect $topic 1001 -fields {payload key}] $wanted
held
