# row: C3
# demands: a callback that hits a limit of its interpreter (time, commands, recursion) or is cancelled ends with a background error; while the limit lasts the others fail in the same way, and when it is lifted the stream goes on
# limit: 60
# stderr: command count limit exceeded|^error in background error handler

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 50
proc child {how} {
    set child [interp create]
    $child eval [lifetimes::setUp]
    $child eval {
	set got {}
	set errors {}
	interp bgerror {} failed
	proc failed {message options} {
	    lappend ::errors $message
	}
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $::family::servers fetch.wait.max.ms 5
	m consumer_creator c
	c new_topic in $::family::full
    }
    $child eval [list proc spoil {} $how]
    $child eval {
	proc callback {message} {
	    lappend ::got [dict get $message payload]
	    if {[llength $::got] == 3} {
		spoil
	    }
	}
	in start 0 0 callback
    }
    return $child
}

# goesOn --
#
#	What is sent now arrives in that interpreter.

proc goesOn {child} {
    set sent [produceN $::family::full 3 -prefix late[incr ::rounds]-]
    until {[lrange [$child eval {set got}] end-2 end] eq $sent}
}

set all {}
for {set i 0} {$i < 50} {incr i} {
    lappend all m$i
}

# Commands: the third callback never ends by itself.
set child [child {while 1 {incr ::x}}]
$child limit command -value [expr {[$child eval {info cmdcount}] + 5000}] -granularity 1
settle 300
$child limit command -value {}
goesOn $child
interp delete $child

# Time.
set child [child {while 1 {incr ::x}}]
$child limit time -seconds [expr {[clock seconds] + 1}] -granularity 1
within 5000 {settle 1500}
$child limit time -seconds {}
goesOn $child
interp delete $child

# Recursion.
set child [child {proc f {} f; f}]
interp recursionlimit $child 50
until {[llength [$child eval {set got}]] >= 50}
same [lrange [$child eval {set got}] 0 49] $all
until {[llength [$child eval {set errors}]]}
matches [lindex [$child eval {set errors}] 0] {too many nested evaluations*}
same [llength [$child eval {set errors}]] 1
interp delete $child

# Cancelled from a timer of this interpreter, in an event loop of its own and then in a busy one.
foreach {how options} {{vwait ::never} {} {vwait ::never} -unwind {catch {vwait ::never}; catch {vwait ::never}} -unwind
	{while 1 {catch {after 1; update}}} -unwind {update; cancelMe; while 1 {}} {} {cancelMe; catch {in stop 0}} {}} {
    set child [child $how]
    $child alias cancelMe interp cancel {*}$options $child
    set timer [after 100 [list interp cancel {*}$options $child]]
    until {[llength [$child eval {set got}]] >= 3}
    if {![string match *stop* $how]} {
	until {[llength [$child eval {set got}]] >= 50}
	goesOn $child
    }
    after cancel $timer
    same [lrange [$child eval {set got}] 0 2] {m0 m1 m2}
    interp delete $child
}

# A limit that is reached between two callbacks.
set child [child {}]
$child limit command -value [expr {[$child eval {info cmdcount}] + 20}] -granularity 1
settle 300
$child limit command -value {}
goesOn $child
interp delete $child
held
