# all.tcl --
#
#	Runs the test files, each in a process of its own, and prints as its last
#	line `N passed, N failed, N skipped`.  The exit status is not zero if
#	anything failed.  A file that crashes, ends without its totals or hangs
#	counts as one more failure.  It must not load the package.
#
#	usage: tclsh all.tcl ?-file patterns? ?-notfile patterns? ?-match patterns?
#		?-skip patterns? ?-verbose words? ?other options of tcltest?
#
#	KAFKATCL_BROKERS	a real cluster to test with, instead of the embedded
#	KAFKATCL_TEST_SECONDS	how long one file may take; default 300

package require tcltest 2.3

namespace eval ::kafkatest::all {
    variable directory [file dirname [file normalize [info script]]]
    variable seconds 300
    if {[info exists ::env(KAFKATCL_TEST_SECONDS)]} {
	set seconds $::env(KAFKATCL_TEST_SECONDS)
    }
    variable passed 0 failed 0 skipped 0
    # The files that did not end as they should, each with what happened.
    variable broken {}
    # The names of failed tests.
    variable failures {}
    # Of the file that runs.
    variable channel "" ended "" totals ""
}

# ::kafkatest::all::Files --
#
#	The test files that -file and -notfile choose, in alphabetical order.

proc ::kafkatest::all::Files {} {
    set chosen {}
    foreach path [lsort [glob -nocomplain -directory [::tcltest::configure -testdir] *.test]] {
	set name [file tail $path]
	if {[Matches $name [::tcltest::configure -file]]
		&& ![Matches $name [::tcltest::configure -notfile]]} {
	    lappend chosen $path
	}
    }
    return $chosen
}

proc ::kafkatest::all::Matches {name patterns} {
    foreach pattern $patterns {
	if {[string match $pattern $name]} {
	    return 1
	}
    }
    return 0
}

# ::kafkatest::all::Hear --
#
#	Shows what a test file prints, and takes its totals out of it.

proc ::kafkatest::all::Hear {} {
    variable channel
    variable ended
    variable totals
    variable failures
    while {[gets $channel line] >= 0} {
	if {[regexp {^\S+:\tTotal\t(\d+)\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)} \
		$line -> total good left bad]} {
	    set totals [list $good $bad $left]
	    continue
	}
	if {[regexp {^==== (\S+) .*FAILED$} $line -> name]
		&& $name ni $failures} {
	    lappend failures $name
	}
	puts $line
    }
    if {[eof $channel]} {
	set ended eof
    }
}

# ::kafkatest::all::Run --
#
#	Runs one test file and adds its totals.

proc ::kafkatest::all::Run {path options} {
    variable channel
    variable ended
    variable totals
    variable seconds
    variable passed
    variable failed
    variable skipped
    variable broken
    set name [file tail $path]
    set ended ""
    set totals ""
    set begin [clock milliseconds]
    set channel [open [list |[info nameofexecutable] $path {*}$options \
	    </dev/null 2>@1] r]
    set pids [pid $channel]
    fconfigure $channel -blocking 0 -buffering line
    # Whatever a test prints must not end the run.
    if {[package vsatisfies [info tclversion] 9.0-]} {
	fconfigure $channel -profile replace
    }
    fileevent $channel readable ::kafkatest::all::Hear
    set timer [after [expr {$seconds * 1000}] \
	    [list set ::kafkatest::all::ended late]]
    vwait ::kafkatest::all::ended
    after cancel $timer
    set why ""
    if {$ended eq "late"} {
	foreach pid $pids {
	    catch {exec kill -9 $pid}
	}
	set why "no end after $seconds seconds"
    }
    fileevent $channel readable {}
    fconfigure $channel -blocking 1
    if {[catch {close $channel} message details] && $why eq ""} {
	switch -- [lindex [dict get $details -errorcode] 0] {
	    CHILDKILLED {
		set why "ended by [lindex [dict get $details -errorcode] 2]"
	    }
	    CHILDSTATUS {
		set why "exit status [lindex [dict get $details -errorcode] 2]"
	    }
	    default {
		set why $message
	    }
	}
    }
    if {$totals eq ""} {
	if {$why eq ""} {
	    set why "ended without its totals"
	}
    } else {
	incr passed [lindex $totals 0]
	incr failed [lindex $totals 1]
	incr skipped [lindex $totals 2]
	# A file whose tests failed may say so with its exit status, too.
	if {[lindex $totals 1] > 0 && [string match "exit status *" $why]} {
	    set why ""
	}
    }
    lassign $totals good bad left
    set spent [format %.1f [expr {([clock milliseconds] - $begin) / 1000.0}]]
    if {$why ne ""} {
	incr failed
	lappend broken "$name: $why"
	puts "$name: $why, after $spent s"
    } else {
	puts "$name: $good passed, $bad failed, $left skipped, in $spent s"
    }
}

# ::kafkatest::all::Main --

proc ::kafkatest::all::Main {words} {
    variable passed
    variable failed
    variable skipped
    variable broken
    variable failures
    fconfigure stdout -buffering line
    variable directory
    ::tcltest::configure -singleproc 0 -testdir $directory {*}$words
    # Where the results go and which files run is our business.
    set options {}
    foreach {option value} $words {
	if {$option ni {-file -notfile -singleproc -outfile -errfile -testdir}} {
	    lappend options $option $value
	}
    }
    set cluster "the embedded cluster"
    if {[info exists ::env(KAFKATCL_BROKERS)] && $::env(KAFKATCL_BROKERS) ne ""} {
	set cluster "Kafka at $::env(KAFKATCL_BROKERS)"
    }
    puts "Tcl [info patchlevel] ([info nameofexecutable]), $cluster"
    set files [Files]
    foreach path $files {
	Run $path $options
    }
    if {![llength $files]} {
	incr failed
	puts "no test file matches"
    }
    foreach line $broken {
	puts "broken: $line"
    }
    if {[llength $failures]} {
	puts "failed: $failures"
    }
    puts "$passed passed, $failed failed, $skipped skipped"
    exit [expr {$failed > 0}]
}

::kafkatest::all::Main $argv
