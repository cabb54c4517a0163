# row: K2
# demands: settings that load code, run programs or hold pointers are refused by name, with a code; aliases, prefixes and cases do not help

source [file join [file dirname [info script]] case.tcl]

set marker [file join [pwd] ran]
set master [master]
set before [$master config]
foreach name {plugin.library.paths ssl.engine.location ssl.engine.id ssl.providers sasl.kerberos.kinit.cmd
	internal.termination.signal test.mock.num.brokers test.mock.broker.rtt ut_handle_ProduceResponse
	enabled_events enable_sasl_queue log.queue opaque interceptors} {
    foreach prefix {"" topic. topic.topic.} {
	set pair [list $prefix$name "touch $marker"]
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config {*}$pair}
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config client.id x {*}$pair}
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master topic_config {*}$pair}
	expect {KAFKA *} {$master subscriber #auto -config [list group.id g {*}$pair]}
    }
    foreach other [list [string toupper $name] " $name" "$name " $name\n [string map {. _} $name]x] {
	expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config $other x}
    }
    # Nothing of a refused call is kept, and the value is not shown.
    same [$master config] $before
    same [string first $marker [$master config]] -1
}
# No dump shows an address.
foreach {name value} [concat [$master config] [$master topic_config]] {
    same [regexp {^0x[0-9a-f]{6,}$} $value] 0
}
same [file exists $marker] 0
held
