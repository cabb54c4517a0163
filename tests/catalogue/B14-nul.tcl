# row: B14
# demands: a NUL in a name or a setting is an error, never the end of the name; in payloads it is a byte

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic nul]
set nul $topic\0more
set master [master #auto group.id [unique nul]]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set out [$producer new_topic #auto $topic]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
foreach call {
    {kafka::kafka create a\0b} {kafka::kafka mock create a\0b} {$master producer_creator a\0b}
    {$master consumer_creator a\0b} {$master subscriber a\0b} {$consumer create_queue a\0b}
    {$producer new_topic a\0b $topic} {$producer new_topic #auto $nul} {$consumer new_topic #auto $nul}
    {$member subscribe $nul} {$member subscribe ^$nul} {$member assign [list [list $nul 0 0]]}
    {$member commit [list [list $nul 0 1]]} {$member offsets [list [list $nul 0]]} {$member watermarks $nul 0}
    {$member offsets -committed [list [list $nul 0]]} {$member watermarks -cached $nul 0}
    {$member info partitions $nul} {$producer info partitions $nul}
    {$master config client.id a\0b} {$master config client.id\0 b} {$master config sasl.password a\0b}
    {$master topic_config acks 1\0} {$master config topic.acks 1\0} {$master subscriber #auto -config [list group.id a\0b]}
    {$master add_brokers 127.0.0.1:1\0} {$producer add_brokers 127.0.0.1:1\0,127.0.0.1:2}
    {$master partitioner random\0} {$producer log_level debug\0} {$master logger none\0}
    {$in start_queue 0 beginning $queue\0} {$producer test_fatal_error 47 a\0b}
    {[cluster] create_topic $nul 1} {[cluster] topic_set_error $nul 3} {[cluster] coordinator_set group a\0b 1}
    {[cluster] broker_set_rack 1 a\0b} {[cluster] push_request_errors Produce\0 3}
    {[cluster] push_request_errors Produce __TRANSPORT\0}
} {
    expect [subst -nocommands -novariables $call]
}
same [$in info topic] $topic
$out produce 0 a\0b \0
same [$producer flush 10000] 0
same [string equal [lindex [collect $topic 1 -fields {payload key}] 0] [list a\0b \0]] 1
held
