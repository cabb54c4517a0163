# row: L17
# demands: calls of a group without a group are errors that say so; no handle has calls of the other kind

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic group]
set master [master]
expect {KAFKA *} {$master subscriber #auto}
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
foreach handle [list $producer $consumer] {
    foreach call {{subscribe t} {unsubscribe} {assign {t 0 0}} {assignment} {commit} {offsets} {consume 0}
	    {watermarks t 0}} {
	expect {TCL LOOKUP INDEX *} {$handle {*}$call}
    }
}
# A reader without a group has no place where it stopped.
set in [$consumer new_topic #auto $topic]
expect {KAFKA *} {$in start 0 stored}
set member [$master subscriber #auto -config [list group.id [unique group]]]
expect {TCL LOOKUP INDEX *} {$member produce 0 x}
expect {TCL LOOKUP INDEX *} {$member flush}
held
