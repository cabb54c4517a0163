# client.tcl --
#
#	The client that a misbehaving proxy hurts: an idempotent and a plain
#	producer, a topic consumer, a subscriber, and short-lived visitors.  It keeps
#	account of every message, and when the proxy has calmed down it proves that
#	nothing was lost and that all goes on.  It must not look at the proxy, and
#	must not hide an error that a script of a user would see.
#
#	tclsh client.tcl -bootstrap b ?-class rough|lying? ?-plant fault?
#		?-limit 25000?	for each step of the recovery, in milliseconds
#
#	It works until the line `calm` comes on its standard input, then it ends by
#	itself.  It prints `BAD text` for each thing that must not be, and `done ...`
#	at the end.  -class lying: replies were forged, so an object that was told
#	that it is fenced or that its topic is gone may be made anew, once.
#	-plant crash, hang, lose, twice, unread, ungrateful: a fault that must be
#	seen by whoever started this.

lappend ::auto_path [file join [file dirname [file dirname [file dirname \
	[file normalize [info script]]]]] build]
package require kafka

namespace eval ::client {
    variable o
    array set o {-bootstrap {} -class rough -plant {} -limit 25000}
    # Reports by payload; payloads that were acknowledged, by topic.
    variable accepted
    array set accepted {}
    variable acked [dict create wire {} plain {}]
    variable failed 0
    variable refused 0
    variable sent 0
    variable errors 0
    variable names [dict create]
    variable remade 0
    variable got [dict create wire 0 plain 0]
    # What the consumers must see at last.
    variable marks
    array set marks {}
    variable calm 0
    variable planted 0
    variable visits 0
}

proc ::client::Bad {text} {
    puts "BAD [string range [string map {\n { }} $text] 0 300]"
    return
}

# ----------------------------------------------------------------- callbacks

proc ::client::Report {report} {
    variable accepted
    variable acked
    variable failed
    variable o
    variable planted
    set payload [dict get $report payload]
    if {$o(-plant) eq "lose" && !$planted} {
	incr planted
	return
    }
    if {![info exists accepted($payload)]} {
	Bad "a report for a message that was not accepted: $payload"
	return
    }
    incr accepted($payload)
    if {$o(-plant) eq "twice" && !$planted} {
	incr planted
	incr accepted($payload)
    }
    if {[dict exists $report error]} {
	incr failed
	if {![string match RD_KAFKA_RESP_ERR_* [dict get $report code]]} {
	    Bad "a report with an odd code: $report"
	}
    } else {
	dict lappend acked [lindex $payload 0] $payload
    }
    return
}

proc ::client::Error {error} {
    variable errors
    variable names
    incr errors
    if {[catch {dict get $error code} code] || ![string match RD_KAFKA_* $code]} {
	Bad "an error without a code: $error"
	return
    }
    dict incr names $code
    return
}

proc ::client::Message {topic message} {
    variable got
    variable marks
    if {[dict exists $message error]} {
	return
    }
    dict incr got $topic
    if {[string match "* mark *" [dict get $message payload]]} {
	incr marks($topic)
    }
    return
}

proc ::client::Background {message options} {
    Bad "background error: $message [dict get $options -errorcode]"
    return
}

# ------------------------------------------------------------------- objects

proc ::client::Master {name args} {
    variable o
    kafka::kafka create $name
    $name logger none
    $name error_callback ::client::Error
    $name delivery_report callback ::client::Report
    $name config bootstrap.servers $o(-bootstrap) \
	    reconnect.backoff.ms 1 reconnect.backoff.max.ms 20 \
	    retry.backoff.ms 10 retry.backoff.max.ms 50 socket.timeout.ms 1000 \
	    socket.connection.setup.timeout.ms 1000 message.timeout.ms 20000 \
	    topic.metadata.refresh.interval.ms 1000 \
	    topic.metadata.refresh.fast.interval.ms 20 linger.ms 0 \
	    fetch.wait.max.ms 50 fetch.error.backoff.ms 10 \
	    auto.offset.reset earliest {*}$args
    return
}

proc ::client::Make {what} {
    switch -- $what {
	wire {
	    ::idempotent producer_creator ::wireHandle
	    ::wireHandle new_topic ::wireOut wire
	}
	plain {
	    ::ordinary producer_creator ::plainHandle
	    ::plainHandle new_topic ::plainOut plain
	}
	consumer {
	    ::ordinary consumer_creator ::readHandle
	    ::readHandle new_topic ::reader wire
	    foreach partition {0 1 2} {
		::reader start $partition beginning {::client::Message wire}
	    }
	}
	subscriber {
	    # The new protocol of groups: the embedded cluster asserts when a member
	    # of the old one joins again before the end of its last connection was
	    # seen, and does not look at a connection whose member waits.
	    ::ordinary subscriber ::member -config {group.protocol consumer}
	    ::member callback {::client::Message plain}
	    ::member subscribe plain
	}
    }
    return
}

# client::Remake --
#
#	An object was told something it cannot get over: a new one in its place.

proc ::client::Remake {what} {
    variable remade
    incr remade
    switch -- $what {
	wire { ::wireOut delete; ::wireHandle delete }
	plain { ::plainOut delete; ::plainHandle delete }
	consumer { ::reader delete; ::readHandle delete }
	subscriber { ::member delete }
    }
    Make $what
    return
}

# client::Send --
#
#	A message with the next number; whether it was accepted.

proc ::client::Send {topic kind} {
    variable accepted
    variable sent
    variable refused
    variable o
    set payload "$topic $kind [incr sent]"
    try {
	::${topic}Out produce -1 $payload
    } trap KAFKA {text options} {
	incr refused
	if {[lindex [dict get $options -errorcode] 1]
		eq "RD_KAFKA_RESP_ERR__FATAL" && $o(-class) eq "lying"} {
	    Remake $topic
	}
	return 0
    }
    # Reports come from the event loop, so never before this.
    set accepted($payload) 0
    return 1
}

proc ::client::Work {} {
    variable calm
    if {$calm} {
	return
    }
    after 15 ::client::Work
    foreach topic {wire plain} {
	Send $topic n
	Send $topic n
    }
    return
}

# client::Visit --
#
#	A consumer that comes, reads a little and goes in the middle of it.

proc ::client::Visit {} {
    variable calm
    variable visits
    if {$calm} {
	return
    }
    incr visits
    if {$visits % 2} {
	::ordinary consumer_creator ::visitHandle
	::visitHandle new_topic ::visitor plain
	foreach partition {0 1 2} {
	    ::visitor start $partition beginning {::client::Nothing}
	}
    } elseif {$visits % 4} {
	::visitor delete
	::visitHandle delete
    } else {
	::visitHandle delete
	::visitor delete
    }
    after 150 ::client::Visit
    return
}

proc ::client::Nothing {args} {}

# ------------------------------------------------------------------ recovery

proc ::client::Until {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list ::expr $condition]]} {
	if {[clock milliseconds] >= $end} {
	    return 0
	}
	after 10 {set ::client::turn 1}
	vwait ::client::turn
    }
    return 1
}

proc ::client::Open {topic} {
    variable accepted
    set n 0
    foreach payload [array names accepted "$topic *"] {
	if {$accepted($payload) == 0} {
	    incr n
	}
    }
    return $n
}

# client::Marks --
#
#	Sends marks until one was acknowledged and a consumer has seen one.

proc ::client::Marks {topic reader} {
    variable acked
    variable marks
    variable o
    foreach round {1 2} {
	set end [expr {[clock milliseconds] + ($o(-class) eq "lying" && $round == 1
		? 4000 : $o(-limit))}]
	set before [llength [dict get $acked $topic]]
	set marks($topic) 0
	while {[clock milliseconds] < $end} {
	    Send $topic mark
	    if {[Until {$marks($topic) > 0 && [llength [lsearch -all -glob \
		    [dict get $acked $topic] "* mark *"]] > 0} 100]} {
		return 1
	    }
	}
	if {$o(-class) ne "lying" || $round == 2} {
	    break
	}
	set acknowledged [llength [lsearch -all -glob [dict get $acked $topic] "* mark *"]]
	if {!$acknowledged} {
	    Remake $topic
	}
	if {!$marks($topic)} {
	    Remake $reader
	}
    }
    Bad "no recovery of $topic: [llength [dict get $acked $topic]] acknowledged,\
	    $before before the marks; $marks($topic) marks seen by the $reader"
    return 0
}

# client::Readable --
#
#	Reads a topic anew, from its beginning: all that was acknowledged is there.

proc ::client::Readable {topic} {
    variable acked
    variable o
    if {$o(-plant) eq "unread"} {
	dict lappend acked $topic "$topic n never"
    }
    set missing [dict create]
    foreach payload [dict get $acked $topic] {
	dict set missing $payload 1
    }
    Master ::again
    ::again consumer_creator ::againHandle
    ::againHandle new_topic ::againTopic $topic
    foreach partition {0 1 2} {
	::againTopic start $partition beginning
    }
    set end [expr {[clock milliseconds] + $o(-limit)}]
    while {[dict size $missing] && [clock milliseconds] < $end} {
	foreach partition {0 1 2} {
	    ::againTopic consume_batch $partition 100 10000 row {
		if {![info exists row(error)]} {
		    dict unset missing $row(payload)
		}
	    }
	}
    }
    ::againTopic delete
    ::againHandle delete
    ::again delete
    if {[dict size $missing]} {
	Bad "[dict size $missing] acknowledged messages of $topic cannot be read:\
		[lrange [dict keys $missing] 0 5]"
    }
    return
}

proc ::client::Recover {} {
    variable accepted
    variable acked
    variable o
    variable sent
    variable failed
    variable refused
    variable errors
    variable remade
    variable got
    variable names
    if {$o(-plant) eq "hang"} {
	while 1 {}
    }
    foreach command {::visitor ::visitHandle} {
	if {[llength [info commands $command]]} {
	    $command delete
	}
    }
    Marks wire consumer
    Marks plain subscriber
    foreach topic {wire plain} {
	if {![Until {[Open $topic] == 0} $o(-limit)]} {
	    Bad "[Open $topic] messages of $topic have no report"
	}
    }
    foreach handle {::wireHandle ::plainHandle} {
	set left [$handle flush 5000]
	if {$left} {
	    Bad "$left messages are left in $handle"
	}
    }
    # One that comes twice would come now.
    Until 0 100
    foreach payload [array names accepted] {
	if {$accepted($payload) > 1} {
	    Bad "$accepted($payload) reports for $payload"
	}
    }
    foreach topic {wire plain} {
	Readable $topic
    }
    foreach command {::wireOut ::wireHandle ::plainOut ::plainHandle ::reader
	::readHandle ::member ::idempotent ::ordinary} {
	$command delete
    }
    if {![Until {[kafka::kafka live] eq ""} 15000]} {
	Bad "objects are left: [kafka::kafka live]"
    }
    puts "done sent $sent acked [expr {[llength [dict get $acked wire]]
	    + [llength [dict get $acked plain]]}] failed $failed refused $refused\
	    read [dict get $got wire]+[dict get $got plain] errors $errors\
	    remade $remade codes {$names}"
    exit 0
}

proc ::client::Command {} {
    variable calm
    if {[gets stdin line] < 0} {
	if {[eof stdin]} {
	    exit 3
	}
	return
    }
    if {$line eq "calm" && !$calm} {
	set calm 1
	# This channel may end now.
	fileevent stdin readable {}
	after 0 ::client::Recover
    }
    return
}

array set ::client::o $argv
fconfigure stdout -buffering line
fconfigure stdin -blocking 0
fileevent stdin readable ::client::Command
interp bgerror {} ::client::Background
if {$::client::o(-plant) eq "ungrateful"} {
    # Takes no message: the consumer does not read again.
    proc ::client::Message {args} {}
}
::client::Master ::idempotent enable.idempotence true acks all
::client::Master ::ordinary group.id readers
foreach what {wire plain consumer subscriber} {
    ::client::Make $what
}
::client::Work
after 100 ::client::Visit
if {$::client::o(-plant) eq "crash"} {
    after 300 {exec kill -SEGV [pid]}
}
puts "working"
vwait ::client::never
