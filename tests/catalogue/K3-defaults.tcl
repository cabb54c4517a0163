# row: K3
# demands: what a client of ours does unasked is safe: no telemetry, certificates and host names are checked, no unsigned tokens

source [file join [file dirname [info script]] case.tcl]

set master [master #auto group.id g]
set producer [$master producer_creator #auto]
set consumer [$master consumer_creator #auto]
set member [$master subscriber #auto]
set config [$master config]
foreach {name value} {enable.metrics.push false enable.ssl.certificate.verification true
	ssl.endpoint.identification.algorithm https enable.sasl.oauthbearer.unsecure.jwt false
	client.software.name kafkatcl} {
    same [dict get $config $name] $value
}
# A broker that asks for telemetry is not answered: the client never sends that request.
[cluster] start_request_tracking
set out [$producer new_topic #auto [newTopic quiet]]
$out produce 0 x
same [$producer flush 10000] 0
set asked [[cluster] get_requests]
same [expr {[llength $asked] > 0}] 1
foreach request $asked {
    same [regexp -nocase telemetry $request] 0
}
# The script's own word wins.
$master config enable.metrics.push true
same [dict get [$master config] enable.metrics.push] true
held
