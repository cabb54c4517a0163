# row: C17
# demands: a subscriber that is deleted at any moment of a rebalance, alone, with others or with its whole interpreter, is gone in bounded time, and the group goes on with the rest
# limit: 90
# needs: mock

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3
# A broker that holds the answer to a join also holds the answer to the leave behind it, in the embedded cluster for as
# long as the session: the bound of ours ends the wait, and a thread of its own the rest.
kafka::kafka flush_timeout 1000
set topic [newTopic rebalance 4]
foreach partition {0 1 2 3} {
    produceN $topic 3 -partition $partition
}
# member --
#
#	Joins a group under this name.

proc member {name group args} {
    set m [master ${name}M group.id $group session.timeout.ms 6000 heartbeat.interval.ms 100 \
	    fetch.wait.max.ms 5 {*}$args]
    $m subscriber $name
    $name callback {lappend ::got}
    $name subscribe $::topic
}

set round 0
foreach delay {0 1 3 10 30 60 100 150 200 300} {
    foreach strategy {range cooperative-sticky} {
	set group [unique group]
	member a $group partition.assignment.strategy $strategy
	if {$round % 2} {
	    until {[llength [a assignment]] == 4}
	}
	member b $group partition.assignment.strategy $strategy
	settle $delay
	# Each of two waits at most that long, and a little.
	within 4000 {
	    switch [expr {$round % 4}] {
		0 {b delete}
		1 {a delete}
		2 {rename a {}; rename b {}}
		3 {b delete; a delete}
	    }
	}
	lifetimes::kill {a b aM bM}
	incr round
    }
}

# From its own callback, in the middle of the assignment of another one.
set group [unique group]
member a $group
until {[llength [a assignment]] == 4}
set killed 0
member b $group
a callback {lifetimes::once {a delete}}
# To all partitions: which of them the other one has by now, nobody knows.
foreach partition {0 1 2 3} {
    produceN $topic 5 -partition $partition
}
until {$killed}
until {[llength [b assignment]] == 4} 20000
b delete

# A member that never looks: it has no callback and nobody polls it, and goes.
set m [master quietM group.id [unique group] session.timeout.ms 6000]
$m subscriber quiet
quiet subscribe $topic
after 300
within 3000 {quiet delete}
held
