# row: B10
# demands: a trace on the variable that takes a message may unset it, delete the consumer, fail or call again
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

# A partition for each way; the reader of it may go, and its handle.
set topic [newTopic traces 66]
for {set i 0} {$i < 66} {incr i} {
    produceN $topic 9 -partition $i
}
set master [master]
set partition -1

# reader --
#	The next partition, where all messages of it are there.

proc reader {} {
    incr ::partition
    set ::handle [lindex $::handles [expr {$::partition / 6}]]
    set ::in [lindex $::readers $::partition]
    unset -nocomplain ::row
}
set handles {}
set readers {}
for {set i 0} {$i < 66} {incr i} {
    if {$i % 6 == 0} {
	lappend handles [$master consumer_creator #auto]
    }
    set in [[lindex $handles end] new_topic #auto $topic]
    $in start $i beginning
    lappend readers $in
}
foreach {name body} {
    unset {unset -nocomplain ::row}
    scalar {catch {unset -nocomplain ::row; set ::row scalar}}
    delete {catch {$::in delete}}
    all {catch {$::in delete}; catch {$::handle delete}}
    fail {error planted}
    recurse {
	if {[incr ::depth] < 20} {
	    catch {$::in consume $::partition 0 ::row}
	}
    }
    loop {
	if {[incr ::depth] < 5} {
	    catch {$::in consume_batch $::partition 0 3 ::row {append x $::row(payload)}}
	}
    }
    events {update}
    rename {catch {rename $::in {}}}
    element {set ::row(payload) changed; array unset ::row key}
    other {upvar #0 row x; array unset x; set x(payload) y}
} {
    foreach operations {write unset {write unset read array}} {
	foreach way {consume consume_batch} {
	    reader
	    set depth 0
	    set calls 0
	    trace add variable ::row $operations [list apply [list args "incr ::calls; $body"]]
	    # All may be gone after the first call.
	    foreach wait {5000 50} {
		if {$way eq "consume"} {
		    catch {$in consume $partition $wait ::row} message options
		} else {
		    catch {$in consume_batch $partition $wait 1 ::row {catch {set ::row(payload)}; set ::row(more) 1}} message options
		}
	    }
	    catch {unset ::row}
	    same [expr {$calls > 0}] 1
	    catch {$in delete}
	}
    }
}
# After all that the topic is as it was.
same [collect $topic 9] {m0 m1 m2 m3 m4 m5 m6 m7 m8}
held
