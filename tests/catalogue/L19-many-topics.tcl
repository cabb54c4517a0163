# row: L19
# demands: a subscription to 20,000 topics works or is refused, and ends within bounds; a longer one is an error
# limit: 60

source [file join [file dirname [info script]] case.tcl]

set master [master #auto group.id [unique many]]
set names {}
for {set i 0} {$i < 20001} {incr i} {
    lappend names t$i
}
set member [$master subscriber #auto]
expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$member subscribe $names}
expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$member assign [lmap name $names {list $name 0}]}
# The time grows with the square.
set most [expr {$::catalogue::slow == 1 ? 20000 : 4000}]
within 5000 {$member subscribe [lrange $names 1 $most]}
same [llength [$member subscribe]] $most
within 30000 {$member delete}
set member [$master subscriber #auto]
catch {$member subscribe [string repeat a 70000]}
catch {$member subscribe [lmap n [lrange $names 0 9] {string repeat $n 10000}]}
within 5000 {$member delete}
held
