# row: B11
# demands: a message that cannot be put where the script wants it is an error, and comes again
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic targets]
produceN $topic 6
set in [[[master] consumer_creator #auto] new_topic #auto $topic]
$in start 0 beginning
# The first message has come.
same [$in consume 0 15000 first] 1
same $first(payload) m0

set scalar 1
set elements(a) 1
namespace eval ::space {variable inside}
proc fails {name} {
    foreach call {{consume 0 2000 %s} {consume_batch 0 2000 2 %s {error "the body ran"}}} {
	set words [lreplace $call [lsearch -exact $call %s] [lsearch -exact $call %s] $name]
	set message [uplevel 1 [list expect "TCL *" [list $::in {*}$words]]]
	matches $message "can't set *"
    }
}
fails scalar
fails elements(a)
fails ::no::such::space::row
fails scalar(x)
set constant(payload) here
trace add variable constant write {apply {args {error "read only" {} {TCL READ_ONLY}}}}
fails constant
proc local {} {
    upvar 0 ::scalar linked
    fails linked
}
local
# The same message comes now, in each way that works.
same [$in consume 0 2000 ::space::inside] 1
same $::space::inside(payload) m1
proc global {} {
    upvar #0 ::other here
    $::in consume 0 2000 here
    same $::other(payload) m2
    namespace eval ::space {
	variable more
	$::in consume 0 2000 more
    }
    same $::space::more(payload) m3
}
global
set odd {}
$in consume 0 2000 {}
same [set {(payload)}] m4
$in consume_batch 0 2000 1 "with space\n" {lappend odd [set "with space\n(payload)"]}
same $odd m5
held
