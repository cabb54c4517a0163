# row: P7
# demands: with SIGPIPE at its default action, as an embedder may have it, brokers that go and come back in the middle of traffic do not kill the process
# limit: 60
# needs: fork mock

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

package require Tclx
signal default SIGPIPE
lifetimes::prepare 3
master m linger.ms 0 reconnect.backoff.ms 10 reconnect.backoff.max.ms 50 fetch.wait.max.ms 5
set reports 0
m delivery_report callback {apply {args {incr ::reports}}}
m producer_creator p
set topic [newTopic pipe 3]
p new_topic out $topic
m consumer_creator c
c new_topic in $topic
foreach partition {0 1 2} {
    in start $partition 0 {apply {args {}}}
}
set sent 0
for {set round 0} {$round < 6} {incr round} {
    foreach id {1 2 3} {
	for {set i 0} {$i < 50} {incr i} {
	    out produce [expr {$i % 3}] [string repeat x 10000]
	    incr sent
	}
	[cluster] broker_set_down $id
	for {set i 0} {$i < 50} {incr i} {
	    out produce [expr {$i % 3}] [string repeat x 10000]
	    incr sent
	}
	settle 10
	[cluster] broker_set_up $id
    }
}
same [p flush 30000] 0
until {$reports == $sent}
held
