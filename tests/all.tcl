# all.tcl --
#
#	Runs the test files, each in a process of its own, and prints as its last
#	line `N passed, N failed, N skipped`.  The exit status is not zero if
#	anything failed.  A file that crashes, ends without its totals or hangs
#	counts as one more failure.  It must not load the package.
#
#	usage: tclsh all.tcl ?-jobs n? ?-file patterns? ?-notfile patterns?
#		?-match patterns? ?-skip patterns? ?-verbose words?
#		?other options of tcltest?
#
#	-tmpdir folder	in it each file gets a folder of its own for what it writes;
#			default: build
#	-jobs n		so many files at a time, 1 by default: most of their time is
#			waiting.  What a file prints then comes when it has ended.
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
    variable jobs 1
    # What the files write goes below this folder.
    variable area ""
    variable passed 0 failed 0 skipped 0
    # The files that did not end as they should, each with what happened.
    variable broken {}
    # The names of failed tests.
    variable failures {}
    # Of each file that runs, by its channel: a dictionary.
    variable running
    array set running {}
    # Changes when a file has ended.
    variable ended 0
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

# ::kafkatest::all::Say --
#
#	Shows a line of a file: at once if it runs alone.

proc ::kafkatest::all::Say {channel line} {
    variable jobs
    variable running
    if {$jobs == 1} {
	puts $line
    } else {
	dict lappend running($channel) said $line
    }
}

# ::kafkatest::all::Hear --
#
#	Takes what a test file prints, and its totals out of it.

proc ::kafkatest::all::Hear {channel} {
    variable running
    variable failures
    while {[gets $channel line] >= 0} {
	if {[regexp {^\S+:\tTotal\t(\d+)\tPassed\t(\d+)\tSkipped\t(\d+)\tFailed\t(\d+)} \
		$line -> total good left bad]} {
	    dict set running($channel) totals [list $good $bad $left]
	    continue
	}
	if {[regexp {^==== (\S+) .*FAILED$} $line -> name]
		&& $name ni $failures} {
	    lappend failures $name
	}
	Say $channel $line
    }
    if {[eof $channel]} {
	End $channel
    }
}

# ::kafkatest::all::Start --
#
#	Starts a test file.

proc ::kafkatest::all::Start {path options} {
    variable seconds
    variable running
    variable area
    set channel [open [list |[info nameofexecutable] $path {*}$options \
	    -tmpdir [file join $area [file rootname [file tail $path]]] \
	    </dev/null 2>@1] r]
    fconfigure $channel -blocking 0 -buffering line
    # Whatever a test prints must not end the run.
    if {[package vsatisfies [info tclversion] 9.0-]} {
	fconfigure $channel -profile replace
    }
    set running($channel) [dict create name [file tail $path] said {} \
	    begin [clock milliseconds] totals {} \
	    timer [after [expr {$seconds * 1000}] \
		[list ::kafkatest::all::Late $channel]]]
    fileevent $channel readable [list ::kafkatest::all::Hear $channel]
}

# ::kafkatest::all::Late --
#
#	Ends a file that takes too long.

proc ::kafkatest::all::Late {channel} {
    variable seconds
    foreach pid [pid $channel] {
	catch {exec kill -9 $pid}
    }
    End $channel "no end after $seconds seconds"
}

# ::kafkatest::all::End --
#
#	A test file has ended: adds its totals.

proc ::kafkatest::all::End {channel {why ""}} {
    variable running
    variable passed
    variable failed
    variable skipped
    variable broken
    variable ended
    after cancel [dict get $running($channel) timer]
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
    dict with running($channel) {}
    unset running($channel)
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
    foreach line $said {
	puts $line
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
    incr ended
}

# ::kafkatest::all::Main --

proc ::kafkatest::all::Main {words} {
    variable passed
    variable failed
    variable skipped
    variable broken
    variable failures
    variable jobs
    variable running
    variable area
    variable directory
    fconfigure stdout -buffering line
    set at [lsearch -exact $words -jobs]
    if {$at >= 0} {
	set jobs [lindex $words [expr {$at + 1}]]
	if {![string is integer -strict $jobs] || $jobs < 1} {
	    puts stderr "bad -jobs \"$jobs\": must be a number above 0"
	    exit 2
	}
	set words [lreplace $words $at [expr {$at + 1}]]
    }
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
    if {"-tmpdir" ni $words} {
	::tcltest::configure -tmpdir [file join [file dirname $directory] build]
    }
    set area [file join [::tcltest::temporaryDirectory] tests.[pid]]
    file mkdir $area
    set files [Files]
    foreach path $files {
	if {[array size running] >= $jobs} {
	    vwait ::kafkatest::all::ended
	}
	Start $path $options
    }
    while {[array size running]} {
	vwait ::kafkatest::all::ended
    }
    file delete -force $area
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
