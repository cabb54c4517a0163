# row: P1
# demands: an interpreter is deleted while idle, in callbacks of every kind, in a trace of a blocking consume, in flush and poll, in a body, in a coroutine, in bgerror, with 100,000 events queued: bounded, and nothing is left
# limit: 90
# valgrind: no

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 100

# child --
#
#	An interpreter with a family; the command die deletes it.

proc child {{kind topic} {callback {}}} {
    set ::child [interp create]
    $::child eval [lifetimes::setUp]
    $::child alias die interp delete $::child
    # An event loop of its own would never end after its deletion: that of this interpreter does.
    $::child alias nest settle 30
    $::child eval [list proc callback args $callback]
    $::child eval [list family::make $kind callback]
}
set all [lsort [kafka::kafka live]]
proc over {} {
    until {![interp exists $::child]}
    until {[lsort [kafka::kafka live]] eq $::all}
}

# Idle, and with events queued.
foreach wait {0 1 10 100} {
    child
    after $wait
    interp delete $child
    over
}

# In a callback of its own, of each kind; also in an event loop nested in it, and by an error after it.
foreach kind $family::kinds {
    foreach callback {die {after 0 die; nest} {die; error after} {die; catch {in delete}; catch {s delete}; m config}} {
	child $kind $callback
	over
    }
}

# Inside calls that wait.  (Not in traces of execution: there Tcl itself aborts, without this package as well.)
foreach {call setUp} {
    {in consume 0 10000 ::row} {array set ::row {}; trace add variable ::row write {apply {args die}}}
    {in consume_batch 0 10000 50 ::row {incr ::x}} {array set ::row {}; trace add variable ::row write {apply {args die}}}
    {in consume_batch 0 10000 50 ::row die} {}
    {in consume_batch 0 10000 50 ::row {die; break}} {}
    {in consume_batch 0 10000 50 ::row {die; error x}} {}
    {in consume_batch 0 10000 50 ::row {after 0 die; nest}} {}
    {coroutine co apply {{} {in consume_batch 0 10000 50 ::row {yield; die}}}; co} {}
    {coroutine co apply {{} {in consume_batch 0 10000 50 ::row {yield}}}; die} {}
    {out produce 0 y; p flush} {m delivery_report callback {apply {args die}}}
    {out produce 0 y; p poll 10000} {m delivery_report callback {apply {args die}}}
    {out produce 0 y; p delete} {m delivery_report callback {apply {args die}}}
    {s error -195 x} {m error_callback {apply {args die}}}
    {in delete} {trace add command in delete {apply {args die}}}
    {p delete} {trace add command p delete {apply {args die}}}
    {s delete} {trace add command s delete {apply {args die}}}
    {m config client.id [die]} {}
    {interp bgerror {} ::handler; update} {proc ::handler args die; after 0 {error x}}
} {
    child
    $child eval $setUp
    $child eval {
	in stop 0
	in start 0 0
    }
    catch {$child eval $call}
    over
}

# With 100,000 reports queued, none of which was looked at.
set child [interp create]
$child eval [lifetimes::setUp]
$child eval {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $family::servers
    m delivery_report callback {lappend got}
    m producer_creator p
    p new_topic out $family::sink
    for {set i 0} {$i < 10} {incr i} {
	out produce_batch 0 [lrepeat 10000 [list x]]
    }
}
after 300
within 12000 {interp delete $child}
over
held
