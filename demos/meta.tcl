# meta.tcl --
#
#	Asks a cluster what it is made of.
#
#	    tclsh meta.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
demo::fill [demo::topic my.topic 1] 0
demo::fill [demo::topic my.test 4] 0

kafka::kafka create kafka_master
kafka_master logger stderr
kafka_master consumer_creator kafka_consumer
kafka_consumer add_brokers $demo::brokers

puts "brokers:"
foreach broker [kafka_consumer info brokers] {
    puts "    $broker"
}
puts "topics:"
foreach topic [lsort [kafka_consumer info topics]] {
    puts "    $topic: [kafka_consumer info partitions $topic] partitions"
}
puts "all that the cluster says:"
kafka_consumer meta print
