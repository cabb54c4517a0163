# index-writer-oo.tcl --
#
#	A class that writes a topic, and now and then an index to a second topic:
#	the time and the offset that the main topic has reached.  A reader finds
#	the place of a moment by the small index.
#
#	    tclsh index-writer-oo.tcl ?-brokers host:port,...?
#
#	The source of a program may source this file for the class alone: the
#	part at the end runs only when the file is the script itself.

package require kafka

oo::class create KafkaIndexWriter {
    variable options master handle data index timer last

    # Options: -brokers list, -topic name, -every ms (between two index rows).
    constructor {args} {
	set options [dict merge {-brokers 127.0.0.1 -every 300000} $args]
	set last -1

	# Delivery reports: none, until one is asked for.  Failures always come.
	set master [kafka::kafka create #auto]
	$master config bootstrap.servers [dict get $options -brokers]
	$master delivery_report callback [list [namespace which my] Report]
	$master delivery_report every 0

	set handle [$master producer_creator #auto]
	set data [$handle new_topic #auto [dict get $options -topic]]
	set index [$handle new_topic #auto [dict get $options -topic].index]
	my Sample
    }

    # Deleting the handle waits until all messages are delivered.
    destructor {
	after cancel $timer
	foreach object [list $data $index $handle $master] {
	    $object delete
	}
    }

    # Sends one message.
    method produce {partition payload key} {
	$data produce $partition $payload $key
    }

    # Waits until everything is delivered.
    method flush {} {
	$handle flush
    }

    # The offset that was written to the index last; -1 if none was.
    method last {} {
	return $last
    }

    # Asks for the next delivery report, again and again.
    method Sample {} {
	$master delivery_report sample
	set timer [after [dict get $options -every] \
	    [list [namespace which my] Sample]]
    }

    # A delivery report: writes a row of the index.
    method Report {report} {
	if {[dict exists $report error]} {
	    puts stderr "not delivered: [dict get $report code]"
	} elseif {[dict get $report topic] ne [dict get $options -topic]} {
	    # That was the index itself: ask for the next one.
	    $master delivery_report sample
	} else {
	    set last [dict get $report offset]
	    $index produce 0 $last [dict get $report key]
	}
    }
}

if {[info script] ne $argv0} {
    return
}

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::topic my.events 1
demo::topic my.events.index 1

KafkaIndexWriter create writer -brokers $demo::brokers -topic my.events \
    -every 100
set lines [lrange [demo::text] 0 49]
# The first message makes the topics, which may take a cluster a moment.
writer produce 0 [lindex $lines 0] [clock milliseconds]
writer flush
foreach line [lrange $lines 1 end] {
    # The key is the time; the event loop runs between two lines.
    writer produce 0 $line [clock milliseconds]
    after 10 {set go 1}
    vwait go
}
writer flush
puts "the index has reached offset [writer last]"
writer destroy

# What is in the index now?
puts "the end of the index:"
kafka::brokers $demo::brokers
kafka::topic_consumer reader my.events.index
reader start 0 -5
while {[reader consume 0 10000 row]} {
    puts "at $row(key) ms: offset $row(payload)"
}
