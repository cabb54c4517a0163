# row: P3
# demands: 20 threads load the library and work at the same time, each produces, gets its reports and consumes its own; some delete their objects, some end without, some in the middle of a delivery
# limit: 90
# needs: thread

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

package require Thread
lifetimes::prepare 50
set before [lsort [kafka::kafka live]]
set topics {}
for {set i 0} {$i < 20} {incr i} {
    lappend topics [newTopic thread]
}
set before [lsort [kafka::kafka live]]
set threads {}
foreach topic $topics {
    set thread [thread::create -joinable]
    lappend threads $thread
    thread::send -async $thread [lifetimes::setUp][lifetimes::exchange $topic 200] answer($thread)
}
foreach thread $threads {
    until {[info exists answer($thread)]} 60000
    same $answer($thread) {200 200}
}
set i 0
foreach thread $threads {
    switch [expr {[incr i] % 4}] {
	0 {
	    # It deletes what it has.
	    thread::send $thread {foreach name {m p c out in} {$name delete}}
	    thread::release $thread
	}
	1 {
	    # It has a busy family of every kind, in the middle of deliveries.
	    thread::send -async $thread [list family::make [lindex $family::kinds [expr {$i % 7}]] {apply {args {}}}]
	    thread::release $thread
	}
	2 {
	    # It ends by itself, and its interpreter is not deleted.
	    thread::send -async $thread {
		thread::exit
	    }
	}
	3 {
	    # It ends with messages on their way and a callback that waits.
	    thread::send -async $thread {
		in stop 0
		in start 0 0 {apply {args {after 100; update}}}
		for {set i 0} {$i < 1000} {incr i} {
		    out produce 0 x
		}
	    }
	    thread::release $thread
	}
    }
}
foreach thread $threads {
    thread::join $thread
}
until {[lsort [kafka::kafka live]] eq $before}
held
