# row: C4
# demands: a background error handler that throws, deletes everything in any order, deletes its interpreter, enters the event loop, or is gone does no harm
# limit: 60
# stderr: (?n)^error in background error handler:

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5
set handler [interp bgerror {}]

# It throws, breaks, returns odd codes: Tcl says so on stderr, and the stream goes on.
foreach how {{error worse} {return -code break} {return -code 17} {unset -nocomplain ::nothing}} {
    set calls 0
    interp bgerror {} [list apply {{how message options} {
	incr ::calls
	eval $how
    }} $how]
    set ::turns 0
    family::make topic {apply {args {incr ::turns; error bad}}}
    until {$::turns == 5}
    update
    # After a break in the handler Tcl drops the other errors that wait.
    if {$calls < 1} {
	error "the handler was never called"
    }
    lifetimes::kill $family::names
    update
}

# It deletes the objects, for each kind of callback, in all orders of four of them.
set turn 0
foreach order [family::orders {m c in q}] {
    set ::killed 0
    interp bgerror {} [list lifetimes::once [list lifetimes::kill [concat $order s out p]]]
    family::make [lindex $family::kinds [expr {[incr turn] % 7}]] {error oops}
    until {$::killed}
    update
    same [lifetimes::left] {}
}

# It waits in an event loop, in which the next callback fails.
set depth 0
set deepest 0
interp bgerror {} {apply {args {
    set ::deepest [expr {max($::deepest, [incr ::depth])}]
    after 20 {set ::woken 1}
    vwait ::woken
    incr ::depth -1
}}}
set ::turns 0
family::make topic {apply {args {incr ::turns; error bad}}}
until {$::turns == 5 && $::depth == 0}
lifetimes::kill $family::names

# It deletes its interpreter.
foreach kind $family::kinds {
    set child [interp create]
    $child eval [lifetimes::setUp]
    $child alias die interp delete $child
    $child eval {
	interp bgerror {} handler
	proc handler args die
	proc callback args {error bad}
    }
    $child eval [list family::make $kind callback]
    until {![interp exists $child]}
}

# Its command is gone.
interp bgerror {} nothing-of-this-name
set ::turns 0
family::make topic {apply {args {incr ::turns; error bad}}}
until {$::turns == 5}
update
lifetimes::kill $family::names
interp bgerror {} $handler
held
