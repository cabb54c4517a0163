# instructions.tcl --
#
#	Budgets without a clock: how many instructions the Tcl thread executes for
#	a message on each hot path, counted by callgrind, against the numbers in
#	instructions.txt.  More than 3 % above one of them fails.  `make
#	bench-instructions` is this.  It must not depend on how fast or how busy
#	the machine is, and must leave no process behind.
#
#	How it counts: callgrind begins with the loop and ends with it, at two
#	functions that only mark the place (mark.c); waiting for a cluster, which takes
#	more steps on a busy machine, is before and after them.  librdkafka has
#	its own threads, whose work is not counted: callgrind writes a file for
#	each thread, and the first is the one of Tcl, whose clock goes by calls
#	meanwhile.  The embedded cluster is in this process, not in the one that
#	is counted.  What is read has been fetched before the loop begins, so that
#	the loop never waits.
#
#	usage: tclsh instructions.tcl ?-option value ...?
#	    -paths *	patterns of names: batch, topic, ...
#	    -repeat 1	counts each path so often, and shows the spread
#	    -write 0	1: writes what was counted into instructions.txt
#	    -plant 0	1: a little more work in each body; a check of this check,
#		which must fail
#	The last line is `N passed, N failed, N skipped`.

set ::countHome [file dirname [file normalize [info script]]]
source [file join $::countHome .. tests kafka cluster.tcl]

namespace eval ::count {
    variable home $::countHome
    variable file [file join $home instructions.txt]
    variable area [file join $::cluster::root build bench callgrind.[pid]]
    variable option
    array set option {-paths * -repeat 1 -write 0 -plant 0}
    variable messages 10000
    variable tolerance 0.03
    variable paths {batch lists topic queue subscriber one_topic one_queue
	one_subscriber produce report}
    variable passed 0
    variable failed 0
    variable skipped 0
    lappend ::auto_path [file join $::cluster::root build]
}

# ---------------------------------------------------------- what is counted

# count::Ready --
#
#	Waits for the driver, which waits until librdkafka's threads do nothing.
#	To look for that here would itself be counted, the more often the busier
#	the machine is.

proc ::count::Ready {} {
    puts ready
    flush stdout
    gets stdin
}

# count::Path --
#
#	The process that is counted: one path, so many messages.

proc ::count::Path {path brokers topic messages plant marks} {
    package require kafka
    set ::marks $marks
    set ::until $messages
    set ::seen 0
    set ::bytes 0
    set ::plant $plant
    kafka::kafka create master
    master logger none
    master config bootstrap.servers $brokers group.id instructions \
	    enable.auto.commit false
    if {$path in {produce report}} {
	Send $path $topic $messages
    } else {
	master config queued.min.messages 1000000
	Read $path $topic $messages
    }
    if {$::seen != $messages} {
	error "$::seen messages of $messages"
    }
    puts done
}

proc received {message} {
    incr ::bytes [string length [dict get $message payload]]
    if {$::plant} {
	incr ::bytes [string length [dict get $message topic]]
    }
    if {[incr ::seen] == $::until} {
	set ::enough 1
    }
}

proc ::count::Read {path topic messages} {
    set plant $::plant
    set seen 0
    set bytes 0
    if {[string match *subscriber $path]} {
	master subscriber member
	member assign [list $topic 0 beginning]
    } else {
	master consumer_creator consumer
	consumer new_topic reader $topic
	consumer create_queue inbox
	if {[string match *queue $path]} {
	    reader start_queue 0 beginning inbox
	} elseif {$path ne "topic"} {
	    reader start 0 beginning
	}
    }
    if {$path eq "topic"} {
	reader start 0 beginning received
    }
    Ready
    load $::marks/begin.so Begin
    switch -- $path {
	batch {
	    set seen [reader consume_batch 0 10000 $messages row {
		incr bytes [string length $row(payload)]
		if {$plant} {
		    incr bytes [string length $row(topic)]
		}
	    }]
	}
	lists {
	    while {$seen < $messages} {
		foreach payload [reader consume_list 0 10000 \
			[expr {$messages - $seen}]] {
		    incr bytes [string length $payload]
		    incr seen
		    if {$plant} {
			incr bytes [string length $topic]
		    }
		}
	    }
	}
	topic {
	    vwait ::enough
	}
	queue {
	    inbox consume_callback received
	    vwait ::enough
	}
	subscriber {
	    member callback received
	    vwait ::enough
	}
	one_topic {
	    while {$seen < $messages} {
		reader consume 0 10000 row
		incr bytes [string length $row(payload)]
		incr seen
		if {$plant} {
		    incr bytes [string length $row(topic)]
		}
	    }
	}
	one_queue {
	    while {$seen < $messages} {
		inbox consume 10000 row
		incr bytes [string length $row(payload)]
		incr seen
		if {$plant} {
		    incr bytes [string length $row(topic)]
		}
	    }
	}
	one_subscriber {
	    while {$seen < $messages} {
		set got [member consume 10000]
		incr bytes [string length [dict get $got payload]]
		incr seen
		if {$plant} {
		    incr bytes [string length [dict get $got topic]]
		}
	    }
	}
    }
    load $::marks/end.so End
    incr ::seen $seen
}

proc delivered {report} {
    if {$::plant} {
	incr ::bytes [string length [dict get $report topic]]
    }
    incr ::reports
}

# count::Send --
#
#	One message first: the rest finds the topic known.  Without reports nothing
#	is sent before the end; with them all is sent, and all reports have come
#	in, when they are taken.

proc ::count::Send {path topic messages} {
    set ::reports 0
    master config linger.ms [expr {$path eq "report" ? 1000 : 30000}] \
	    batch.num.messages 100000 batch.size 100000000
    if {$path eq "report"} {
	master delivery_report callback delivered
    }
    master producer_creator producer
    producer new_topic sender $topic
    sender produce 0 x key
    producer flush 10000
    set payload [string repeat x 100]
    set seen 0
    Ready
    load $::marks/begin.so Begin
    while {$seen < $messages} {
	sender produce -1 $payload key-[format %06d [expr {$seen % 1000}]]
	incr seen
	if {$::plant} {
	    incr ::bytes [string length $payload]
	}
    }
    if {$path eq "report"} {
	# All is sent, and what it was for waits.
	Ready
	while {$::reports <= $messages} {
	    producer poll 100
	}
    }
    load $::marks/end.so End
    incr ::seen $seen
}

# ----------------------------------------------------------------- counting

# count::Asleep --
#
#	Does every thread of a process sleep?  One that waits for a core does not.

proc ::count::Asleep {pid} {
    foreach file [glob -nocomplain /proc/$pid/task/*/stat] {
	if {[lindex [split [lindex [split [::cluster::Slurp $file] )] end]] 1] \
		ni {S {}}} {
	    return 0
	}
    }
    return 1
}

# count::Quiet --
#
#	Waits until a process has said so often that it is ready, and has slept
#	for a second and a half.

proc ::count::Quiet {job times} {
    variable area
    set still 0
    ::cluster::until 240000 {![::cluster::job_alive $job]
	    || [regexp -all ready [::cluster::Slurp $area/out]] >= $times}
    set pid [::cluster::job_pid $job]
    while {$still < 30 && [::cluster::job_alive $job]} {
	::cluster::Pause 50
	set still [expr {[Asleep $pid] ? $still + 1 : 0}]
	if {$still && $still % 10 == 0} {
	    # A long poll that comes back may fall between two looks.
	    set used [lrange [split [lindex [split \
		    [::cluster::Slurp /proc/$pid/stat] )] end]] 12 13]
	    if {[info exists before] && [tcl::mathop::+ {*}$used] - $before > 5} {
		set still 0
	    }
	    set before [tcl::mathop::+ {*}$used]
	}
    }
}

# count::Count --
#
#	Instructions of the Tcl thread in one run.

proc ::count::Count {path brokers topic messages} {
    variable area
    variable option
    variable home
    file delete -force $area
    file mkdir $area
    # Both ends are open here, so that nobody waits for the other one.
    exec mkfifo $area/in
    exec cc -shared -fPIC -O0 -o $area/begin.so $home/mark.c
    # Tcl does not load one file under two names.
    file copy $area/begin.so $area/end.so
    set go [open $area/in r+]
    try {
	set job [::cluster::Launch $area/job.sh -dir $area -input $area/in \
		-out $area/out -err $area/err -command [list env \
		LD_PRELOAD=$area/begin.so valgrind --tool=callgrind \
		--separate-threads=yes --callgrind-out-file=$area/count \
		--zero-before=Begin_Init --dump-before=End_Init \
		[info nameofexecutable] $home/instructions.tcl path $path $brokers \
		$topic $messages $option(-plant) $area]]
	for {set time 1} {$time <= ($path eq "report" ? 2 : 1)} {incr time} {
	    Quiet $job $time
	    puts $go go
	    flush $go
	}
	::cluster::until 240000 {![::cluster::job_alive $job]}
	::cluster::job_forget $job
    } finally {
	close $go
    }
    if {![string match *done* [::cluster::Slurp $area/out]]} {
	set lines [split [string trim [::cluster::Slurp $area/err]] \n]
	error "$path with $messages messages did not end:\
		[join [lsearch -all -inline -not -glob $lines ==*] { }]"
    }
    set counted 0
    regexp -line {^(?:summary|totals): (\d+)} \
	    [::cluster::Slurp $area/count.1-01] -> counted
    if {!$counted} {
	error "callgrind wrote nothing about $path: [lindex [split \
		[string trim [::cluster::Slurp $area/err]] \n] end]"
    }
    return $counted
}

# count::Prepare --
#
#	The embedded cluster in this process, and its topics.

proc ::count::Prepare {} {
    variable messages
    package require kafka
    kafka::kafka mock create ::embedded -brokers 1
    ::embedded group_initial_rebalance_delay_ms 0
    ::embedded create_topic read 1
    ::embedded create_topic write 4
    kafka::kafka create filler
    filler config bootstrap.servers [::embedded bootstrap_servers]
    filler producer_creator sending
    sending new_topic out read
    for {set i 0} {$i < $messages} {incr i} {
	out produce 0 [format {message %06d%s} $i [string repeat . 86]]
    }
    if {[sending flush 30000]} {
	error "the embedded cluster does not take what is sent"
    }
    sending delete
    return [::embedded bootstrap_servers]
}

# count::Measure --
#
#	Instructions a message, so often as was asked for: the lowest first.

proc ::count::Measure {path brokers} {
    variable option
    variable messages
    set topic [expr {$path in {produce report} ? "write" : "read"}]
    set found {}
    for {set i 0} {$i < $option(-repeat)} {incr i} {
	lappend found [expr {[Count $path $brokers $topic $messages] / $messages}]
    }
    return [lsort -integer $found]
}

# ------------------------------------------------------------------ the budget

# count::Budget, count::Write --
#
#	The file: comments, then `key value` lines; keys are paths, and what the
#	numbers hold for.

proc ::count::Budget {} {
    variable file
    set budget {}
    foreach line [split [::cluster::Slurp $file] \n] {
	if {![string match "#*" $line] && [regexp {^(\S+)\s+(.+)$} $line -> key value]} {
	    dict set budget $key [string trim $value]
	}
    }
    return $budget
}

proc ::count::Write {counted} {
    variable file
    variable paths
    set budget [dict merge [Budget] [Here] $counted]
    set lines {}
    foreach line [split [::cluster::Slurp $file] \n] {
	if {[string match "#*" $line]} {
	    lappend lines $line
	}
    }
    foreach key [concat [dict keys [Here]] $paths] {
	if {[dict exists $budget $key]} {
	    lappend lines [format {%-15s %s} $key [dict get $budget $key]]
	}
    }
    set f [open $file w]
    puts $f [join $lines \n]
    close $f
}

# What the numbers hold for: another Tcl executes another number of its own.
proc ::count::Here {} {
    return [dict create tcl [info patchlevel] machine $::tcl_platform(machine)]
}

# count::Verdict --
#
#	Prints one path's line and counts it.

proc ::count::Verdict {path found budget} {
    variable option
    variable tolerance
    variable passed
    variable failed
    set low [lindex $found 0]
    set high [lindex $found end]
    set text [format "%-15s %6d instructions a message" $path $low]
    if {$option(-repeat) > 1} {
	append text [format " to %d (spread %.2f %%)" $high \
		[expr {100.0 * ($high - $low) / $low}]]
    }
    if {![dict exists $budget $path]} {
	puts "$text; no budget in instructions.txt: -write 1 makes one"
	incr failed
	return
    }
    set most [dict get $budget $path]
    set part [expr {double($low) / $most - 1}]
    append text [format ", budget %d (%+.1f %%)" $most [expr {100 * $part}]]
    if {$part > $tolerance} {
	puts "$text: TOO MANY"
	incr failed
    } else {
	puts "$text[expr {$part < -$tolerance ? ": lower the budget (-write 1)" : ""}]"
	incr passed
    }
}

proc ::count::main {argv} {
    variable option
    variable paths
    variable area
    variable passed
    variable failed
    variable skipped
    fconfigure stdout -buffering line
    if {[llength $argv] % 2} {
	error "no value for \"[lindex $argv end]\""
    }
    foreach {name value} $argv {
	if {![info exists option($name)]} {
	    error "bad option \"$name\": must be\
		    [join [lsort [array names option]] {, }]"
	}
	set option($name) $value
    }
    set chosen {}
    foreach path $paths {
	foreach pattern $option(-paths) {
	    if {[string match $pattern $path] && $path ni $chosen} {
		lappend chosen $path
	    }
	}
    }
    if {![llength $chosen]} {
	error "no path matches \"$option(-paths)\": they are [join $paths {, }]"
    }
    set budget [Budget]
    set why ""
    if {[auto_execok valgrind] eq ""} {
	set why "no valgrind: run tools/setup.sh valgrind"
    }
    dict for {key value} [Here] {
	if {!$option(-write) && [dict exists $budget $key]
		&& [dict get $budget $key] ne $value} {
	    set why "the budget holds for $key [dict get $budget $key], and this\
		    is $value"
	}
    }
    if {$why ne ""} {
	puts "skipped: $why"
	puts "0 passed, 0 failed, [llength $chosen] skipped"
	return
    }
    # What a run that was killed has left.
    foreach old [glob -nocomplain [file rootname $area].*] {
	if {![file exists /proc/[string range [file extension $old] 1 end]]} {
	    file delete -force $old
	}
    }
    # The embedded cluster lives in this process: waits serve its events.
    set ::cluster::events 1
    set brokers [Prepare]
    set counted {}
    try {
	foreach path $chosen {
	    if {[catch {Measure $path $brokers} found]} {
		puts "$path: $found"
		incr failed
		continue
	    }
	    dict set counted $path [lindex $found 0]
	    if {$option(-write)} {
		dict set budget $path [lindex $found 0]
	    }
	    Verdict $path $found $budget
	}
    } finally {
	file delete -force $area
    }
    if {$option(-write)} {
	Write $counted
    }
    puts "$passed passed, $failed failed, $skipped skipped"
    exit [expr {$failed > 0}]
}

if {[lindex $::argv 0] eq "path"} {
    ::count::Path {*}[lrange $::argv 1 end]
} elseif {[catch {::count::main $::argv} message options]} {
    puts stderr "instructions: $message"
    if {[lindex [dict get $options -errorcode] 0] in {TCL ARITH}} {
	puts stderr [dict get $options -errorinfo]
    }
    exit 1
}
