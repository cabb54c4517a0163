# soak.tcl --
#
#	Many messages through one process for a long time, while the embedded
#	cluster beside it fails by a seed: nothing lost, repeated or out of order,
#	each report once and in order, and memory, descriptors and threads where
#	they were.  Then too much at once: full queues, a callback that is too
#	slow.  For tclsh 8.6 and 9.  It must not need a broker, must not keep
#	anything for each message (ten million of them fit), and must leave no
#	process behind.
#
#	usage: tclsh tests/soak.tcl ?-option value ...? ?part ...?
#	    -messages 10000000
#	    -seconds 0		sends no more after so many; 0: until all are sent
#	    -seed N		of the faults, printed; times differ from run to run
#	    -size 100		bytes of a message
#	    -faults 1		0: none
#	    -tclsh program	runs the parts; default: this one
#
#	Parts, all of them by default, each in a process of its own:
#	    planted_loss, planted_repeat, planted_disorder, planted_damage,
#	    planted_report, planted_rereport, planted_memory	short runs in which the reader or
#			the reports are falsified, or memory leaks: they pass if
#			the checks find that
#	    queue_full	brokers are down and the queue is small: an error for each
#			message that does not fit, a report for each that does
#	    slow_callback	much to read and a callback that is slow: what waits
#			is bounded by queued.max.messages.kbytes
#	    soak	the long run: a producer (idempotent) sends to three topics
#			of two partitions; a callback of a topic consumer reads
#			the first, consume_batch the second, a subscriber in a
#			group the third
#	The last line is `N passed, N failed, N skipped`.

set home [file dirname [file normalize [info script]]]
source [file join $home census.tcl]
source [file join $home kafka history.tcl]

namespace eval ::soak {
    variable home $::home
    variable option
    array set option [list -messages 10000000 -seconds 0 -seed {} -size 100 \
	    -faults 1 -tclsh [info nameofexecutable] -worker {} -serve {}]
    variable parts {planted_loss planted_repeat planted_disorder planted_damage
	planted_report planted_rereport planted_memory queue_full slow_callback soak}
    # Lines of the part that runs.
    variable said {}
    # What the checks have found: kind -> how often; and a few examples.
    variable wrong
    array set wrong {}
    variable examples {}
    # Topics and how they are read; partitions of each.
    variable topics {called batched grouped}
    variable partitions 2
    # The embedded cluster keeps 100,000 messages or 5 MiB of a partition, so
    # the writer stays closer than that to the reader.
    variable ahead 10000
    # Of the short runs.
    variable short 30000
    variable samples 40
}

# What may grow after the warm-up.  Each sample is taken when all that was sent
# has been read, so the heap is that of clients at rest: on flat runs it moves by
# up to 80 KB, and resident memory by the free blocks between.  Each of the three
# clients knows three brokers: a connection that nothing is asked of may be open or
# not, and the thread of a first address that turned out to be a broker known
# already ends when it pleases.
set ::soak::limits {bytes 262144 rss 4096 fds 18 threads 6}

# ----------------------------------------------------------------- the cluster

# soak::Serve --
#
#	The cluster of a part, in a process of its own: prints its addresses,
#	does what its input says, and lives until that ends.

proc ::soak::Serve {brokers} {
    package require kafka
    kafka::kafka mock create ::cluster -brokers $brokers
    cluster group_initial_rebalance_delay_ms 0
    puts [cluster bootstrap_servers]
    flush stdout
    fconfigure stdin -blocking 0
    fileevent stdin readable ::soak::Order
    vwait ::forever
}

proc ::soak::Order {} {
    while {[gets stdin line] >= 0} {
	if {$line eq "?"} {
	    puts done
	    flush stdout
	} elseif {[catch {cluster {*}$line} message]} {
	    puts stderr "cluster $line: $message"
	    exit 1
	}
    }
    if {[eof stdin]} {
	exit
    }
}

# soak::Cluster, soak::Tell, soak::Done --
#
#	In a part: starts the cluster, returns its addresses; tells it something;
#	waits until that is done.

proc ::soak::Cluster {brokers} {
    variable home
    variable cluster
    set cluster [open "|[list [info nameofexecutable] \
	    [file join $home soak.tcl] -serve $brokers]" r+]
    fconfigure $cluster -buffering line
    if {[gets $cluster servers] < 0} {
	close $cluster
	error "the cluster did not start"
    }
    return $servers
}

proc ::soak::Tell {args} {
    if {[catch {puts $::soak::cluster $args}]} {
	Done
    }
}

proc ::soak::Done {} {
    variable cluster
    catch {puts $cluster ?}
    if {[gets $cluster] ne "done"} {
	catch {close $cluster} message options
	error "the cluster has ended: $message [dict get $options -errorcode]"
    }
}

# ------------------------------------------------------------------ the checks

# soak::Wrong --
#
#	Takes down a violation.

proc ::soak::Wrong {kind text {count 1}} {
    variable wrong
    variable examples
    if {[incr wrong($kind) $count] <= 3 * $count} {
	lappend examples "$kind: $text"
    }
}

# soak::Follows --
#
#	Is this number of a writer the one that must come now?  In each of these
#	streams numbers count from 0.  What is jumped over is remembered: if it
#	comes later it was out of order; what never comes is lost.  Returns 0 if it
#	has been there before.

proc ::soak::Follows {stream number} {
    variable next
    variable missing
    if {$number == $next($stream)} {
	incr next($stream)
	return 1
    }
    if {$number > $next($stream)} {
	for {set n $next($stream)} {$n < $number} {incr n} {
	    if {[array size missing] >= 100000} {
		Wrong loss "$stream: more than can be remembered"
		break
	    }
	    set missing($stream:$n) 1
	}
	set next($stream) [expr {$number + 1}]
	return 1
    }
    if {[info exists missing($stream:$number)]} {
	unset missing($stream:$number)
	Wrong disorder "$stream: $number comes when\
		[expr {$next($stream) - 1}] was there"
	return 1
    }
    return 0
}

# soak::Missing --
#
#	What is missing when everything should be there.

proc ::soak::Missing {} {
    variable missing
    foreach place [lsort -dictionary [array names missing]] {
	Wrong loss $place
    }
    array unset missing
}

# soak::Seen --
#
#	A message was read: from where, its offset, what it says.
#
#	The embedded cluster knows the numbers of a transactional producer alone.
#	Any other one's batch it writes twice, if the connection was cut before the
#	answer and the batch is sent again.  So after a cut a message may be at a
#	second place of the log, and this is counted; that the reader gets each
#	place once, and that the writer has one report of it, holds always.

proc ::soak::Seen {topic partition offset payload key} {
    variable next
    variable read
    variable cut
    variable written
    set stream $topic-$partition
    lassign [history::parse $payload] writer number state
    if {$state ne "good" || $writer ne $stream || $key ne $stream} {
	Wrong damage "$stream offset $offset: [string range $payload 0 60]"
	return
    }
    if {[Follows "read $stream" $number]} {
	incr read
    } elseif {$cut && $offset == $next(offset,$stream)} {
	incr written
    } else {
	Wrong repeat "$stream: $number again at offset $offset, expected are\
		number $next(read\ $stream) and offset $next(offset,$stream)"
    }
    if {$offset != $next(offset,$stream)} {
	Wrong offset "$stream: offset $offset after\
		[expr {$next(offset,$stream) - 1}]"
    }
    set next(offset,$stream) [expr {$offset + 1}]
}

# ------------------------------------------------------------------- the soak

# soak::Message, soak::Report --
#
#	Callbacks: a message, a delivery report.

proc ::soak::Message {message} {
    if {[dict exists $message error]} {
	Trouble $message
	return
    }
    Take [dict get $message topic] [dict get $message partition] \
	    [dict get $message offset] [dict get $message payload] \
	    [dict get $message key]
}

# What readers are told while brokers fail is no fault; it is counted.
proc ::soak::Trouble {message} {
    variable troubles
    incr troubles([dict get $message code])
}

# With a planted fault, one of a thousand messages of a partition is treated badly.
proc ::soak::Take {topic partition offset payload key} {
    variable plant
    variable held
    if {$plant ne ""} {
	switch $plant-[expr {$offset % 1000 == 500}]-$topic {
	    loss-1-called {
		incr ::soak::read
		return
	    }
	    repeat-1-batched {
		Seen $topic $partition $offset $payload $key
	    }
	    disorder-1-grouped {
		set held($partition) [list $topic $partition $offset $payload $key]
		return
	    }
	    damage-1-batched {
		set payload [string replace $payload end end !]
	    }
	}
    }
    Seen $topic $partition $offset $payload $key
    if {$topic eq "grouped" && [info exists held($partition)]} {
	set late $held($partition)
	unset held($partition)
	Seen {*}$late
    }
}

proc ::soak::Report {report} {
    variable plant
    variable reports
    if {[dict exists $report error]} {
	incr reports
	Wrong undelivered [dict get $report message]
	return
    }
    lassign [history::parse [dict get $report payload]] writer number
    incr reports
    if {$number == 999 && $plant eq "report"} {
	return
    }
    if {$number == 999 && $plant eq "rereport"} {
	Follows "reports $writer" $number
    }
    if {![Follows "reports $writer" $number]} {
	Wrong repeat "reports of $writer: $number again"
    }
    if {$plant eq "memory"} {
	# A value of its own each time: one long text would grow in a few large steps.
	lappend ::soak::leak [string repeat x 32]$number
    }
}

# soak::Soak --
#
#	The part itself.  Prints what is wrong, samples and totals.

proc ::soak::Soak {} {
    variable option
    variable topics
    variable partitions
    variable samples
    variable next
    variable sent 0 read 0 reports 0
    # Was a connection cut since everything was there; how many messages are in
    # the log a second time.
    variable cut 0
    variable written 0
    variable plant
    variable faults
    variable examples
    variable wrong
    variable troubles
    array set faults {}
    array set troubles {}
    set servers [Cluster 3]
    foreach topic $topics {
	Tell create_topic $topic $partitions 3
    }
    Done
    expr {srand($option(-seed))}
    kafka::kafka create m
    m logger none
    # One request at a time: the cluster does not see (as Kafka would) that one
    # comes while the one before was refused.
    m config bootstrap.servers $servers enable.idempotence true linger.ms 2 \
	    max.in.flight.requests.per.connection 1 reconnect.backoff.ms 20 reconnect.backoff.max.ms 200 \
	    retry.backoff.ms 20 retry.backoff.max.ms 200 \
	    topic.metadata.refresh.fast.interval.ms 50 fetch.wait.max.ms 50 \
	    fetch.error.backoff.ms 50 socket.timeout.ms 10000 \
	    group.id soak session.timeout.ms 45000 auto.commit.interval.ms 500 \
	    queued.max.messages.kbytes 4096
    m delivery_report callback ::soak::Report
    m producer_creator p
    m consumer_creator c
    foreach topic $topics {
	p new_topic send_$topic $topic
	c new_topic read_$topic $topic
	for {set i 0} {$i < $partitions} {incr i} {
	    foreach stream [list "read $topic-$i" "reports $topic-$i" \
		    offset,$topic-$i sent,$topic-$i] {
		set next($stream) 0
	    }
	}
    }
    for {set i 0} {$i < $partitions} {incr i} {
	read_called start $i beginning ::soak::Message
	read_batched start $i beginning
    }
    m subscriber s
    s callback ::soak::Message
    s subscribe grouped
    # The worst that a fault can do comes first: everything that may be on its way
    # is. Tcl keeps what it once had for itself; from now on there is enough.
    if {$plant eq ""} {
	for {set round 0} {$round < 3} {incr round} {
	    Tell broker_set_down -1
	    Done
	    set cut 1
	    set before -1
	    while {$sent != $before} {
		set before $sent
		Pump
	    }
	    Drain
	}
    }
    set begin [clock milliseconds]
    set until [expr {$option(-seconds) ? $begin + $option(-seconds) * 1000 : 0}]
    set start {}
    set took 0
    while 1 {
	set now [clock milliseconds]
	set part [expr {double($sent) / $option(-messages)}]
	if {$until} {
	    set part [expr {max($part, double($now - $begin) / ($until - $begin))}]
	}
	if {$part * $samples >= $took} {
	    # Everything arrives, and then the next round begins.
	    if {![Drain]} {
		break
	    }
	    set sample [census::take]
	    if {$start eq ""} {
		set start $sample
		puts "start $sample"
		if {$option(-faults)} {
		    after 300 ::soak::Fault
		}
	    } else {
		puts "sample $sent $sample"
	    }
	    set took [expr {int($part * $samples) + 1}]
	    if {$part >= 1.0} {
		break
	    }
	}
	Pump
	update
    }
    set ms [expr {[clock milliseconds] - $begin}]
    foreach kind [lsort [array names wrong]] {
	puts "wrong $kind $wrong($kind)"
    }
    foreach example $examples {
	puts "example $example"
    }
    puts "done $sent $ms"
    puts "totals sent $sent reports $reports read $read, written twice\
	    by the cluster $written; faults:\
	    [lsort -stride 2 [array get faults]]; errors told to readers:\
	    [array size troubles] [lsort -stride 2 [array get troubles]]"
    exit 0
}

# soak::Pump --
#
#	Sends to each partition that is not too far ahead, and reads what is read
#	by asking.  Waits a moment if there was nothing to do.

proc ::soak::Pump {} {
    variable option
    variable topics
    variable partitions
    variable ahead
    variable next
    variable sent
    set idle 1
    foreach topic $topics {
	for {set i 0} {$i < $partitions} {incr i} {
	    set stream $topic-$i
	    set from $next(sent,$stream)
	    if {$sent < $option(-messages)
		    && $from - $next(read\ $stream) < $ahead} {
		set rows {}
		for {set n 0} {$n < 200} {incr n} {
		    lappend rows [list [history::payload $stream \
			    [expr {$from + $n}] $option(-size)] $stream]
		}
		send_$topic produce_batch $i $rows
		incr next(sent,$stream) 200
		incr sent 200
		set idle 0
	    }
	}
    }
    if {[Batches]} {
	set idle 0
    }
    if {$idle} {
	after 2 {set ::soak::tick 1}
	vwait ::soak::tick
    }
}

# soak::Batches --
#
#	The reader that asks.  Returns how many messages it got.

proc ::soak::Batches {} {
    variable partitions
    set got 0
    for {set i 0} {$i < $partitions} {incr i} {
	incr got [read_batched consume_batch $i 0 1000 row {
	    if {[info exists row(error)]} {
		Trouble [array get row]
		unset row
	    } else {
		Take $row(topic) $row(partition) $row(offset) $row(payload) \
			$row(key)
	    }
	}]
    }
    return $got
}

# soak::Drain --
#
#	Ends the faults and waits until everything that was sent has been
#	reported and read.  What is not there after a minute is lost.

proc ::soak::Drain {} {
    variable sent
    variable read
    variable reports
    variable next
    variable calm 1
    variable cut
    variable wrong
    Heal
    set limit [expr {[clock milliseconds] + 60000}]
    while {$read < $sent || $reports < $sent} {
	if {[clock milliseconds] > $limit
		|| [array size wrong] && [clock milliseconds] > $limit - 55000} {
	    break
	}
	if {![Batches]} {
	    after 5 {set ::soak::tick 1}
	    vwait ::soak::tick
	}
    }
    # A little longer, so that one too many is seen.
    after 50 {set ::soak::tick 1}
    vwait ::soak::tick
    Batches
    foreach stream [array names next sent,*] {
	set name [string range $stream 5 end]
	foreach what {read reports} {
	    if {$next($what\ $name) < $next($stream)} {
		Wrong loss "$what $name: $next($what\ $name) of $next($stream)\
			after a minute" [expr {$next($stream)
			- $next($what\ $name)}]
	    }
	}
    }
    Missing
    set calm 0
    set cut 0
    return [expr {![array size wrong]}]
}

# soak::Fault --
#
#	One fault, and the time of the next.

proc ::soak::Fault {} {
    variable topics
    variable partitions
    variable faults
    variable calm
    variable cut
    after [expr {100 + [Below 700]}] ::soak::Fault
    if {$calm} {
	return
    }
    set broker [expr {1 + [Below 3]}]
    set topic [lindex $topics [Below 3]]
    set dice [Below 100]
    if {$dice < 30} {
	set what disconnect
	set cut 1
	Tell push_request_errors [lindex {Produce Fetch Metadata Heartbeat} \
		[Below 4]] _TRANSPORT
    } elseif {$dice < 50} {
	set what leader
	Tell partition_set_leader $topic [Below $partitions] $broker
    } elseif {$dice < 65} {
	set what down
	set cut 1
	Tell broker_set_down $broker
	after [expr {100 + [Below 1900]}] \
		[list ::soak::Tell broker_set_up $broker]
    } elseif {$dice < 80} {
	set what slow
	Tell broker_set_rtt $broker [expr {1 + [Below 200]}]
	after [expr {100 + [Below 900]}] \
		[list ::soak::Tell broker_set_rtt $broker 0]
    } elseif {$dice < 90} {
	set what error
	lassign [lindex {
	    {Produce NOT_LEADER_FOR_PARTITION}
	    {Produce NOT_ENOUGH_REPLICAS}
	    {Produce REQUEST_TIMED_OUT}
	    {Fetch NOT_LEADER_FOR_PARTITION}
	    {Fetch KAFKA_STORAGE_ERROR}
	    {OffsetCommit COORDINATOR_NOT_AVAILABLE}
	    {Heartbeat COORDINATOR_LOAD_IN_PROGRESS}
	} [Below 7]] request code
	Tell push_request_errors $request {*}[lrepeat [expr {1 + [Below 3]}] $code]
    } else {
	set what coordinator
	Tell coordinator_set group soak $broker
    }
    incr faults($what)
}

proc ::soak::Below {n} {
    return [expr {int(rand() * $n)}]
}

proc ::soak::Heal {} {
    Tell broker_set_up -1
    Tell broker_set_rtt -1 0
    foreach request {Produce Fetch Metadata Heartbeat OffsetCommit} {
	Tell clear_request_errors $request
    }
    Done
}

# -------------------------------------------------------------- too much at once

# soak::Queue_full --
#
#	Brokers are down and messages come: as many as the queue holds are taken,
#	each other one is an error, and what was taken arrives.

proc ::soak::Queue_full {} {
    set servers [Cluster 1]
    Tell create_topic t 1
    Done
    set ::soak::rounds {}
    set from 0
    foreach most {10 1000} {
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $servers enable.idempotence true \
		queue.buffering.max.messages $most linger.ms 0 \
		reconnect.backoff.ms 20 reconnect.backoff.max.ms 100
	set ::soak::got {}
	m delivery_report callback {apply {report {
	    lappend ::soak::got [expr {[dict exists $report error]
		    ? [dict get $report code] : [dict get $report payload]}]
	}}}
	Tell broker_set_down -1
	Done
	m producer_creator p
	p new_topic t t
	set taken {}
	set full 0
	set calls [expr {5 * $most}]
	set before [lindex [census::take] 2]
	for {set i 0} {$i < $calls} {incr i} {
	    set payload [history::payload w $i 100]
	    if {![catch {t produce 0 $payload} message options]} {
		lappend taken $payload
	    } elseif {[lindex [dict get $options -errorcode] 1]
		    eq "RD_KAFKA_RESP_ERR__QUEUE_FULL"} {
		incr full
	    } else {
		puts "wrong code [dict get $options -errorcode]"
	    }
	}
	# Of a batch, the error names each that did not fit.
	set rows [lrepeat 7 [list x]]
	if {![catch {t produce_batch 0 $rows} message options]
		|| [llength [lindex [dict get $options -errorcode] 4]] < 7} {
	    puts "wrong batch: $message"
	}
	set more [expr {[lindex [census::take] 2] - $before}]
	if {[llength $taken] != $most || $full != $calls - $most} {
	    puts "wrong count: [llength $taken] taken, $full errors of $calls"
	}
	# Each message is 100 bytes and what librdkafka needs to keep it.
	if {$more > $most * 1500 + 500000} {
	    puts "wrong memory: $more bytes for $most messages"
	}
	Tell broker_set_up -1
	set left [p flush 30000]
	if {$left || $::soak::got ne $taken} {
	    puts "wrong reports: $left left, [llength $::soak::got] reports of\
		    [llength $taken]"
	}
	# There is room again.
	t produce 0 [history::payload w $i 100]
	p flush 30000
	if {[llength $::soak::got] != $most + 1} {
	    puts "wrong: no room after the flush"
	}
	# And the log has what was taken.
	m consumer_creator c
	c new_topic u t
	u start 0 $from
	set log {}
	u consume_batch 0 20000 [llength $::soak::got] row {
	    lappend log $row(payload)
	}
	if {$log ne $::soak::got} {
	    puts "wrong log: [llength $log] of [llength $::soak::got]"
	}
	incr from [llength $::soak::got]
	foreach object {t p u c m} {
	    $object delete
	}
	puts "note queue.buffering.max.messages $most: $full of $calls refused,\
		$most delivered, $more bytes"
    }
    puts "done $from 1"
    exit 0
}

# soak::Slow_callback --
#
#	32 MB wait to be read, in eight partitions, and a callback is slow.

proc ::soak::Slow_callback {} {
    variable count
    set servers [Cluster 1]
    Tell create_topic t 8
    Done
    set each 4000
    set kbytes 2048
    set got 0
    kafka::kafka create m
    m logger none
    # Eight answers of a fetch can come over the bound.
    m config bootstrap.servers $servers linger.ms 5 group.id slow \
	    fetch.message.max.bytes 262144 fetch.wait.max.ms 20 \
	    queued.max.messages.kbytes $kbytes
    m producer_creator p
    p new_topic t t
    for {set i 0} {$i < $each} {incr i} {
	for {set q 0} {$q < 8} {incr q} {
	    t produce $q [history::payload w$q $i 1000]
	}
	if {$i % 200 == 0} {
	    p flush 30000
	}
    }
    if {[p flush 30000]} {
	puts "wrong: the topic could not be filled"
    }
    p delete
    t delete
    set before [census::take]
    foreach reader {subscriber queue} {
	array unset count
	set ::soak::slow 1
	set ::soak::most 0
	set ::soak::mostRss 0
	if {$reader eq "subscriber"} {
	    m subscriber s
	    s callback ::soak::Slowly
	    s subscribe t
	} else {
	    # Here the bound is for each partition.
	    m config queued.max.messages.kbytes [expr {$kbytes / 8}]
	    m consumer_creator c
	    c new_topic u t
	    c create_queue q
	    for {set q 0} {$q < 8} {incr q} {
		u start_queue $q beginning q
	    }
	    q consume_callback ::soak::Slowly
	}
	# Slow for three seconds, then at full speed to the end.
	after 3000 {set ::soak::slow 0}
	set limit [after 60000 {set ::soak::slow late}]
	while {[Read] < 8 * $each && $::soak::slow ne "late"} {
	    vwait ::soak::count
	}
	after cancel $limit
	set more [expr {$::soak::most - [lindex $before 2]}]
	set rss [expr {$::soak::mostRss - [lindex $before 0]}]
	if {[Read] != 8 * $each} {
	    puts "wrong $reader: [Read] of [expr {8 * $each}] read"
	}
	# The bound, eight answers of 256 KB over it, one more of them as it came
	# from the network, and as much again for what librdkafka needs for each.
	if {$more > 12 << 20 || $rss > 16 << 10} {
	    puts "wrong $reader: $more bytes of heap, $rss KiB resident while\
		    the callback was slow"
	}
	puts "note $reader: 32 MB waited, queued.max.messages.kbytes $kbytes in\
		all; at most $more bytes of heap and $rss KiB resident more"
	foreach object {s u q c} {
	    catch {$object delete}
	}
    }
    puts "done [expr {16 * $each}] 1"
    exit 0
}

proc ::soak::Read {} {
    variable count
    set sum 0
    foreach {key value} [array get count] {
	incr sum $value
    }
    return $sum
}

proc ::soak::Slowly {message} {
    variable count
    variable most
    variable mostRss
    if {[dict exists $message error]} {
	return
    }
    lassign [history::parse [dict get $message payload]] writer number state
    if {![info exists count($writer)]} {
	set count($writer) 0
    }
    if {$state ne "good" || $number != $count($writer)} {
	puts "wrong: $writer:$number when $count($writer) was expected"
    }
    incr count($writer)
    if {$::soak::slow == 1} {
	# Not the event loop: this is a callback that works.
	after 20
	set now [census::take]
	set most [expr {max($most, [lindex $now 2])}]
	set mostRss [expr {max($mostRss, [lindex $now 0])}]
    }
}

# ------------------------------------------------------------------ the parent

# soak::Main --
#
#	Runs the parts one after the other; returns how many failed.

proc ::soak::Main {names} {
    variable option
    variable parts
    variable said
    variable home
    foreach name $names {
	if {$name ni $parts} {
	    puts stderr "no part \"$name\"; there are: $parts"
	    return 1
	}
    }
    if {![llength $names]} {
	set names $parts
    }
    if {$option(-seed) eq ""} {
	set option(-seed) [expr {[clock microseconds] % 1000000 + 1}]
    }
    set dir [file join [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR)
	: "/tmp"}] soak[pid]]
    file mkdir $dir
    set passed 0
    set failed 0
    try {
	set counted [census::tools $dir]
	set version [exec $option(-tclsh) << {puts [info patchlevel]}]
	puts "Tcl $version, seed $option(-seed), $option(-messages) messages[expr {
	    $option(-seconds) ? ", or $option(-seconds) s" : ""}]"
	foreach name $names {
	    set said {}
	    set words [list -worker $name -seed $option(-seed) \
		    -size $option(-size) -faults $option(-faults)]
	    set limit 300
	    if {$name eq "soak"} {
		lappend words -messages $option(-messages) \
			-seconds $option(-seconds)
		set limit [expr {$option(-seconds) ? $option(-seconds) + 300
			: 600 + $option(-messages) / 1000}]
	    }
	    set id [census::worker [list {*}$counted \
		    HEAP_FILE=[file join $dir $name] $option(-tclsh) \
		    [file join $home soak.tcl] {*}$words] ::soak::Heard $limit]
	    census::next
	    if {[Judge $name [census::ended $id]]} {
		incr passed
	    } else {
		incr failed
	    }
	}
    } finally {
	census::stop
	file delete -force $dir
    }
    puts "$passed passed, $failed failed, 0 skipped"
    return $failed
}

proc ::soak::Heard {line} {
    variable said
    if {[llength $said] < 1000} {
	lappend said [string range $line 0 500]
    }
}

# soak::Judge --
#
#	Says how a part went; true if it is as it should be.

proc ::soak::Judge {name how} {
    variable said
    variable limits
    set samples {}
    set start {}
    set done {}
    set wrong {}
    set notes {}
    foreach line $said {
	switch -glob -- $line {
	    "start *" {set start [lrange $line 1 end]}
	    "sample *" {lappend samples [lrange $line 1 end]}
	    "done *" {set done [lrange $line 1 end]}
	    "totals *" {lappend notes [string range $line 7 end]}
	    "note *" {lappend notes [string range $line 5 end]}
	    default {lappend wrong $line}
	}
    }
    if {$how ne "ok" || $done eq ""} {
	lappend wrong "$how, and no end"
    }
    set memory ""
    if {[llength $samples] >= 10} {
	lappend wrong {*}[census::judge $samples $start {*}$limits]
	lassign [census::grown $samples] work rss bytes
	set last [lindex $samples end]
	set memory [format "; after the warm-up, in %d messages, the heap grew\
		by %.0f bytes and resident memory by %.0f KiB; descriptors %d\
		to %d, threads %d to %d" $work $bytes $rss [lindex $start 3] \
		[lindex $last 4] [lindex $start 4] [lindex $last 5]]
    } elseif {$name in {soak planted_memory}} {
	lappend wrong "only [llength $samples] samples"
    }
    if {[regexp {^planted_(.*)} $name -> planted]} {
	# What must be said of it.
	set word [dict get {loss "wrong loss*" repeat "wrong repeat*"
	    disorder "wrong disorder*" damage "wrong damage*"
	    report "wrong loss*" rereport "wrong repeat*" memory "heap:*"} $planted]
	set found [lsearch -inline -glob $wrong $word]
	if {$found ne ""} {
	    puts "$name: found, as it should be: $found"
	    return 1
	}
	puts "FAILED $name: was not found"
	puts [join $said \n]
	return 0
    }
    if {![llength $wrong]} {
	if {$name eq "soak"} {
	    lassign $done sent ms
	    puts [format "%s: %d messages in %.0f s, %.0f/s%s" $name $sent \
		    [expr {$ms / 1000.0}] [expr {$sent * 1000.0 / $ms}] $memory]
	}
	foreach note $notes {
	    puts "$name: $note"
	}
	return 1
    }
    foreach line [lrange $wrong 0 40] {
	puts "FAILED $name: $line"
    }
    puts [join $notes \n]
    foreach sample $samples {
	puts "    $sample"
    }
    return 0
}

# ------------------------------------------------------------------- the start

proc ::soak::Worker {name} {
    variable option
    variable plant ""
    variable short
    variable calm 1
    fconfigure stdout -buffering line
    census::take
    package require kafka
    switch -glob $name {
	planted_* {
	    set plant [string range $name 8 end]
	    set option(-messages) $short
	    Soak
	}
	default {
	    [string totitle $name]
	}
    }
}

set names {}
for {set i 0} {$i < [llength $argv]} {incr i} {
    set word [lindex $argv $i]
    if {[info exists ::soak::option($word)] && $i + 1 < [llength $argv]} {
	set ::soak::option($word) [lindex $argv [incr i]]
    } elseif {[string match -* $word]} {
	puts stderr "usage: soak.tcl ?-messages n? ?-seconds n? ?-seed n?\
		?-size n? ?-faults 0? ?-tclsh program? ?part ...?"
	exit 2
    } else {
	lappend names $word
    }
}
fconfigure stdout -buffering line
if {$::soak::option(-serve) ne ""} {
    ::soak::Serve $::soak::option(-serve)
} elseif {$::soak::option(-worker) ne ""} {
    ::soak::Worker $::soak::option(-worker)
} else {
    exit [expr {[::soak::Main $names] > 0}]
}
