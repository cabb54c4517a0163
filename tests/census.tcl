# census.tcl --
#
#	What a process holds, counted and judged: resident memory, blocks and
#	bytes of the heap (exactly, by heap.c), descriptors, threads.  For
#	tests/leaks.tcl and tests/soak.tcl, in tclsh 8.6 and 9; [source] it.  It
#	must not need the kafka package, and must not judge by a single sample:
#	what grows is told by a line through all of them.
#
#	census::tools dir	builds what counts the heap, in a directory; returns
#				the words that go before a shell's name in [exec]
#	census::take		a sample of this process: a list rss blocks bytes
#				fds threads
#	census::slope xs ys	growth for each step of x: least squares
#	census::judge samples start ?limit value ...?
#				what is wrong with a run: a list of sentences.  A
#				sample is a list of the work done so far and then
#				what take returned; start: what take returned
#				before the run
#	census::grown samples	what judge looks at: a list of the work done after
#				the warm-up, KiB and bytes that came with it
#	census::worker words prefix seconds	runs a program; each line that it
#				prints goes to the prefix; killed after so many
#				seconds; returns an id.  Its standard input ends
#				when we do.
#	census::next		serves events until one more worker has ended
#	census::ended id	"ok", what became of it, or {} while it runs
#	census::stop		kills the workers that are left
#	census::orphan		in a worker that serves events: ends it when its
#				parent is gone

namespace eval ::census {
    variable home [file dirname [file normalize [info script]]]
    # How many samples, of those at the beginning, are not judged: caches fill,
    # tables grow to their size.
    variable warm 0.34
    # What may grow from the end of the warm-up to the end of a run.  The reasons
    # are with those who set them; these are the tightest.
    variable limits {bytes 65536 rss 1024 fds 0 threads 0}
    variable heap ""
    variable worker
    array set worker {serial 0}
}

# ------------------------------------------------------------------ counting

# census::tools --
#
#	The words that start a shell whose heap is counted.  All threads share one
#	arena: with several, how much free memory each of them keeps is chance, and
#	resident memory says nothing for the first ten thousand threads.

proc ::census::tools {dir} {
    variable home
    set source [file join $home heap.c]
    set library [file join $dir heap.so]
    set cc cc
    if {[info exists ::env(CC)] && $::env(CC) ne ""} {
	set cc $::env(CC)
    }
    exec {*}$cc -O2 -shared -fPIC -o $library $source
    return [list env MALLOC_ARENA_MAX=1 LD_PRELOAD=$library]
}

# census::take --
#
#	Counts.  Children of ours must not be counted as well, so what was set for
#	this process leaves the environment the first time.

proc ::census::take {} {
    variable heap
    if {$heap eq ""} {
	if {![info exists ::env(HEAP_FILE)]} {
	    error "this process was not started to be counted"
	}
	set heap [open $::env(HEAP_FILE) rb]
	fconfigure $heap -buffering none -buffersize 16
	unset -nocomplain ::env(HEAP_FILE) ::env(LD_PRELOAD)
    }
    seek $heap 0
    binary scan [read $heap 16] mm blocks bytes
    set channel [open /proc/self/statm]
    set pages [lindex [read $channel] 1]
    close $channel
    return [list [expr {$pages * 4}] $blocks $bytes \
	    [llength [glob -nocomplain -directory /proc/self/fd *]] \
	    [llength [glob -nocomplain -directory /proc/self/task *]]]
}

# ------------------------------------------------------------------- judging

# census::slope --
#
#	The slope of the straight line that fits best.

proc ::census::slope {xs ys} {
    set n [llength $xs]
    if {$n < 2} {
	return 0.0
    }
    set mx [expr {double([::tcl::mathop::+ {*}$xs]) / $n}]
    set my [expr {double([::tcl::mathop::+ {*}$ys]) / $n}]
    set above 0.0
    set below 0.0
    foreach x $xs y $ys {
	set above [expr {$above + ($x - $mx) * ($y - $my)}]
	set below [expr {$below + ($x - $mx) ** 2}]
    }
    return [expr {$below == 0 ? 0.0 : $above / $below}]
}

# census::judge --
#
#	Memory: the line through the samples after the warm-up, times the work in
#	that time, is what has grown; and what leaks goes on growing, so the lowest
#	sample of each third of that time must be above that of the third before.
#	A burst that needed more than any before is one step, what was on its way
#	when a sample was taken is a peak: neither is a leak.  Descriptors and
#	threads: each sample has what there was before the run.

proc ::census::judge {samples start args} {
    variable limits
    set may [dict merge $limits $args]
    set wrong {}
    foreach {name at} {fds 3 threads 4} {
	set was [lindex $start $at]
	set most [dict get $may $name]
	set off 0
	foreach sample $samples {
	    set now [lindex $sample $at+1]
	    if {abs($now - $was) > $most} {
		incr off
		set last "[lindex $sample 0]: $now"
	    }
	}
	if {$off} {
	    lappend wrong "$name: $was before, in $off of [llength $samples]\
		    samples another number (after $last)"
	}
    }
    lassign [grown $samples] work rss bytes
    foreach {name title at grown scale} [list rss {resident memory} 1 $rss 1024 \
	    bytes heap 3 $bytes 1] {
	set most [dict get $may $name]
	if {$grown > $most && [Climbs $samples $at [expr {$most / 8.0}]]} {
	    lappend wrong [format "%s: %.0f %s more after %d, which is %.3f\
		    bytes each; allowed are %s" $title $grown \
		    [expr {$scale == 1 ? "bytes" : "KiB"}] $work \
		    [expr {$grown * $scale / $work}] $most]
	}
    }
    return $wrong
}

# census::Climbs --
#
#	Is the lowest sample of each third above that of the third before, by more
#	than this?

proc ::census::Climbs {samples at more} {
    set judged [Judged $samples]
    set third [expr {[llength $judged] / 3}]
    set before ""
    for {set from 0} {$from < 3 * $third} {incr from $third} {
	set least ""
	foreach sample [lrange $judged $from [expr {$from + $third - 1}]] {
	    set value [lindex $sample $at]
	    if {$least eq "" || $value < $least} {
		set least $value
	    }
	}
	if {$before ne "" && $least - $before <= $more} {
	    return 0
	}
	set before $least
    }
    return 1
}

# census::Judged --
#
#	The samples after the warm-up.

proc ::census::Judged {samples} {
    variable warm
    return [lrange $samples [expr {int([llength $samples] * $warm)}] end]
}

# census::grown --
#
#	A list: the work done after the warm-up; what resident memory (KiB) and
#	the heap (bytes) have grown in that time.

proc ::census::grown {samples} {
    set judged [Judged $samples]
    set xs {}
    foreach sample $judged {
	lappend xs [lindex $sample 0]
    }
    set work [expr {[lindex $xs end] - [lindex $xs 0]}]
    set result $work
    foreach at {1 3} {
	set ys {}
	foreach sample $judged {
	    lappend ys [lindex $sample $at]
	}
	lappend result [expr {[slope $xs $ys] * $work}]
    }
    return $result
}

# ------------------------------------------------------------------- workers

# census::worker --
#
#	Starts a child; what it prints goes line by line to a command prefix.  It
#	is killed after the limit, in seconds.

proc ::census::worker {words prefix limit} {
    variable worker
    set channel [open "|[concat $words 2>@1]" r+]
    set id [incr worker(serial)]
    fconfigure $channel -blocking 0 -buffering line -encoding utf-8
    if {[package vsatisfies [info tclversion] 9.0-]} {
	fconfigure $channel -profile replace
    }
    set worker($id,channel) $channel
    set worker($id,ended) ""
    set worker($id,timer) [after [expr {$limit * 1000}] \
	    [list ::census::Late $id $limit]]
    fileevent $channel readable [list ::census::Hear $id $prefix]
    return $id
}

proc ::census::Hear {id prefix} {
    variable worker
    set channel $worker($id,channel)
    while {[gets $channel line] >= 0} {
	{*}$prefix $line
    }
    if {![eof $channel]} {
	return
    }
    after cancel $worker($id,timer)
    fconfigure $channel -blocking 1
    set how ok
    if {[catch {close $channel} message details]} {
	set code [dict get $details -errorcode]
	switch -- [lindex $code 0] {
	    CHILDKILLED {
		set how "ended by [lindex $code 2]"
	    }
	    CHILDSTATUS {
		set how "exit status [lindex $code 2]"
	    }
	    default {
		set how $message
	    }
	}
    }
    if {[info exists worker($id,late)]} {
	set how "no end after $worker($id,late) seconds"
    }
    set worker($id,ended) $how
    incr worker(ends)
}

proc ::census::Late {id limit} {
    variable worker
    set worker($id,late) $limit
    Kill $id
}

proc ::census::Kill {id} {
    variable worker
    foreach pid [pid $worker($id,channel)] {
	catch {exec kill -9 $pid}
    }
}

# census::ended, census::stop --
#
#	How a worker has ended, {} if it runs; the end of all that run.

proc ::census::ended {id} {
    return $::census::worker($id,ended)
}

proc ::census::stop {} {
    variable worker
    for {set id 1} {$id <= $worker(serial)} {incr id} {
	if {$worker($id,ended) eq ""} {
	    Kill $id
	}
    }
}

# census::next --
#
#	Serves events until one more worker has ended.

proc ::census::next {} {
    vwait ::census::worker(ends)
}

# census::orphan --
#
#	For a worker that serves events: the end of its input ends it.

proc ::census::orphan {} {
    fconfigure stdin -blocking 0
    fileevent stdin readable {
	read stdin
	if {[eof stdin]} {
	    exit
	}
    }
}
