# producer.tcl --
#
#	Sends the lines of a file to a topic, and says how many were delivered.
#
#	    tclsh producer.tcl ?-brokers host:port,...? ?file?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::topic my.test 4
set file [lindex $demo::rest 0]

# The master holds settings and callbacks; handles that it makes get a copy.
kafka::kafka create kafka_master
kafka_master config bootstrap.servers $demo::brokers

# The handle is the client: connections, threads, queues.
kafka_master producer_creator kafka_producer
kafka_producer log_level warning

# The topic object sends.  -1: the partitioner chooses the partition.
kafka_producer new_topic producer my.test
set sent 0
foreach line [demo::text $file] {
    producer produce -1 $line
    incr sent
}
puts "sent $sent lines; [kafka_producer output_queue_length] wait"

# Messages leave in the background: wait until all are delivered.
set left [kafka_producer flush 10000]
puts "delivered [expr {$sent - $left}] lines to my.test"
exit [expr {$left != 0}]
