# cases.tcl --
#
#	What is compared: the runs, and what is expected of them.  It must not run
#	anything, and its targets are changed by an issue, not by a result.
#
#	cases::run name language work group ?-option value ...?
#	    Runs of one group are made in turn.  %name in an option is one of the
#	    driver's sizes (see bench.tcl).
#	cases::case name title {role run ...} {{label expression op limit unit} ...}
#	    The expression is computed for each repetition, from the arrays of
#	    its roles (ours, c, python, loop, ...), and what counts is the median.
#	    Elements: cpu (seconds per million messages, all threads), main (the
#	    same, of the thread that runs the loop), rate (million messages a
#	    second), calls (the same, until the last call of produce has
#	    returned), mb (peak of resident memory), own (CPU seconds of the run),
#	    wall, and what a work adds.  An op of "-" only shows the figure.

namespace eval ::cases {
    variable runs {}
    variable cases {}

    proc run {name language work group args} {
	variable runs
	dict set runs $name [dict create language $language work $work \
		group $group options $args]
    }
    proc case {name title roles checks} {
	variable cases
	dict set cases $name [dict create title $title roles $roles checks $checks]
    }
}

# ----------------------------------------------------------------------- reading

foreach {name language work} {
    tcl.batch tcl batch
    tcl.lists tcl lists
    tcl.lists_subscriber tcl lists_subscriber
    c.batch c batch
    python.consume python consume
    tcl.topic tcl topic
    tcl.queue tcl queue
    tcl.subscriber tcl subscriber
    tcl.one_topic tcl one_topic
    c.one c one
    python.poll python poll
    tcl.one_queue tcl one_queue
    tcl.one_subscriber tcl one_subscriber
    tcl.loop_array tcl loop_array
    tcl.loop_list tcl loop_list
    tcl.loop_callback tcl loop_callback
} {
    ::cases::run $name $language $work consume -topic %bench -messages %messages \
	    -held %held
}

set ours "CPU, ours - C - the body over a ready-made list, us a message"
set memory "peak memory / Python's"
::cases::case batch "consume_batch, array and body" {
    ours tcl.batch c c.batch python python.consume loop tcl.loop_array
} [list \
    {"CPU / Python's consume(10000)" {$ours(cpu) / $python(cpu)} <= 0.9 x} \
    [list $ours {$ours(cpu) - $c(cpu) - $loop(cpu)} <= 0.45 us] \
    [list $memory {$ours(mb) / $python(mb)} <= 1 x]]
foreach {case title work} {
    lists "topic, consume_list and foreach" lists
    lists_subscriber "subscriber, consume_list of two fields and foreach" lists_subscriber
} {
    ::cases::case $case $title [list \
	    ours tcl.$work c c.batch python python.consume loop tcl.loop_list] [list \
	{"CPU / Python's consume(10000)" {$ours(cpu) / $python(cpu)} <= 0.9 x} \
	{"rate / Python's consume(10000)" {$ours(rate) / $python(rate)} - 0 x} \
	[list $ours {$ours(cpu) - $c(cpu) - $loop(cpu)} <= 0.45 us] \
	[list $memory {$ours(mb) / $python(mb)} <= 1 x]]
}
foreach kind {topic queue subscriber} {
    ::cases::case $kind "$kind, a callback for each message" [list \
	    ours tcl.$kind c c.batch python python.consume loop tcl.loop_callback] [list \
	{"CPU / Python's consume(10000)" {$ours(cpu) / $python(cpu)} <= 0.9 x} \
	[list $ours {$ours(cpu) - $c(cpu) - $loop(cpu)} <= 0.45 us] \
	[list $memory {$ours(mb) / $python(mb)} <= 1 x]]
    ::cases::case one_$kind "$kind, consume one by one" [list \
	    ours tcl.one_$kind c c.one python python.poll] {
	{"CPU / Python's poll" {$ours(cpu) / $python(cpu)} <= 0.65 x}
    }
}

# ----------------------------------------------------------------------- sending

foreach work {produce report} {
    foreach language {tcl c python} {
	::cases::run $language.$work $language $work produce -topic %sink \
		-messages %half
    }
}
::cases::case produce "produce with keys, no report callback" {
    ours tcl.produce c c.produce python python.produce
} {
    {"rate until delivered / Python's" {$ours(rate) / $python(rate)} >= 3 x}
    {"rate of the calls / Python's" {$ours(calls) / $python(calls)} - 3 x}
    {"rate until delivered, C / Python" {$c(rate) / $python(rate)} - 3 x}
    {"CPU / Python's" {$ours(cpu) / $python(cpu)} <= 0.35 x}
    {"CPU, C / Python" {$c(cpu) / $python(cpu)} - 0.35 x}
}
::cases::case report "produce, a report callback for each message" {
    ours tcl.report c c.report python python.report
} {
    {"CPU / Python's with on_delivery" {$ours(cpu) / $python(cpu)} <= 0.6 x}
}

# ----------------------------------------------------------------- one at a time

foreach language {tcl c python} {
    ::cases::run $language.latency $language latency latency -topic %latency \
	    -messages %few
}
::cases::case latency "produce to message callback, one at a time" {
    ours tcl.latency c c.latency python python.latency
} {
    {"p50, ours - C" {$ours(p50) - $c(p50)} <= 0.15 ms}
    {"p99, ours - C" {$ours(p99) - $c(p99)} <= 1 ms}
    {"p50" {$ours(p50)} - 0 ms}
    {"p99" {$ours(p99)} - 0 ms}
}

# --------------------------------------------------------------------- no traffic

foreach language {tcl c} {
    ::cases::run $language.idle $language idle idle -topic %idle -seconds %seconds
}
# Two runs of C differ by up to half of this millisecond.
::cases::case idle "ten clients, no traffic" {
    ours tcl.idle c c.idle
} {
    {"CPU, ours - C, ms a second"
	{1000 * ($ours(own) / $ours(wall) - $c(own) / $c(wall))} <= 1 ms/s}
    {"CPU of the Tcl thread, ms a second" {1000 * $ours(mainown) / $ours(wall)} - 0 ms/s}
    {"wake-ups of the Tcl thread a second" {$ours(wakeups) / $ours(wall)} <= 1 1/s}
}

# ----------------------------------------------------------------------- fairness

foreach kind {topic subscriber} {
    ::cases::run tcl.fair_$kind tcl fair_$kind fair -topic %bench -messages %half \
	    -held %held
    ::cases::case fair_$kind "timer of 10 ms and redraws beside a backlog, $kind callback" [list \
	    ours tcl.fair_$kind] {
	{"timer fires after, p99" {$ours(tick99)} <= 20 ms}
	{"redraws run / asked for" {double($ours(redraws)) / $ours(ticks)} >= 0.9 x}
	{"redraw waits, median" {$ours(redraw50)} - 0 ms}
	{"redraw waits, p99" {$ours(redraw99)} - 0 ms}
	{"redraw waits, longest" {$ours(redrawmax)} - 0 ms}
    }
}

# ------------------------------------------------------------------------- memory

::cases::run tcl.growth tcl growth memory -topic %bench -messages %five -held %held
::cases::run tcl.slow tcl slow memory -topic %bench -messages %messages \
	-seconds %seconds
::cases::case growth "callbacks, the partition five times over" {ours tcl.growth} {
    {"resident memory, from a third of the way to the end" 
	{($ours(late) - $ours(early)) / 1024.0} <= 4 MB}
}
::cases::case slow "a callback of 1 ms, with a backlog behind it" {ours tcl.slow} {
    {"resident memory, from 40 % of the way to the end"
	{($ours(late) - $ours(early)) / 1024.0} <= 4 MB}
    {"peak memory" {$ours(mb)} - 0 MB}
}

# ------------------------------------------------------------------------ threads

::cases::run tcl.threads1 tcl threads threads -topic %pairs -partitions 16 \
	-messages %eighth -threads 1
::cases::run tcl.threads2 tcl threads threads -topic %pairs -partitions 32 \
	-messages %quarter -threads 2
::cases::case threads "two Tcl threads, each its own consumer" {
    ours tcl.threads2 one tcl.threads1
} {
    {"rate / one thread's"
	{($ours(messages) / $ours(inside)) / ($one(messages) / $one(inside))} >= 1.8 x}
    {"CPU per message / one thread's" {$ours(cpu) / $one(cpu)} - 0 x}
}

# -------------------------------------------------------------------------- scale

::cases::run tcl.parts tcl many scale -topic %parts -partitions 100 -messages %parted
::cases::run c.parts c many scale -topic %parts -partitions 100 -messages %parted
::cases::run tcl.topics tcl many topics -topic %many -topics 1000 -messages %topiced
::cases::run c.topics c many topics -topic %many -topics 1000 -messages %topiced
::cases::run tcl.clients tcl clients scale -topic %parts -partitions 100 -clients 50 \
	-messages %clients
::cases::run c.clients c many scale -topic %parts -partitions 100 -clients 50 \
	-messages %clients
::cases::run tcl.batch_half tcl batch scale -topic %bench -messages %half -held %held
::cases::run c.batch_half c batch scale -topic %bench -messages %half -held %held
::cases::run tcl.topic_half tcl topic scale -topic %bench -messages %half -held %held
foreach {name title one} {
    parts "100 partitions, one queue, consume_batch" batch_half
    topics "1,000 topics, one queue, consume_batch" batch_half
    clients "50 consumers, a callback for each message" topic_half
} {
    ::cases::case $name $title [list ours tcl.$name one tcl.$one c c.$name \
	    cone c.batch_half] {
	{"CPU per message / one partition's" {$ours(cpu) / $one(cpu)} <= 1.3 x}
	{"the same in C" {$c(cpu) / $cone(cpu)} - 1.3 x}
	{"wall clock / C's" {$ours(wall) / $c(wall)} - 0 x}
    }
}

# -------------------------------------------------------------------------- start

::cases::run tcl.start tcl start start
::cases::case start "package require kafka" {ours tcl.start} {
    {"time" {$ours(require)} <= 15 ms}
    {"the stripped library" {$::bench::librarySize / 1048576.0} - 0 MB}
}
