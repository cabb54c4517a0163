# row: C1
# demands: the body of consume_batch, of a topic or a queue, deletes master, handle, topic and queue in all 24 orders, at once or in an event loop of its own; the loop ends or goes on, and nothing is left
# limit: 90
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3

proc body {order nested} {
    if {$nested} {
	after 0 [list lifetimes::kill $order]
	after 1 {set ::nested 1}
	vwait ::nested
    } else {
	lifetimes::kill $order rename
    }
}

set turn 0
foreach order [family::orders {m c in q}] {
    foreach way {topic queue} {
	master m fetch.wait.max.ms 5
	m consumer_creator c
	c new_topic in $family::full
	c create_queue q
	if {$way eq "topic"} {
	    in start 0 0
	    set batch {in consume_batch 0}
	} else {
	    in start_queue 0 0 q
	    set batch {q consume_batch}
	}
	set got {}
	set count [{*}$batch 10000 3 row {
	    lappend got $row(payload)
	    body $order [expr {$turn % 2}]
	}]
	# Its own object is gone: one run, and the message is whole.
	same [list $count $got] {1 m0}
	same [lifetimes::left] {}
	incr turn
    }
}
same $turn 48
held
