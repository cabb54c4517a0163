# row: L22
# demands: a loop over messages inside a loop over the same messages gives each message once, or is an error
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic twice]
produceN $topic 30
set handle [[master] consumer_creator #auto]
set in [$handle new_topic #auto $topic]
$in start 0 beginning
set seen {}
set end [expr {[clock milliseconds] + 20000}]
while {[llength $seen] < 30 && [clock milliseconds] < $end} {
    $in consume_batch 0 200 4 row {
	lappend seen $row(payload)
	$in consume_batch 0 100 2 inner {
	    lappend seen $inner(payload)
	    if {[$in consume 0 50 one]} {
		lappend seen $one(payload)
	    }
	}
    }
}
set wanted {}
for {set i 0} {$i < 30} {incr i} {
    lappend wanted m$i
}
same $seen $wanted
held
