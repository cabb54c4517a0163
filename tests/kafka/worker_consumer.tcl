# worker_consumer.tcl --
#
#	A process of a torture: a member of a consumer group that writes down
#	what it was given and what it committed.  It must not judge, and must
#	have written down a message before anything can commit it.
#
#	tclsh worker_consumer.tcl -bootstrap b -topic t -group g -history file
#		-name reader -stop file ?-way sync|auto? ?-config {key value ...}?
#
#	-way sync	reads with [consume] in a loop, and commits by itself what
#			it has written down
#	-way auto	reads with a callback, and leaves commits to the package
#
#	On stdout, each half second: polled N longest MS (the longest call)

source [file join [file dirname [file normalize [info script]]] worker_common.tcl]

worker::options {-topic {} -group {} -way sync -batch 500} $argv

namespace eval ::worker {
    variable polled 0
    variable longest 0
    variable errors 0
    variable done 0
    # What is to be committed: partition and offset.
    variable position [dict create]
    variable assigned {}
    variable history [history::begin $o(-history) $o(-name)]
}

# worker::Take --
#
#	Writes down a message.  An error of the client is told and survived:
#	that a broker is down is no news here.

proc ::worker::Take {message} {
    variable o
    variable history
    variable polled
    variable errors
    variable position
    if {[dict exists $message error]} {
	incr errors
	puts stderr "$o(-name): $message"
	return
    }
    lassign [history::parse [dict get $message payload]] writer number sum
    set partition [dict get $message partition]
    set offset [dict get $message offset]
    history::time $history
    puts $history "P $o(-name) $partition $offset $writer $number"
    if {$sum ne "good"} {
	puts $history "H $o(-name): bad checksum at $partition:$offset"
    }
    dict set position $partition [expr {$offset + 1}]
    incr polled
    if {$o(-way) eq "auto"} {
	# The package may commit it from now on.
	flush $history
    }
    return
}

# worker::Timed --
#
#	Runs a command and keeps the longest time that one took.

proc ::worker::Timed {args} {
    variable longest
    set begin [clock milliseconds]
    set code [catch {{*}$args} result options]
    set longest [expr {max($longest, [clock milliseconds] - $begin)}]
    return -options $options $result
}

# worker::Turn --
#
#	One round of -way sync: some messages, then a commit of them.

proc ::worker::Turn {} {
    variable o
    variable s
    variable position
    variable history
    set wait 100
    for {set i 0} {$i < $o(-batch)} {incr i} {
	set message [Timed $s consume $wait]
	set wait 0
	if {$message eq ""} {
	    break
	}
	Take $message
    }
    Commit
    return
}

# worker::Commit --
#
#	Commits what was written down, of the partitions that are still ours.

proc ::worker::Commit {} {
    variable o
    variable s
    variable position
    variable history
    if {![dict size $position]} {
	return
    }
    set mine [lmap tuple [$s assignment] {lindex $tuple 1}]
    set tuples {}
    dict for {partition offset} $position {
	if {$partition in $mine} {
	    lappend tuples [list $o(-topic) $partition $offset]
	}
    }
    set position [dict create]
    if {![llength $tuples]} {
	return
    }
    history::time $history
    flush $history
    try {
	Timed $s commit $tuples
	foreach tuple $tuples {
	    lassign $tuple - partition offset
	    puts $history "C $o(-name) $partition $offset"
	}
    } trap KAFKA {message options} {
	puts $history "K $o(-name) [lindex [dict get $options -errorcode] 1]"
	# Again at the next turn, if the partitions are still ours then.
	foreach tuple $tuples {
	    dict set position [lindex $tuple 1] [lindex $tuple 2]
	}
    }
    return
}

# worker::Look --
#
#	Says how far it is; the end comes when the file of -stop is there.

proc ::worker::Look {} {
    variable o
    variable s
    variable assigned
    variable history
    variable polled
    variable longest
    variable done
    set now [lsort -integer [lmap tuple [$s assignment] {lindex $tuple 1}]]
    if {$now ne $assigned} {
	set assigned $now
	history::time $history
	puts $history "A $o(-name) [join $now ,]"
    }
    flush $history
    say polled $polled longest $longest assigned [join $now ,]
    if {[stopped]} {
	set done 1
    }
    return
}

set m [worker::master group.id $worker::o(-group) \
	enable.auto.commit [expr {$worker::o(-way) eq "auto"}] \
	auto.commit.interval.ms 1000]
set worker::s [$m subscriber #auto]
$worker::s subscribe $worker::o(-topic)
worker::every 500 ::worker::Look
if {$worker::o(-way) eq "auto"} {
    $worker::s callback ::worker::Take
    vwait ::worker::done
} else {
    while {!$worker::done} {
	worker::Turn
	update
    }
}
worker::Timed $worker::s delete
history::end $worker::history $worker::o(-name)
worker::say done polled $worker::polled longest $worker::longest errors $worker::errors
