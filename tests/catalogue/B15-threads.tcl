# row: B15
# demands: an object belongs to its thread: others have no such command, and a message sent to its thread may use it
# needs: thread

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic thread]
set master [master]
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
set threads {}
for {set i 0} {$i < 4} {incr i} {
    set thread [thread::create -joinable]
    thread::send $thread [list set auto_path $auto_path]
    thread::send $thread {package require kafka}
    lappend threads $thread
    foreach object [list $master $producer $out] {
	expect {*TCL LOOKUP COMMAND *} {thread::send $thread [list $object help]}
    }
}
# They may ask this thread to work for them, all at once.
set done 0
foreach thread $threads {
    thread::send -async $thread [list thread::send [thread::id] [list $out produce 0 x]] done$thread
    trace add variable done$thread write {apply {args {incr ::done}}}
}
until {$done == 4}
same [$producer flush 10000] 0
# A client of another thread goes with it.
foreach thread $threads {
    thread::send $thread [list set servers [bootstrap]]
    thread::send $thread {
	kafka::kafka create m
	m config bootstrap.servers $servers
	m producer_creator p
	p new_topic t thread
    }
    thread::release $thread
}
foreach thread $threads {
    thread::join $thread
}
same [llength [collect $topic 4]] 4
held
