# worker_observer.tcl --
#
#	A process of a torture: asks again and again, from outside, what a group
#	has committed, and writes it down with the time of the answer.  It must
#	not join the group, and must not mind that brokers are down.
#
#	tclsh worker_observer.tcl -bootstrap b -topic t -group g -history file
#		-partitions n -stop file ?-name who? ?-config {key value ...}?
#
#	On stdout, for each answer: committed SUM

source [file join [file dirname [file normalize [info script]]] worker_common.tcl]

worker::options {-topic {} -group {} -partitions 4} $argv

namespace eval ::worker {
    variable history [history::begin $o(-history) $o(-name)]
    variable done 0
    variable tuples {}
    for {set p 0} {$p < $o(-partitions)} {incr p} {
	lappend tuples [list $o(-topic) $p]
    }
}

# worker::Ask --
#
#	What is committed now.

proc ::worker::Ask {} {
    variable o
    variable s
    variable tuples
    variable history
    variable done
    if {[stopped]} {
	set done 1
	return
    }
    set begin [clock milliseconds]
    try {
	set committed 0
	foreach tuple [$s offsets -committed -timeout 2000 $tuples] {
	    lassign $tuple - partition offset
	    history::time $history
	    if {[string is wideinteger -strict $offset]} {
		puts $history "G $partition $offset"
		incr committed $offset
	    }
	}
	flush $history
	say committed $committed
    } trap KAFKA {message} {
	say unknown $message
    }
    set took [expr {[clock milliseconds] - $begin}]
    # The machine may be busy.
    if {$took > 2000 + 3000} {
	puts $history "H $o(-name): the answer took $took ms, its bound is 2000"
    }
    return
}

set m [worker::master group.id $worker::o(-group)]
$m logger none
set worker::s [$m subscriber #auto]
worker::every 300 ::worker::Ask
vwait ::worker::done
$worker::s delete
history::end $worker::history $worker::o(-name)
worker::say done
