# demo.tcl --
#
#	The first look (`make demo`): sends the lines of a text through Kafka's
#	protocol with a delivery report for each, reads them back in three ways,
#	compares every line with what went in, and prints the rates.  Ends with
#	status 1 if anything differs.
#
#	    tclsh demo.tcl ?-brokers host:port,...?
#
#	The embedded cluster keeps at most 100,000 messages or 5 MiB for each
#	partition: the amount here stays below that.

source [file join [file dirname [info script]] common.tcl]

# How often the text is sent, so that there is something to measure.
set rounds 16
set topic kafkatcl.demo
set bad 0

# fail --
#
#	Notes that something is not as it should be.

proc fail {message} {
    incr ::bad
    if {$::bad <= 10} {
	puts "DIFFERENT: $message"
    }
}

# rate --
#
#	Prints a row of the table: what was done, with how many messages, in how
#	many microseconds.

proc rate {what count us} {
    set seconds [expr {$us / 1e6}]
    set mb [expr {$::bytes / 1e6 / $seconds}]
    puts [format "  %-34s %8d %8.2f %10.0f %8.1f" \
	      $what $count $seconds [expr {$count / $seconds}] $mb]
}

# reported --
#
#	A delivery report: remembers where the line is now.  Lines of a partition
#	are delivered in the order in which they were sent.

proc reported {report} {
    if {[dict exists $report error]} {
	fail "not delivered: [dict get $report code]"
	incr ::failed
	return
    }
    dict with report {
	if {![info exists ::first($partition)]} {
	    set ::first($partition) $offset
	}
	set ::where($partition/$offset) $payload
    }
    incr ::reports
}

# compare --
#
#	Compares a message with what was reported at its place.  Messages of an
#	earlier run, on a real cluster, are passed over.  Returns 1 when it was
#	the last one.

proc compare {partition offset payload} {
    upvar #0 left($partition/$offset) line
    if {![info exists line]} {
	if {$offset >= $::first($partition)} {
	    fail "partition $partition offset $offset came twice, or from elsewhere"
	}
	return 0
    }
    if {$line ne $payload} {
	fail "partition $partition offset $offset: <$payload> instead of <$line>"
    }
    unset line
    return [expr {[incr ::missing -1] == 0}]
}

# begin, end --
#
#	Around each way of reading: all lines are missing before, none after.

proc begin {} {
    array unset ::left
    array set ::left [array get ::where]
    set ::missing $::reports
    set ::since [clock microseconds]
}

proc end {way} {
    set us [expr {[clock microseconds] - $::since}]
    rate $way [expr {$::reports - $::missing}] $us
    if {$::missing} {
	fail "$way: $::missing lines did not come back"
    }
}

# wait --
#
#	Runs the event loop until a variable is set, at most 20 seconds.

proc wait {variable} {
    set timer [after 20000 [list set $variable late]]
    vwait $variable
    after cancel $timer
}

# received --
#
#	Gets each message as a list of names and values, from the event loop.

proc received {message} {
    if {[dict exists $message error]} {
	fail "[dict get $message code]: [dict get $message message]"
    } elseif {[compare [dict get $message partition] \
	    [dict get $message offset] [dict get $message payload]]} {
	set ::done 1
    }
}

# --- the cluster -------------------------------------------------------------

demo::start
demo::topic $topic 4
set lines [demo::text]
set bytes [expr {$rounds * [string length [join $lines ""]]}]
puts "librdkafka [kafka::kafka version], Tcl [info patchlevel],\
    [expr {$demo::mock ne "" ? "embedded cluster" : "cluster"}]\
    at $demo::brokers"
puts "the text has [llength $lines] lines and is sent $rounds times\n"
puts [format "  %-34s %8s %8s %10s %8s" "" lines seconds lines/s MB/s]

# The master holds the settings and callbacks of what it makes.
kafka::kafka create master
master config bootstrap.servers $demo::brokers
master delivery_report callback reported

# --- produce -----------------------------------------------------------------

master producer_creator producer
producer new_topic sender $topic
set reports 0
set failed 0
set sent 0
set since [clock microseconds]
for {set round 0} {$round < $rounds} {incr round} {
    foreach line $lines {
	# -1: the partitioner chooses a partition.
	sender produce -1 $line
	incr sent
    }
    # Reports are called back as they come.
    update
}
set waiting [producer flush 20000]
rate "produce, a report for each" $reports \
    [expr {[clock microseconds] - $since}]
if {$waiting || $reports != $sent} {
    fail "$sent lines sent, $reports reported as delivered, $waiting waiting"
}
sender delete
producer delete

# What was delivered, place by place, must be the text: every line, as often as
# it was sent.
foreach line $lines {
    incr count($line) $rounds
}
foreach line [dict values [array get where]] {
    incr count($line) -1
}
foreach {line difference} [array get count] {
    if {$difference} {
	fail "sent $difference times more than reported: <$line>"
    }
}
unset count

# --- read: a loop with consume -----------------------------------------------

master consumer_creator consumer
consumer new_topic reader $topic
consumer create_queue inbox
begin
foreach partition [array names first] {
    reader start_queue $partition $first($partition) inbox
}
while {$missing} {
    # 1: a message is in the array.  0: the end of a partition was reached.
    # Nothing for ten seconds is an error.
    if {[inbox consume 10000 row]} {
	compare $row(partition) $row(offset) $row(payload)
    }
}
end "read: loop with consume"
reader delete
inbox delete
consumer delete

# --- read: event callbacks ---------------------------------------------------

master consumer_creator consumer
consumer new_topic reader $topic
begin
foreach partition [array names first] {
    reader start $partition $first($partition) received
}
wait done
end "read: event callbacks"
reader delete
consumer delete

# --- read: a subscriber in a group -------------------------------------------

if {$demo::mock ne ""} {
    # A new group waits for more members: three seconds, unless told otherwise.
    $demo::mock group_initial_rebalance_delay_ms 100
}
master config group.id kafkatcl.demo.[clock microseconds]
master subscriber member
# The group begins where this run began to write.
foreach partition [array names first] {
    member commit [list $topic $partition $first($partition)]
}
begin
member callback received
member subscribe $topic
wait done
end "read: subscriber in a group"
member delete
master delete

if {$bad} {
    puts "\nFAILED: $bad differences"
    exit 1
}
puts "\nAll $reports lines came back three times, each as it was sent."
