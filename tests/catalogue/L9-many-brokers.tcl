# row: L9
# demands: the number of embedded brokers is bounded, and no client makes some by a property

source [file join [file dirname [info script]] case.tcl]

set master [master]
foreach number {1 3 10000} {
    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config test.mock.num.brokers $number}
    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config test.mock.broker.rtt $number}
}
foreach number {10000 2147483647 0 -1 -2147483648 x} {
    within 5000 {expect {kafka::kafka mock create #auto -brokers $number}}
    within 5000 {expect {kafka::kafka mock new -brokers $number}}
}
# Each broker of a list is a thread of a client.
set many {}
for {set i 1} {$i <= 1001} {incr i} {
    lappend many 127.0.0.1:$i
}
set producer [$master producer_creator #auto]
foreach object [list $master $producer] {
    within 5000 {expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$object add_brokers $many}}
}
foreach name {bootstrap.servers metadata.broker.list} {
    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config $name [join $many ,]}
}
held
