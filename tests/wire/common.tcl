# common.tcl --
#
#	What the drivers of the wire tests share: processes that are watched, and
#	the counting of checks.  [source] it.  It must not know what is tested, must
#	not load the package (a crash would take the driver along), and no process
#	that it started may outlive it.  For tclsh 8.6 and 9.
#
#	wire::start words ?-memory kB?	starts a program, returns a number for it
#	wire::tell id line	a line for its standard input
#	wire::expect id pattern ms	waits for a line that matches; it is returned,
#			or an empty string after that time or at the program's end
#	wire::finish id ms	closes its standard input, waits for its end and
#			returns how that was: a status, the name of a signal, or
#			"hang" if it had to be killed
#	wire::lines id	all it has printed, standard error as well
#	wire::check name condition ?text ...?	counts; prints what did not hold
#	wire::note text	a line on standard output
#	wire::total	prints the last line, ends the process

namespace eval ::wire {
    variable home [file dirname [file normalize [info script]]]
    variable tclsh [info nameofexecutable]
    # Programs by number: job(id,what).
    variable job
    array set job {}
    variable serial 0
    variable passed 0 failed 0 skipped 0
    # Dies with its parent, however that ends; a program that hangs does not
    # see the end of its standard input.
    variable guard {}
    if {[auto_execok setpriv] ne ""
	    && ![catch {exec setpriv --pdeathsig KILL true}]} {
	set guard {setpriv --pdeathsig KILL}
    }
}

# Where a client that was lied to might look for names: the answer must not
# keep a test waiting.
set ::env(RES_OPTIONS) "timeout:1 attempts:1"

proc ::wire::start {words args} {
    variable job
    variable serial
    variable guard
    set options [dict merge {-memory 0} $args]
    if {[dict size $options] != 1} {
	return -code error "bad option: $args"
    }
    set id [incr serial]
    if {[dict get $options -memory]} {
	set words [list sh -c {ulimit -v "$0"; ulimit -c 0; exec "$@"} \
		[dict get $options -memory] {*}$words]
    } else {
	set words [list sh -c {ulimit -c 0; exec "$@"} - {*}$words]
    }
    set channel [open |[list {*}$guard {*}$words 2>@1] r+]
    fconfigure $channel -blocking 0 -buffering line -translation lf
    if {[package vsatisfies [info tclversion] 9.0-]} {
	fconfigure $channel -profile replace
    }
    array set job [list $id,channel $channel $id,pids [pid $channel] \
	    $id,lines {} $id,read 0 $id,ended 0]
    fileevent $channel readable [list ::wire::Hear $id]
    return $id
}

proc ::wire::Hear {id} {
    variable job
    while {[gets $job($id,channel) line] >= 0} {
	# A program in a frenzy must not fill the memory.
	if {[llength $job($id,lines)] < 20000} {
	    lappend job($id,lines) $line
	}
    }
    if {[eof $job($id,channel)]} {
	fileevent $job($id,channel) readable {}
	set job($id,ended) 1
    }
    set ::wire::turn 1
    return
}

proc ::wire::tell {id line} {
    variable job
    # A program that has died is seen when it is waited for.
    catch {puts $job($id,channel) $line}
    return
}

# wire::Until --
#
#	Serves events until the condition, in the caller's scope, is true; 0 if it
#	is not after so many milliseconds.

proc ::wire::Until {condition ms} {
    set end [expr {[clock milliseconds] + $ms}]
    set timer ""
    while {![uplevel 1 [list ::expr $condition]]} {
	set left [expr {$end - [clock milliseconds]}]
	if {$left <= 0} {
	    return 0
	}
	# The condition may be about more than what a program prints.
	set timer [after [expr {min($left, 20)}] {set ::wire::turn 1}]
	vwait ::wire::turn
	after cancel $timer
    }
    return 1
}

proc ::wire::expect {id pattern ms} {
    variable job
    set found ""
    Until {[set found [Next $id $pattern]] ne "" || $job($id,ended)} $ms
    return $found
}

proc ::wire::Next {id pattern} {
    variable job
    set lines [lrange $job($id,lines) $job($id,read) end]
    foreach line $lines {
	incr job($id,read)
	if {[string match $pattern $line]} {
	    return $line
	}
    }
    return ""
}

proc ::wire::finish {id ms} {
    variable job
    catch {chan close $job($id,channel) write}
    set status 0
    if {![Until {$job($id,ended)} $ms]} {
	set status hang
	# Where it was, if a debugger is there.
	if {![catch {exec gdb -p [lindex $job($id,pids) end] -batch \
		-ex "thread apply all bt 8" 2>@1} trace]} {
	    foreach line [split $trace \n] {
		if {[regexp {^(#|Thread)} $line]} {
		    lappend job($id,lines) [string range $line 0 150]
		}
	    }
	}
	foreach pid $job($id,pids) {
	    catch {exec kill -9 $pid}
	}
    }
    fileevent $job($id,channel) readable {}
    fconfigure $job($id,channel) -blocking 1
    if {[catch {close $job($id,channel)} message details]
	    && $status ne "hang"} {
	set code [dict get $details -errorcode]
	switch -- [lindex $code 0] {
	    CHILDSTATUS - CHILDKILLED { set status [lindex $code 2] }
	    default { set status $message }
	}
    }
    return $status
}

proc ::wire::lines {id} {
    variable job
    return $job($id,lines)
}

proc ::wire::check {name condition args} {
    variable passed
    variable failed
    if {$condition} {
	incr passed
	return 1
    }
    incr failed
    puts "FAILED $name"
    foreach text $args {
	puts "    [string map [list \n "\n    "] $text]"
    }
    return 0
}

proc ::wire::note {text} {
    puts $text
    return
}

# wire::options --
#
#	Reads the words of the command line into an array of the caller.

proc ::wire::options {name defaults words} {
    upvar 1 $name o
    array set o $defaults
    foreach {option value} $words {
	if {![info exists o($option)]} {
	    puts stderr "bad option \"$option\": must be\
		    [join [lsort [array names o]] {, }]"
	    exit 2
	}
	set o($option) $value
    }
    fconfigure stdout -buffering line
    return
}

proc ::wire::total {} {
    variable passed
    variable failed
    variable skipped
    puts "$passed passed, $failed failed, $skipped skipped"
    exit [expr {$failed > 0}]
}
