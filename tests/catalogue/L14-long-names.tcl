# row: L14
# demands: a name that a request cannot carry is an error when it is set; the longest one works
# needs: mock

source [file join [file dirname [info script]] case.tcl]

set master [master]
set most [string repeat c 32767]
foreach name {client.id client.rack group.id group.instance.id transactional.id} {
    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config $name c$most}
    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config $name [string repeat \u20ac 10923]}
}
# A value is copied onto stacks.
foreach name {topic.blacklist bootstrap.servers partition.assignment.strategy client.id sasl.password
	ssl.ca.pem sasl.mechanism client.software.name} {
    foreach value [list [string repeat a, 10000000] [string repeat x 20000000]] {
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config $name $value}
    }
}
expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master topic_config partitioner [string repeat x 20000000]}
set topic [newTopic long]
$master config client.id $most
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
$out produce 0 x
same [$producer flush 10000] 0
$master config group.id $most
set member [$master subscriber #auto]
$member subscribe $topic
until {[set message [$member consume 100]] ne "" && [dict exists $message payload]}
same [dict get $message payload] x
held
