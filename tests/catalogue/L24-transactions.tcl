# row: L24
# demands: a producer that is made for transactions, which no command begins, refuses messages and ends at once

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic transaction]
set master [master #auto transactional.id [unique id]]
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
expect {KAFKA RD_KAFKA_RESP_ERR__STATE *} {$out produce 0 x}
expect {KAFKA RD_KAFKA_RESP_ERR__STATE *} {$out produce_batch 0 {a b}}
same [$producer flush 1000] 0
within 5000 {$out delete; $producer delete}
held
