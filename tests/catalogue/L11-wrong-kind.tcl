# row: L11
# demands: producing with a consumer's topic and consuming with a producer's is an error at once, never a success without effect

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic wrong]
set master [master]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set out [$producer new_topic #auto $topic]
set in [$consumer new_topic #auto $topic]
expect {TCL LOOKUP INDEX *} {$in produce 0 x}
expect {TCL LOOKUP INDEX *} {$in produce_batch 0 x}
expect {TCL LOOKUP INDEX *} {$out start 0 beginning}
expect {TCL LOOKUP INDEX *} {$out consume 0 0 row}
expect {TCL LOOKUP INDEX *} {$out consume_batch 0 0 1 row {}}
expect {TCL LOOKUP INDEX *} {$out stop 0}
held
