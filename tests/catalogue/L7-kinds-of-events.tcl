# row: L7
# demands: reports, errors, statistics, log lines and messages of one client each go to their own callback, whole
# needs: mock
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic kinds]
set master [master #auto statistics.interval.ms 20 linger.ms 0 group.id [unique kinds] \
	debug broker,topic message.timeout.ms 10000]
array set seen {report 0 error 0 statistics 0 log 0 message 0}
proc note {kind args} {
    incr ::seen($kind)
    set ::last($kind) [lindex $args end]
}
$master delivery_report callback {note report}
$master error_callback {note error}
$master statistics_callback {note statistics}
$master logger callback {note log}
set out [[$master producer_creator #auto] new_topic #auto $topic]
set member [$master subscriber #auto]
$member callback {note message}
$member assign [list $topic 0 beginning]
set n 0
while {$n < 300} {
    $out produce 0 [incr n]
    update
}
same [$out creator flush 10000] 0
$out creator test_fatal_error 47 planted
until {$seen(report) == 300 && $seen(message) >= 300 && $seen(error) && $seen(statistics) > 5
	&& $seen(log) > 5}
same [dict get $last(report) topic] $topic
same [dict get $last(message) topic] $topic
# Statistics come as JSON, and nothing else does.
matches [string trim $last(statistics)] {*"client_id"*}
matches $last(error) *planted*
held
