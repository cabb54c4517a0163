# row: C6
# demands: a callback that is a coroutine, yields, is an alias into another interpreter (also a deleted one), an ensemble, a method of an object (also a destroyed one), an imported or a hidden command, or is renamed or deleted between two events, is safe; what fails is a background error
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic commands]
set all [produceN $topic 10]
master m fetch.wait.max.ms 5
m consumer_creator c
lifetimes::watchErrors

# through --
#
#	Reads the ten messages with this callback until so many have been seen by
#	the script or have failed.  Returns what was seen, and the errors.

proc through {callback {least 10}} {
    set ::got {}
    set ::errors {}
    c new_topic in $::topic
    in start 0 0 $callback
    until {[llength $::got] + [llength $::errors] >= $least}
    update
    in delete
    return [list [llength $::got] [lsort -unique [lmap error $::errors {lindex $error 0}]]]
}

# A coroutine, which takes each message as the result of its yield.
coroutine taker apply {{} {
    while 1 {
	lappend ::got [yield]
    }
}}
same [through taker] {10 {}}
rename taker {}

# One that ends after three, and one that is deleted while it runs.
coroutine three apply {{} {
    for {set i 0} {$i < 3} {incr i} {
	lappend ::got [yield]
    }
}}
# The fourth resumption ends it; the other seven name nothing.
same [through three] {3 {{invalid command name "three"}}}
coroutine suicide apply {{} {
    lappend ::got [yield]
    rename suicide {}
    yield
}}
same [through suicide] {1 {{invalid command name "suicide"}}}

# A callback makes a coroutine that goes on later, from the event loop.
proc later {message} {
    coroutine co[incr ::serial] apply {message {
	after 1 [info coroutine]
	yield
	lappend ::got $message
    }} $message
}
same [through later] {10 {}}

# It yields where there is no coroutine; it resumes itself.
same [through yield] {0 {{yield can only be called in a coroutine}}}
coroutine again apply {{} {
    yield
    again
}}
same [through again] {0 {{coroutine "again" is already running} {invalid command name "again"}}}

# A coroutine whose body waits inside consume_batch, resumed by callbacks of another partition.
m consumer_creator c2
c2 new_topic other $topic
other start 0 0
coroutine batch apply {{} {
    yield
    other consume_batch 0 10000 10 row {
	lappend ::got $row(payload)
	yield
    }
}}
same [through batch] {10 {}}
rename batch {}
other delete

# Aliases.
set child [interp create]
$child eval {
    proc take message {
	lappend ::got $message
    }
}
interp alias {} into $child take
set got {}
set errors {}
c new_topic in $topic
in start 0 0 into
until {[$child eval {info exists got}] && [$child eval {llength $got}] == 10}
in delete
same $errors {}
# The other interpreter goes in the middle of its own call.
$child alias die interp delete $child
$child eval {
    proc take message {
	die
    }
}
lassign [through into 9] seen told
same $seen 0
same [interp exists $child] 0
same [info commands into] {}
same [lindex $told end] {invalid command name "into"}

# Ensembles.
namespace eval ::ens {
    namespace export take
    proc take {message} {
	lappend ::got $message
    }
    namespace ensemble create
}
same [through {ens take}] {10 {}}
same [lindex [through {ens nothing}] 1 0] {unknown or ambiguous subcommand "nothing": must be take}
proc ens::take {message} {
    lappend ::got $message
    namespace delete ::ens
}
same [through {ens take}] {1 {{invalid command name "ens"}}}

# Objects.
oo::class create Taker {
    method take message {
	lappend ::got $message
    }
    method die message {
	lappend ::got $message
	my destroy
    }
    method classDies message {
	lappend ::got $message
	Taker destroy
    }
    destructor {
	catch {in stop 0}
    }
}
set object [Taker new]
same [through [list $object take]] {10 {}}
set ::got {}
set ::errors {}
c new_topic in $topic
in start 0 0 [list $object die]
until {[llength $got]}
settle 50
same [list [llength $got] $errors [info commands $object]] {1 {} {}}
in delete
set object [Taker new]
c new_topic in $topic
set got {}
in start 0 0 [list $object classDies]
until {[llength $got]}
settle 50
same [list [llength $got] $errors [info commands $object] [info commands Taker]] {1 {} {} {}}
in delete

# An object of the package as its own callback: start begins anew, 10 errors at the least.
foreach word {start stop consume nothing} {
    set ::errors {}
    c new_topic in $topic
    in start 0 0 [list in $word]
    settle 60
    catch {in delete}
}
set ::errors {}
c new_topic in $topic
in start 0 0 [list c new_topic in]
settle 60
catch {in delete}

# Renamed in the middle.
proc moving message {
    lappend ::got $message
    if {[llength $::got] == 5} {
	rename moving moved
    }
}
same [through moving] {5 {{invalid command name "moving"}}}
rename moved {}

# A hidden command, unknown, tailcall, a procedure that redefines itself, a lambda that is no list.
proc secret args {}
interp hide {} secret
same [through secret] {0 {{invalid command name "secret"}}}
proc self args {
    proc self args {
	proc self args {
	    lappend ::got 1
	}
	lappend ::got 1
    }
    lappend ::got 1
}
same [through self] {10 {}}
same [lindex [through [list apply "\{"]] 0] 0
proc hop message {
    tailcall lappend ::got $message
}
same [through hop] {10 {}}
held
