# basic-batch-reader.tcl --
#
#	Reads a partition in batches: a body that runs for each message.
#
#	    tclsh basic-batch-reader.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::fill [demo::topic my.topic 1] 0

kafka::kafka create kafka_master
kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers
kafka_consumer new_topic consumer my.topic

# read_all --
#
#	Reads until two seconds go by without a message, or the end is reached.

proc read_all {} {
    consumer start 0 -10
    while 1 {
	# At most 4 messages at a time, or what comes within 2000 ms.  break,
	# continue and return work in the body as in any loop of Tcl.
	set count [consumer consume_batch 0 2000 4 row {
	    if {[info exists row(error)]} {
		puts "error: $row(code): $row(message)"
		continue
	    }
	    puts "$row(offset): $row(payload)"
	}]
	puts "-- batch of $count"
	if {$count == 0} {
	    return
	}
    }
}
read_all
