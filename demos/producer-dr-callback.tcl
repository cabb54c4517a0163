# producer-dr-callback.tcl --
#
#	Sends lines with the easy interface, and shows every tenth delivery report.
#
#	    tclsh producer-dr-callback.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::topic my.test 4

# delivered --
#
#	A delivery report: where the message is now, or why it could not be sent.

proc delivered {report} {
    if {[dict exists $report error]} {
	puts "FAILED: [dict get $report code]: [dict get $report payload]"
    } else {
	puts "delivered: partition [dict get $report partition]\
	    offset [dict get $report offset]: [dict get $report payload]"
    }
}

# Callbacks are set before the producer is made.
kafka::brokers $demo::brokers
kafka::master delivery_report callback delivered
kafka::master delivery_report every 10
kafka::topic_producer producer my.test

foreach line [lrange [lsearch -all -inline -not [demo::text] ""] 0 99] {
    producer produce 0 $line
}

# Reports come through the event loop; flush lets them in, too.
puts "left: [kafka::producer flush 10000]"
