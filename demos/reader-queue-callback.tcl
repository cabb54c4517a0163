# reader-queue-callback.tcl --
#
#	Reads a queue by callbacks, and shows how settings are asked and set.
#
#	    tclsh reader-queue-callback.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
set wanted [demo::fill [demo::topic my.topic 1] 0]

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

kafka::kafka create kafka_master
kafka_master config client.id my-reader
array set settings [kafka_master config]
parray settings client.*

kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers
array set topic_settings [kafka_consumer config]
parray topic_settings auto.*

# What is fetched before the callback is set waits in the queue.
kafka_consumer create_queue myQueue
kafka_consumer new_topic consumer my.topic
consumer start_queue 0 -10 myQueue
myQueue consume_callback received
vwait done
puts "read $count messages"
