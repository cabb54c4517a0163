# reader-queue-callback-multipart.tcl --
#
#	Leads all partitions of a topic into one queue with a callback, with the
#	easy interface.
#
#	    tclsh reader-queue-callback-multipart.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::fill [demo::topic my.test 8] 0

# received --
#
#	Gets a list of names and values: a message, or an error.

proc received {message} {
    if {[dict exists $message error]} {
	puts "error: [dict get $message code]: [dict get $message message]"
	return
    }
    incr ::seen([dict get $message partition])
    if {[incr ::count] == $::wanted} {
	set ::done 1
    }
}

kafka::brokers $demo::brokers
kafka::setup_consumer
kafka::consumer create_queue myQueue
myQueue consume_callback received

# The topic object is ::consumer here, the handle is ::kafka::consumer.
kafka::topic_consumer consumer my.test
set partitions [consumer info partitions]
set all {}
for {set partition 0} {$partition < $partitions} {incr partition} {
    lappend all $partition
}

# Some lines for each of them, and then all of them into one queue.
set wanted [demo::fill my.test $all]
foreach partition $all {
    consumer start_queue $partition -10 myQueue
}
vwait done
parray seen
puts "read $count messages of $partitions partitions"
