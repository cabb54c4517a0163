# row: P3
# demands: threads live on while the one that made them ends, and detached threads with clients, in the middle of deliveries, do not disturb the end of the process
# limit: 60
# needs: thread
# ends: exit 7
# stdout: ^all of it$

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

package require Thread
lifetimes::prepare 20
set topic [newTopic child]
# A thread makes a thread, gives it work, and ends first, with objects of its own.
set parent [thread::create -joinable]
thread::send $parent [lifetimes::setUp]
set child [thread::send $parent {
    package require Thread
    thread::create -joinable
}]
thread::send $parent [list family::make topic {apply {args {}}}]
thread::send -async $child [lifetimes::setUp][lifetimes::exchange $topic 500] answer
thread::release $parent
thread::join $parent
until {[info exists answer]} 40000
same $answer {500 500}
thread::release $child
thread::join $child

# Ten detached ones, busy when the process exits.
for {set i 0} {$i < 10} {incr i} {
    set thread [thread::create]
    thread::send $thread [lifetimes::setUp]
    thread::send -async $thread [list family::make [lindex $family::kinds [expr {$i % 7}]] {apply {args {}}}]
    thread::send -async $thread {while 1 {catch {out produce 0 x}; update}}
}
settle 200
kafka::kafka flush_timeout 1000
puts "all of it"
exit 7
