# row: L8
# demands: librdkafka cannot be told to send a signal to the process

source [file join [file dirname [info script]] case.tcl]

set master [master]
foreach signal {9 15 29 0} {
    foreach prefix {"" topic.} {
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {
	    $master config ${prefix}internal.termination.signal $signal
	}
	expect * {kafka::producer #auto -config [list ${prefix}internal.termination.signal $signal]}
    }
}
set producer [$master producer_creator #auto]
$producer delete
held
