# victim.tcl --
#
#	Clients that a hostile broker attacks: some at a time, in waves, each made,
#	used and deleted, until the broker is done; then one more must work.  It must
#	not know what the broker does.
#
#	tclsh victim.tcl -bootstrap b -kind producer|idempotent|consumer|group|sasl
#		?-clients n? ?-wave ms? ?-check none|work? ?-config {key value ...}?
#		?-memory 1? ?-tell 1?
#
#	It prints `working`; after the line `calm` on its standard input it makes
#	the last client, prints `done ...` and ends.  -memory 1: one client, and the
#	highest use of memory when a message or an error came.  -tell 1: prints
#	`read` at the first message, and `error code` at the first error of a kind.

lappend ::auto_path [file join [file dirname [file dirname [file dirname \
	[file normalize [info script]]]]] build]
package require kafka

namespace eval ::victim {
    variable o
    array set o {-bootstrap {} -kind consumer -clients 4 -wave 300 -check work
	-config {} -memory 0 -tell 0}
    variable calm 0
    variable errors 0
    variable messages 0
    variable delivered 0
    variable waves 0
    variable bytes 0
    variable told {}
}

# victim::Tell --
#
#	With -tell 1: says, once, what came.

proc ::victim::Tell {what} {
    variable o
    variable told
    if {$o(-tell) && $what ni $told} {
	lappend told $what
	puts $what
    }
    return
}

proc ::victim::Error {error} {
    variable errors
    incr errors
    Tell "error [dict get $error code]"
    if {![string match RD_KAFKA_RESP_ERR_* [dict get $error code]]} {
	puts "BAD an error without a code: $error"
    }
    return
}

proc ::victim::Message {message} {
    variable messages
    variable errors
    variable bytes
    if {[dict exists $message error]} {
	incr errors
	Tell "error [dict get $message code]"
    } else {
	incr messages
	Tell read
	set bytes [string length [dict get $message payload]]
    }
    return
}

proc ::victim::Report {report} {
    variable delivered
    if {![dict exists $report error]} {
	incr delivered
    }
    return
}

proc ::victim::Make {n} {
    variable o
    kafka::kafka create ::m$n
    ::m$n logger none
    ::m$n error_callback ::victim::Error
    ::m$n delivery_report callback ::victim::Report
    ::m$n config bootstrap.servers $o(-bootstrap) reconnect.backoff.ms 1 \
	    reconnect.backoff.max.ms 10 retry.backoff.ms 5 retry.backoff.max.ms 20 \
	    socket.timeout.ms 500 socket.connection.setup.timeout.ms 1000 \
	    message.timeout.ms 3000 topic.metadata.refresh.fast.interval.ms 10 \
	    linger.ms 0 fetch.wait.max.ms 20 fetch.error.backoff.ms 5 \
	    group.id g session.timeout.ms 6000 heartbeat.interval.ms 20 \
	    auto.commit.interval.ms 20 auto.offset.reset earliest {*}$o(-config)
    switch -- $o(-kind) {
	producer - idempotent {
	    if {$o(-kind) eq "idempotent"} {
		::m$n config enable.idempotence true
	    }
	    ::m$n producer_creator ::h$n
	    ::h$n new_topic ::t$n t
	    for {set i 0} {$i < 20} {incr i} {
		::t$n produce -1 hello
	    }
	}
	sasl {
	    ::m$n config security.protocol SASL_PLAINTEXT \
		    sasl.mechanisms SCRAM-SHA-256 sasl.username u sasl.password p
	    ::m$n producer_creator ::h$n
	    ::h$n new_topic ::t$n t
	    ::t$n produce -1 hello
	}
	consumer {
	    ::m$n consumer_creator ::h$n
	    ::h$n new_topic ::t$n t
	    ::t$n start 0 beginning ::victim::Message
	}
	group {
	    ::m$n subscriber ::t$n
	    ::t$n callback ::victim::Message
	    ::t$n subscribe t
	}
    }
    return
}

proc ::victim::Unmake {n} {
    foreach command [list ::t$n ::h$n ::m$n] {
	if {[llength [info commands $command]]} {
	    $command delete
	}
    }
    return
}

# victim::Wave --
#
#	Some clients; a wave later they make room for others.

proc ::victim::Wave {} {
    variable o
    variable calm
    variable waves
    incr waves
    for {set n 0} {$n < $o(-clients)} {incr n} {
	Unmake $n
	if {!$calm} {
	    Make $n
	}
    }
    if {$calm} {
	after 0 ::victim::Last
    } elseif {!$o(-memory)} {
	after $o(-wave) ::victim::Wave
    }
    return
}

proc ::victim::Until {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list ::expr $condition]]} {
	if {[clock milliseconds] >= $end} {
	    return 0
	}
	after 5 {set ::victim::turn 1}
	vwait ::victim::turn
    }
    return 1
}

# victim::Last --
#
#	The broker is good again: a new client works.

proc ::victim::Last {} {
    variable o
    variable errors
    variable messages
    variable delivered
    variable waves
    variable calm 1
    if {$o(-check) eq "work"} {
	set messages 0
	set delivered 0
	Make last
	if {![Until {$messages + $delivered > 0} 10000]} {
	    puts "BAD a new client does not work"
	}
	Unmake last
    }
    if {![Until {[kafka::kafka live] eq ""} 10000]} {
	puts "BAD objects are left: [kafka::kafka live]"
    }
    puts "done errors $errors waves $waves"
    exit 0
}

# victim::Peak --
#
#	The highest use of memory so far, in MB.

proc ::victim::Peak {} {
    set channel [open /proc/self/status]
    set text [read $channel]
    close $channel
    regexp {VmHWM:\s+(\d+)} $text -> kb
    return [expr {$kb / 1024}]
}

proc ::victim::Bomb {} {
    variable messages
    variable errors
    variable bytes
    variable calm
    if {![Until {$messages + $errors > 0} 20000]} {
	puts "BAD neither a message nor an error"
    }
    puts "peak [Peak] message $bytes errors $errors"
    set calm 1
    Unmake 0
    puts "done"
    exit 0
}

proc ::victim::Command {} {
    variable calm
    variable o
    if {[gets stdin line] >= 0} {
	set calm 1
	fileevent stdin readable {}
	if {$o(-tell)} {
	    # What was to be seen was seen.
	    after cancel ::victim::Wave
	    after 0 ::victim::Wave
	}
    } elseif {[eof stdin]} {
	exit 3
    }
    return
}

array set ::victim::o $argv
fconfigure stdout -buffering line
fconfigure stdin -blocking 0
fileevent stdin readable ::victim::Command
# A message that was not delivered here is no loss.
kafka::kafka flush_timeout 0
interp bgerror {} {apply {{message options} {puts "BAD background error: $message"}}}
puts "working"
if {$::victim::o(-memory)} {
    set ::victim::o(-clients) 1
    ::victim::Wave
    after 0 ::victim::Bomb
} else {
    ::victim::Wave
}
vwait ::victim::never
