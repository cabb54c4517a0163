# row: P4
# demands: the name of an object means nothing in another thread or interpreter, and one of the same name there is another object
# limit: 30
# needs: thread

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

package require Thread
lifetimes::prepare 1
master m client.id here
m producer_creator p
set thread [thread::create -joinable]
thread::send $thread [lifetimes::setUp]
foreach name {m p ::m kafkatestCluster} {
    same [catch {thread::send $thread [list $name help]} message] 1
    same $message "invalid command name \"$name\""
}
thread::send $thread {
    kafka::kafka create m
    m config client.id there
}
same [dict get [m config] client.id] here
same [dict get [thread::send $thread {m config}] client.id] there
thread::send $thread {m delete}
same [dict get [m config] client.id] here
# A value that was such a command here is only text there.
set word m
$word config
same [catch {thread::send $thread [list $word config]} message] 1
thread::release $thread
thread::join $thread
held
