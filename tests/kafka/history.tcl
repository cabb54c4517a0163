# history.tcl --
#
#	The accounting of a run against Kafka: what was sent, reported, stored,
#	polled and committed goes into append-only files, one for each process,
#	and a checker reads them all and says what was lost, doubled, out of
#	order, never reported, never seen or committed too early.  For tclsh 8.6
#	and 9; [source] it.  It must not need the kafka package nor a cluster,
#	must not write anything but history files, and must not guess: what a
#	history does not say is a violation, not an excuse.
#
#	A history is lines of words that have no blanks:
#
#	    T ms			the time of the lines that follow
#	    S writer number key		a message was accepted by the client
#	    R writer number ok partition offset	    its report; offset -: not told
#	    R writer number error CODE	its report: it failed
#	    M partition offset writer number key sum	the log has it there;
#					sum: good, or bad if it was damaged
#	    N partition end		the log was read as far as this offset,
#					which is where it ends
#	    P reader partition offset writer number	a consumer was given it
#	    A reader partition,...	partitions the consumer has from now on
#	    C reader partition offset	it asked for this commit at the time of
#					the T before, and the commit was granted
#	    K reader CODE		a commit failed
#	    G partition offset		the group has committed this: somebody
#					asked, and had the answer at that time
#	    B who			the history of a process begins
#	    E who			it ended by itself, all done
#	    D who			it was killed, and that was wanted
#	    H text			somebody hung, crashed or gave up
#
#	Numbers of a writer count from 0.  Lines of a commit come after the lines
#	of what was polled before, and those must have been flushed before the
#	commit is asked for: a process may be killed at any moment.
#
#	history::begin file who		opens a history, returns the channel
#	history::time channel		writes a T line if the clock has moved
#	history::end channel who	writes the E line and closes
#	history::payload writer number size	a message: a name, a number, a
#					checksum of all the rest, filling
#	history::parse payload		a list: writer number good|bad
#	history::check files		reads all; returns a dictionary:
#	    ok		1 if nothing is wrong
#	    counts	sent acked failed unacked log polled again commits
#			refused observed nooffset
#	    wrong	a dictionary of kinds of violations, each with a count
#	    examples	a list of lines of text, a few for each kind
#	history::kinds			all kinds of violations and what they mean

namespace eval ::history {
    # Kinds of violations.  The order is that of reports.
    variable meaning {
	lost		{acknowledged, but not in the log}
	duplicate	{twice in the log}
	disorder	{in the log after a later message of the same writer}
	keysplit	{one key in two partitions}
	elsewhere	{acknowledged at one place, found at another}
	unreported	{accepted, but never reported}
	rereported	{reported more than once}
	unasked		{reported, but never accepted}
	reportorder	{acknowledged with an offset below an earlier one}
	phantom		{in the log, but never sent}
	damaged		{in the log with a wrong checksum or another key}
	unread		{the log was not read to its end}
	unseen		{in the log, but no consumer was given it}
	inconsistent	{two different messages at one offset}
	early		{committed before a message below it was seen}
	unfinished	{a process did not end by itself}
	hang		{somebody hung, crashed or gave up}
	unreadable	{a line of a history that makes no sense}
    }
    # How many examples of each kind are kept.
    variable most 5
    # For filling payloads.
    variable filling [string repeat abcdefghijklmnopqrstuvwxyz0123456789 60]
}

# history::kinds --
#
#	All kinds of violations, and what they mean: a dictionary.

proc ::history::kinds {} {
    variable meaning
    return $meaning
}

# history::begin, history::time, history::end --
#
#	Writing a history.

proc ::history::begin {file who} {
    set channel [open $file a]
    fconfigure $channel -encoding utf-8 -translation lf -buffering full \
	    -buffersize 65536
    puts $channel "B $who"
    time $channel
    flush $channel
    return $channel
}

proc ::history::time {channel} {
    variable last
    set now [clock milliseconds]
    if {![info exists last($channel)] || $last($channel) != $now} {
	set last($channel) $now
	puts $channel "T $now"
    }
    return
}

proc ::history::end {channel who} {
    variable last
    time $channel
    puts $channel "E $who"
    close $channel
    unset -nocomplain last($channel)
    return
}

# history::payload, history::parse --
#
#	Messages that can be known again, at least 30 bytes long.

proc ::history::payload {writer number size} {
    variable filling
    set rest $writer/$number/
    append rest [string range $filling 0 [expr {$size - [string length $rest] - 10}]]
    return [format %08x/%s [zlib crc32 $rest] $rest]
}

proc ::history::parse {payload} {
    set parts [split $payload /]
    if {[llength $parts] != 4 || ![string is digit -strict [lindex $parts 2]]} {
	return {? 0 bad}
    }
    lassign $parts sum writer number
    set good [expr {$sum eq [format %08x [zlib crc32 [string range $payload 9 end]]]}]
    return [list $writer $number [expr {$good ? "good" : "bad"}]]
}

# history::Wrong --
#
#	Takes down a violation.

proc ::history::Wrong {kind text} {
    upvar #0 ::history::wrong wrong ::history::examples examples
    variable most
    if {[incr wrong($kind)] <= $most} {
	lappend examples "$kind: $text"
    }
    return
}

# history::Pad --
#
#	Makes a list in the caller long enough to have an element at an index.

proc ::history::Pad {name index} {
    upvar 1 $name list
    set missing [expr {$index + 1 - [llength $list]}]
    if {$missing > 0} {
	lappend list {*}[lrepeat $missing {}]
    }
    return
}

# history::check --
#
#	Reads the histories and checks all that is demanded.

proc ::history::check {files} {
    variable meaning
    variable wrong
    variable examples
    foreach name {wrong sent reports places seen commits end began ended count} {
	variable $name
	unset -nocomplain $name
    }
    array set wrong {}
    set examples {}
    array set count {
	sent 0 acked 0 failed 0 unacked 0 log 0 polled 0 again 0 commits 0
	refused 0 observed 0 nooffset 0
    }
    foreach file $files {
	Read $file
    }
    Processes
    Reports
    Log
    Consumers
    set kinds {}
    foreach kind [dict keys $meaning] {
	if {[info exists wrong($kind)]} {
	    dict set kinds $kind $wrong($kind)
	    if {$wrong($kind) > $::history::most} {
		lappend examples "$kind: $wrong($kind) in all"
	    }
	}
    }
    set counts {}
    foreach name {sent acked failed unacked log polled again commits refused
	    observed nooffset} {
	dict set counts $name $count($name)
    }
    set result [dict create ok [expr {[dict size $kinds] == 0}] \
	    counts $counts wrong $kinds examples $examples]
    # A million messages take room.
    foreach name {sent reports places seen commits} {
	unset -nocomplain ::history::$name
    }
    return $result
}

# history::Read --
#
#	Takes one file in.
#
#	sent($writer)		a list: the key of each message, {} if not sent
#	reports($writer)	a list: what was reported of each message
#	places($partition)	a list of offset, writer:number, key in the log
#	seen($partition,$offset) when it was first polled, and what it was

proc ::history::Read {file} {
    variable sent
    variable reports
    variable places
    variable seen
    variable commits
    variable end
    variable began
    variable ended
    variable count
    set now 0
    set channel [open $file]
    fconfigure $channel -encoding utf-8 -translation lf
    set lineno 0
    set highest [dict create]
    try {
	while {[gets $channel line] >= 0} {
	    incr lineno
	    # A process that was killed may leave half a line at the end.
	    if {[eof $channel]} {
		break
	    }
	    if {![string is list $line]} {
		Wrong unreadable "$file line $lineno: $line"
		continue
	    }
	    set words [llength $line]
	    switch -- [lindex $line 0]$words {
		T2 {
		    set now [lindex $line 1]
		}
		S4 {
		    lassign $line - writer number key
		    if {![info exists sent($writer)]} {
			set sent($writer) {}
		    }
		    if {$number == [llength $sent($writer)]} {
			lappend sent($writer) $key
		    } else {
			Pad sent($writer) $number
			lset sent($writer) $number $key
		    }
		    incr count(sent)
		}
		R5 - R6 {
		    lassign $line - writer number how where offset
		    if {![info exists reports($writer)]} {
			set reports($writer) {}
		    }
		    if {$number >= [llength $reports($writer)]} {
			Pad reports($writer) [expr {$number + 1000}]
		    }
		    if {[lindex $reports($writer) $number] ne ""} {
			Wrong rereported "$writer:$number, [lrange $line 3 end]\
				after [lindex $reports($writer) $number]"
			continue
		    }
		    lset reports($writer) $number [lrange $line 3 end]
		    if {$how ne "ok"} {
			incr count(failed)
		    } else {
			incr count(acked)
			if {$offset eq "-"} {
			    incr count(nooffset)
			} elseif {[dict exists $highest $writer,$where]
				&& [dict get $highest $writer,$where] >= $offset} {
			    Wrong reportorder "$writer:$number at partition\
				    $where offset $offset, after offset\
				    [dict get $highest $writer,$where]"
			} else {
			    dict set highest $writer,$where $offset
			}
		    }
		}
		M7 {
		    lassign $line - partition offset writer number key sum
		    lappend places($partition) $offset $writer:$number $key
		    if {$sum ne "good"} {
			Wrong damaged "partition $partition offset $offset:\
				wrong checksum"
		    }
		    incr count(log)
		}
		P6 {
		    lassign $line - reader partition offset writer number
		    set place $partition,$offset
		    set what $writer:$number
		    if {![info exists seen($place)]} {
			set seen($place) [list $now $what]
		    } else {
			incr count(again)
			lassign $seen($place) before other
			if {$other ne $what} {
			    Wrong inconsistent "partition $partition offset\
				    $offset: consumers got $other and $what"
			}
			if {$now < $before} {
			    set seen($place) [list $now $what]
			}
		    }
		    incr count(polled)
		}
		C4 {
		    lassign $line - reader partition offset
		    lappend commits($partition) $offset $now $reader
		    incr count(commits)
		}
		G3 {
		    lassign $line - partition offset
		    lappend commits($partition) $offset $now group
		    incr count(observed)
		}
		K3 {
		    incr count(refused)
		}
		A2 - A3 {}
		N3 {
		    set end([lindex $line 1]) [lindex $line 2]
		}
		B2 {
		    set began([lindex $line 1]) 1
		}
		E2 - D2 {
		    set ended([lindex $line 1]) 1
		}
		default {
		    if {[lindex $line 0] eq "H"} {
			Wrong hang [lrange $line 1 end]
		    } else {
			Wrong unreadable "$file line $lineno: $line"
		    }
		}
	    }
	}
    } on error {message options} {
	# Such as a number that is none.
	if {[lindex [dict get $options -errorcode] 0] eq "POSIX"} {
	    return -options $options $message
	}
	Wrong unreadable "$file line $lineno: $line ($message)"
    } finally {
	close $channel
    }
    return
}

# history::Processes --
#
#	Every process that began has ended as it should.

proc ::history::Processes {} {
    variable began
    variable ended
    foreach who [lsort [array names began]] {
	if {![info exists ended($who)]} {
	    Wrong unfinished "$who"
	}
    }
    return
}

# history::Reports --
#
#	Each message that was sent has one report, and each report a message.

proc ::history::Reports {} {
    variable sent
    variable reports
    variable count
    foreach writer [lsort [array names sent]] {
	set number -1
	set list {}
	if {[info exists reports($writer)]} {
	    set list $reports($writer)
	}
	foreach key $sent($writer) {
	    incr number
	    if {$key ne "" && [lindex $list $number] eq ""} {
		incr count(unacked)
		Wrong unreported "$writer:$number"
	    }
	}
    }
    foreach writer [lsort [array names reports]] {
	set number -1
	set list {}
	if {[info exists sent($writer)]} {
	    set list $sent($writer)
	}
	foreach report $reports($writer) {
	    incr number
	    if {$report ne "" && [lindex $list $number] eq ""} {
		Wrong unasked "$writer:$number, $report"
	    }
	}
    }
    return
}

# history::Log --
#
#	The log against what was sent and what was acknowledged.

proc ::history::Log {} {
    variable sent
    variable reports
    variable places
    variable end
    # Where each message of a writer is; where each key is; the latest number.
    array set found {}
    array set home {}
    foreach partition [lsort -dictionary [array names places]] {
	array unset newest
	set before -1
	foreach {offset what key} $places($partition) {
	    set at [string first : $what]
	    set writer [string range $what 0 $at-1]
	    set number [string range $what $at+1 end]
	    if {$offset <= $before} {
		Wrong inconsistent "partition $partition: offset $offset after\
			offset $before"
	    }
	    set before $offset
	    if {![info exists sent($writer)]
		    || [lindex $sent($writer) $number] eq ""} {
		Wrong phantom "$what at partition $partition offset $offset"
		continue
	    }
	    if {[lindex $sent($writer) $number] ne $key} {
		Wrong damaged "$what at partition $partition offset $offset: key\
			$key, sent with [lindex $sent($writer) $number]"
	    }
	    if {![info exists found($writer)]} {
		set found($writer) [lrepeat [llength $sent($writer)] {}]
	    }
	    if {[lindex $found($writer) $number] ne ""} {
		Wrong duplicate "$what at partition $partition offset $offset, and\
			at [lindex $found($writer) $number]"
		continue
	    }
	    lset found($writer) $number $partition:$offset
	    if {[info exists newest($writer)] && $newest($writer) > $number} {
		Wrong disorder "$what at partition $partition offset $offset\
			after $writer:$newest($writer)"
	    } else {
		set newest($writer) $number
	    }
	    if {![info exists home($writer,$key)]} {
		set home($writer,$key) $partition
	    } elseif {$partition ni $home($writer,$key)} {
		Wrong keysplit "$what: key $key in partitions $partition and\
			$home($writer,$key)"
		lappend home($writer,$key) $partition
	    }
	}
	if {![info exists end($partition)]} {
	    Wrong unread "partition $partition: its end is not known"
	} elseif {$before + 1 != $end($partition)} {
	    Wrong unread "partition $partition: read to [expr {$before + 1}],\
		    its end is $end($partition)"
	}
    }
    foreach partition [array names end] {
	if {![info exists places($partition)] && $end($partition) > 0} {
	    Wrong unread "partition $partition: nothing read, its end is\
		    $end($partition)"
	}
    }
    foreach writer [lsort [array names reports]] {
	set number -1
	set list {}
	if {[info exists found($writer)]} {
	    set list $found($writer)
	}
	foreach report $reports($writer) {
	    incr number
	    if {[lindex $report 0] ne "ok"} {
		continue
	    }
	    lassign $report - partition offset
	    set place [lindex $list $number]
	    if {$place eq ""} {
		Wrong lost "$writer:$number, acknowledged at partition\
			$partition offset $offset"
	    } elseif {$offset ne "-" && $place ne "$partition:$offset"} {
		Wrong elsewhere "$writer:$number, acknowledged at\
			$partition:$offset, found at $place"
	    } elseif {![string match $partition:* $place]} {
		Wrong elsewhere "$writer:$number, acknowledged in partition\
			$partition, found at $place"
	    }
	}
    }
    return
}

# history::Consumers --
#
#	Every message of the log was given to a consumer, and before anybody
#	committed an offset above it.

proc ::history::Consumers {} {
    variable places
    variable seen
    variable commits
    variable end
    foreach partition [lsort -dictionary [array names places]] {
	# Offsets, and for each the time when the last message up to it was seen.
	set offsets {}
	set since {}
	set latest 0
	foreach {offset what key} $places($partition) {
	    if {$offset eq [lindex $offsets end]} {
		# Two at one offset: said already.
		continue
	    }
	    if {![info exists seen($partition,$offset)]} {
		Wrong unseen "$what at partition $partition offset $offset"
		set latest 1e300
	    } else {
		lassign $seen($partition,$offset) when other
		if {$other ne $what} {
		    Wrong inconsistent "partition $partition offset $offset: the\
			    log has $what, a consumer got $other"
		}
		set latest [expr {max($latest, $when)}]
		# What is left over was polled but is not in the log.
		unset seen($partition,$offset)
	    }
	    lappend offsets $offset
	    lappend since $latest
	}
	if {![info exists commits($partition)]} {
	    continue
	}
	set last [expr {[lindex $offsets end] + 1}]
	if {[info exists end($partition)]} {
	    set last [expr {max($last, $end($partition))}]
	}
	foreach {offset when who} $commits($partition) {
	    # The last message below the committed offset.
	    set at [lsearch -integer -sorted -bisect $offsets [expr {$offset - 1}]]
	    if {$at >= 0 && [lindex $since $at] > $when} {
		Wrong early "$who: partition $partition offset $offset at $when;\
			what is below was seen at [lindex $since $at]"
	    }
	    if {$offset > $last} {
		Wrong early "$who: partition $partition offset $offset, and the\
			log ends at $last"
	    }
	}
    }
    foreach place [lsort [array names seen]] {
	Wrong phantom "[lindex $seen($place) 1] at [string map {, { offset }}\
		$place]: a consumer got it, the log has it not"
    }
    return
}
