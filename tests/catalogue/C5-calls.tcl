# row: C5
# demands: in a callback of every kind every subcommand of every object that could wait (delete, flush, poll, consume, consume_batch, commit, start, stop, assign, subscribe, info) ends, with a result or an error, in bounded time
# limit: 90

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 20
kafka::kafka flush_timeout 2000

set calls {
    {p flush 500} {p flush} {p poll 50} {p output_queue_length} {p meta refresh} {p info topics}
    {out produce 0 more} {out produce_batch 0 {a b c}} {out produce 7 nowhere} {out info partitions}
    {c poll 50} {c info partitions $::family::full} {c new_topic in2 $::family::full} {c create_queue q2}
    {in consume 0 200 ::row} {in consume_batch 0 200 5 ::row {incr ::bodies; update}} {in stop 0}
    {in start 0 0} {in start 0 5 {apply {args {}}}} {in start_queue 0 0 q} {in info output_queue_length}
    {q consume 200 ::row} {q consume_batch 200 5 ::row {q consume 10 ::row2}} {q consume_callback {}}
    {s consume 200} {s poll 50} {s commit} {s commit -async} {s commit -timeout 300} {s assign} {s assignment}
    {s assign [list [list $::family::full 0 3]]} {s subscribe $::family::full} {s unsubscribe}
    {s offsets -committed -timeout 300} {s watermarks -timeout 300 $::family::full 0} {s callback {}}
    {s error -195 hello} {m producer_creator p2} {m subscriber s2} {m delivery_report callback {}}
    {p test_fatal_error 1 oops} {update} {after 5 {set ::rested 1}; vwait ::rested}
    {out creator name} {out delete} {in delete} {q delete} {s delete} {c delete} {p delete} {m delete}
}
# all --
#
#	A callback: makes all calls, each of which may fail but not hang.

proc all {args} {
    if {[incr ::turns] > 1} {
	return
    }
    foreach call $::calls {
	within 8000 {catch {uplevel #0 $call}}
    }
    set ::done 1
}

foreach kind $family::kinds {
    set turns 0
    set done 0
    unset -nocomplain row row2
    family::make $kind all
    until {$done} 30000
    lifetimes::kill [concat $family::names in2 q2 p2 s2]
    settle 20
}
# What the calls have provoked: a fatal error, messages for no partition.
background
held
