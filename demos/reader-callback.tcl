# reader-callback.tcl --
#
#	Reads a partition by callbacks, while the event loop runs.
#
#	    tclsh reader-callback.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
set wanted [demo::fill [demo::topic my.topic 1] 0]

kafka::kafka create kafka_master
kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers
kafka_consumer new_topic consumer my.topic

# received --
#
#	Gets a list of names and values: a message, or an error.

proc received {message} {
    if {[dict exists $message error]} {
	puts "error: [dict get $message code]: [dict get $message message]"
	return
    }
    puts "[dict get $message offset]: [dict get $message payload]"
    if {[incr ::count] == $::wanted} {
	set ::done 1
    }
}

consumer start 0 -10 received
vwait done
puts "read $count messages"
