# row: K1
# demands: no secret shows in a dump, an error, a log line, a statistic, a report or the name of anything, under any name of its property
# needs: mock
# limit: 60

source [file join [file dirname [info script]] case.tcl]

set canary CANARY-7f3a9b
set secrets {
    sasl.username sasl.password ssl.key.location ssl.key.password ssl.key.pem ssl.ca.pem ssl.keystore.password
    sasl.oauthbearer.config sasl.oauthbearer.client.secret sasl.oauthbearer.client.credentials.client.secret
    sasl.oauthbearer.assertion.private.key.file sasl.oauthbearer.assertion.private.key.passphrase
    sasl.oauthbearer.assertion.private.key.pem
}
set told {}
proc hear {what args} {
    append ::told " $what $args"
}
# Everything that an error says.
proc note {script} {
    if {[catch {uplevel 1 $script} result options]} {
	append ::told " $result [dict get $options -errorcode] [regsub -all -- {-config .*|config .*|\{[^{}]*note[^{}]*\}} {} {}]"
    } else {
	append ::told " $result"
    }
}
foreach name $secrets {
    foreach {kind value} [list plain $canary long [string repeat x 2000000]$canary nul a\0$canary \
	    wide \u20ac$canary lines "$canary\n$canary" file /no/such/$canary] {
	set master [master]
	note {$master config $name $value}
	note {$master config [string toupper $name] $value}
	note {$master config topic.$name $value}
	note {$master topic_config $name $value}
	note {$master config}
	note {$master topic_config}
	note {$master config $name $value no.such.property x}
	note {$master subscriber secretMember -config [list group.id g $name $value no.such x]}
	if {$kind ne [expr {[regexp {location|file} $name] ? "file" : "plain"}]} {
	    $master delete
	    continue
	}
	# Each of these reads all the certificates of the machine.
	note {$master config security.protocol ssl}
	$master logger callback {hear log}
	$master error_callback {hear error}
	note {$master producer_creator secretProducer}
	note {$master consumer_creator secretConsumer}
	note {$master subscriber secretMember -config [list group.id g $name $value]}
	foreach object {secretProducer secretConsumer secretMember} {
	    note {$object config}
	    note {$object $name}
	    note {$object delete}
	}
	$master delete
    }
}
same [expr {[string first $canary $told]}] -1
matches $told {*\[redacted\]*}

# A client that uses its secrets, as talkative as can be.
foreach mechanism {PLAIN SCRAM-SHA-256 SCRAM-SHA-512} {
    set master [master #auto security.protocol sasl_plaintext sasl.mechanism $mechanism sasl.username $canary-u \
	    sasl.password $canary-p debug all statistics.interval.ms 50]
    set lines 0
    $master logger callback {apply {line {incr ::lines; hear log $line}}}
    $master error_callback {hear error}
    $master statistics_callback {apply {json {set ::statistics $json; hear statistics $json}}}
    $master delivery_report callback {hear report}
    $master topic_config message.timeout.ms 300
    unset -nocomplain statistics
    set producer [$master producer_creator #auto]
    set out [$producer new_topic #auto t]
    $out produce 0 x
    until {$lines > 100 && [info exists statistics] && [string first report $told] > 0}
    note {$producer config}
    note {$producer info topics}
    note {$out config}
    $out delete
    $producer delete
    set told [string map {report {}} $told]
}
same [string first $canary $told] -1
held
