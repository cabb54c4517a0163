# worker_producer.tcl --
#
#	A process of a torture: sends numbered messages at a steady rate,
#	idempotent and acknowledged by all replicas, and writes down what was
#	accepted and what was reported.  It must not judge, must not repeat a
#	message by itself, and must end only when every message has its report.
#
#	tclsh worker_producer.tcl -bootstrap b -topic t -history file
#		-name writer -messages n -rate per-second -keys n -size bytes
#		?-stop file? ?-config {key value ...}?
#
#	On stdout, each half second: sent N reported N acked N failed N

source [file join [file dirname [file normalize [info script]]] worker_common.tcl]

worker::options {-topic {} -messages 1000 -rate 1000 -keys 100 -size 100} $argv

namespace eval ::worker {
    variable sent 0
    variable reported 0
    variable acked 0
    variable failed 0
    variable done 0
    variable start [clock milliseconds]
    variable history [history::begin $o(-history) $o(-name)]
}

# worker::Report --
#
#	Takes down a delivery report.

proc ::worker::Report {report} {
    variable history
    variable reported
    variable acked
    variable failed
    incr reported
    lassign [history::parse [dict get $report payload]] writer number
    if {[dict exists $report error]} {
	incr failed
	puts $history "R $writer $number error [dict get $report code]"
    } else {
	incr acked
	set offset [dict get $report offset]
	if {![string is wideinteger -strict $offset] || $offset < 0} {
	    set offset -
	}
	puts $history "R $writer $number ok [dict get $report partition] $offset"
    }
    return
}

# worker::Send --
#
#	Sends what is due by now.

proc ::worker::Send {} {
    variable o
    variable history
    variable sent
    variable start
    variable out
    set last $o(-messages)
    if {[stopped]} {
	set o(-messages) $sent
	return
    }
    set due [expr {min($last, ([clock milliseconds] - $start) * $o(-rate) / 1000)}]
    # Not all at once after a stop: reports must get their turn.
    set due [expr {min($due, $sent + 5000)}]
    history::time $history
    while {$sent < $due} {
	set key k[expr {($sent * 7919) % $o(-keys)}]
	try {
	    $out produce -1 [history::payload $o(-name) $sent $o(-size)] $key
	} trap {KAFKA RD_KAFKA_RESP_ERR__QUEUE_FULL} {} {
	    # Not accepted: the same number again, later.
	    break
	}
	puts $history "S $o(-name) $sent $key"
	incr sent
    }
    return
}

# worker::Look --
#
#	Says how far it is; the end comes when all is reported.

proc ::worker::Look {} {
    variable o
    variable sent
    variable reported
    variable acked
    variable failed
    variable history
    variable done
    say sent $sent reported $reported acked $acked failed $failed
    flush $history
    if {$sent >= $o(-messages) && $reported >= $sent} {
	set done 1
    }
    return
}

set m [worker::master enable.idempotence true acks all linger.ms 5]
$m partitioner murmur2_random
$m delivery_report callback ::worker::Report
set h [$m producer_creator #auto]
set ::worker::out [$h new_topic #auto $worker::o(-topic)]
worker::every 10 ::worker::Send
worker::every 500 ::worker::Look
vwait ::worker::done
# Nothing may be left; a report that comes twice would come now.
set left [$h flush 5000]
if {$left} {
    puts $worker::history "H $worker::o(-name): $left messages left after all reports"
}
after 200 {set ::worker::done 2}
vwait ::worker::done
$h delete
history::end $worker::history $worker::o(-name)
worker::say done acked $worker::acked failed $worker::failed
