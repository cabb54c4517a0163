# row: C2
# demands: every kind of callback may replace and clear itself while it runs; the next event uses the new one, and after the clearing none comes
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 4

# set_ --
#
#	Sets the callback of this kind to other words.

proc set_ {kind callback} {
    switch -- $kind {
	topic {
	    # It has no other way than to start anew, which begins again.
	    in start 0 1 $callback
	}
	queue {
	    q consume_callback $callback
	}
	subscriber {
	    s callback $callback
	}
	delivery_report {
	    m delivery_report callback $callback
	}
	logger {
	    m logger callback $callback
	}
	default {
	    m $kind $callback
	}
    }
}

proc first {kind args} {
    lappend ::calls first
    set_ $kind [list second $kind]
}

proc second {kind args} {
    lappend ::calls second
    if {$kind ne "topic"} {
	set_ $kind {}
	return
    }
    in stop 0
}

foreach kind $family::kinds {
    set calls {}
    family::make $kind [list first $kind]
    if {$kind eq "delivery_report"} {
	out produce 0 y
	out produce 0 z
    }
    until {[llength $calls] >= 2}
    settle 60
    same $calls {first second}
    lifetimes::kill $family::names
    same $calls {first second}
}
held
