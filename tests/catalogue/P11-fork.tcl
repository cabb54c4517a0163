# row: P11
# demands: in a forked child every call on an inherited object is an error or an answer from memory, never a hang, its deletion and the child's end neither wait nor disturb the parent, and the child may make clients of its own
# limit: 90
# needs: fork plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

package require Tclx
lifetimes::prepare 20
family::make topic {apply {args {incr ::calls}}}
set calls 0
until {$calls == 20}
for {set i 0} {$i < 100} {incr i} {
    out produce 0 before-$i
}
# child --
#
#	Runs a script in a forked child; returns how it ended and what it said.

proc child {script} {
    pipe in out
    flush stdout
    set pid [fork]
    if {$pid == 0} {
	close $in
	alarm 20
	if {[catch {uplevel #0 $script} result]} {
	    set result "error: $result"
	}
	puts $out $result
	close $out
	exit 5
    }
    close $out
    set text [string trim [read $in]]
    close $in
    return [list {*}[lrange [wait $pid] 1 2] $text]
}

# Every subcommand of every object, with the words that it needs.
set attempts {
    {p flush 500} {p poll 100} {p meta refresh} {p info topics} {p new_topic x y} {p create_queue z} {p name}
    {p output_queue_length} {out produce 0 x} {out produce_batch 0 {a b}} {out info partitions}
    {c new_topic x y} {c info partitions a} {in consume 0 300 row} {in consume_batch 0 300 3 row {}} {in stop 0}
    {in start 0 0} {in start 1 0 list} {in start_queue 0 0 q} {q consume 300 row} {q consume_batch 300 3 row {}}
    {q consume_callback list} {s consume 300} {s poll 100} {s commit} {s commit -async} {s assign} {s subscribe a}
    {s unsubscribe} {s offsets} {s watermarks -timeout 300 a 0} {s error -195 x} {p add_brokers localhost:1}
    {p log_level debug} {p test_fatal_error 1 x} {m add_brokers localhost:1} {m config client.id x}
}
set script [string map [list @C@ [list $attempts]] {
    set wrong {}
    foreach call @C@ {
	set begin [clock milliseconds]
	set status [catch $call message options]
	set took [expr {[clock milliseconds] - $begin}]
	if {$took > 2000} {
	    lappend wrong "$call: $took ms"
	}
	if {[regexp {produce|consume |flush|subscribe a|commit} $call] && $status == 0 && ![string match *flush* $call]} {
	    lappend wrong "$call: no error but \"$message\""
	}
	if {$status && ![string match {KAFKA RD_KAFKA_RESP_ERR__STATE*} [dict get $options -errorcode]]
		&& [string match *produce* $call]} {
	    lappend wrong "$call: [dict get $options -errorcode]"
	}
    }
    set wrong
}]
same [child $script] {EXIT 5 {}}

# It deletes them, in some orders; it only ends; its event loop turns.
foreach order {{m p out c in q s} {s q in c out p m} {out in p c s q m}} {
    same [child "lifetimes::kill [list $order]; lifetimes::left"] {EXIT 5 {}}
}
same [child {set x ended}] {EXIT 5 ended}
same [child {after 200 {set done 1}; vwait done; set x turned}] {EXIT 5 turned}
same [child {exec echo hello}] {EXIT 5 hello}

# It makes clients of its own, for a cluster of its own, and they work.
same [child {
    kafka::kafka mock create mine -brokers 1
    mine create_topic t 1
    kafka::kafka create mm
    mm logger none
    mm config bootstrap.servers [mine bootstrap_servers] linger.ms 0 fetch.wait.max.ms 5
    mm producer_creator mp
    mp new_topic mout t
    mout produce 0 child
    set left [mp flush 10000]
    mm consumer_creator mc
    mc new_topic mci t
    mci start 0 0
    mci consume 0 10000 row
    foreach name {mout mp mci mc mm mine} {
	$name delete
    }
    list $left $row(payload)
}] {EXIT 5 {0 child}}
# A grandchild.
same [child {child {catch {out produce 0 x} message; set message}}] [list EXIT 5 [list EXIT 5 [lindex \
	[child {catch {out produce 0 x} message; set message}] 2]]]

# The parent has noticed nothing.
for {set i 0} {$i < 100} {incr i} {
    out produce 0 after-$i
}
same [p flush 10000] 0
set got [collect $family::sink 201]
same [llength $got] 201
same [lindex $got end] after-99
lifetimes::kill $family::names
held
