# row: P3
# demands: thread::exit inside a callback of any kind, inside a body, flush, poll, delete, a nested event loop or a suspended coroutine ends that thread and nothing else; what it had is torn down, and its messages are sent
# limit: 90
# needs: thread plain

# Under a sanitizer the stack of such a thread counts as leaked: what Tcl and this package have there is never given
# back, a few hundred bytes.  The objects are.

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]
package require Thread
lifetimes::prepare 20
set before [lsort [kafka::kafka live]]

# ends --
#
#	Runs a script in a thread that has a family; the script ends the thread.

proc ends {kind callback {script {}}} {
    set thread [thread::create -joinable]
    thread::send $thread [lifetimes::setUp]
    thread::send -async $thread [list proc callback args $callback]
    thread::send -async $thread [list family::make $kind callback]
    thread::send -async $thread $script
    within 20000 {thread::join $thread}
    if {[catch {until {[lsort [kafka::kafka live]] eq $::before}}]} {
	puts "$kind, $callback, $script: [kafka::kafka live]"; exit 1
    }
}

foreach kind $family::kinds {
    ends $kind {thread::exit}
    ends $kind {after 0 thread::exit; vwait never}
    ends $kind {foreach name {m p c out in q s} {catch {$name delete}}; thread::exit}
}
foreach script {
    {in stop 0; in start 0 0; in consume_batch 0 10000 9 row {thread::exit}}
    {in stop 0; in start 0 0; in consume_batch 0 10000 9 row {after 0 thread::exit; vwait never}}
    {in stop 0; in start 0 0; proc f {} {in consume_batch 0 10000 9 row thread::exit}; if 1 f}
    {in stop 0; in start 0 0; coroutine co apply {{} {in consume_batch 0 10000 9 row {yield; thread::exit}}}; co}
    {in stop 0; in start 0 0; coroutine co apply {{} {in consume_batch 0 10000 9 row yield}}; thread::exit}
    {in stop 0; in start 0 0; array set row {}; trace add variable row write {apply {args thread::exit}}; in consume 0 10000 row}
    {m delivery_report callback {apply {args thread::exit}}; out produce 0 x; p flush}
    {m delivery_report callback {apply {args thread::exit}}; out produce 0 x; p poll 10000}
    {m delivery_report callback {apply {args thread::exit}}; out produce 0 x; out delete; p delete}
    {m error_callback {apply {args thread::exit}}; s error -195 x}
    {trace add command in delete {apply {args thread::exit}}; in delete}
    {trace add command in delete {apply {args thread::exit}}; rename in {}}
    {interp bgerror {} {apply {args thread::exit}}; after 0 {error x}; vwait never}
    {interp create child; child eval [list set auto_path $auto_path]; child eval {package require kafka; kafka::kafka create m}
	child alias die thread::exit; child eval die}
} {
    ends statistics_callback {} $script
}
same [llength [thread::names]] 1
held
