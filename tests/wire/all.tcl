# all.tcl --
#
#	What `make test-wire` runs: the proxy and the fake broker, and a shorter
#	run of both, with the plain cases only, in the other Tcl; then the
#	total as the last line.  It must not test anything itself.
#
#	tclsh tests/wire/all.tcl ?-option value ...?
#	    -seed n		of all; printed, and drawn if not given
#	    -connections 1000	how many the proxy hurts; a quarter in the other Tcl
#	    -share 20		percent of the wrong answers of the fake broker
#	    -bomb 100		the largest decompression bomb, in MB
#	    -tclsh9 program	the other Tcl; without it only this one is used

source [file join [file dirname [file normalize [info script]]] common.tcl]

# wire::Run --
#
#	Runs a driver, shows what it prints, and adds its total.

proc ::wire::Run {words} {
    variable job
    variable passed
    variable failed
    variable skipped
    set begin [clock milliseconds]
    set id [start $words]
    set shown 0
    set total ""
    set limit [expr {$begin + 600000}]
    while {1} {
	Until {[llength $job($id,lines)] > $shown || $job($id,ended)} 1000
	foreach line [lrange $job($id,lines) $shown end] {
	    incr shown
	    if {[regexp {^(\d+) passed, (\d+) failed, (\d+) skipped$} $line -> \
		    good bad left]} {
		set total [list $good $bad $left]
	    } else {
		puts $line
	    }
	}
	if {$job($id,ended) && $shown == [llength $job($id,lines)]
		|| [clock milliseconds] > $limit} {
	    break
	}
    }
    set status [finish $id 1000]
    if {$total eq "" || $status ne "0" && [lindex $total 1] == 0} {
	incr failed
	puts "FAILED $words: ended with $status"
    }
    if {$total ne ""} {
	incr passed [lindex $total 0]
	incr failed [lindex $total 1]
	incr skipped [lindex $total 2]
    }
    puts "-- [file tail [lindex $words 1]], [format %.1f [expr {
	([clock milliseconds] - $begin) / 1000.0}]] s: $total"
    return
}

::wire::options ::wire::o {-seed {} -connections 1000 -share 20 -bomb 100 -tclsh9 {}} \
	$::argv
namespace eval ::wire {
    if {$o(-seed) eq ""} {
	set o(-seed) [expr {[clock microseconds] % 1000000}]
    }
    set self [info nameofexecutable]
    Run [list $self [file join $home wire.tcl] -seed $o(-seed) \
	    -connections $o(-connections)]
    Run [list $self [file join $home fake.tcl] -seed $o(-seed) -share $o(-share) \
	    -bomb $o(-bomb)]
    if {$o(-tclsh9) ne ""} {
	# Both sides in the other Tcl.
	Run [list $o(-tclsh9) [file join $home wire.tcl] -seed [expr {$o(-seed) + 100}] \
		-connections [expr {$o(-connections) / 4}] -plant 0]
	Run [list $o(-tclsh9) [file join $home fake.tcl] -seed $o(-seed) \
		-share [expr {$o(-share) / 4}] -bomb 0 -known 0 -only {[A-RT]*}]
    }
    total
}
