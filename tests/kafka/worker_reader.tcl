# worker_reader.tcl --
#
#	A process of a torture: reads the whole log of a topic, from its
#	beginning to its end and without any group, and writes down what is
#	there.  It must not use anything of the consumers under test, and must
#	not skip what it does not understand.
#
#	tclsh worker_reader.tcl -bootstrap b -topic t -history file
#		?-name reader? ?-limit ms? ?-config {key value ...}?

source [file join [file dirname [file normalize [info script]]] worker_common.tcl]

worker::options {-topic {} -limit 60000} $argv

# worker::Partition --
#
#	Reads one partition to its end.

proc ::worker::Partition {topic consumer ends partition} {
    variable o
    variable history
    set end [lindex [$ends watermarks -timeout 30000 $topic $partition] 1]
    set next 0
    set until [expr {[clock milliseconds] + $o(-limit)}]
    $consumer start $partition beginning
    while {$next < $end && [clock milliseconds] < $until} {
	$consumer consume_batch $partition 1000 10000 row {
	    if {[info exists row(error)]} {
		puts stderr "$o(-name): [array get row]"
		continue
	    }
	    lassign [history::parse $row(payload)] writer number sum
	    set key -
	    if {[info exists row(key)]} {
		set key $row(key)
	    }
	    puts $history [list M $partition $row(offset) $writer $number $key $sum]
	    set next [expr {$row(offset) + 1}]
	}
    }
    $consumer stop $partition
    puts $history "N $partition $end"
    return $next
}

set worker::history [history::begin $worker::o(-history) $worker::o(-name)]
set m [worker::master group.id reader-of-[pid]]
# The ends are asked of a client that is no member of anything.
set ends [$m subscriber #auto]
set h [$m consumer_creator #auto]
set consumer [$h new_topic #auto $worker::o(-topic)]
set total 0
for {set p 0} {$p < [$consumer info partitions]} {incr p} {
    incr total [worker::Partition $worker::o(-topic) $consumer $ends $p]
}
$consumer delete
$h delete
$ends delete
history::end $worker::history $worker::o(-name)
worker::say done read $total
