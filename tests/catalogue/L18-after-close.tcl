# row: L18
# demands: every call on what is deleted is an error, also while its own command still runs
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic closed]
produceN $topic 5
set master [master #auto group.id [unique closed]]
set calls {
    topic_producer {{produce 0 x} {produce_batch 0 {a b}} {info name} {info partitions} {info output_queue_length}
	{info consistent_partition k} config {creator flush} delete}
    topic_consumer {{start 0 beginning} {stop 0} {consume 0 0 row} {consume_batch 0 0 1 row {}} {info name} config
	{creator poll} delete}
    handle {flush poll {info topics} {meta refresh} config {create_queue #auto} {new_topic #auto x} delete}
    queue {{consume 0 row} {consume_batch 0 1 row {}} {consume_callback list} {creator poll} delete}
    subscriber {{subscribe t} {assign {t 0 0}} assignment commit offsets {consume 0} {callback list} {watermarks t 0} delete}
}
# The name of an object is kept alive by a call that deletes it from inside.
proc attack {object words} {
    foreach call $words {
	expect {$object {*}$call}
    }
}
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set out [$producer new_topic #auto $topic]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
$in start 0 beginning
set told {}
catch {$in consume_batch 0 10000 1 row {
    # Inside a loop of its own.
    foreach {object kind} [list $out topic_producer $queue queue $in topic_consumer $member subscriber \
	    $producer handle $consumer handle] {
	$object delete
	attack $object [dict get $calls $kind]
	lappend told $kind
    }
}}
same [llength $told] 6
# An alias outlives the object.
set out [[$master producer_creator p2] new_topic #auto $topic]
interp alias {} alive {} $out
$out delete
expect {alive produce 0 x}
p2 delete
expect {p2 flush}
held
