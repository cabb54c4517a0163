# row: P5
# demands: exit inside a report that flush, poll or delete calls back, inside a nested loop, a trace, a background error handler, a child interpreter or a body ends the process with that status, in bounded time
# limit: 90

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5
set number 10
foreach script {
    {m delivery_report callback {apply {args {exit @}}}; p flush}
    {m delivery_report callback {apply {args {exit @}}}; while 1 {p poll 1000}}
    {m delivery_report callback {apply {args {exit @}}}; out delete; p delete}
    {m delivery_report callback {apply {args {after 0 {exit @}; vwait never}}}; p flush}
    {in stop 0; in start 0 0; array set row {}; trace add variable row write {apply {args {exit @}}}; in consume 0 10000 row}
    {in stop 0; in start 0 0; in consume_batch 0 10000 3 row {exit @}}
    {in stop 0; in start 0 0; coroutine co apply {{} {in consume_batch 0 10000 3 row {yield; exit @}}}; co}
    {interp bgerror {} {apply {args {exit @}}}; in stop 0; in start 0 0 {error x}; vwait never}
    {trace add command s delete {apply {args {exit @}}}; s delete}
    {interp create child; interp alias child leave {} exit; child eval {leave @}}
} {
    incr number
    set ran [runScript [lifetimes::setUp][string map [list @ $number] "
	kafka::kafka flush_timeout 3000
	family::make topic {apply {args {}}}
	$script
	exit 1
    "] -limit 20000]
    same [list [dict get $ran status] [dict get $ran out]] [list $number {}]
}
held
