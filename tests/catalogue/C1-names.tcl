# row: C1
# demands: objects that are renamed, imported, hidden, exposed, moved into namespaces and made into ensembles work on under the new name, and go with the namespace, whichever comes first
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3
set got {}
foreach round {1 2 3} {
    namespace eval ::a::b {}
    master ::m fetch.wait.max.ms 5
    m consumer_creator ::a::c
    a::c new_topic ::a::in $family::full
    a::c create_queue ::a::b::q
    m producer_creator ::a::b::p
    a::b::p new_topic ::out $family::sink

    # Renamed in a callback of its own, then it goes on under the new name.
    set got {}
    a::in start 0 0 {apply {message {
	lappend ::got [dict get $message payload]
	if {[llength $::got] == 1} {
	    rename ::a::in ::a::b::moved
	}
    }}}
    until {[llength $got] == 3}
    same $got {m0 m1 m2}
    same [a::b::moved info name] $family::full
    same [info commands ::a::in] {}

    # Imported, then the original goes.
    namespace eval ::a {namespace export c}
    namespace eval ::user {
	namespace import ::a::c
    }
    same [user::c name] [a::c name]

    # Through an ensemble, a namespace path and unknown.
    namespace ensemble create -command ::everything -map {handle ::a::c topic ::a::b::moved}
    same [everything topic info name] $family::full
    same [namespace eval ::elsewhere {
	namespace path ::a
	c name
    }] [a::c name]

    # Hidden and exposed under other names.
    interp hide {} out hiddenOut
    interp invokehidden {} hiddenOut produce 0 x
    interp expose {} hiddenOut outAgain
    outAgain produce 0 y
    interp hide {} outAgain gone
    same [a::b::p flush 10000] 0

    switch $round {
	1 {
	    namespace delete ::a
	    rename m {}
	    interp invokehidden {} gone delete
	}
	2 {
	    rename m {}
	    interp invokehidden {} gone delete
	    namespace delete ::a::b
	    namespace delete ::a
	}
	3 {
	    interp expose {} gone out
	    proc out args {}
	    rename out {}
	    namespace delete ::a
	    m delete
	}
    }
    same [info commands ::user::*] {}
    namespace delete ::user ::elsewhere
    rename everything {}
}
held
