# basic-reader-batch-queue.tcl --
#
#	Leads two partitions into one queue, and reads that in one batch.
#
#	    tclsh basic-reader-batch-queue.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
set wanted [demo::fill [demo::topic my.pair 2] {0 1}]

kafka::kafka create kafka_master
kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers
kafka_consumer new_topic consumer my.pair

kafka_consumer create_queue myQueue
consumer start_queue 0 -10 myQueue
consumer start_queue 1 -10 myQueue

# So many messages, or what comes within 5000 ms.
set count [myQueue consume_batch 5000 $wanted row {
    if {[info exists row(error)]} {
	puts "error: $row(code): $row(message)"
    } else {
	puts "$row(partition)/$row(offset): $row(payload)"
    }
}]
puts "read $count messages"
