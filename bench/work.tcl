# work.tcl --
#
#	What the benchmarks do in Tcl, through the package only: one measured run.
#	The same loops are in work.c and work.py.  It must not use anything of the
#	package that the manual does not name, and a loop must not do more than a
#	user's would.  One file, as work.c is, so that the two can be read side by
#	side.
#
#	usage: tclsh work.tcl WORK BROKERS ?-name value ...?
#	    batch		consume_batch with an array and a body
#	    lists, lists_subscriber	consume_list and foreach
#	    topic, queue, subscriber		a callback for each message
#	    one_topic, one_queue, one_subscriber	consume, one by one
#	    loop_array, loop_list, loop_callback	the same bodies over a
#			ready-made list
#	    produce, report	with keys: without, with a report callback for each
#	    latency		each message when the last one was read
#	    idle		ten clients with nothing to do for -seconds seconds
#	    fair_topic, fair_subscriber		a timer of 10 ms and redraws beside
#			callbacks
#	    growth		the partition again and again, memory after each time
#	    slow		a callback that takes its time, for -seconds seconds
#	    threads		-threads threads, each reads its share of the
#			partitions, which librdkafka has fetched before
#	    many		all partitions of all topics through one queue
#	    clients		-clients consumers with callbacks, a partition each
#	    start		package require
#	    held		how many messages partition 0 holds; measures nothing
#
#	A partition that holds only -held messages is read again and again.
#	-config has properties for all clients of the run, over those that the
#	work sets; -count is how many messages one consume_batch or consume_list
#	asks for; -payload lines sends lines that look like a log in JSON, all
#	different within a batch, instead of plain, one and the same; -every is
#	for delivery_report every; with -room a producer polls while more
#	messages than that are in its queue; with -ready 1 a topic consumer or
#	producer has asked who leads the partition before its clock starts, and a
#	producer has sent a message.
#	Prints one line: names and values.

source [file join [file dirname [file normalize [info script]]] meter.tcl]

namespace eval ::work {
    variable home [file dirname [file normalize [info script]]]
    # The options.
    variable o
    array set o {-topic bench -messages 1000000 -held 0 -size 100 -topics 1
	-partitions 1 -clients 50 -threads 2 -seconds 10
	-config {} -count 10000 -payload plain -every 1 -room 0 -ready 0}
    # Where [make] leaves the package, after all places that were named.
    lappend ::auto_path [file join [file dirname $home] build]
}

# work::Master --
#
#	Settings as everybody has them, and these.

proc ::work::Master {args} {
    variable brokers
    variable o
    kafka::kafka create master
    master config bootstrap.servers $brokers {*}$args {*}$o(-config)
}

proc ::work::Consumer {} {
    variable o
    Master
    master consumer_creator consumer
    consumer new_topic reader $o(-topic)
    if {$o(-ready)} {
	consumer info partitions $o(-topic)
    }
}

proc ::work::Member {} {
    Master group.id bench-[pid]
    master subscriber member
}

# work::Until --
#
#	How far this pass over the partition goes.

proc ::work::Until {seen} {
    variable o
    if {$o(-held) && $seen + $o(-held) < $o(-messages)} {
	return [expr {$seen + $o(-held)}]
    }
    return $o(-messages)
}

# ------------------------------------------------------------- consume_batch

proc ::work::batch {} {
    variable o
    Consumer
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	reader start 0 beginning
	while {$seen < $until} {
	    incr seen [reader consume_batch 0 1000 \
		    [expr {min($o(-count), $until - $seen)}] row {
		incr bytes [string length $row(payload)]
	    }]
	}
	reader stop 0
    }
    meter::result $begun [meter::mark] $seen $bytes
}

# ------------------------------------------------------------- consume_list

proc ::work::lists {} {
    variable o
    Consumer
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	reader start 0 beginning
	while {$seen < $until} {
	    foreach payload [reader consume_list 0 1000 \
		    [expr {min($o(-count), $until - $seen)}]] {
		incr bytes [string length $payload]
		incr seen
	    }
	}
	reader stop 0
    }
    meter::result $begun [meter::mark] $seen $bytes
}

proc ::work::lists_subscriber {} {
    variable o
    Member
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	member assign [list $o(-topic) 0 beginning]
	while {$seen < $until} {
	    foreach {payload offset} [member consume_list 1000 \
		    [expr {min($o(-count), $until - $seen)}] {payload offset}] {
		incr bytes [string length $payload]
		incr seen
	    }
	}
    }
    meter::result $begun [meter::mark] $seen $bytes
}

# ----------------------------------------------------------------- callbacks

# received --
#
#	The callback of a user: adds up, and notices when it has enough.

proc received {message} {
    incr ::bytes [string length [dict get $message payload]]
    if {[incr ::seen] >= $::until} {
	incr ::seen -[expr {$::seen > $::until}]
	set ::enough 1
    }
}

# work::Callbacks --
#
#	Reads through callbacks.  What comes after the last one that is wanted
#	(the rest of a turn) is no longer counted.

proc ::work::Callbacks {start stop} {
    variable o
    set ::seen 0
    set ::bytes 0
    while {$::seen < $o(-messages)} {
	set ::until [Until $::seen]
	{*}$start
	vwait ::enough
	{*}$stop
    }
    set ::bytes [expr {min($::bytes, $o(-messages) * $o(-size))}]
}

proc ::work::topic {} {
    Consumer
    set begun [meter::mark]
    Callbacks {reader start 0 beginning received} {reader stop 0}
    meter::result $begun [meter::mark] $::seen $::bytes
}

proc ::work::queue {} {
    Consumer
    consumer create_queue inbox
    inbox consume_callback received
    set begun [meter::mark]
    Callbacks {reader start_queue 0 beginning inbox} {reader stop 0}
    meter::result $begun [meter::mark] $::seen $::bytes
}

proc ::work::subscriber {} {
    variable o
    Member
    member callback received
    set begun [meter::mark]
    Callbacks [list member assign [list $o(-topic) 0 beginning]] {member assign}
    meter::result $begun [meter::mark] $::seen $::bytes
}

# ---------------------------------------------------------------- one by one

proc ::work::one_topic {} {
    variable o
    Consumer
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	reader start 0 beginning
	while {$seen < $until} {
	    if {[reader consume 0 10000 row]} {
		incr bytes [string length $row(payload)]
		incr seen
	    }
	}
	reader stop 0
    }
    meter::result $begun [meter::mark] $seen $bytes
}

proc ::work::one_queue {} {
    variable o
    Consumer
    consumer create_queue inbox
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	reader start_queue 0 beginning inbox
	while {$seen < $until} {
	    if {[inbox consume 10000 row]} {
		incr bytes [string length $row(payload)]
		incr seen
	    }
	}
	reader stop 0
    }
    meter::result $begun [meter::mark] $seen $bytes
}

proc ::work::one_subscriber {} {
    variable o
    Member
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	set until [Until $seen]
	member assign [list $o(-topic) 0 beginning]
	while {$seen < $until} {
	    set got [member consume 10000]
	    if {[dict exists $got payload]} {
		incr bytes [string length [dict get $got payload]]
		incr seen
	    }
	}
    }
    meter::result $begun [meter::mark] $seen $bytes
}

# ------------------------------------------- the bodies without the package

# work::Payload --
#
#	A payload as the package makes it: bytes.

proc ::work::Payload {number} {
    variable o
    return [binary format a* [string range "message $number[string repeat . \
	    $o(-size)]" 0 [expr {$o(-size) - 1}]]]
}

proc ::work::loop_array {} {
    variable o
    set count [expr {min(100000, $o(-messages))}]
    set list {}
    for {set i 0} {$i < $count} {incr i} {
	lappend list [Payload $i]
    }
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	foreach row(payload) $list {
	    incr bytes [string length $row(payload)]
	}
	incr seen $count
    }
    meter::result $begun [meter::mark] $seen $bytes
}

proc ::work::loop_list {} {
    variable o
    set count [expr {min(100000, $o(-messages))}]
    set list {}
    for {set i 0} {$i < $count} {incr i} {
	lappend list [Payload $i]
    }
    set seen 0
    set bytes 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	foreach payload $list {
	    incr bytes [string length $payload]
	    incr seen
	}
    }
    meter::result $begun [meter::mark] $seen $bytes
}

# work::MakeLists --
#
#	Messages as a callback gets them, a thousand at a time, with or without
#	the callback.  Such a list is a dictionary after its first use, so each is
#	used once; all at a time would be more than the caches of a processor
#	hold.

proc ::work::MakeLists {payloads script} {
    variable o
    foreach name {payload partition offset timestamp topic} {
	set $name $name
    }
    for {set i 0} {$i < $o(-messages)} {incr i 1000} {
	set list {}
	foreach bytes $payloads {
	    lappend list [list $payload $bytes $partition 0 $offset $i \
		    $timestamp 1700000000000 $topic $o(-topic)]
	}
	eval $script
    }
}

proc ::work::Each {list} {
    foreach message $list {
	received $message
    }
}

# The lists alone, then the lists and the callback: the difference is what counts.

proc ::work::loop_callback {} {
    variable o
    set payloads {}
    for {set i 0} {$i < 1000} {incr i} {
	lappend payloads [Payload $i]
    }
    set ::seen 0
    set ::bytes 0
    set ::until $o(-messages)
    set first [meter::mark]
    MakeLists $payloads {}
    set second [meter::mark]
    MakeLists $payloads {Each $list}
    set third [meter::mark]
    meter::result [meter::after $first $second] $third $::seen $::bytes
}

# ------------------------------------------------------------------- sending

# work::Producer --
#
#	Room for all: what is measured is the client, not how it waits.

proc ::work::Producer {args} {
    variable o
    Master queue.buffering.max.messages 10000000 \
	    queue.buffering.max.kbytes 2097151 {*}$args
}

# work::Thousands --
#
#	The payloads that are sent in turn: lists of a thousand.  A batch holds at
#	most 10,000 messages: so it never sees the same line twice, which a good
#	compression would notice.

proc ::work::Thousands {} {
    variable o
    if {$o(-payload) eq "plain"} {
	return [list [lrepeat 1000 [string repeat x $o(-size)]]]
    }
    expr {srand(1)}
    set all {}
    for {set i 0} {$i < 20} {incr i} {
	set list {}
	for {set k 0} {$k < 1000} {incr k} {
	    lappend list [Line [expr {$i * 1000 + $k}]]
	}
	lappend all $list
    }
    return $all
}

# work::Line --
#
#	A line of a log, filled up to its size.

proc ::work::Line {number} {
    variable o
    set line [format {"at":"10:00:%02d.%03d","host":"web-%02d","level":"%s","get":"/%s/%d","status":%d,"ms":%d} \
	    [expr {$number / 1000}] [expr {$number % 1000}] \
	    [expr {int(rand() * 20)}] \
	    [lindex {info info info debug warning} [expr {int(rand() * 5)}]] \
	    [lindex {orders users articles search} [expr {int(rand() * 4)}]] \
	    [expr {int(rand() * 100000)}] \
	    [lindex {200 200 200 304 404} [expr {int(rand() * 5)}]] \
	    [expr {int(rand() * rand() * 1000)}]]
    append line [string repeat " " $o(-size)]
    return \{[string range $line 0 [expr {$o(-size) - 3}]]\}
}

proc ::work::Send {} {
    variable o
    master producer_creator producer
    producer new_topic sender $o(-topic)
    set keys {}
    for {set i 0} {$i < 1000} {incr i} {
	lappend keys [format key-%06d $i]
    }
    set thousands [Thousands]
    if {$o(-ready)} {
	sender produce -1 [lindex $thousands 0 0] [lindex $keys 0]
	producer flush 10000
    }
    set seen 0
    set turn 0
    set begun [meter::mark]
    while {$seen < $o(-messages)} {
	foreach key $keys payload [lindex $thousands $turn] {
	    sender produce -1 $payload $key
	}
	incr seen 1000
	set turn [expr {($turn + 1) % [llength $thousands]}]
	producer poll 0
	if {$o(-room)} {
	    while {[producer output_queue_length] > $o(-room)} {
		producer poll 1
	    }
	}
    }
    set called [expr {([clock microseconds] - [lindex $begun 0]) / 1e6}]
    set left [producer flush 120000]
    set ended [meter::mark]
    if {$left} {
	error "$left messages are left"
    }
    if {[info exists ::delivered]} {
	# The first, and then each one whose turn it is.
	set wanted [expr {$o(-every)
		? ($seen + $o(-ready) - 1) / $o(-every) + 1 : 0}]
	if {$::delivered != $wanted} {
	    error "$::delivered reports of $seen messages, not $wanted"
	}
    }
    meter::result $begun $ended $seen [expr {$seen * $o(-size)}] \
	    called [format %.6f $called]
}

proc ::work::produce {} {
    Producer
    Send
}

proc delivered {report} {
    if {[dict exists $report error]} {
	puts stderr "delivery: [dict get $report message]"
	exit 1
    }
    incr ::delivered
}

proc ::work::report {} {
    set ::delivered 0
    variable o
    Producer
    master delivery_report callback delivered
    master delivery_report every $o(-every)
    Send
}

# ------------------------------------------------------------------- latency

# work::Next, work::Again, work::Arrived --
#
#	Sends a message; takes its time when it is back.  The first hundred open
#	connections and do not count.  The very first is sent again until one is
#	back: only then is it known that the consumer stands at the end.

proc ::work::Next {} {
    variable o
    variable payload
    variable warm
    variable took
    # Other runs have left theirs in the topic.
    set payload "[pid] [expr {$warm + $o(-messages) - [llength $took]}] "
    append payload [string repeat x [expr {$o(-size) - [string length $payload]}]]
    variable sent [clock microseconds]
    sender produce 0 $payload
}

proc ::work::Again {} {
    variable again [after 100 ::work::Again]
    variable payload
    if {$payload eq ""} {
	Next
    } else {
	sender produce 0 $payload
    }
}

proc ::work::Arrived {message} {
    variable again
    variable took
    variable sent
    variable warm
    variable o
    variable begun
    variable payload
    set arrived [clock microseconds]
    if {![dict exists $message payload] || [dict get $message payload] ne $payload} {
	return
    }
    after cancel $again
    lappend took [expr {$arrived - $sent}]
    if {$warm} {
	incr warm -1
	set took {}
	set begun [meter::mark]
    }
    if {[llength $took] >= $o(-messages)} {
	set ::enough 1
    } else {
	Next
    }
}

proc ::work::latency {} {
    variable o
    variable payload {}
    variable warm [expr {min(100, $o(-messages))}]
    variable took {}
    variable begun
    Consumer
    master config linger.ms 0 {*}$o(-config)
    master producer_creator producer
    producer new_topic sender $o(-topic)
    reader start 0 end ::work::Arrived
    Again
    vwait ::enough
    set ended [meter::mark]
    set took [lsort -integer $took]
    meter::result $begun $ended $o(-messages) \
	    [expr {$o(-messages) * $o(-size)}] p50 [Percent $took 50] \
	    p99 [Percent $took 99]
}

# work::Percent --
#
#	Of a sorted list of microseconds, in milliseconds.

proc ::work::Percent {sorted percent} {
    set at [expr {int([llength $sorted] * $percent / 100)}]
    return [expr {[lindex $sorted $at] / 1000.0}]
}

# ---------------------------------------------------------------------- idle

proc ::work::idle {} {
    variable o
    Master
    master delivery_report callback delivered
    for {set i 0} {$i < 5} {incr i} {
	set producer [master producer_creator #auto]
	# A producer that has sent once knows its brokers.
	[$producer new_topic #auto $o(-topic)] produce 0 x
	$producer flush 10000
	set reader [[master consumer_creator #auto] new_topic #auto $o(-topic)]
	$reader start 0 end received
    }
    after 5000 {set ::enough 1}
    vwait ::enough
    set begun [meter::mark]
    after [expr {$o(-seconds) * 1000}] {set ::enough 1}
    vwait ::enough
    meter::result $begun [meter::mark] 0 0
    # The end of ten clients is not what is measured.
    exec kill -KILL [pid]
}

# ------------------------------------------------------------------ fairness

# work::Tick, work::Redraw --
#
#	The timer of 10 ms, and what Tk does when something has changed.  How
#	long each took from when it was asked for.

proc ::work::Tick {asked} {
    variable ticks
    lappend ticks [expr {[clock microseconds] - $asked}]
    after idle [list ::work::Redraw [clock microseconds]]
    after 10 [list ::work::Tick [clock microseconds]]
}

proc ::work::Redraw {asked} {
    variable redraws
    lappend redraws [expr {[clock microseconds] - $asked}]
}

proc ::work::Fair {work} {
    variable ticks {}
    variable redraws {}
    after 10 [list ::work::Tick [clock microseconds]]
    rename ::meter::result ::meter::Result
    proc ::meter::result {args} {
	set ::work::line $args
    }
    $work
    variable line
    set ticks [lsort -integer $ticks]
    set redraws [lsort -integer $redraws]
    meter::Result {*}$line ticks [llength $ticks] \
	    tick50 [Percent $ticks 50] tick99 [Percent $ticks 99] \
	    redraws [llength $redraws] redraw50 [Percent $redraws 50] \
	    redraw99 [Percent $redraws 99] redrawmax [Percent $redraws 99.99]
}

proc ::work::fair_topic {} {
    Fair topic
}

proc ::work::fair_subscriber {} {
    Fair subscriber
}

# -------------------------------------------------------------------- memory

proc ::work::growth {} {
    variable o
    Consumer
    set ::seen 0
    set ::bytes 0
    set samples {}
    set begun [meter::mark]
    while {$::seen < $o(-messages)} {
	set ::until [Until $::seen]
	reader start 0 beginning received
	vwait ::enough
	reader stop 0
	lappend samples [meter::status VmRSS]
    }
    # What the first third has taken is there for good: caches, arenas of malloc.
    set first [expr {[llength $samples] / 3}]
    meter::result $begun [meter::mark] $::seen $::bytes passes \
	    [llength $samples] early [lindex $samples $first] \
	    late [lindex $samples end]
}

proc ::work::Slow {message} {
    incr ::seen
    incr ::bytes [string length [dict get $message payload]]
    after 1
}

proc ::work::slow {} {
    variable o
    set ::seen 0
    set ::bytes 0
    Consumer
    set begun [meter::mark]
    reader start 0 beginning ::work::Slow
    after [expr {$o(-seconds) * 400}] {set ::early [meter::status VmRSS]}
    after [expr {$o(-seconds) * 1000}] {set ::enough 1}
    vwait ::enough
    meter::result $begun [meter::mark] $::seen $::bytes early $::early \
	    late [meter::status VmRSS]
    reader stop 0
}

# ------------------------------------------------------------------- threads

# work::threads --
#
#	Each thread has a consumer and a share of the partitions.  librdkafka has
#	fetched all before the clock starts: what is measured is how two threads
#	of Tcl get in each other's way, not how they share the cores with brokers.

proc ::work::threads {} {
    variable o
    variable brokers
    package require Thread
    variable waiting 0
    set share [expr {$o(-partitions) / $o(-threads)}]
    set count [expr {$o(-messages) / $o(-threads)}]
    for {set t 0} {$t < $o(-threads)} {incr t} {
	set id [thread::create]
	lappend ids $id
	thread::send $id [list array set o [array get o]]
	thread::send $id [list set auto_path $::auto_path]
	thread::send $id [list lassign [list $brokers [expr {$t * $share}] \
		$share $count [thread::id]] brokers first share count boss]
	thread::send $id {
	    package require kafka
	    kafka::kafka create master
	    master config bootstrap.servers $brokers \
		    queued.min.messages 10000000 \
		    queued.max.messages.kbytes 2097151
	    master consumer_creator consumer
	    consumer new_topic reader $o(-topic)
	    consumer create_queue inbox
	    for {set p $first} {$p < $first + $share} {incr p} {
		reader start_queue $p beginning inbox
	    }
	    proc go {} {
		set seen 0
		set bytes 0
		set begun [clock microseconds]
		while {$seen < $::count} {
		    incr seen [inbox consume_batch 1000 \
			    [expr {min(10000, $::count - $seen)}] row {
			incr bytes [string length $row(payload)]
		    }]
		}
		thread::send -async $::boss [list ::work::Ready \
			$begun [clock microseconds] $seen $bytes]
	    }
	}
    }
    Quiet
    set begun [meter::mark]
    foreach id $ids {
	thread::send -async $id go
    }
    while {$waiting < $o(-threads)} {
	vwait ::work::waiting
    }
    set ended [meter::mark]
    variable ready
    foreach {from to seen bytes} $ready {
	lappend begins $from
	lappend ends $to
	incr messages $seen
	incr length $bytes
    }
    set inside [expr {[lindex [lsort -integer $ends] end]
	    - [lindex [lsort -integer $begins] 0]}]
    meter::result $begun $ended $messages $length inside \
	    [format %.6f [expr {$inside / 1e6}]]
    exec kill -KILL [pid]
}

proc ::work::Ready {args} {
    variable ready
    variable waiting
    lappend ready {*}$args
    incr waiting
}

# work::Quiet --
#
#	Waits until librdkafka has nothing more to do.

proc ::work::Quiet {} {
    set before -1
    set still 0
    for {set i 0} {$i < 300 && $still < 3} {incr i} {
	after 200
	set used [meter::Ticks /proc/self/stat]
	set still [expr {$used - $before < 0.015 ? $still + 1 : 0}]
	set before $used
    }
}

# ---------------------------------------------------------------------- many

proc ::work::many {} {
    variable o
    Master
    master consumer_creator consumer
    consumer create_queue inbox
    for {set t 0} {$t < $o(-topics)} {incr t} {
	consumer new_topic reader$t $o(-topic)[expr {$o(-topics) > 1 ? $t : ""}]
    }
    set seen 0
    set bytes 0
    set begun [meter::mark]
    for {set t 0} {$t < $o(-topics)} {incr t} {
	for {set p 0} {$p < $o(-partitions)} {incr p} {
	    reader$t start_queue $p beginning inbox
	}
    }
    while {$seen < $o(-messages)} {
	incr seen [inbox consume_batch 1000 \
		[expr {min(10000, $o(-messages) - $seen)}] row {
	    incr bytes [string length $row(payload)]
	}]
    }
    meter::result $begun [meter::mark] $seen $bytes
    exec kill -KILL [pid]
}

proc ::work::clients {} {
    variable o
    Master
    for {set c 0} {$c < $o(-clients)} {incr c} {
	master consumer_creator consumer$c
	consumer$c new_topic reader$c $o(-topic)
    }
    set ::seen 0
    set ::bytes 0
    set ::until $o(-messages)
    set begun [meter::mark]
    for {set c 0} {$c < $o(-clients)} {incr c} {
	reader$c start $c beginning received
    }
    vwait ::enough
    meter::result $begun [meter::mark] $::seen $::bytes
    exec kill -KILL [pid]
}

# --------------------------------------------------------------------- start

proc ::work::start {} {
    set begun [meter::mark]
    set from [clock microseconds]
    package require kafka
    set took [expr {[clock microseconds] - $from}]
    meter::result $begun [meter::mark] 0 0 require [expr {$took / 1000.0}]
}

proc ::work::held {} {
    variable o
    Member
    lassign [member watermarks $o(-topic) 0] first next
    puts [expr {$next - $first}]
}

# ---------------------------------------------------------------------- main

proc ::work::main {argv} {
    variable o
    variable brokers
    set works [lsort [lmap command [info commands ::work::\[a-z\]*] {
	namespace tail $command
    }]]
    set works [lsearch -all -inline -not -exact $works main]
    if {[llength $argv] < 2 || [llength $argv] % 2
	    || [lindex $argv 0] ni $works} {
	error "usage: work.tcl [join $works |] BROKERS ?-name value ...?"
    }
    set options [lassign $argv work brokers]
    foreach {name value} $options {
	if {![info exists o($name)]} {
	    error "bad option \"$name\": must be\
		    [join [lsort [array names o]] {, }]"
	}
	set o($name) $value
    }
    if {![string match loop_* $work] && $work ne "start"} {
	package require kafka
    }
    $work
}

if {[catch {::work::main $argv} message options]} {
    # The driver shows the last line.
    if {[lindex [dict get $options -errorcode] 0] in {TCL ARITH}} {
	puts stderr [dict get $options -errorinfo]
    }
    puts stderr "work.tcl: $message"
    exit 1
}
