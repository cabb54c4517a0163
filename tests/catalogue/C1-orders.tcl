# row: C1
# demands: one object of every kind, all busy, is deleted in all 120 orders of master, consumer, topic, queue and subscriber, outside and inside callbacks
# limit: 90

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare
set turn 0
foreach order [family::orders {m c in q s}] {
    # The producer and its topic go first or last.
    set order [expr {$turn % 2 ? [concat $order p out] : [concat out p $order]}]
    set ::killed 0
    family::make [lindex $family::kinds [expr {$turn % 7}]] [list lifetimes::once \
	    [list lifetimes::kill $order [expr {$turn % 4 < 2 ? "delete" : "rename"}]]]
    if {$turn % 3} {
	until {$::killed}
    } else {
	update
	lifetimes::kill $order
    }
    same [lifetimes::left] {}
    incr turn
}
same $turn 120
held
