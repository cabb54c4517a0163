# family.tcl --
#
#	One object of every kind, alive and busy, for tests of lifetimes: sourced
#	by lifetime.test, by the children that it starts and by cases of the
#	catalogue.  It must not make topics nor clusters, and needs nothing but
#	the package.
#
#	Before the first family the variables servers, full and sink name the
#	brokers, a topic with a message or more in partition 0, and a topic to
#	write to.

namespace eval ::family {
    variable servers ""
    variable full ""
    variable sink ""
    # The names that a family has, and the events that call back.
    variable names {m p out c in q s}
    variable kinds {topic queue subscriber delivery_report error_callback
	statistics_callback logger}
    variable serial 0
}

# ::family::make --
#
#	A family in this namespace, each member calling back when something of its
#	kind happens; those of the kind that is asked call this callback.

proc ::family::make {kind callback {space ""}} {
    variable servers
    variable full
    variable sink
    variable kinds
    foreach name $kinds {
	set on($name) {apply {args {}}}
    }
    set on($kind) $callback
    kafka::kafka create ${space}::m
    ${space}::m config bootstrap.servers $servers group.id [group] \
	    fetch.wait.max.ms 5 statistics.interval.ms 20 linger.ms 0
    if {$kind eq "logger"} {
	${space}::m config debug generic,broker
    }
    if {$kind eq "error_callback"} {
	${space}::m config bootstrap.servers 127.0.0.1:1
    }
    ${space}::m delivery_report callback $on(delivery_report)
    ${space}::m error_callback $on(error_callback)
    ${space}::m statistics_callback $on(statistics_callback)
    ${space}::m logger callback $on(logger)
    ${space}::m producer_creator ${space}::p
    ${space}::p new_topic ${space}::out $sink
    ${space}::m consumer_creator ${space}::c
    ${space}::c new_topic ${space}::in $full
    ${space}::c create_queue ${space}::q
    ${space}::m subscriber ${space}::s
    if {$kind eq "queue"} {
	${space}::q consume_callback $on(queue)
	${space}::in start_queue 0 0 ${space}::q
    } else {
	${space}::in start 0 0 $on(topic)
    }
    ${space}::s callback $on(subscriber)
    ${space}::s assign [list $full 0 0]
    if {$kind ne "error_callback"} {
	${space}::out produce 0 x
    }
}

# ::family::group --
#
#	The name of a group that no other family has, in whatever interpreter,
#	thread or process.

proc ::family::group {} {
    variable serial
    return family-[pid]-[clock microseconds]-[expr {int(rand() * 1e9)}]-[incr serial]
}

# ::family::orders --
#
#	All orders of a list.

proc ::family::orders {list} {
    if {[llength $list] <= 1} {
	return [list $list]
    }
    set all {}
    for {set i 0} {$i < [llength $list]} {incr i} {
	foreach rest [orders [lreplace $list $i $i]] {
	    lappend all [linsert $rest 0 [lindex $list $i]]
	}
    }
    return $all
}
