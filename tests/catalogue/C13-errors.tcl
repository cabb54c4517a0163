# row: C13
# demands: errors of Kafka that come to the callbacks of messages (topic, queue, subscriber), to consume and to consume_batch are lists with error, code and message; the callback may delete everything in the middle of a burst of them
# limit: 60
# needs: mock
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5

# An offset that does not exist is an error of the partition: "auto.offset.reset error".
proc broken {way callback} {
    master m fetch.wait.max.ms 5 auto.offset.reset error enable.partition.eof true group.id [family::group]
    m consumer_creator c
    c new_topic in $family::full
    c create_queue q
    switch -- $way {
	topic {
	    in start 0 1000000 $callback
	}
	queue {
	    q consume_callback $callback
	    in start_queue 0 1000000 q
	}
	subscriber {
	    m subscriber s
	    s callback $callback
	    s assign [list [list $family::full 0 1000000]]
	}
    }
}
for {set round 0} {$round < 10} {incr round} {
    foreach way {topic queue subscriber} {
	set got {}
	broken $way {lappend ::got}
	until {[llength $got]}
	set one [lindex $got 0]
	same [lrange [dict keys $one] 0 2] {error code message}
	matches [dict get $one code] RD_KAFKA_RESP_ERR_*
	lifetimes::kill $family::names

	set ::killed 0
	broken $way {lifetimes::once {lifetimes::kill {m in c s q}}}
	until {$::killed}
	settle 5
	same $::killed 1
	same [lifetimes::left] {}
    }
}

# A burst: 300 partitions that do not exist, to one queue.
master m fetch.wait.max.ms 5
m consumer_creator c
c create_queue q
c new_topic in $family::full
foreach how {all half} {
    set got {}
    q consume_callback {apply {{message} {
	lappend ::got $message
	if {[llength $::got] == 150 && $::how eq "half"} {
	    lifetimes::kill {c q in m}
	}
    }}}
    for {set partition 1} {$partition <= 300} {incr partition} {
	in start_queue $partition 0 q
    }
    until {[llength $got] >= ($how eq "half" ? 150 : 300)}
    same [lsort -unique [lmap one $got {dict get $one code}]] RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION
    if {$how eq "all"} {
	for {set partition 1} {$partition <= 300} {incr partition} {
	    in stop $partition
	}
    }
}
same [llength $got] 150
held
