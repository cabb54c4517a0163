# row: L5
# demands: a consumer may be deleted while a script works on its message: the message stays, the deletion ends
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic message 2]
set big [string repeat x 200000]
produceN $topic 20 -prefix $big
produceN $topic 20 -prefix $big -partition 1

proc all {name} {
    set master [master]
    set ::handle [$master consumer_creator #auto]
    set ::in [$::handle new_topic $name $::topic]
    $::in start 0 beginning
    return $master
}

# In the body of a loop.
set master [all in]
set kept {}
set seen 0
catch {$in consume_batch 0 10000 10 row {
    incr seen
    within 5000 {
	$in delete
	$handle delete
	$master delete
    }
    lappend kept $row(payload) [array get row]
}}
same $seen 1
matches [lindex $kept 0] "${big}0"

# In a callback, that keeps the message.
set master [all in]
$in start 1 beginning {apply {message {
    if {![info exists ::message]} {
	set ::message $message
	within 5000 {$::in delete; $::handle delete}
    }
}}}
until {[info exists message]}
matches [dict get $message payload] "${big}0"

# In a coroutine that waits inside the body.
set master [all in]
coroutine waiting apply {{} {
    $::in consume_batch 0 10000 5 row {
	set ::message [yield]
	set ::after [array get row]
    }
}}
within 5000 {$in delete; $handle delete}
catch {waiting go}
matches [dict get $after payload] "${big}0"
catch {rename waiting {}}

# Taken into an array that outlives all.
set master [all in]
same [$in consume 0 15000 left] 1
within 5000 {$in delete; $handle delete; $master delete}
matches $left(payload) "${big}0"
held
