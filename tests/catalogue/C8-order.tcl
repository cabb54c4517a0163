# row: C8
# demands: 10^6 messages to four partitions get 10^6 delivery reports, in order in each partition, once each, with the offset after the one before
# limit: 120
# needs: plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic order 4]
master m linger.ms 5 queue.buffering.max.messages 200000
m delivery_report callback report
m producer_creator p
p new_topic out $topic
array set next {0 0 1 0 2 0 3 0}
set reports 0
set wrong {}

proc report {list} {
    incr ::reports
    # payload, its value, partition, its value, offset, its value ...
    set partition [lindex $list 3]
    if {[lindex $list 1] ne $::next($partition) || [lindex $list 5] ne $::next($partition)} {
	lappend ::wrong $list
    }
    incr ::next($partition)
}

for {set first 0} {$first < 250000} {incr first 5000} {
    set rows {}
    for {set i $first} {$i < $first + 5000} {incr i} {
	lappend rows [list $i]
    }
    foreach partition {0 1 2 3} {
	out produce_batch $partition $rows
    }
    # Half of the reports come from the event loop, the others from flush.
    if {$first / 5000 % 2} {
	until {$reports >= $first * 4}
    } else {
	p flush 50
    }
}
same [p flush 60000] 0
settle 20
same $reports 1000000
same [lrange $wrong 0 2] {}
same [lsort [array get next]] {0 1 2 250000 250000 250000 250000 3}
held
