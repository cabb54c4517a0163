# row: L23
# demands: partitioners are librdkafka's own, by name: no script runs on a thread of librdkafka

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic spread 3]
set master [master]
foreach bad {{} x {apply {args {return 0}}} ::exit CONSISTENT murmur2\0 partitioner} {
    expect {$master partitioner $bad}
    expect {$master topic_config partitioner $bad}
    expect {$master config partitioner_cb $bad}
}
foreach good {random consistent consistent_random murmur2 murmur2_random fnv1a fnv1a_random} {
    $master partitioner $good
    set producer [$master producer_creator #auto]
    set out [$producer new_topic #auto $topic]
    foreach key [list {} k \0 [string repeat \xff 100000]] {
	$out produce -1 x $key
	set partition [$out info consistent_partition $key]
	same [expr {$partition in {0 1 2}}] 1
    }
    same [$producer flush 10000] 0
    $producer delete
}
held
