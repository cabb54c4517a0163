# row: L1
# demands: which partition a key belongs to is -1 or an error while a topic has no partitions, never a division by zero
# needs: mock
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

# What a broker answers for a topic that has nothing yet.
set topic [unique none]
[cluster] create_topic $topic 1
[cluster] topic_set_error $topic UNKNOWN_TOPIC_OR_PART
foreach partitioner {consistent murmur2 fnv1a random} {
    set master [master]
    $master partitioner $partitioner
    set producer [$master producer_creator #auto]
    set consumer [$master consumer_creator #auto]
    foreach object [list [$producer new_topic #auto $topic] \
	    [$consumer new_topic #auto $topic]] {
	until {[$object info partitions] == 0}
	foreach key {"" k} {
	    same [$object info consistent_partition $key] -1
	}
    }
}

# Nobody can say what the topic has.
set producer [[master #auto bootstrap.servers 127.0.0.1:1] producer_creator #auto]
set out [$producer new_topic #auto t]
within 20000 {expect {KAFKA RD_KAFKA_RESP_ERR_*} {$out info consistent_partition k}}
held
