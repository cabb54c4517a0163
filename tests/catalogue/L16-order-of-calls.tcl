# row: L16
# demands: what is not started cannot be read or stopped, what is started cannot be started again, and offsets have a range

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic order 2]
set master [master]
set handle [$master consumer_creator #auto]
set in [$handle new_topic #auto $topic]
set again [$handle new_topic #auto $topic]
for {set i 0} {$i < 3} {incr i} {
    expect {KAFKA RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION *} {$in stop 0}
    expect {KAFKA *} {$in consume 0 0 row}
    expect {KAFKA *} {$in consume_batch 0 0 1 row {}}
    $in start 0 beginning
    # The same object begins anew; another one is in the way.
    $in start 0 end
    expect {KAFKA RD_KAFKA_RESP_ERR__CONFLICT *} {$again start 0 end}
    $in stop 0
    expect {KAFKA RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION *} {$in stop 0}
}
foreach offset {-9223372036854775808 -2147483649 9223372036854775808 1.5 x {} invalid} {
    expect {$in start 1 $offset}
    expect {KAFKA RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION *} {$in stop 1}
}
foreach offset {-1 -999 -1000 -1001 -2000 -2147483647 9223372036854775807} {
    if {![catch {$in start 1 $offset} message options]} {
	$in consume_batch 1 0 10 row {}
	$in stop 1
    } else {
	matches [dict get $options -errorcode] {KAFKA *}
    }
}
held
