# all.tcl --
#
#	Everything that is proven on a real Apache Kafka, one part after the
#	other, with a table of what held at the end.  For tclsh 8.6 and 9.  It
#	must not hold tests of its own, must not stop at the first part that
#	fails, and must leave no process behind (cluster.tcl sees to that).
#
#	tclsh tests/kafka/all.tcl ?-option value ...? ?part ...?
#	    -tcl9 program	the Tcl 9 shell
#	    -messages 20000	of each scenario of faults
#	    -limit 1500		seconds that one part may take
#	    -jobs 4		test files at a time
#
#	Parts, all of them by default:
#	    harness		the cluster harness itself, and what a bad machine gets
#	    suite86 suite9	every test file on three brokers, in both Tcls
#	    interop		other people's clients
#	    faults		faults with accounting
#	    security		TLS, SASL, ACLs, and what each failure says
#
#	The last line is the total, N passed, N failed, N skipped; the exit
#	status is 1 if anything failed.

source [file join [file dirname [file normalize [info script]]] cluster.tcl]

namespace eval ::all {
    variable home [file dirname [file normalize [info script]]]
    variable tests [file dirname $home]
    variable order {harness suite86 suite9 interop faults security}
    variable o
    array set o {-tcl9 {} -messages 20000 -limit 1500 -jobs 4}
    # The cluster of the suites, made when the first of them begins.
    variable c ""
    # passed failed skipped, and one row for each part.
    variable totals {0 0 0}
    variable rows {}
    # The part that runs.
    variable line ""
    variable done ""
}

# ::all::Cluster --
#
#	The addresses of three brokers.

proc ::all::Cluster {} {
    variable c
    if {$c eq ""} {
	set c [cluster::create -dir [file join $::cluster::root build suite]]
	cluster::start $c
    }
    return [cluster::bootstrap $c]
}

# ::all::Run --
#
#	Runs a program, shows what it prints, and returns its exit status and
#	the last line of the form of a total, empty if there was none.

proc ::all::Run {words} {
    variable o
    variable done
    variable total ""
    set channel [open |[concat [list timeout -k 20 $o(-limit)] $words \
	    [list </dev/null 2>@1]]]
    fconfigure $channel -blocking 0 -buffering line
    fileevent $channel readable [list ::all::Hear $channel]
    vwait ::all::done
    return [list $done $total]
}

proc ::all::Hear {channel} {
    variable done
    variable total
    while {[gets $channel text] >= 0} {
	puts $text
	if {[regexp {^\d+ passed, \d+ failed, \d+ skipped$} $text]} {
	    set total $text
	}
    }
    if {[eof $channel]} {
	fconfigure $channel -blocking 1
	set status 0
	if {[catch {close $channel} message options]} {
	    set code [dict get $options -errorcode]
	    set status [expr {[lindex $code 0] eq "CHILDSTATUS"
		    ? [lindex $code 2] : 255}]
	}
	set done $status
    }
}

# ::all::Part --
#
#	Runs one part and adds its row.

proc ::all::Part {name} {
    variable o
    variable home
    variable tests
    variable totals
    variable rows
    set start [clock milliseconds]
    set shell [info nameofexecutable]
    puts "== $name"
    set counted 1
    set ::env(KAFKATCL_BROKERS) ""
    if {[catch {
	switch -- $name {
	    suite86 - suite9 {
		set ::env(KAFKATCL_BROKERS) [Cluster]
		if {$name eq "suite9"} {
		    set shell $o(-tcl9)
		}
		set words [list $shell [file join $tests all.tcl] -jobs $o(-jobs)]
	    }
	    interop - security {
		set words [list $shell [file join $home $name.test]]
	    }
	    harness {
		set words [list $shell [file join $home selftest.tcl]]
	    }
	    faults {
		set counted 0
		set words [list $shell [file join $home torture.tcl] \
			-messages $o(-messages)]
		if {$o(-tcl9) ne ""} {
		    lappend words -tclsh [list $shell $o(-tcl9)]
		}
	    }
	}
	lassign [Run $words] status total
    } message]} {
	puts $message
	set status 255
	set total ""
    }
    if {$counted && [scan $total "%d passed, %d failed, %d skipped" \
	    passed failed skipped] == 3} {
	if {$status != 0 && $failed == 0} {
	    incr failed
	}
    } else {
	set skipped 0
	set passed [expr {$status == 0}]
	set failed [expr {$status != 0}]
    }
    set seconds [format %.0f [expr {([clock milliseconds] - $start) / 1000.0}]]
    set totals [lmap a $totals b [list $passed $failed $skipped] {
	expr {$a + $b}
    }]
    lappend rows [format "%-10s %7d %7d %8d %8s s  %s" $name $passed $failed \
	    $skipped $seconds [expr {$failed ? "FAILED" : "held"}]]
}

proc ::all::Main {words} {
    variable o
    variable c
    variable order
    variable totals
    variable rows
    set parts {}
    while {[llength $words]} {
	set words [lassign $words word]
	if {[info exists o($word)] && [llength $words]} {
	    set words [lassign $words o($word)]
	} elseif {$word in $order} {
	    lappend parts $word
	} else {
	    puts stderr "bad word \"$word\": must be [join $order {, }], or\
		    [join [lsort [array names o]] {, }] with a value"
	    return 2
	}
    }
    fconfigure stdout -buffering line
    try {
	foreach part [expr {[llength $parts] ? $parts : $order}] {
	    Part $part
	    if {$c ne "" && $part eq "suite9"} {
		# The other parts have clusters of their own.
		cluster::destroy $c
		set c ""
	    }
	}
    } finally {
	if {$c ne ""} {
	    cluster::destroy $c
	}
    }
    puts ""
    puts [format "%-10s %7s %7s %8s %10s" "" passed failed skipped time]
    puts [join $rows \n]
    puts ""
    puts [format "%d passed, %d failed, %d skipped" {*}$totals]
    return [expr {[lindex $totals 1] != 0}]
}

exit [all::Main $argv]
