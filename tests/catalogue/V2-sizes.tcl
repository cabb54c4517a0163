# row: V2
# demands: values too big for a message are refused without being copied; a batch of a million rows is taken or refused row by row
# needs: linux plain
# limit: 60

source [file join [file dirname [info script]] case.tcl]

proc peak {} {
    set chan [open /proc/self/status]
    regexp {VmHWM:\s+(\d+) kB} [read $chan] -> kb
    close $chan
    return $kb
}
set topic [newTopic sizes]
set producer [[master] producer_creator #auto]
set out [$producer new_topic #auto $topic]
set big [string repeat x 300000000]
set before [peak]
foreach call {{produce 0 $big} {produce 0 a $big} {produce 0 $big $big} {produce_batch 0 [list [list $big $big]]}} {
    expect {KAFKA RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE *} [concat \$out $call]
}
within 10000 {$out info consistent_partition $big}
# Tcl may have made bytes of its text, once.
same [expr {[peak] - $before < 400000}] 1
unset big
# Its rows are one value, a million times.
set rows [lrepeat 1000000 {a b}]
set before [peak]
matches [expect {KAFKA RD_KAFKA_RESP_ERR__QUEUE_FULL *} {within 20000 {$out produce_batch 0 $rows}}] \
	"*of 1000000 messages were not queued*"
same [expr {[peak] - $before < 800000}] 1
same [$producer flush 30000] 0
# A malformed one at the end: nothing is sent.
lappend rows {a b c}
expect {TCL VALUE LIST} {$out produce_batch 0 $rows}
same [$out info output_queue_length] 0
held
