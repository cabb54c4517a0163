# row: C5
# demands: event loops nested 1,000 deep, each in the callback of the next message, of a topic, a queue, a subscriber and of reports, deliver every message once and in order, and unwind; objects deleted at the bottom are safe
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1000
interp recursionlimit {} 100000

# deeper --
#
#	A callback: waits in an event loop of its own until all have come.

proc deeper {list} {
    lappend ::got [dict get $list payload]
    set ::deepest [expr {max($::deepest, [incr ::depth])}]
    if {[llength $::got] == 1000} {
	# The bottom: everything goes while 1,000 callbacks of it still run.
	lifetimes::kill $::bottom
    }
    while {[llength $::got] < 1000} {
	vwait ::got
    }
    incr ::depth -1
}

set wanted {}
for {set i 0} {$i < 1000} {incr i} {
    lappend wanted m$i
}
foreach bottom [list {} {in q s m c p out}] {
    foreach kind {topic queue subscriber delivery_report} {
	set got {}
	set depth 0
	set deepest 0
	family::make $kind deeper
	set all $wanted
	if {$kind eq "delivery_report"} {
	    # The family has sent one, x.
	    set all [concat x [lrange $wanted 1 end]]
	    foreach payload [lrange $wanted 1 end] {
		out produce 0 $payload
	    }
	}
	until {[llength $got] == 1000 && $depth <= 0}
	same $got $all
	if {$deepest < 900} {
	    error "$kind: only $deepest deep"
	}
	lifetimes::kill $family::names
    }
}
held
