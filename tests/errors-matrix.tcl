# errors-matrix.tcl --
#
#	Every error that a broker can answer with, as the answer to every kind of
#	request that this package sends: the embedded cluster injects it, once or
#	several times, into the life of a producer, a consumer or a member of a
#	group.  The process must live, nothing may hang, every error that reaches
#	the script must have a name of librdkafka's table (or the number, if the
#	table has no name for it), every message that was taken gets exactly one
#	report, what was written is read once and in order, and nothing is left.
#	Which error follows from which answer is librdkafka's business: this
#	program must not judge that.
#
#	usage: tclsh errors-matrix.tcl ?-cells n? ?-seed n? ?-kinds patterns?
#		?-codes patterns? ?-workers n? ?-hang seconds? ?-times 0?
#	-cells	how many of all, chosen by the seed; 0 is all of them
#	-seed	printed, so that a run can be repeated
#	-kinds -codes	only these, by the names that are printed
#	-workers	how many processes share the work (each has a cluster)
#	-hang	how long one cell may take before it counts as a hang
#	-times	how often the error is injected; 0: 1 or 8, by the seed
#
#	This process only watches; the cells are run by children.  The last line
#	is `N passed, N failed, N skipped`; the status is 0 if nothing failed.

namespace eval ::matrix {
    variable option
    array set option {
	-cells 0 -seed {} -kinds * -codes * -workers 4 -hang 60 -times 0 -run {}
    }
    # The scenarios, by the name of the request that is answered with an error;
    # Metadata has it with the topic.  What is written with idempotence and what
    # without differs, and so do the two protocols of groups.
    variable kinds {
	Produce {send 0} Produce/idempotent {send 1} InitProducerId {send 1}
	Metadata {send 0} Metadata/consumer read Metadata/group join
	ApiVersions {send 0} Fetch read ListOffsets read
	FindCoordinator join JoinGroup join SyncGroup join OffsetFetch join
	Heartbeat member OffsetCommit member LeaveGroup member
	ConsumerGroupHeartbeat join
    }
    # Numbers that no table has: a broker may be newer than librdkafka.
    variable unlisted {130 12345}
    variable passed 0 failed 0
}

# --- the watcher -------------------------------------------------------------

# ::matrix::Cells --
#
#	The cells that the options choose, in the order of the seed: lists of a
#	kind, a code and how often.

proc ::matrix::Cells {} {
    variable option
    variable kinds
    variable unlisted
    set codes $unlisted
    foreach row [kafka::kafka errors] {
	lassign $row name number
	if {$number > 0 || $number == -1} {
	    lappend codes [string range $name 18 end]
	}
    }
    # Closes the connection instead of an answer.
    lappend codes _TRANSPORT
    set cells {}
    foreach kind [dict keys $kinds] {
	foreach code $codes {
	    # A topic's error is one of its own, not the end of a connection.
	    if {[Wanted $kind $option(-kinds)] && [Wanted $code $option(-codes)]
		    && !($code eq "_TRANSPORT" && [string match Metadata* $kind])} {
		set times [expr {rand() < 0.5 ? 1 : 8}]
		if {$option(-times) > 0} {
		    set times $option(-times)
		}
		lappend cells [list [expr {rand()}] $kind $code $times]
	    }
	}
    }
    set cells [lmap cell [lsort -real -index 0 $cells] {lrange $cell 1 end}]
    if {$option(-cells) > 0} {
	set cells [lrange $cells 0 [expr {$option(-cells) - 1}]]
    }
    return $cells
}

proc ::matrix::Wanted {name patterns} {
    foreach pattern $patterns {
	if {[string match $pattern $name]} {
	    return 1
	}
    }
    return 0
}

# ::matrix::Start --
#
#	Starts the child number i with the cells that are left for it.

proc ::matrix::Start {i} {
    variable option
    variable left
    variable child
    variable now
    set now($i) {}
    # Its standard input is ours to close: then it ends, too.
    set child($i) [open [list |[info nameofexecutable] [info script] \
	    -run $left($i) 2>@1] r+]
    fconfigure $child($i) -blocking 0 -buffering line
    fileevent $child($i) readable [list ::matrix::Heard $i]
    Alarm $i
}

# ::matrix::Alarm --
#
#	Sets the clock for the next line of a child.

proc ::matrix::Alarm {i} {
    variable option
    variable alarm
    if {[info exists alarm($i)]} {
	after cancel $alarm($i)
    }
    set alarm($i) [after [expr {$option(-hang) * 1000}] [list ::matrix::Late $i]]
}

proc ::matrix::Late {i} {
    variable child
    variable hung
    set hung($i) 1
    catch {exec kill -9 [lindex [pid $child($i)] 0]}
}

# ::matrix::Heard --
#
#	Reads what a child prints: the cell that it begins, and how it ended.

proc ::matrix::Heard {i} {
    variable child
    variable alarm
    variable now
    variable left
    variable hung
    variable passed
    variable failed
    variable running
    while {[gets $child($i) line] >= 0} {
	switch -glob -- $line {
	    "begin *" {
		Alarm $i
		set now($i) [string range $line 6 end]
		set left($i) [lrange $left($i) 1 end]
	    }
	    "ok *" {
		incr passed
		lassign $line -> ms told
		set kind [lindex $now($i) 0]
		lappend ::matrix::spent($kind) $ms
		incr ::matrix::heard($kind) [expr {$told > 0}]
		set now($i) {}
	    }
	    "bad *" {
		incr failed
		puts "FOUND $now($i): [string range $line 4 end]"
		set now($i) {}
	    }
	    default {
		# Counts of lost messages are expected; a panic says more.
		if {[regexp {panic|assert|Sanitizer|FOUND} $line]} {
		    puts "    $line"
		}
	    }
	}
    }
    if {![eof $child($i)]} {
	return
    }
    after cancel $alarm($i)
    fconfigure $child($i) -blocking 1
    set how ""
    if {[catch {close $child($i)} message options]} {
	set how "$message ([dict get $options -errorcode])"
    }
    if {[info exists hung($i)]} {
	set how "a hang"
	unset hung($i)
    }
    if {$how ne "" || $now($i) ne ""} {
	incr failed
	puts "FOUND $now($i): the end of the process: $how"
	# A child that ends before its first cell would do so again.
	if {$now($i) ne "" && [llength $left($i)]} {
	    Start $i
	    return
	}
	incr failed [llength $left($i)]
    }
    incr running -1
}

# ::matrix::Watch --

proc ::matrix::Watch {} {
    variable option
    variable left
    variable running
    variable passed
    variable failed
    variable spent
    if {$option(-seed) eq ""} {
	set option(-seed) [expr {[clock microseconds] % 1000000}]
    }
    expr {srand($option(-seed) + 1)}
    set cells [Cells]
    puts "Tcl [info patchlevel], [llength $cells] cells, -seed $option(-seed)"
    set running 0
    for {set i 0} {$i < $option(-workers) && $i < [llength $cells]} {incr i} {
	set left($i) {}
	for {set n $i} {$n < [llength $cells]} {incr n $option(-workers)} {
	    lappend left($i) [lindex $cells $n]
	}
	incr running
    }
    foreach i [array names left] {
	Start $i
    }
    while {$running > 0} {
	vwait ::matrix::running
    }
    foreach kind [lsort [array names spent]] {
	set all [lsort -integer $spent($kind)]
	puts [format "%-25s%4d cells, %4d with errors told; median %5d ms, longest %5d ms" \
		$kind [llength $all] $::matrix::heard($kind) \
		[lindex $all [expr {[llength $all] / 2}]] [lindex $all end]]
    }
    if {![llength $cells]} {
	puts "no cell matches"
	set failed 1
    }
    puts "$passed passed, $failed failed, 0 skipped"
    exit [expr {$failed > 0}]
}

# --- a cell ------------------------------------------------------------------

# ::matrix::Bad --
#
#	Notes what is wrong with the cell at hand.

proc ::matrix::Bad {text} {
    variable bad
    lappend bad $text
}

# ::matrix::Named --
#
#	The name of an error that reached the script must be one of the table, or
#	be made of the number that this cell injects.

proc ::matrix::Named {name where} {
    variable names
    variable code
    variable told
    incr told
    if {![dict exists $names $name] && $name ne "RD_KAFKA_RESP_ERR_$code"} {
	Bad "$where has the name \"$name\""
    }
}

# ::matrix::Try --
#
#	Runs a script that may fail, but only as errors of Kafka do: errorCode with
#	a name, its text and a detail, and a message that says what to do next.
#	True if it did not fail.

proc ::matrix::Try {script} {
    variable names
    variable code
    if {![catch {uplevel 1 $script} message options]} {
	return 1
    }
    set list [dict get $options -errorcode]
    lassign $list word name text detail
    if {$word ne "KAFKA" || [llength $list] < 4} {
	Bad "$script: no error of Kafka: $message"
	return 0
    }
    Named $name $script
    set next "*newer than this client"
    if {[dict exists $names $name]} {
	lassign [dict get $names $name] says next
	if {$text ne $says} {
	    Bad "$script: the text is \"$text\", not \"$says\""
	}
    }
    if {![string match "kafka error: $text*; $next" $message]} {
	Bad "$script: \"$message\" does not say what to do next"
    }
    return 0
}

# ::matrix::Wait --
#
#	Serves events until the condition is true; false if it is not in time.

proc ::matrix::Wait {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $condition]]} {
	if {[clock milliseconds] > $end} {
	    return 0
	}
	set timer [after 10 {set ::matrix::tick 1}]
	vwait ::matrix::tick
    }
    return 1
}

# The callbacks: reports, errors of the client, messages of consumers.

proc ::matrix::Report {report} {
    variable reports
    dict incr reports [dict get $report payload]
    if {[dict exists $report code]} {
	Named [dict get $report code] "a report"
    }
}

proc ::matrix::Error {error} {
    Named [dict get $error code] "an error event"
}

proc ::matrix::Message {message} {
    variable got
    if {[dict exists $message code]} {
	Named [dict get $message code] "a consumer's error"
    } else {
	lappend got [dict get $message payload]
    }
}

# ::matrix::Master --
#
#	A master whose clients try again soon and give up soon.

proc ::matrix::Master {args} {
    set master [kafka::kafka create #auto]
    $master logger none
    $master error_callback ::matrix::Error
    $master config bootstrap.servers [::cluster bootstrap_servers] \
	    retry.backoff.ms 5 retry.backoff.max.ms 20 reconnect.backoff.ms 5 \
	    reconnect.backoff.max.ms 20 topic.metadata.refresh.interval.ms 200 \
	    topic.metadata.refresh.fast.interval.ms 20 socket.timeout.ms 2000 \
	    {*}$args
    return $master
}

# ::matrix::Inject, ::matrix::Heal --
#
#	The cluster answers with the error of this cell; not any more.

proc ::matrix::Inject {kind topic} {
    variable code
    variable times
    set request [lindex [split $kind /] 0]
    if {$request eq "Metadata"} {
	::cluster topic_set_error $topic $code
    } else {
	::cluster push_request_errors $request {*}[lrepeat $times $code]
    }
}

proc ::matrix::Heal {kind topic} {
    set request [lindex [split $kind /] 0]
    if {$request eq "Metadata"} {
	::cluster topic_set_error $topic NO_ERROR
    } else {
	::cluster clear_request_errors $request
    }
}

# ::matrix::Send --
#
#	A producer: messages before the error, with it, and after it.

proc ::matrix::Send {kind topic idempotent} {
    variable reports
    variable taken
    set master [Master message.timeout.ms 1500 linger.ms 0 \
	    enable.idempotence [expr {$idempotent ? "true" : "false"}]]
    $master delivery_report callback ::matrix::Report
    set late [string match Produce* $kind]
    if {!$late} {
	# The others are asked when the client begins.
	Inject $kind $topic
    }
    set handle [$master producer_creator #auto]
    if {[Try {set sender [$handle new_topic #auto $topic]}]} {
	set reports [dict create]
	set taken {}
	foreach phase {before with after} {
	    foreach n {0 1 2 3} {
		if {[Try {$sender produce [expr {$n % 2}] $phase-$n}]} {
		    lappend taken $phase-$n
		}
	    }
	    if {![Wait {[dict size $::matrix::reports] >= [llength $::matrix::taken]} 15000]} {
		Bad "reports of [llength $taken] messages: [dict keys $reports]"
	    }
	    switch -- $phase {
		before {
		    if {$late} {Inject $kind $topic}
		}
		with {Heal $kind $topic}
	    }
	}
	# What comes twice comes late.
	$handle flush 5000
	$handle poll 0
	dict for {payload count} $reports {
	    if {$count != 1 || $payload ni $taken} {
		Bad "$count reports of $payload"
	    }
	}
	$sender delete
    }
    Heal $kind $topic
    $handle delete
    $master delete
}

# ::matrix::InOrder --
#
#	What was read is the beginning of what was written, unless the client
#	began anew behind an offset that it did not believe: then the order holds.

proc ::matrix::InOrder {} {
    variable got
    if {$got ne [lsort -dictionary -unique $got]} {
	Bad "read: $got"
    }
}

# ::matrix::Read --
#
#	A consumer of a partition: messages or an error must come, and after the
#	error is over, all that was written, if no error was told.

proc ::matrix::Read {kind topic} {
    variable got
    variable told
    set master [Master fetch.error.backoff.ms 10 auto.offset.reset earliest]
    Inject $kind $topic
    set handle [$master consumer_creator #auto]
    if {[Try {set reader [$handle new_topic #auto $topic]}]} {
	if {[Try {$reader start 0 beginning ::matrix::Message}]} {
	    Wait {[llength $::matrix::got] == 5} 600
	    Heal $kind $topic
	    if {![Wait {[llength $::matrix::got] == 5} [expr {$told ? 1000 : 15000}]]
		    && !$told} {
		Bad "no error, and after it only: $got"
	    }
	    InOrder
	    Try {$reader stop 0}
	}
	$reader delete
    }
    Heal $kind $topic
    $handle delete
    $master delete
}

# ::matrix::Group --
#
#	A member of a group, with the error while it joins or when it is in.

proc ::matrix::Group {kind topic when} {
    variable got
    variable told
    variable code
    variable serial
    set master [Master group.id g[incr serial] enable.auto.commit false \
	    coordinator.query.interval.ms 100 fetch.error.backoff.ms 10]
    # Only members of the new protocol are ever told of their epoch: a classic
    # one would wait for a heartbeat of the new protocol, which it never sends.
    if {[string match ConsumerGroup* $kind] || [string match *_MEMBER_EPOCH $code]} {
	$master config group.protocol consumer
    } else {
	$master config session.timeout.ms 6000 heartbeat.interval.ms 50
    }
    if {$when eq "join"} {
	Inject $kind $topic
    }
    if {[Try {set member [$master subscriber #auto]}]} {
	$member callback ::matrix::Message
	Try {$member subscribe $topic}
	if {$when eq "join"} {
	    Wait {[llength $::matrix::got] == 5} 800
	    Heal $kind $topic
	}
	if {![Wait {[llength $::matrix::got] == 5} [expr {$told ? 1500 : 20000}]]
		&& !$told} {
	    Bad "no error, and after it only: $got"
	}
	if {$when eq "member"} {
	    Inject $kind $topic
	    Try {$member commit -timeout 500 [list [list $topic 0 3]]}
	    Wait {$::matrix::told} 200
	    if {$kind ne "LeaveGroup"} {Heal $kind $topic}
	}
	Try {$member commit -timeout 1000 [list [list $topic 0 4]]}
	Try {$member offsets -committed -timeout 1000 [list [list $topic 0]]}
	InOrder
	$member delete
    }
    Heal $kind $topic
    $master delete
}

# ::matrix::Run --
#
#	Runs cells, one after the other.

proc ::matrix::Run {cells} {
    variable kinds
    variable unlisted
    variable names
    variable code
    variable times
    variable bad
    variable got
    variable told
    fconfigure stdout -buffering line
    # Whoever watches has gone when this is at its end.
    fconfigure stdin -blocking 0
    fileevent stdin readable {
	read stdin
	if {[eof stdin]} {
	    kafka::kafka flush_timeout 0
	    exit
	}
    }
    proc ::bgerror {message} {::matrix::Bad "in a callback: $message"}
    kafka::kafka flush_timeout 3000
    foreach row [kafka::kafka errors] {
	lassign $row name number text advice
	# An error never has these.
	if {$name ni {RD_KAFKA_RESP_ERR__BEGIN RD_KAFKA_RESP_ERR__END
		RD_KAFKA_RESP_ERR_NO_ERROR}} {
	    dict set names $name [list $text $advice]
	}
    }
    kafka::kafka mock create ::cluster -brokers 2
    ::cluster create_topic kept 1
    Fill kept
    foreach cell $cells {
	lassign $cell kind code times
	puts "begin $cell"
	set began [clock milliseconds]
	set bad {}
	set got {}
	set told 0
	set topic kept
	if {[string match Metadata* $kind] || [lindex [dict get $kinds $kind] 0] eq "send"} {
	    set topic t[incr ::matrix::serial]
	    ::cluster create_topic $topic 2
	    if {[string match Metadata/* $kind]} {
		Fill $topic
	    }
	}
	set before [kafka::kafka live]
	lassign [dict get $kinds $kind] what how
	switch -- $what {
	    send {Send $kind $topic $how}
	    read {Read $kind $topic}
	    default {Group $kind $topic $what}
	}
	if {![Wait {[kafka::kafka live] eq $before} 15000]} {
	    Bad "left: [kafka::kafka live], before: $before"
	}
	set spent [expr {[clock milliseconds] - $began}]
	if {[llength $bad]} {
	    puts "bad [string map {\n { }} [join $bad {; }]]"
	} else {
	    puts "ok $spent $told"
	}
    }
    ::cluster delete
    if {![Wait {![llength [kafka::kafka live]]} 15000]} {
	puts "FOUND left at the end: [kafka::kafka live]"
	exit 1
    }
    exit 0
}

# ::matrix::Fill --
#
#	Writes five messages into the partition 0 of a topic.

proc ::matrix::Fill {topic} {
    set master [kafka::kafka create #auto]
    $master logger none
    $master config bootstrap.servers [::cluster bootstrap_servers]
    set handle [$master producer_creator #auto]
    set sender [$handle new_topic #auto $topic]
    foreach n {0 1 2 3 4} {
	$sender produce 0 m$n
    }
    if {[$handle flush 20000] != 0} {
	error "the messages were not taken"
    }
    $sender delete
    $handle delete
    $master delete
}

package require kafka
array set ::matrix::option $argv
set ::matrix::serial 0
if {$::matrix::option(-run) ne ""} {
    ::matrix::Run $::matrix::option(-run)
} else {
    ::matrix::Watch
}
