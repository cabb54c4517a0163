# verifiable_producer.tcl --
#
#	Kafka's VerifiableProducer in Tcl: sends increasing numbers and prints
#	what became of each, one JSON object a line, so that Kafka's own system
#	tests or any runner with the same rules can drive this client.  It must
#	print nothing else on stdout, must report each message once, and must
#	flush before it says that it has shut down.  Start it through
#	verifiable.sh, which turns SIGTERM and SIGINT into a clean stop.
#
#	--topic T --bootstrap-server B [--max-messages N] [--throughput N]
#	[--acks 0|1|-1] [--command-config FILE] [--value-prefix INT]
#	[--repeating-keys N] [--message-create-time MS]
#
#	Also --broker-list and --producer.config, their old names.  No retries
#	and no idempotence, as the Java tool, unless the file sets them.  A
#	--message-create-time other than -1 is refused: [produce] takes no time.
#
#	Events: startup_complete, producer_send_success, producer_send_error,
#	shutdown_complete, tool_data.

source [file join [file dirname [file normalize [info script]]] verifiable_common.tcl]

verifiable::options {--topic * --bootstrap-server * --max-messages -1
    --throughput -1 --acks -1 --command-config {} --value-prefix {}
    --repeating-keys -1 --message-create-time -1} $argv

namespace eval ::verifiable {
    variable most [integer --max-messages]
    variable throughput [integer --throughput]
    variable keys [integer --repeating-keys]
    variable sent 0
    variable acked 0
    variable reported 0
    variable stopping 0
    variable start 0
}

# verifiable::Report --
#
#	Prints what became of a message.

proc ::verifiable::Report {report} {
    variable acked
    variable reported
    incr reported
    set key null
    if {[dict exists $report key]} {
	set key [text [dict get $report key]]
    }
    set value [text [dict get $report payload]]
    if {[dict exists $report error]} {
	event producer_send_error topic [text [dict get $report topic]] key $key \
		value $value exception [text [dict get $report code]] \
		message [text [dict get $report message]]
    } else {
	incr acked
	event producer_send_success topic [text [dict get $report topic]] \
		partition [dict get $report partition] \
		offset [dict get $report offset] key $key value $value
    }
    return
}

# verifiable::Refused --
#
#	Prints that a message was not even accepted.

proc ::verifiable::Refused {value key message options} {
    variable reported
    incr reported
    event producer_send_error topic [text [option --topic]] key $key \
	    value [text $value] \
	    exception [text [lindex [dict get $options -errorcode] 1]] \
	    message [text $message]
    return
}

# verifiable::Send --
#
#	Sends what is due, again and again.

proc ::verifiable::Send {} {
    variable most
    variable throughput
    variable keys
    variable sent
    variable reported
    variable stopping
    variable start
    variable out
    if {$stopping} {
	return
    }
    # A turn is short, and not too many messages wait for their reports.
    set due [expr {min($sent + 1000, $reported + 20000)}]
    if {$throughput >= 0} {
	set due [expr {min($due, ([clock milliseconds] - $start) * $throughput / 1000)}]
    }
    if {$most >= 0} {
	set due [expr {min($due, $most)}]
    }
    while {$sent < $due} {
	set value $sent
	if {[option --value-prefix] ne ""} {
	    set value [option --value-prefix].$sent
	}
	set key {}
	if {$keys > 0} {
	    set key [list [expr {$sent % $keys}]]
	}
	try {
	    $out produce -1 $value {*}$key
	} trap {KAFKA RD_KAFKA_RESP_ERR__QUEUE_FULL} {} {
	    break
	} trap KAFKA {message options} {
	    Refused $value [expr {$keys > 0 ? [text $key] : "null"}] $message $options
	}
	incr sent
    }
    if {$most >= 0 && $sent >= $most} {
	Stop
	return
    }
    after [expr {$throughput < 0 && $sent - $reported < 10000 ? 0 : 5}] \
	    ::verifiable::Send
    return
}

proc ::verifiable::Stop {} {
    variable stopping 1
    return
}

kafka::kafka flush_timeout 60000
set m [verifiable::master acks [verifiable::integer --acks] retries 0]
if {[verifiable::option --message-create-time] ne "-1"} {
    verifiable::Usage "argument --message-create-time: not possible with this client"
}
$m partitioner murmur2_random
$m delivery_report callback ::verifiable::Report
set h [$m producer_creator #auto]
set ::verifiable::out [$h new_topic #auto [verifiable::option --topic]]
verifiable::event startup_complete
verifiable::onStop ::verifiable::Stop
set verifiable::start [clock milliseconds]
verifiable::Send
if {!$verifiable::stopping} {
    vwait ::verifiable::stopping
}
# Reports are called back meanwhile.
set left [$h flush 60000]
if {$left} {
    verifiable::note "$left messages have no report after 60 s"
}
$::verifiable::out delete
$h delete
verifiable::event shutdown_complete
set seconds [expr {max(1, [clock milliseconds] - $verifiable::start) / 1000.0}]
verifiable::event tool_data sent $verifiable::sent acked $verifiable::acked \
	target_throughput $verifiable::throughput \
	avg_throughput [format %.3f [expr {$verifiable::acked / $seconds}]]
exit [expr {$left > 0}]
