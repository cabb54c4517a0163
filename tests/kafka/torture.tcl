# torture.tcl --
#
#	Faults with accounting: while a producer (idempotent, acknowledged by
#	all) and a group of consumers run as processes of their own, brokers and
#	consumers are killed, frozen, stopped and restarted.  Then an independent
#	reader takes the whole log, and the checker compares all histories.  For
#	tclsh 8.6 and 9.  It must not touch a cluster that it has not started,
#	must not repeat a scenario that failed, and must leave no process behind
#	(cluster.tcl sees to that, also after Ctrl-C or a kill -9).
#
#	tclsh tests/kafka/torture.tcl ?-option value ...? ?scenario ...?
#	    -messages 20000	how many are sent in each scenario
#	    -seed N		for the choice of victims and pauses; printed
#	    -rate N		messages a second; default: such that the faults
#				of a short run come while it sends
#	    -groups range,cooperative,consumer	kinds of groups, in turn:
#				assignment strategies, or the new protocol
#	    -java auto		1: Java's console consumer must have read the
#				same; auto: up to 200,000 messages
#	    -dir build/torture	cluster, histories and outputs; histories of
#				scenarios that held are deleted
#	    -table file		the table goes there as well
#	    -tclsh {program ...}	run the workers, each those of every nth
#				scenario; default: this one
#	    -version V -heap N	of the cluster
#
#	Scenarios, all of them by default:
#	    leader_killed	a leader gets kill -9 and comes back
#	    broker_frozen	a leader stands still for longer than its session
#	    rolling		all brokers restart one after the other
#	    all_down		all brokers are killed and stay down for 20 s
#	    consumer_killed	a consumer gets kill -9 and is replaced
#	    consumer_stopped	a consumer's process stands still for longer than
#				max.poll.interval.ms
#
#	A scenario's fault is repeated until all messages are sent.  One line for
#	each scenario; at the end a table of words separated by tabs, between
#	lines "table" and "end".  Exit status 1 if anything did not hold.

source [file join [file dirname [file normalize [info script]]] cluster.tcl]
source [file join [file dirname [file normalize [info script]]] history.tcl]

namespace eval ::torture {
    variable home [file dirname [file normalize [info script]]]
    # The options.
    variable o
    array set o [list -messages 20000 -seed {} -rate {} \
	    -groups range,cooperative,consumer -java auto \
	    -dir [file join $::cluster::root build torture] -table {} \
	    -tclsh [list [info nameofexecutable]] -version {} -heap 512]
    # The cluster.
    variable c ""
    # The present scenario: name, topic, group, dir, jobs, ...
    variable r
    # Rows of the table.
    variable rows {}
    # How long a process may need for what should be at once, in milliseconds.
    variable patience 60000
    # Memory may grow by so many MB between the second and the last quarter.
    variable growth 16
    variable columns {
	scenario group rounds messages acked failed unreported log lost
	duplicate disorder unseen early polled again commits refused observed
	nooffset longest_call_ms producer_mb producer_growth_mb consumer_mb
	consumer_growth_mb seconds result
    }
}

# --------------------------------------------------------------- scenarios
#
# Each makes its fault once and returns when that is over.

proc ::torture::leader_killed {} {
    variable c
    variable r
    set partition [Random $r(partitions)]
    set node [Led $partition]
    cluster::kill $c $node
    # How soon is Kafka's: the node may have been the controller as well.
    Expect 60000 "no new leader after node $node was killed" {
	[Leader $partition] ni [list -1 $node]
    }
    Progress
    cluster::start $c $node
    return
}

proc ::torture::broker_frozen {} {
    variable c
    variable r
    set node [Led [Random $r(partitions)]]
    cluster::freeze $c $node
    Rest 8000
    cluster::thaw $c $node
    cluster::ready $c -limit 60000
    return
}

proc ::torture::rolling {} {
    variable c
    cluster::restart $c all -how stop -sync 1
    return
}

proc ::torture::all_down {} {
    variable c
    cluster::kill $c all
    Rest 20000
    cluster::start $c
    return
}

proc ::torture::consumer_killed {} {
    variable r
    set who [Victim]
    set job $r(job,$who)
    cluster::job_signal $job KILL
    cluster::job_wait $job 10000
    puts $r(history) "D $who"
    flush $r(history)
    Measure $who
    set r(consumers) [lsearch -all -inline -not -exact $r(consumers) $who]
    set new c[incr r(named)]
    Consumer $new [dict get $r(ways) $who]
    dict set r(ways) $new [dict get $r(ways) $who]
    Shared
    return
}

proc ::torture::consumer_stopped {} {
    variable r
    set who [Victim]
    cluster::job_signal $r(job,$who) STOP
    Rest [expr {$r(maxpoll) + 3000}]
    cluster::job_signal $r(job,$who) CONT
    Shared
    return
}

# ----------------------------------------------------------------- helpers

# torture::Random --
#
#	A number below n, from the seed.

proc ::torture::Random {n} {
    return [expr {int(rand() * $n)}]
}

# torture::Rest --
#
#	Waits, while samples are taken.

proc ::torture::Rest {ms} {
    cluster::until $ms {0}
    return
}

# torture::Expect --
#
#	Waits until the expression is true in the caller; a hang if it is not.

proc ::torture::Expect {ms what expression} {
    set end [expr {[clock milliseconds] + $ms}]
    while {![uplevel 1 [list expr $expression]]} {
	if {[clock milliseconds] > $end} {
	    Hang "$what within $ms ms"
	    return 0
	}
	Rest 50
    }
    return 1
}

# torture::Hang --
#
#	Takes down that somebody hung, crashed or gave up.

proc ::torture::Hang {text} {
    variable r
    puts $r(history) "H [string map {\{ ( \} ) \" ' \n { } \\ /} $text]"
    flush $r(history)
    return
}

# torture::Leader --
#
#	The leader of a partition of the topic; -1 if nobody knows.

proc ::torture::Leader {partition} {
    variable c
    variable r
    if {[catch {cluster::leader $c $r(topic) $partition} leader]} {
	return -1
    }
    return $leader
}

# torture::Led --
#
#	The leader of a partition, as soon as there is one that tells it.

proc ::torture::Led {partition} {
    set node -1
    Expect 60000 "partition $partition has no leader" {
	[set node [Leader $partition]] != -1
    }
    return $node
}

# torture::Said --
#
#	A value from the last line that a worker has printed.

proc ::torture::Said {who name} {
    variable r
    set file [set $r(job,$who)(out)]
    if {[catch {open $file rb} channel]} {
	return ""
    }
    seek $channel [expr {max(0, [file size $file] - 400)}]
    set line [lindex [split [read $channel] \n] end-1]
    close $channel
    set line [string trim [string map {"done " ""} $line]]
    if {![string is list $line] || [llength $line] % 2
	    || ![dict exists $line $name]} {
	return ""
    }
    return [dict get $line $name]
}

# torture::Progress --
#
#	Waits until something new was acknowledged, or all has been.

proc ::torture::Progress {} {
    variable r
    set before [Number producer acked]
    Expect 60000 "nothing new was acknowledged" {
	[Number producer acked] > $before || [Sent reported]
    }
    return
}

proc ::torture::Number {who name} {
    set value [Said $who $name]
    return [expr {[string is integer -strict $value] ? $value : 0}]
}

# torture::Sent --
#
#	1 if all messages have been sent, or the producer is gone.

proc ::torture::Sent {{what sent}} {
    variable o
    variable r
    return [expr {![cluster::job_alive $r(job,producer)]
	    || [Number producer $what] >= $o(-messages)}]
}

# torture::Victim --
#
#	One of the consumers that commit by themselves: of the others nobody can
#	know whether the last message was written down before it was committed.

proc ::torture::Victim {} {
    variable r
    set list [lmap who $r(consumers) {
	if {[dict get $r(ways) $who] ne "sync"} continue
	set who
    }]
    return [lindex $list [Random [llength $list]]]
}

# torture::Shared --
#
#	Waits until the living consumers share all partitions.

proc ::torture::Shared {} {
    variable r
    variable patience
    Expect $patience "the consumers do not share all partitions" {
	[Shares] eq [lsort -integer $r(all)]
    }
    return
}

proc ::torture::Shares {} {
    variable r
    set list {}
    foreach who $r(consumers) {
	set share [split [Said $who assigned] ,]
	# With four partitions each of three has something to do.
	if {![llength $share]} {
	    return ""
	}
	lappend list {*}$share
    }
    return [lsort -integer $list]
}

# torture::Worker, torture::Consumer --
#
#	Starts a process, under a guard that ends it when this one ends.

proc ::torture::Worker {who script args} {
    variable o
    variable c
    variable r
    variable home
    set r(job,$who) [cluster::spawn $c program $r(shell) \
	    [file join $home worker_$script.tcl] -bootstrap [cluster::bootstrap $c] \
	    -topic $r(topic) -name $who -history [file join $r(dir) $who.history] \
	    {*}$args]
    set r(rss,$who) {}
    lappend r(workers) $who
    return
}

proc ::torture::Consumer {who way} {
    variable r
    lappend r(consumers) $who
    Worker $who consumer -group $r(groupname) -way $way -stop $r(dir)/stop \
	    -config $r(config)
    return
}

# torture::Ended --
#
#	Waits for the end of a worker; takes down if it hung or failed.

proc ::torture::Ended {who ms} {
    variable r
    set job $r(job,$who)
    set end [expr {[clock milliseconds] + $ms}]
    while {[cluster::job_alive $job] && [clock milliseconds] < $end} {
	Rest 50
    }
    Measure $who
    if {[cluster::job_alive $job]} {
	catch {exec gdb -p [cluster::job_pid $job] -batch \
		-ex "thread apply all bt 12" >$r(dir)/$who.stacks 2>@1}
	cluster::job_signal $job KILL
	cluster::job_wait $job 10000
	Hang "$who did not end within $ms ms"
    } elseif {[cluster::job_status $job] ne "0"} {
	Hang "$who ended with status [cluster::job_status $job]:\
		[lindex [split [string trim [cluster::job_output $job err]] \n] end]"
    }
    return
}

# torture::Sample --
#
#	The memory of all workers, again and again.

proc ::torture::Sample {} {
    variable r
    after 500 ::torture::Sample
    if {![info exists r(workers)]} {
	return
    }
    foreach who $r(workers) {
	if {![info exists r(job,$who)]} {
	    continue
	}
	# The guard has told its pid, if somebody listens.
	if {![cluster::job_alive $r(job,$who)]} {
	    continue
	}
	set pid [set $r(job,$who)(pid)]
	if {$pid ne "" && [regexp {VmRSS:\s+(\d+) kB} \
		[::cluster::Slurp /proc/$pid/status] -> kb]} {
	    lappend r(rss,$who) $kb
	}
    }
    return
}

# torture::Measure --
#
#	Keeps the longest call and the memory of a worker that has ended.

proc ::torture::Measure {who} {
    variable r
    variable growth
    set r(longest) [expr {max($r(longest), [Number $who longest])}]
    set kind [expr {$who in $r(consumers) ? "consumer" : $who}]
    set n [llength $r(rss,$who)]
    if {$n < 8 || $kind ni {producer consumer}} {
	return
    }
    set quarter [expr {$n / 4}]
    set early [Median [lrange $r(rss,$who) $quarter [expr {2 * $quarter - 1}]]]
    set late [Median [lrange $r(rss,$who) end-[expr {$quarter - 1}] end]]
    set mb [expr {($late - $early) / 1024.0}]
    set r(mb,$kind) [expr {max($r(mb,$kind), $late / 1024.0)}]
    if {$r(growth,$kind) eq "-" || $mb > $r(growth,$kind)} {
	set r(growth,$kind) [format %.1f $mb]
    }
    if {$mb > $growth} {
	Hang "the memory of $who grew by [format %.1f $mb] MB"
    }
    set r(rss,$who) {}
    return
}

proc ::torture::Median {list} {
    return [lindex [lsort -integer $list] [expr {[llength $list] / 2}]]
}

# --------------------------------------------------------------- one run

# torture::Run --
#
#	Runs a scenario with this kind of group and its workers in this Tcl:
#	returns 1 if all that is demanded held.

proc ::torture::Run {name group shell} {
    variable o
    variable c
    variable r
    variable patience
    array unset r
    set begin [clock milliseconds]
    set dir [file join $o(-dir) runs $name]
    file delete -force $dir
    file mkdir $dir
    set word [format %x [expr {[clock microseconds] & 0xffffffff}]]
    array set r [list name $name shell $shell dir $dir \
	    topic torture-$name-$word partitions 4 \
	    all {0 1 2 3} groupname group-$name-$word workers {} consumers {} \
	    ways {} named 3 rounds 0 longest 0 mb,producer 0 mb,consumer 0 \
	    growth,producer - growth,consumer -]
    set r(history) [history::begin $dir/torture.history torture]
    set r(maxpoll) [expr {$name eq "consumer_stopped" ? 7000 : 60000}]
    set r(config) [list max.poll.interval.ms $r(maxpoll)]
    switch -- $group {
	range {
	    lappend r(config) partition.assignment.strategy range
	}
	cooperative {
	    lappend r(config) partition.assignment.strategy cooperative-sticky
	}
	consumer {
	    lappend r(config) group.protocol consumer
	}
    }
    if {$group ne "consumer"} {
	lappend r(config) session.timeout.ms 6000 heartbeat.interval.ms 1000
    }
    cluster::create_topic $c $r(topic) $r(partitions) 3
    try {
	foreach {who way} {c1 sync c2 auto c3 sync} {
	    dict set r(ways) $who $way
	    Consumer $who $way
	}
	Worker observer observer -group $r(groupname) -partitions $r(partitions) \
		-stop $dir/stop
	Shared
	set rate $o(-rate)
	if {$rate eq ""} {
	    set rate [expr {min(4000, max(1300, $o(-messages) / 250))}]
	}
	Worker producer producer -messages $o(-messages) -rate $rate \
		-config {message.timeout.ms 300000}
	Expect 30000 "the first messages are not acknowledged" {
	    [Number producer acked] > 0
	}
	while {$r(rounds) == 0 || ![Sent]} {
	    Rest [expr {200 + [Random 1000]}]
	    if {![cluster::job_alive $r(job,producer)]
		    && [cluster::job_status $r(job,producer)] ne "0"} {
		break
	    }
	    incr r(rounds)
	    $name
	    # Nobody can send while the next fault comes at once.
	    Progress
	}
	# The faults are over: what is left must come to its end.
	Ended producer [expr {$patience + 1000 * $o(-messages) / $rate}]
	cluster::insync $c -limit 60000
	Worker reader reader -limit [expr {$patience + $o(-messages) / 10}]
	Ended reader [expr {2 * ($patience + $o(-messages) / 10)}]
	set total [Number reader read]
	Expect [expr {$patience + $o(-messages) / 10}] \
		"the group has not committed all $total messages of the log" {
	    [Number observer committed] == $total
	}
	close [open $dir/stop w]
	# Longer than the 30 s that a worker gives to the end of its client.
	foreach who $r(consumers) {
	    Ended $who 45000
	}
	Ended observer 45000
	Java
    } on error {message options} {
	Hang "the scenario failed: $message"
	puts stderr [dict get $options -errorinfo]
    } finally {
	foreach who $r(workers) {
	    cluster::job_signal $r(job,$who) CONT
	    # Their outputs are deleted with the jobs.
	    foreach which {out err} {
		file copy -force [set $r(job,$who)($which)] $dir/$who.$which
	    }
	    cluster::job_forget $r(job,$who)
	    unset r(job,$who)
	}
    }
    history::end $r(history) torture
    set result [history::check [glob -directory $dir *.history]]
    Report $result $group [expr {([clock milliseconds] - $begin) / 1000.0}]
    if {[dict get $result ok]} {
	file delete -force $dir
    }
    return [dict get $result ok]
}

# torture::Java --
#
#	Java's console consumer reads the same as our reader.

proc ::torture::Java {} {
    variable o
    variable c
    variable r
    if {$o(-java) eq "auto"} {
	set o(-java) [expr {$o(-messages) <= 200000}]
    }
    if {!$o(-java)} {
	return
    }
    set ours {}
    set channel [open $r(dir)/reader.history]
    while {[gets $channel line] >= 0} {
	if {[string index $line 0] eq "M"} {
	    lassign $line - partition offset writer number key sum
	    lappend ours "$partition $offset $writer $number $key $sum"
	}
    }
    close $channel
    set theirs {}
    set text [cluster::tool $c -timeout 120000 console-consumer \
	    --topic $r(topic) --from-beginning --max-messages [llength $ours] \
	    --timeout-ms 30000 --property print.partition=true \
	    --property print.offset=true --property print.key=true]
    foreach line [split $text \n] {
	if {[scan $line "Partition:%d\tOffset:%d\t%\[^\t]\t%s" partition offset \
		key payload] == 4} {
	    lappend theirs "$partition $offset [lrange [history::parse $payload] 0 1]\
		    $key [lindex [history::parse $payload] 2]"
	}
    }
    if {[lsort $ours] ne [lsort $theirs]} {
	Hang "Java's console consumer read [llength $theirs] messages, our reader\
		[llength $ours], and they are not the same"
    }
    return
}

# torture::Report --
#
#	The line of a scenario, and its row for the table.

proc ::torture::Report {verdict group seconds} {
    variable o
    variable r
    variable rows
    variable columns
    set row [dict merge [dict get $verdict counts] [dict get $verdict wrong]]
    set row [dict merge [dict create lost 0 duplicate 0 disorder 0 unseen 0 early 0 \
	    unreported 0] $row]
    dict set row scenario $r(name)
    dict set row group $group
    dict set row rounds $r(rounds)
    dict set row messages $o(-messages)
    dict set row longest_call_ms $r(longest)
    foreach kind {producer consumer} {
	dict set row ${kind}_mb [format %.1f $r(mb,$kind)]
	# -: it did not live long enough for a verdict.
	dict set row ${kind}_growth_mb $r(growth,$kind)
    }
    dict set row seconds [format %.1f $seconds]
    dict set row result [expr {[dict get $verdict ok] ? "held" : "FAILED"}]
    lappend rows [join [lmap name $columns {dict get $row $name}] \t]
    dict with row {
	puts "[format %-7s [dict get $row result]] $scenario ($group): $sent sent,\
		$acked acknowledged, $failed failed, $log in the log, $polled polled\
		($again again), $commits commits ($refused refused), $rounds\
		faults, $seconds s"
    }
    foreach example [dict get $verdict examples] {
	puts "        $example"
    }
    return
}

# torture::Main --
#
#	Starts the cluster, runs the scenarios, prints the table.

proc ::torture::Main {argv} {
    variable o
    variable c
    variable rows
    variable columns
    set all {leader_killed broker_frozen rolling all_down consumer_killed
	consumer_stopped}
    set names {}
    while {[llength $argv]} {
	set argv [lassign $argv word]
	if {[info exists o($word)] && [llength $argv]} {
	    set argv [lassign $argv o($word)]
	} elseif {$word in $all} {
	    lappend names $word
	} else {
	    puts stderr "bad word \"$word\": must be\
		    [join [lsort [array names o]] {, }] with a value, or of\
		    [join $all {, }]"
	    return 2
	}
    }
    if {![llength $names]} {
	set names $all
    }
    foreach option {-messages -seed -rate} {
	if {$o($option) ne "" && (![string is integer -strict $o($option)]
		|| $o($option) < 1)} {
	    puts stderr "bad $option \"$o($option)\": must be a number above 0"
	    return 2
	}
    }
    set groups [split $o(-groups) ,]
    foreach group [expr {[llength $groups] ? $groups : {{}}}] {
	if {$group ni {range cooperative consumer}} {
	    puts stderr "bad -groups \"$o(-groups)\": must be of range,\
		    cooperative, consumer, between commas"
	    return 2
	}
    }
    if {$o(-seed) eq ""} {
	set o(-seed) [expr {[clock microseconds] % 1000000007 + 1}]
    }
    expr {srand($o(-seed))}
    set ::cluster::events 1
    fconfigure stdout -buffering line
    set good 1
    # New groups' sessions are the broker's choice; ours are short.
    set options {group.consumer.min.session.timeout.ms 6000
	group.consumer.session.timeout.ms 6000
	group.consumer.min.heartbeat.interval.ms 1000
	group.consumer.heartbeat.interval.ms 1000}
    try {
	set c [cluster::create -dir [file join $o(-dir) cluster] \
		-version $o(-version) -heap $o(-heap) -options $options]
	cluster::start $c
	puts "Kafka [cluster::version $c], Tcl of the workers $o(-tclsh),\
		$o(-messages) messages each, seed $o(-seed)"
	if {"consumer" in $groups && ![::cluster::Newer [cluster::version $c] 4.0]} {
	    puts "no groups of the new protocol: before Kafka 4.0 it is a preview"
	    set groups [lsearch -all -inline -not -exact $groups consumer]
	    if {![llength $groups]} {
		set groups range
	    }
	}
	Sample
	set i 0
	foreach name $names {
	    set group [lindex $groups [expr {$i % [llength $groups]}]]
	    set shell [lindex $o(-tclsh) [expr {$i % [llength $o(-tclsh)]}]]
	    incr i
	    if {![Run $name $group $shell]} {
		set good 0
	    }
	}
    } trap CLUSTER {message} {
	puts stderr $message
	set good 0
    } finally {
	if {$c ne ""} {
	    cluster::destroy $c
	}
    }
    set table "table\n[join $columns \t]\n[join $rows \n]\nend"
    puts $table
    if {$o(-table) ne ""} {
	set channel [open $o(-table) w]
	puts $channel $table
	close $channel
    }
    return [expr {!$good}]
}

exit [torture::Main $argv]
