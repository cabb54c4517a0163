# row: L6
# demands: looking where nothing has happened yet is no error and no crash
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set master [master #auto group.id [unique none]]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
for {set i 0} {$i < 100} {incr i} {
    foreach object [list $producer $consumer $member] {
	$object poll 0
    }
    same [$producer flush 0] 0
    expect {KAFKA RD_KAFKA_RESP_ERR__TIMED_OUT *} {$queue consume 0 row}
    same [$queue consume_batch 0 10 row {error "no message"}] 0
    same [$member consume 0] {}
}
same [info exists row] 0
held
