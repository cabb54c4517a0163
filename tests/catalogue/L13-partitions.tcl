# row: L13
# demands: a partition that cannot be is an error at once; one that is not there is told by the report

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic partitions]
set master [master]
set reports {}
$master delivery_report callback {apply {report {lappend ::reports $report}}}
set out [[$master producer_creator #auto] new_topic #auto $topic]
set in [[$master consumer_creator #auto] new_topic #auto $topic]
foreach partition {-2 -2147483648 -2147483649 2147483648 4294967295 4294967296 9223372036854775808 x {}} {
    expect {TCL VALUE NUMBER} {$out produce $partition x}
    expect {TCL VALUE NUMBER} {$out produce_batch $partition {x y}}
    expect {TCL VALUE NUMBER} {$in start $partition beginning}
    expect {TCL VALUE NUMBER} {$in consume $partition 0 row}
}
expect {TCL VALUE NUMBER} {$in start -1 beginning}
foreach partition {1 2147483647} {
    set before [llength $reports]
    if {[catch {$out produce $partition x} message options]} {
	matches [dict get $options -errorcode] {KAFKA RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION *}
    } else {
	until {[llength $reports] > $before}
	matches [dict get [lindex $reports end] error] *artition*
    }
}
held
