# row: C9
# demands: a process, and a thread, that sleeps in vwait hears of a report or a message within 20 ms (median of 41)
# limit: 60
# needs: plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set script {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers fetch.wait.max.ms 5 linger.ms 0
    m delivery_report callback {set ::reported}
    m producer_creator p
    p new_topic out $::family::sink
    m consumer_creator c
    c new_topic in $::family::sink
    in start 0 end {set ::arrived}
    # Until the consumer has found its place.
    while {![info exists ::arrived]} {
	out produce 0 warm
	after 20 {set ::tick 1}
	vwait ::tick
    }
    foreach way {reported arrived} {
	set times {}
	for {set i 0} {$i < 41} {incr i} {
	    after 3 {set ::tick 1}
	    vwait ::tick
	    unset -nocomplain ::reported ::arrived
	    set begin [clock microseconds]
	    out produce 0 x
	    vwait ::$way
	    lappend times [expr {[clock microseconds] - $begin}]
	}
	lappend medians [expr {[lindex [lsort -integer $times] 20] / 1000}]
    }
    foreach name {in out c p m} {
	$name delete
    }
    set medians
}
proc soon {medians} {
    foreach median $medians {
	if {$median > 20} {
	    error "medians of $medians ms"
	}
    }
}
soon [eval $script]
if {![catch {package require Thread}]} {
    set thread [thread::create -joinable]
    thread::send $thread [lifetimes::setUp]
    unset -nocomplain answer
    thread::send -async $thread $script answer
    until {[info exists answer]}
    soon $answer
    thread::release $thread
    thread::join $thread
}
held
