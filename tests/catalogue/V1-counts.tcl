# row: V1
# demands: counts and times at the ends of their ranges neither allocate nor wrap, and waits end in their time

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic counts]
produceN $topic 5
set master [master #auto group.id [unique counts]]
set consumer [$master consumer_creator #auto]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
$in start 0 beginning
foreach count {0 1 2147483647 2147483648 9223372036854775807} {
    within 3000 {$in consume_batch 0 0 $count row {}}
    same [within 3000 {$queue consume_batch 0 $count row {}}] 0
}
foreach count {-1 -2147483648 -9223372036854775808 9223372036854775808 {}} {
    expect {TCL VALUE NUMBER} {$in consume_batch 0 0 $count row {}}
    expect {TCL VALUE NUMBER} {$queue consume_batch 0 $count row {}}
}
foreach time {-2 -2147483648 2147483648 9223372036854775807 9223372036854775808} {
    expect {TCL VALUE NUMBER} {$in consume 0 $time row}
    expect {TCL VALUE NUMBER} {$member consume $time}
    expect {TCL VALUE NUMBER} {$consumer poll $time}
}
# A wait without end is ended by a limit of the interpreter.
foreach call {{in consume 0 -1 row} {in consume 0 2147483647 row} {queue consume_batch -1 10 row {}}
	{queue consume 2147483647 row} {member consume -1} {handle poll 2147483647}} {
    set child [interp create]
    $child eval [list set auto_path $auto_path]
    $child eval [list set config [list bootstrap.servers [bootstrap] group.id [unique counts]]]
    $child eval {
	package require kafka
	kafka::kafka create master
	master logger none
	master config {*}$config
	master consumer_creator handle
	handle new_topic in empty
	handle create_queue queue
	master subscriber member
	in start 0 end
    }
    set until [expr {[clock milliseconds] + 200}]
    $child limit time -seconds [expr {$until / 1000}] -milliseconds [expr {$until % 1000}]
    matches [within 5000 {
	catch {$child eval "while 1 [list $call]"} message
	set message
    }] "*limit exceeded*"
    interp delete $child
}
held
