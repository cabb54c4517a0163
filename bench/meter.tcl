# meter.tcl --
#
#	What a process has used: CPU of each of its threads, wake-ups, memory.
#	For work.tcl; work.c and work.py count the same things in the same way.
#	It must not measure anything by itself: a run marks where its loop begins
#	and ends.
#
#	meter::mark		a point in time
#	meter::after m1 m2	what a second loop is measured from, if the first, from
#				m1 to m2, is to be taken off
#	meter::result m1 m2 messages bytes ?name value ...?
#				the line that the driver reads
#	meter::status name	a number of /proc/self/status, such as VmRSS
#
#	The CPU time of a thread comes from the kernel in nanoseconds.  A thread
#	that ends between two marks is not counted: those that librdkafka ends
#	are the ones that asked a bootstrap address, and have done nothing else.

namespace eval ::meter {}

# meter::Slurp --
#
#	The bytes of a file; nothing if it is gone.

proc ::meter::Slurp {file} {
    if {[catch {open $file r} f]} {
	return ""
    }
    try {
	return [read $f]
    } on error {} {
	return ""
    } finally {
	close $f
    }
}

# meter::Ticks --
#
#	User and system time in seconds, as the older of the two places has it:
#	in hundredths.

proc ::meter::Ticks {file} {
    set fields [lrange [split [lindex [split [Slurp $file] )] end]] 1 end]
    if {[llength $fields] < 13} {
	return 0.0
    }
    return [expr {([lindex $fields 11] + [lindex $fields 12]) / 100.0}]
}

proc ::meter::status {name} {
    set value 0
    regexp -line "^$name:\\s*(\\d+)" [Slurp /proc/self/status] -> value
    return $value
}

# meter::mark --
#
#	Wall clock in microseconds, and for each thread its seconds and wake-ups.

proc ::meter::mark {} {
    set threads {}
    foreach folder [glob -nocomplain -directory /proc/self/task *] {
	if {[scan [Slurp $folder/schedstat] %lld nanoseconds] == 1} {
	    set cpu [expr {$nanoseconds / 1e9}]
	} else {
	    set cpu [Ticks $folder/stat]
	}
	if {![regexp -line {^voluntary_ctxt_switches:\s*(\d+)} \
		[Slurp $folder/status] -> woken]} {
	    # It has just ended.
	    continue
	}
	dict set threads [file tail $folder] [list $cpu $woken]
    }
    if {![dict size $threads]} {
	error "no /proc/self/task: the benchmarks need Linux"
    }
    return [list [clock microseconds] $threads]
}

# meter::after --
#
#	The mark from which the same work as between two marks, done once more,
#	would end at nothing: for the difference between two loops.

proc ::meter::after {begun ended} {
    lassign $begun began before
    lassign $ended over after
    set threads {}
    dict for {thread numbers} $after {
	lassign $numbers used woken
	set since {0 0}
	if {[dict exists $before $thread]} {
	    set since [dict get $before $thread]
	}
	dict set threads $thread [list [expr {2 * $used - [lindex $since 0]}] \
		[expr {2 * $woken - [lindex $since 1]}]]
    }
    return [list [expr {2 * $over - $began}] $threads]
}

proc ::meter::result {begun ended messages bytes args} {
    lassign $begun began before
    lassign $ended over after
    set cpu 0.0
    dict for {thread numbers} $after {
	lassign $numbers used woken
	set since {0 0}
	if {[dict exists $before $thread]} {
	    set since [dict get $before $thread]
	}
	set used [expr {$used - [lindex $since 0]}]
	set cpu [expr {$cpu + $used}]
	if {$thread == [pid]} {
	    set main $used
	    set wakeups [expr {$woken - [lindex $since 1]}]
	}
    }
    puts [list messages $messages bytes $bytes \
	    wall [format %.6f [expr {($over - $began) / 1e6}]] \
	    cpu [format %.6f $cpu] main [format %.6f $main] \
	    wakeups $wakeups threads [dict size $after] \
	    rss [status VmHWM] total [Ticks /proc/self/stat] {*}$args]
    flush stdout
}
