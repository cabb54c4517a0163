# basic-reader.tcl --
#
#	The simplest reader: a loop with consume over the last ten messages of a
#	partition.
#
#	    tclsh basic-reader.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::fill [demo::topic my.topic 1] 0

kafka::kafka create kafka_master
kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers
kafka_consumer new_topic consumer my.topic

# A negative offset counts from the end.
consumer start 0 -10

# consume gives 1 and a message in the array, or 0 at the end of the partition.
# -1: wait as long as it takes.
while {[consumer consume 0 -1 row]} {
    parray row
}
