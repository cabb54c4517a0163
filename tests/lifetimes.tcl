# lifetimes.tcl --
#
#	What the cases about lifetimes share, on top of case.tcl and the family of
#	tests/family.tcl.  It must not be a case of its own.

source [file join $::kafkatest::directory family.tcl]

namespace eval ::lifetimes {
    # The threads of [thread], and what they have answered.
    variable threads {}
    variable answers {}
}

# ::lifetimes::prepare --
#
#	Makes the two topics that families need, and so many messages in one.

proc ::lifetimes::prepare {{messages 2}} {
    [cluster] group_initial_rebalance_delay_ms 0
    set ::family::servers [bootstrap]
    set ::family::full [newTopic full]
    set ::family::sink [newTopic sink]
    produceN $::family::full $messages
}

# ::lifetimes::kill --
#
#	Deletes commands in this order, in one of two ways; those that are gone
#	already are passed over.

proc ::lifetimes::kill {victims {how delete}} {
    foreach victim $victims {
	if {[info commands ::$victim] eq ""} {
	    continue
	}
	if {$how eq "delete"} {
	    ::$victim delete
	} else {
	    rename ::$victim {}
	}
    }
}

# ::lifetimes::once --
#
#	A callback: the first time, and only then, it runs this script.

proc ::lifetimes::once {script args} {
    if {[incr ::killed] == 1} {
	uplevel #0 $script
    }
}

# ::lifetimes::left --
#
#	The members of a family that are still there.

proc ::lifetimes::left {} {
    return [lmap name $::family::names {
	expr {[info commands ::$name] eq "" ? [continue] : $name}
    }]
}

# ::lifetimes::setUp --
#
#	A script that makes another interpreter or thread able to do the same as
#	this one: the package, families, the topics.

proc ::lifetimes::setUp {} {
    set text [list set ::auto_path $::auto_path]\n
    append text {package require kafka} \n
    append text [list source [file join $::kafkatest::directory family.tcl]] \n
    foreach name {servers full sink} {
	append text [list set ::family::$name [set ::family::$name]] \n
    }
    return $text
}

# ::lifetimes::exchange --
#
#	A script for another interpreter or thread, after [setUp]: it makes
#	clients, produces so many messages to a topic, consumes them again, gets a
#	report for each, and returns {reports messages}.

proc ::lifetimes::exchange {topic count} {
    return [string map [list @T@ [list $topic] @N@ $count] {
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $::family::servers fetch.wait.max.ms 5 linger.ms 0
	set reports 0
	m delivery_report callback {apply {args {incr ::reports}}}
	m producer_creator p
	p new_topic out @T@
	m consumer_creator c
	c new_topic in @T@
	set messages 0
	in start 0 beginning {apply {args {incr ::messages}}}
	for {set i 0} {$i < @N@} {incr i} {
	    out produce 0 $i
	}
	set timer [after 30000 {set messages late}]
	while {[string is integer $messages] && ($messages < @N@ || $reports < @N@)} {
	    after 1 {set tick 1}
	    vwait tick
	}
	after cancel $timer
	list $reports $messages
    }]
}

# ::lifetimes::watchErrors --
#
#	Collects background errors in ::errors: the message, the code and the
#	errorCode of each.  Those of a case are then not counted by case.tcl.

proc ::lifetimes::watchErrors {} {
    set ::errors {}
    interp bgerror {} ::lifetimes::heard
}

proc ::lifetimes::heard {message options} {
    lappend ::errors [list $message [dict get $options -code] \
	    [expr {[dict get $options -code] == 1 ? [dict get $options -errorcode] : ""}]]
}
