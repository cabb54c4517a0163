# real.tcl --
#
#	What the tests of security and of other people's clients begin with: the
#	helpers of common.tcl, the harness of cluster.tcl, and Apache Kafka of the
#	file's own in a folder of its own.  It must not hold tests but the last
#	ones of each file, must not touch another cluster, and leaves no process
#	behind: every program runs under the harness's guard.
#
#	kafkaArea name		the folder of this run, made and empty
#	kafkaStart ?-option value ...?	starts the cluster (options: those of
#			cluster::create); returns it.  If it does not start, the file
#			ends here, as a failure that shows the broker's log
#	kafkaFinish file	the end of a test file: the totals, and everything stops
#	constraint name script why	a tcltest constraint, and why it does not hold

source [file join [file dirname [file dirname [file normalize [info script]]]] \
	common.tcl]
source [file join [file dirname [file normalize [info script]]] cluster.tcl]

namespace eval ::kafkatest {
    namespace export kafkaArea kafkaStart kafkaFinish constraint
    # The folder of this run, and its cluster.
    variable area ""
    variable kafka ""
    # What was printed last, and errors of callbacks.
    variable totals {0 0 0}
    variable background {}
}

# Clients of this process live while the harness waits.
set ::cluster::events 1
interp bgerror {} {apply {{message options} {
    lappend ::kafkatest::background [dict get $options -errorinfo]
}}}

# ::kafkatest::kafkaArea --
#
#	A folder for everything that this run writes.

proc ::kafkatest::kafkaArea {name} {
    variable area
    set area [file join $::cluster::root build $name.[pid]]
    file delete -force $area
    file mkdir $area/tcltest
    ::tcltest::configure -tmpdir $area/tcltest
    return $area
}

proc ::kafkatest::kafkaStart {args} {
    variable area
    variable kafka
    set begin [clock milliseconds]
    if {[catch {
	set kafka [cluster::create -dir $area/cluster {*}$args]
	cluster::start $kafka
    } message]} {
	puts "Kafka does not start: $message"
	puts "0 passed, 1 failed, 0 skipped"
	exit 1
    }
    set nodes [llength [cluster::nodes $kafka]]
    puts "Tcl [info patchlevel], Kafka [cluster::version $kafka] on $nodes\
	    node[expr {$nodes == 1 ? "" : "s"}], ready in\
	    [format %.1f [expr {([clock milliseconds] - $begin) / 1000.0}]] s"
    return $kafka
}

# ::kafkatest::constraint --
#
#	Says that a constraint holds if the script returns true.

proc ::kafkatest::constraint {name script why} {
    variable reasons
    dict set reasons $name $why
    ::tcltest::testConstraint $name [expr {[uplevel 1 $script] ? 1 : 0}]
}

# ::kafkatest::kafkaFinish --
#
#	The last tests, the totals and the end: the folder is kept if a test
#	failed.

proc ::kafkatest::kafkaFinish {file} {
    variable area
    variable kafka
    variable totals
    variable background
    if {[Wanted $file-background-1.0]} {
	::tcltest::test $file-background-1.0 {no callback of a test failed} -body {
	    set ::kafkatest::background
	} -result {}
    }
    trace add execution ::tcltest::cleanupTests enter {apply {args {
	set ::kafkatest::totals [list $::tcltest::numTests(Passed) \
		$::tcltest::numTests(Failed) $::tcltest::numTests(Skipped)]
    }}}
    finish $file
    lassign $totals passed failed skipped
    if {$kafka ne ""} {
	cluster::destroy $kafka -files [expr {$failed ? "keep" : "delete"}]
    }
    # Nothing that names the folder lives.
    set living {}
    cluster::until 10000 {![llength [set living [Living $area]]]}
    if {[llength $living]} {
	puts "left running: [join $living {; }]"
	incr failed
    }
    if {!$failed} {
	file delete -force $area
    } else {
	puts "kept: $area"
    }
    puts "$passed passed, $failed failed, $skipped skipped"
    exit [expr {$failed > 0}]
}

proc ::kafkatest::Living {text} {
    set found {}
    foreach line [glob -nocomplain /proc/\[0-9\]*/cmdline] {
	if {[file tail [file dirname $line]] == [pid]} {
	    continue
	}
	set words [::cluster::Slurp $line]
	if {[string first $text $words] >= 0} {
	    lappend found [string map {\0 { }} $words]
	}
    }
    return $found
}
