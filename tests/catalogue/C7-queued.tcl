# row: C7
# demands: what is queued for the callbacks of an object that is deleted (messages, reports, statistics, errors, log lines) never calls anybody back afterwards, also not an object of the same name
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 500

# The first of many deletes its own object: the second is never seen.
foreach {kind victims} {
    topic in	queue q	subscriber s	topic {c in}	queue {c q in}
    logger {p c s out in q}	statistics_callback {p c s out in q}
} {
    set calls 0
    family::make $kind [list apply {{victims args} {
	# The delete of a producer still shows what waits of its own client.
	if {[incr ::calls] == 1} {
	    lifetimes::kill $victims
	    set ::after $::calls
	}
    }} $victims]
    set after -1
    until {$after > 0}
    settle 50
    same $calls $after
    same [expr {"p" in $victims || $after == 1}] 1
    # Its successor under the same name has nothing of it.
    if {$kind eq "topic"} {
	catch {c delete}
	m consumer_creator c
	c new_topic in $family::full
	settle 50
	same $calls $after
    }
    # The others may still call back for themselves.
    lifetimes::kill $family::names
}

# Everything is queued (nobody turns the loop), then everything is deleted.
foreach kind $family::kinds {
    set calls 0
    family::make $kind {apply {args {incr ::calls}}}
    # Without the loop: time for librdkafka's threads to queue.
    after 100
    lifetimes::kill {in q s c m out}
    set before $calls
    # A producer's delete reports what is left of its messages.
    p delete
    same [expr {$calls - $before <= 1 || $kind in {logger statistics_callback error_callback}}] 1
    set before $calls
    settle 100
    same $calls $before
}
held
