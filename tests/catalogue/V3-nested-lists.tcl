# row: V3
# demands: lists of a million elements and lists nested ten thousand deep are values as any other
# limit: 60

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic nested]
set master [master #auto group.id [unique nested]]
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
set consumer [$master consumer_creator #auto]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
set deep x
for {set i 0} {$i < 10000} {incr i} {
    set deep [list $deep $i]
}
# As text, too: there each level doubles nothing but the braces.
set braces [string repeat \{ 10000]x[string repeat \} 10000]
foreach value [list $deep $braces [lrepeat 1000000 {}] [lrepeat 1000000 t] [string repeat " " 5000000] \
	[string repeat "\{" 100000] [string repeat "\}" 100000] [string repeat "\\" 100001] \
	[lrepeat 1000 [lrepeat 1000 0]] [string repeat "a b " 300000]] {
    foreach call {
	{$out produce 0 $value} {$out produce_batch 0 $value} {$out produce_batch 0 [list $value]}
	{$out info consistent_partition $value} {$member subscribe $value} {$member assign $value}
	{$member assign [list [list $topic 0 $value]]} {$member commit -timeout 10 $value}
	{$member offsets -timeout 10 $value} {$master config {*}[lrange $value 0 9999]} {$master config $value x}
	{$master add_brokers $value} {$producer add_brokers $value} {$master delivery_report callback $value}
	{$in start 0 beginning $value} {$in start 0 $value} {$queue consume_callback $value} {$queue consume 0 $value}
	{$in start_queue 0 beginning $value} {$producer $value} {$producer info $value} {$producer new_topic $value t}
	{$master partitioner $value} {$master logger callback $value} {kafka::kafka create $value}
	{kafka::kafka describe $value} {$master subscriber #auto -config $value}
    } {
	catch $call
	catch {$in stop 0}
	catch {$queue consume_callback {}}
	catch {$master delivery_report callback {}}
	catch {$master logger none}
	catch {$member assign}
	catch {$member unsubscribe}
    }
    ::kafkatest::Sweep [list {*}$::kafkatest::atStart $master $producer $out $consumer $in $queue $member]
}
# What the callbacks of such names said is as expected as that they failed.
until {[$producer flush 100] == 0}
background
held
