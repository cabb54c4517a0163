# row: P2
# demands: 100 interpreters load the library, all work at the same time (each produces, gets its reports and consumes its own), and go in any order; 1,000 more come and go with objects in them
# limit: 90

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set before [lsort [kafka::kafka live]]
set topic [newTopic hundred 100]
set children {}
for {set i 0} {$i < 100} {incr i} {
    set child [interp create]
    lappend children $child
    $child eval [lifetimes::setUp]
    $child eval [list set partition $i]
    $child eval [list set topic $topic]
    $child eval {
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $family::servers fetch.wait.max.ms 100 linger.ms 0
	set reports 0
	m delivery_report callback {apply {report {
	    incr ::reports
	}}}
	m producer_creator p
	p new_topic out $topic
	m consumer_creator c
	c new_topic in $topic
	set got {}
	in start $partition 0 {apply {message {
	    lappend ::got [dict get $message payload]
	}}}
	for {set i 0} {$i < 20} {incr i} {
	    out produce $partition $partition-$i
	}
    }
}
foreach child $children partition [lsort -integer [lmap child $children {$child eval {set partition}}]] {
    until {[$child eval {set reports}] == 20 && [llength [$child eval {set got}]] == 20} 60000
    set wanted {}
    for {set i 0} {$i < 20} {incr i} {
	lappend wanted $partition-$i
    }
    same [$child eval {set got}] $wanted
}
# First the odd ones, then the even ones from the end.
foreach {even odd} $children {
    interp delete $odd
}
foreach {odd even} [lreverse $children] {
    interp delete $even
}
until {[lsort [kafka::kafka live]] eq $before}

# Without the search for packages, which takes ten times as long as all the rest.
set library [lindex [lsearch -inline -index 1 [info loaded] Kafka] 0]
for {set i 0} {$i < 1000} {incr i} {
    set child [interp create]
    load $library Kafka $child
    $child eval {
	kafka::kafka create m
	m config client.id x
    }
    if {$i % 20 == 0} {
	$child eval {
	    m logger none
	    m producer_creator p
	    p new_topic t x
	}
    }
    interp delete $child
}
until {[lsort [kafka::kafka live]] eq $before}
held
