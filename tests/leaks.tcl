# leaks.tcl --
#
#	Makes, uses and deletes each kind of object a hundred thousand times, and
#	sees that memory is where it was, and descriptors and threads as well.
#	The same for interpreters and threads with objects in them, for calls that
#	fail, for callbacks and bodies that end in all ways, and for coroutines
#	that nobody resumes.  For tclsh 8.6 and 9.  It must not need a broker, and
#	must leave no process behind.
#
#	usage: tclsh tests/leaks.tcl ?-option value ...? ?kind ...?
#	    -cycles 100000	of each kind (some have a smaller share: see below)
#	    -seconds 0		a kind ends after so many; 0: when it is done.
#				What it did not do is printed.
#	    -jobs 1		kinds at a time
#	    -tclsh program	runs the kinds; default: this one
#	    -list 1		prints the kinds
#
#	Each kind runs in a process of its own, which is counted (see census.tcl)
#	while it runs: before and 40 times on the way, each time when nothing is
#	alive but what was before the first cycle.  The embedded cluster that it
#	talks to is in another process: that one keeps messages, and would not be
#	flat.  Kinds that begin with "planted" leak on purpose, and fail if that
#	is not found.  The last line is `N passed, N failed, N skipped`.

set home [file dirname [file normalize [info script]]]
source [file join $home census.tcl]

namespace eval ::leaks {
    variable home $::home
    variable option
    array set option [list -cycles 100000 -seconds 0 -jobs 1 \
	    -tclsh [info nameofexecutable] -list 0 -worker {} -serve 0]
    # A run with fewer samples is not judged.
    variable least 12
    # name -> a dictionary: about, setup, cycle and options of Kind.
    variable kinds {}
    # Of the runs, in the parent: name -> lines of the worker.
    variable said
    array set said {}
}

# How much may grow after the warm-up, whatever the number of cycles.  Measured
# on flat runs of 100,000 cycles: the heap moves by less than 20 KB (Tcl takes its
# values 16 KB at a time, tables double), and resident memory by less than
# 500 KiB (free memory between blocks, stacks of threads).  A leak of a single
# value of Tcl in each of 100,000 cycles is 4.8 MB; of one in a hundred cycles,
# 48 KB, which is what the exact count still sees and resident memory does not.
set ::leaks::limits {bytes 32768 rss 1024}

# --------------------------------------------------------------------- kinds
#
# leaks::Kind --
#
#	A kind: what it is, what is made before, what one cycle does.  A cycle
#	runs as the body of a procedure in namespace ::run; the setup runs there.
#	-cluster 1	it needs the embedded cluster: $servers has its addresses,
#			"t" and "u" are topics of one partition with 1,000
#			messages
#	-share 1.0	of the cycles that were asked for, with the reason
#	-planted word	it leaks on purpose, and this word is in what is found
#	-needs package	is skipped without this package
#	-end script	runs before each sample: what is on its way must not count
#	-samples 40	how many samples

proc ::leaks::Kind {name about setup cycle args} {
    variable kinds
    dict set kinds $name [dict merge {-cluster 0 -share 1.0 -planted {}
	-needs {} -end {} -cycles 0 -why {} -samples 40} $args \
	    [list about $about setup $setup cycle $cycle]]
}

# Masters of the kinds below: one without brokers, one for the cluster.
set ::leaks::lone {
    kafka::kafka create m
    m logger none
}
set ::leaks::near {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $servers linger.ms 0 fetch.wait.max.ms 1 \
	    group.id g session.timeout.ms 6000
    m delivery_report callback ::run::reported
    proc reported {report} {
	incr ::run::reports
    }
    proc got {message} {
	incr ::run::got
    }
}

::leaks::Kind master {masters with settings and callbacks} {} {
    set m [kafka::kafka create #auto]
    $m logger callback nothing
    $m config client.id leak linger.ms 3
    $m topic_config acks 1
    $m partitioner murmur2
    $m add_brokers 127.0.0.1:1
    $m delivery_report callback nothing
    $m error_callback nothing
    $m statistics_callback nothing
    $m delete
}
::leaks::Kind config {the list of all settings} $::leaks::lone {
    m config
    m topic_config
} -share 0.2 -why {a millisecond each, and no object is made}
::leaks::Kind producer_handle {producer handles} $::leaks::lone {
    set h [m producer_creator #auto]
    $h name
    $h poll
    $h output_queue_length
    $h delete
}
::leaks::Kind consumer_handle {consumer handles} $::leaks::lone {
    set h [m consumer_creator #auto]
    $h name
    $h poll
    $h delete
}
::leaks::Kind topic_producer {topic producers with a message each} "$::leaks::near
    m producer_creator p
" {
    set t [p new_topic #auto t]
    $t produce -1 hello key$n
    $t delete
    if {$n % 100 == 0} {
	p flush 20000
    }
} -cluster 1 -end {p flush 20000}
::leaks::Kind client_produces {a producer handle, a topic, a message and its report} $::leaks::near {
    set h [m producer_creator #auto]
    set t [$h new_topic #auto t]
    $t produce 0 hello
    $t produce_batch 0 {{a k} {b}}
    if {[$h flush 20000] != 0} {
	error "not delivered"
    }
    # In both orders.
    if {$n % 2} {
	$t delete
	$h delete
    } else {
	$h delete
	$t delete
    }
} -cluster 1
::leaks::Kind topic_consumer {topic consumers that start, consume and stop} "$::leaks::near
    m consumer_creator c
" {
    set t [c new_topic #auto t]
    $t start 0 [expr {$n % 1000}]
    $t consume 0 20000 row
    if {$n % 2} {
	$t stop 0
    }
    $t delete
} -cluster 1
::leaks::Kind topic_callback {topic consumers with a callback} "$::leaks::near
    m consumer_creator c
" {
    set t [c new_topic #auto t]
    $t start 0 [expr {$n % 1000}] ::run::got
    vwait ::run::got
    $t delete
} -cluster 1
::leaks::Kind client_consumes {a consumer handle, a topic and a message} $::leaks::near {
    set h [m consumer_creator #auto]
    set t [$h new_topic #auto t]
    $t start 0 [expr {$n % 1000}]
    $t consume 0 20000 row
    if {$n % 2} {
	$t delete
	$h delete
    } else {
	$h delete
	$t delete
    }
} -cluster 1
::leaks::Kind queue {queues with a topic that starts into them and a callback} "$::leaks::near
    m consumer_creator c
" {
    set q [c create_queue #auto]
    $q consume_callback ::run::got
    set t [c new_topic #auto t]
    $t start_queue 0 [expr {$n % 1000}] $q
    vwait ::run::got
    if {$n % 2} {
	$q delete
	$t delete
    } else {
	$t delete
	$q delete
    }
} -cluster 1
::leaks::Kind subscriber {subscribers that subscribe and go} $::leaks::near {
    set s [m subscriber #auto]
    $s subscribe t
    $s consume
    $s callback ::run::got
    $s delete
} -cluster 1
::leaks::Kind subscriber_assign {subscribers with an assignment and a message} $::leaks::near {
    set s [m subscriber #auto]
    $s assign [list t 0 [expr {$n % 1000}]]
    if {[$s consume 20000] eq ""} {
	error "nothing came"
    }
    $s offsets {t 0}
    $s delete
} -cluster 1
::leaks::Kind subscriber_group {subscribers that join a group, read, commit and leave} $::leaks::near {
    set s [m subscriber #auto -config [list group.id g$n enable.auto.commit false]]
    $s subscribe t
    if {[$s consume 20000] eq ""} {
	error "nothing came"
    }
    $s commit
    $s delete
} -cluster 1 -share 0.02 -why {a group of its own each, which the cluster keeps for ever}
::leaks::Kind mock {embedded clusters} {} {
    set c [kafka::kafka mock new -brokers 2]
    $c bootstrap_servers
    $c push_request_errors Produce REQUEST_TIMED_OUT
    $c delete
}
::leaks::Kind mock_topic {embedded clusters with a topic} {} {
    set c [kafka::kafka mock new]
    $c create_topic t 2
    if {$n % 10 == 0} {
	$c broker_set_down 1
	$c broker_set_up 1
    }
    $c delete
} -share 0.01 -why {the cluster looks every 100 ms whether there is an order for it}
::leaks::Kind mock_client {embedded clusters with a client that has sent to them} $::leaks::lone {
    set c [kafka::kafka mock new]
    set h [m producer_creator #auto]
    $h add_brokers [$c bootstrap_servers]
    set t [$h new_topic #auto t]
    $t produce 0 hello
    if {[$h flush 20000] != 0} {
	error "not delivered"
    }
    foreach object [expr {$n % 2 ? [list $c $t $h] : [list $h $t $c]}] {
	$object delete
    }
} -share 0.2 -why {brokers start, are found and go: some ten milliseconds each}
::leaks::Kind easy {the easy interface, all of it} {} {
    variable servers
    kafka::brokers $servers
    set t [kafka::topic_producer #auto t]
    $t produce 0 hello
    set c [kafka::topic_consumer #auto t]
    $c start 0
    set s [kafka::subscriber g]
    $c delete
    $t delete
    $s delete
    kafka::producer delete
    kafka::consumer delete
    kafka::master delete
} -cluster 1 -share 0.2 -why {three clients and a message each}
::leaks::Kind interp {interpreters with objects in them} {
    set index [list package ifneeded kafka [package require kafka] \
	    [package ifneeded kafka [package require kafka]]]
} {
    variable index
    set i [interp create]
    $i eval $index
    $i eval {
	package require kafka
	kafka::kafka create m
	m logger none
	m delivery_report callback puts
	m producer_creator p
	p new_topic t t
	m consumer_creator c
	c create_queue q
    }
    interp delete $i
}
::leaks::Kind interp_busy {interpreters that go while messages come and go} "$::leaks::near
    set index \[list package ifneeded kafka \[package require kafka\] \\
	    \[package ifneeded kafka \[package require kafka\]\]\]
" {
    variable index
    variable servers
    set i [interp create]
    $i eval $index
    $i eval [list set servers $servers]
    interp alias $i heard {} ::run::got
    $i eval {
	package require kafka
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $servers linger.ms 0 fetch.wait.max.ms 1
	m delivery_report callback heard
	m producer_creator p
	p new_topic tp t
	m consumer_creator c
	c new_topic tc t
	tc start 0 0 heard
	tp produce 0 hello
    }
    vwait ::run::got
    interp delete $i
} -cluster 1 -share 0.2 -why {an interpreter, two clients and a message each}
::leaks::Kind safe_interp {safe interpreters, which are refused} {
    set index [list package ifneeded kafka [package require kafka] \
	    [package ifneeded kafka [package require kafka]]]
} {
    variable index
    set i [interp create -safe]
    if {![catch {load [library] Kafka $i}]} {
	error "not refused"
    }
    interp delete $i
}
::leaks::Kind thread {threads with objects in them} "
    package require Thread
$::leaks::near
    set path \$::auto_path
" {
    variable servers
    variable path
    set t [thread::create -joinable [list apply {{path servers} {
	set ::auto_path $path
	package require kafka
	kafka::kafka create m
	m logger none
	m config bootstrap.servers $servers linger.ms 0
	m producer_creator p
	p new_topic t t
	t produce 0 hello
	m consumer_creator c
	c new_topic u t
	u start 0 0 puts
	p flush 20000
    }} $path $servers]]
    thread::join $t
} -cluster 1 -needs Thread -share 0.05 -why {a thread with an interpreter that reads its library}
::leaks::Kind failed_calls {calls that fail: every row of the tables, and librdkafka's own errors} "$::leaks::near
    set calls \[::leaks::Failing\]
    set count \[llength \$calls\]
" {
    variable calls
    variable count
    if {![catch {{*}[lindex $calls [expr {$n % $count}]]}]} {
	error "no error: [lindex $calls [expr {$n % $count}]]"
    }
} -cluster 1
::leaks::Kind failed_clients {clients that librdkafka refuses to make} {
    # Settings that are good, each by itself, and not together.
    set refused {}
    foreach {settings creators} {
	{security.protocol ssl ssl.ca.location /no/such}
	{producer_creator consumer_creator subscriber}
	{security.protocol sasl_plaintext sasl.mechanisms PLAIN}
	{producer_creator consumer_creator subscriber}
	{enable.idempotence true acks 1} producer_creator
	{transactional.id x transaction.timeout.ms 1000 message.timeout.ms 5000}
	producer_creator
	{linger.ms 10000 message.timeout.ms 100} producer_creator
	{session.timeout.ms 6000 max.poll.interval.ms 1} subscriber
    } {
	set m [kafka::kafka create #auto]
	$m logger none
	$m config group.id g {*}$settings
	$m delivery_report callback nothing
	foreach creator $creators {
	    lappend refused [list $m $creator #auto]
	}
	if {"subscriber" in $creators} {
	    lappend refused [list $m subscriber #auto -config {no.such 1}] \
		    [list $m subscriber #auto -config {group.id {}}]
	}
    }
    set count [llength $refused]
} {
    variable refused
    variable count
    set call [lindex $refused [expr {$n % $count}]]
    if {![catch $call made]} {
	error "made: $call"
    }
}
::leaks::Kind failed_deliveries {messages that fail, with a report each} "$::leaks::lone
    m config message.timeout.ms 1 linger.ms 0
    m delivery_report callback ::run::reported
    proc reported {report} {
	if {!\[dict exists \$report error\]} {
	    error {no error}
	}
	incr ::run::reports
    }
    m producer_creator p
    p new_topic t t
" {
    variable reports
    t produce 0 hello key
    # librdkafka looks once a second for messages whose time is over.
    if {$n % 10000 == 0 && ([p flush 20000] != 0 || $reports != $n)} {
	error "$reports reports of $n"
    }
} -end {p flush 20000} -samples 15
::leaks::Kind failing_callbacks {callbacks of a topic and of reports that fail} "$::leaks::near
    interp bgerror {} ::run::nothing
    m delivery_report callback {error {a report}}
    m producer_creator p
    p new_topic tp t
    m consumer_creator c
    c new_topic tc u
    # An error, break, continue, return, a code of nobody.
    proc fails {message} {
	incr ::run::read
	incr ::run::got
	return -code \[lindex {1 3 4 2 77} \[expr {\$::run::got % 5}\]\] x
    }
    set read 1000
" {
    variable read
    variable got
    while {$got < $n} {
	# All that the topic has.
	if {$read >= 1000} {
	    tc start 0 0 ::run::fails
	    set read 0
	}
	vwait ::run::got
    }
    if {$n % 10 == 0} {
	tp produce 0 hello
    }
    # No more than a few reports at a time, however slow the machine is.
    if {$n % 200 == 0} {
	p flush 20000
    }
} -cluster 1 -end {
    # Not started yet if only reports came.
    catch {tc stop 0}
    set read 1000
    p flush 20000
}
::leaks::Kind bodies {bodies of consume_batch that end in all ways} "$::leaks::near
    m consumer_creator c
    c new_topic t t
    c new_topic u u
    c create_queue q
    set started 0
" {
    variable started
    if {!$started || $n % 500 == 0} {
	t start 0 0
	u start_queue 0 0 q
	set started 1
    }
    set what [expr {$n % 2 ? {t consume_batch 0} : {q consume_batch}}]
    switch [expr {$n % 7}] {
	0 {{*}$what 20000 1 row {set a $row(payload)}}
	1 {{*}$what 20000 10 row break}
	2 {catch {{*}$what 20000 10 row {error x}}}
	3 {apply {what {{*}$what 20000 10 row {return 5}}} $what}
	4 {{*}$what 20000 1 row continue}
	5 {catch {{*}$what 20000 10 row {return -code 77}}}
	6 {{*}$what 20000 1 row {unset row}}
    }
} -cluster 1 -end {
    t stop 0
    u stop 0
    set started 0
}
::leaks::Kind coroutines {coroutines that yield in a body, and are resumed or deleted there} "$::leaks::near
    m consumer_creator c
    c new_topic t t
    proc reads {} {
	t consume_batch 0 20000 2 row yield
    }
    set started 0
" {
    variable started
    if {!$started || $n % 400 == 0} {
	t start 0 0
	set started 1
    }
    coroutine co reads
    if {$n % 2} {
	co
	co
    } else {
	rename co {}
    }
} -cluster 1 -end {
    t stop 0
    set started 0
}

# What must be found.
::leaks::Kind planted_value {a list that grows by a short word} {
    set keep {}
} {
    lappend ::run::keep [string repeat x [expr {$n % 7}]]
    kafka::kafka version
} -planted heap -cycles 20000
::leaks::Kind planted_master {every fiftieth master is forgotten} {} {
    set m [kafka::kafka create #auto]
    if {$n % 50} {
	$m delete
    }
} -planted heap -cycles 5000
::leaks::Kind planted_handle {every hundredth handle is forgotten} $::leaks::lone {
    set h [m producer_creator #auto]
    if {$n % 100} {
	$h delete
    }
} -planted threads -cycles 2000
::leaks::Kind planted_descriptor {a file stays open} {} {
    set f [open /dev/null]
    if {$n % 1000} {
	close $f
    }
} -planted fds -cycles 20000
::leaks::Kind planted_memory {a hundred bytes in each cycle} {
} {
    append ::run::keep [string repeat x 100]
} -planted resident -cycles 100000

# leaks::Failing --
#
#	Calls that fail at once, as lists of words: each row of each table with
#	too few words, too many, and a bad value for each parameter that can have
#	one; then what librdkafka refuses.  In namespace ::run, on objects made
#	here.

proc ::leaks::Failing {} {
    namespace eval ::run {
	m producer_creator p
	p new_topic tp t
	m consumer_creator c
	c new_topic tc t
	c create_queue q
	# All connections are there before the first sample.
	tp produce 0 hello
	p flush 20000
	tc start 0 0
	tc consume 0 20000 row
	tc stop 0
	# This one would make more of them whenever it looks for its group.
	kafka::kafka create lone
	lone logger none
	lone config group.id g
	lone subscriber s
	kafka::kafka mock create mk
    }
    set objects {kafka ::kafka::kafka master ::run::m handle ::run::p
	topic_producer ::run::tp topic_consumer ::run::tc queue ::run::q
	subscriber ::run::s mock ::run::mk}
    array set bad {integer {x 99999999999999999999 1.5} number {x 1e9}
	list {\{} pairs {\{} offset {x 1.5} ms {x -5 99999999999} prefix {\{}}
    set calls {}
    dict for {kind rows} [kafka::kafka describe] {
	set object [dict get $objects $kind]
	lappend calls [list $object] [list $object no_such_subcommand] \
		[list $object ""]
	foreach row $rows {
	    set name [split [dict get $row name] { }]
	    set words {}
	    set rest 0
	    foreach param [dict get $row params] {
		switch [dict get $param shape] {
		    required {
			lappend words [list [dict get $param kind]]
		    }
		    rest {
			set rest 1
		    }
		}
	    }
	    if {[llength $words]} {
		lappend calls [list $object {*}$name]
	    }
	    if {!$rest} {
		lappend calls [list $object {*}$name {*}[lrepeat 20 x]]
	    }
	    for {set i 0} {$i < [llength $words]} {incr i} {
		set type [lindex $words $i]
		if {![info exists bad($type)]} {
		    continue
		}
		foreach value $bad($type) {
		    set tried [lrepeat [llength $words] 0]
		    lset tried $i $value
		    lappend calls [list $object {*}$name {*}$tried]
		}
	    }
	}
    }
    set calls [concat $calls {
	{::run::m config no.such.property 1}
	{::run::m config linger.ms x}
	{::run::m config linger.ms}
	{::run::m config plugin.library.paths x}
	{::run::m topic_config acks x}
	{::run::m partitioner none_such}
	{::run::m add_brokers :::}
	{::run::p new_topic #auto {}}
	{::run::p new_topic ::no::such::namespace::t t}
	{::run::tp produce 99 hello}
	{::run::tp produce 0 \u20ac}
	{::run::tp produce_batch 0 {{a b c d}}}
	{::run::tp produce_batch 0 {a {b k} "\{"}}
	{::run::tp config acks 1}
	{::run::tc consume 0 0 row}
	{::run::tc start 99}
	{::run::tc start 0 x}
	{::run::tc start 0 beginning "\{"}
	{::run::tc stop 99}
	{::run::tc start_queue 0 beginning no_such_queue}
	{::run::tc consume_batch 0 0 -1 row {}}
	{::run::q consume 0 row}
	{::run::q consume 0 env(x)(y)}
	{::run::s subscribe {{}}}
	{::run::s subscribe {t 0 0 0}}
	{::run::s assign {t -5 0}}
	{::run::s commit {t 0}}
	{::run::s commit}
	{::run::s offsets}
	{::run::s error 1 x}
	{::run::mk create_topic t 0}
	{::run::mk push_request_errors NoSuch}
	{::run::mk broker_set_down 99}
    }]
    set failing {}
    foreach call $calls {
	set begin [clock microseconds]
	set code [catch $call]
	# What waits, or does something, is for others.
	if {$code == 1 && [clock microseconds] - $begin < 5000} {
	    lappend failing $call
	}
    }
    return $failing
}

# ------------------------------------------------------------------ a worker

# leaks::Serve --
#
#	The cluster of a worker, in a process of its own: prints its addresses
#	and lives until its input ends.

proc ::leaks::Serve {} {
    package require kafka
    kafka::kafka mock create cluster
    cluster group_initial_rebalance_delay_ms 0
    cluster create_topic t 1
    cluster create_topic u 1
    kafka::kafka create m
    m logger none
    m config bootstrap.servers [cluster bootstrap_servers]
    m producer_creator p
    p new_topic t t
    p new_topic u u
    for {set i 0} {$i < 1000} {incr i} {
	t produce 0 message$i key$i
	u produce 0 message$i
    }
    if {[p flush 20000]} {
	error "the topic could not be filled"
    }
    m delete
    p delete
    t delete
    u delete
    puts [cluster bootstrap_servers]
    flush stdout
    census::orphan
    vwait ::forever
}

# leaks::Settle --
#
#	Serves events until threads, descriptors and live objects are what they
#	were: connections and threads need a moment to go.  What is not back after
#	the time (in milliseconds) is in the sample.

proc ::leaks::Settle {start live patience} {
    set limit [expr {[clock milliseconds] + $patience}]
    while {[clock milliseconds] < $limit} {
	after 2 {set ::leaks::tick 1}
	vwait ::leaks::tick
	set now [census::take]
	if {[lrange $now 3 4] eq [lrange $start 3 4]
		&& [kafka::kafka live] eq $live} {
	    break
	}
    }
    set back [expr {[clock milliseconds] < $limit}]
    # What a broker still answers comes and is dropped.
    set bytes -1
    for {set tries 0} {$tries < 20} {incr tries} {
	after 15 {set ::leaks::tick 1}
	vwait ::leaks::tick
	if {[lindex [census::take] 2] == $bytes} {
	    break
	}
	set bytes [lindex [census::take] 2]
    }
    return $back
}

# leaks::Work --
#
#	Runs the cycles of a kind; prints a line for each sample.

proc ::leaks::Work {name} {
    variable option
    variable kinds
    variable home
    census::take
    package require kafka
    set kind [dict get $kinds $name]
    fconfigure stdout -buffering line
    namespace eval ::run {
	variable servers "" n 0 got 0 reports 0
	proc nothing {args} {}
	proc library {} {
	    return [lindex [lsearch -inline -index 1 [info loaded] Kafka] 0]
	}
    }
    if {[dict get $kind -cluster]} {
	set channel [open "|[list [info nameofexecutable] \
		[file join $home leaks.tcl] -serve 1]" r+]
	gets $channel ::run::servers
	if {$::run::servers eq ""} {
	    error "no cluster: [catch {close $channel} message] $message"
	}
    }
    namespace eval ::run [dict get $kind setup]
    proc ::run::cycle {n} [dict get $kind cycle]
    set end [dict get $kind -end]
    set samples [dict get $kind -samples]
    # What is made once, is made now; all but what has been made by the setup
    # is gone after this.
    for {set n 1} {$n <= 20} {incr n} {
	::run::cycle $n
    }
    namespace eval ::run $end
    set start [Still]
    set live [kafka::kafka live]
    set start [census::take]
    puts "start $start"
    set cycles $option(-cycles)
    set begin [clock milliseconds]
    # The time that samples take does not count; and what is not back once need
    # not be waited for as long again.
    set patience 5000
    set taken 0
    set most [expr {$option(-seconds) * 1000}]
    set next 1
    for {} {$n <= $cycles} {incr n} {
	::run::cycle $n
	set spent [expr {[clock milliseconds] - $begin}]
	set part [expr {double($n) / $cycles}]
	if {$most} {
	    set part [expr {max($part, double($spent) / $most)}]
	}
	if {$part * $samples >= $next} {
	    set now [clock milliseconds]
	    namespace eval ::run $end
	    if {![Settle $start $live $patience]} {
		set patience 100
	    }
	    puts "sample $n [census::take]"
	    incr taken
	    incr begin [expr {[clock milliseconds] - $now}]
	    set next [expr {int($part * $samples) + 1}]
	    # On a slow machine a few cycles more, or there is nothing to judge by.
	    if {$part >= 1.0} {
		if {$taken >= $::leaks::least} {
		    break
		}
		set next $samples
	    }
	}
    }
    puts "done [expr {min($n, $cycles)}] [expr {[clock milliseconds] - $begin}]"
    exit 0
}

# leaks::Still --
#
#	Serves events until nothing has changed for half a second.

proc ::leaks::Still {} {
    set before {}
    set since [clock milliseconds]
    set limit [expr {$since + 10000}]
    while {[clock milliseconds] - $since < 500 && [clock milliseconds] < $limit} {
	after 10 {set ::leaks::tick 1}
	vwait ::leaks::tick
	set now [list [lrange [census::take] 3 4] [kafka::kafka live]]
	if {$now ne $before} {
	    set before $now
	    set since [clock milliseconds]
	}
    }
}

# ---------------------------------------------------------------- the parent

# leaks::Main --
#
#	Runs the kinds and tells of each; returns the number of failures.

proc ::leaks::Main {names} {
    variable option
    variable kinds
    variable said
    foreach name $names {
	if {![dict exists $kinds $name]} {
	    puts stderr "no kind \"$name\"; there are: [dict keys $kinds]"
	    return 1
	}
    }
    if {![llength $names]} {
	set names [dict keys $kinds]
    }
    set dir [file join [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR)
	: "/tmp"}] leaks[pid]]
    file mkdir $dir
    set passed 0
    set failed 0
    set skipped 0
    set short {}
    try {
	set start [census::tools $dir]
	set version [exec $option(-tclsh) << {puts [info patchlevel]}]
	puts "Tcl $version, $option(-cycles) cycles of each kind[expr {
	    $option(-seconds) ? ", or $option(-seconds) s" : ""}]"
	puts [format "%-18s %9s %8s %10s %9s  %s" kind cycles /s heap rss \
		{descriptors and threads; heap (bytes) and resident memory\
		(KiB) grown after the warm-up}]
	set running {}
	set queue $names
	while {[llength $queue] || [dict size $running]} {
	    while {[llength $queue] && [dict size $running] < $option(-jobs)} {
		set queue [lassign $queue name]
		set why [Missing $name]
		if {$why ne ""} {
		    incr skipped
		    puts "skipped $name: $why"
		    continue
		}
		set said($name) {}
		set id [census::worker [list {*}$start \
			HEAP_FILE=[file join $dir $name] $option(-tclsh) \
			[file join $::leaks::home leaks.tcl] -worker $name \
			-cycles [Cycles $name] -seconds $option(-seconds)] \
			[list ::leaks::Heard $name] [expr {$option(-seconds)
			    ? $option(-seconds) + 120
			    : 300 + [Cycles $name] / 20}]]
		dict set running $id $name
	    }
	    if {![dict size $running]} {
		break
	    }
	    census::next
	    dict for {id name} $running {
		set how [census::ended $id]
		if {$how ne ""} {
		    dict unset running $id
		    file delete [file join $dir $name]
		    if {[Tell $name $how]} {
			incr passed
		    } else {
			incr failed
		    }
		}
	    }
	}
    } finally {
	census::stop
	file delete -force $dir
    }
    puts "$passed passed, $failed failed, $skipped skipped"
    return $failed
}

# leaks::Cycles --
#
#	How many cycles a kind makes.

proc ::leaks::Cycles {name} {
    variable option
    variable kinds
    set kind [dict get $kinds $name]
    if {[dict get $kind -cycles]} {
	return [dict get $kind -cycles]
    }
    return [expr {max(200, int($option(-cycles) * [dict get $kind -share]))}]
}

# leaks::Missing --
#
#	Why a kind cannot run, or nothing.

proc ::leaks::Missing {name} {
    variable option
    set needs [dict get $::leaks::kinds $name -needs]
    if {$needs eq "" || [exec $option(-tclsh) << "puts \[catch {package require\
	    $needs}\]"] eq "0"} {
	return ""
    }
    return "needs the package $needs, which this Tcl does not find"
}

proc ::leaks::Heard {name line} {
    variable said
    # Not the words of a worker that has gone mad.
    if {[llength $said($name)] < 1000} {
	lappend said($name) [string range $line 0 300]
    }
}

# leaks::Tell --
#
#	Judges one kind and prints a line for it; true if it is as it should be.

proc ::leaks::Tell {name how} {
    variable option
    variable kinds
    variable said
    variable limits
    set kind [dict get $kinds $name]
    set samples {}
    set start {}
    set done 0
    set ms 1
    set other {}
    foreach line $said($name) {
	switch -glob -- $line {
	    "start *" {set start [lrange $line 1 end]}
	    "sample *" {lappend samples [lrange $line 1 end]}
	    "done *" {lassign $line - done ms}
	    default {lappend other $line}
	}
    }
    if {$how ne "ok" || !$done || [llength $samples] < $::leaks::least} {
	puts "FAILED $name: $how, [llength $samples] samples"
	puts [join [lrange $other end-20 end] \n]
	return 0
    }
    set wrong [census::judge $samples $start {*}$limits]
    lassign [census::grown $samples] work rss bytes
    puts [format "%-18s %9d %8.0f %+10.0f %+9.0f  %s" $name $done \
	    [expr {$done * 1000.0 / max($ms, 1)}] $bytes $rss \
	    "[lindex $start 3] [lindex $start 4]: [dict get $kind about]"]
    set planted [dict get $kind -planted]
    if {$planted ne ""} {
	if {[lsearch -glob $wrong "$planted*"] >= 0} {
	    puts "    found, as it should be: [lsearch -inline -glob $wrong\
		    "$planted*"]"
	    return 1
	}
	puts "FAILED $name: the leak was not found"
	return 0
    }
    if {$done < [Cycles $name]} {
	puts "    ended after $option(-seconds) s; [Cycles $name] were asked for"
    }
    if {![llength $wrong] && ![llength $other]} {
	return 1
    }
    foreach line [concat $wrong [lrange $other 0 20]] {
	puts "FAILED $name: $line"
    }
    foreach sample $samples {
	puts "    $sample"
    }
    return 0
}

# ----------------------------------------------------------------- the start

set names {}
for {set i 0} {$i < [llength $argv]} {incr i} {
    set word [lindex $argv $i]
    if {[info exists ::leaks::option($word)] && $i + 1 < [llength $argv]} {
	set ::leaks::option($word) [lindex $argv [incr i]]
    } elseif {[string match -* $word]} {
	puts stderr "usage: leaks.tcl ?-cycles n? ?-seconds n? ?-jobs n?\
		?-tclsh program? ?-list 1? ?kind ...?"
	exit 2
    } else {
	lappend names $word
    }
}
fconfigure stdout -buffering line
if {$::leaks::option(-serve)} {
    ::leaks::Serve
} elseif {$::leaks::option(-worker) ne ""} {
    ::leaks::Work $::leaks::option(-worker)
} elseif {$::leaks::option(-list)} {
    dict for {name kind} $::leaks::kinds {
	puts [format "%-18s %s%s" $name [dict get $kind about] \
		[expr {[dict get $kind -share] < 1 ? " ([dict get $kind -share]\
		    of the cycles: [dict get $kind -why])" : ""}]]
    }
} else {
    exit [expr {[::leaks::Main $names] > 0}]
}
