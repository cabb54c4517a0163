# runs.tcl --
#
#	Makes runs in turn, for bench.tcl and settings.tcl: keeps the figures of
#	each, refuses one that has not done its work, and sees how much other
#	programs used meanwhile.  It must not know what a run does, or judge a
#	figure.
#
#	runs::group group names repeat command	the command gets a name, and
#				returns the words of that run
#	runs::options array argv least	the command line of a driver into its
#				options; least: those that are numbers, and how
#				small they can be

namespace eval ::runs {
    # run -> list of results, one for each repetition.
    variable results {}
    # What could not be measured, and why.
    variable troubles {}
    # CPU of others during each group, as a part of the machine.
    variable others {}
    # Of each message.
    variable size 100
}

proc ::runs::options {array argv least} {
    upvar 1 $array option
    if {[llength $argv] % 2} {
	error "no value for \"[lindex $argv end]\""
    }
    foreach {name value} $argv {
	if {![info exists option($name)]} {
	    error "bad option \"$name\": must be\
		    [join [lsort [array names option]] {, }]"
	}
	# Empty: what make has no value for.
	if {$value ne ""} {
	    set option($name) $value
	}
    }
    foreach {name lowest} $least {
	if {![string is integer -strict $option($name)]
		|| $option($name) < $lowest} {
	    error "bad value \"$option($name)\" of $name: must be a whole number,\
		    $lowest or more"
	}
    }
}

# runs::One --
#
#	Makes one run and keeps its result, with the figures that cases name.

proc ::runs::One {name words} {
    variable results
    variable troubles
    variable size
    if {[catch {::place::run $words} line]} {
	dict set troubles $name $line
	puts "  $name: $line"
	return
    }
    set r [lindex [split $line \n] end]
    foreach what {messages bytes cpu main rss wall} {
	set $what [dict get $r $what]
    }
    dict set r own $cpu
    dict set r mainown $main
    dict set r mb [expr {$rss / 1024.0}]
    if {$messages} {
	# The same work was done: every payload has its length.
	if {$bytes != $messages * $size} {
	    dict set troubles $name "$bytes bytes in $messages messages"
	    puts "  $name: [dict get $troubles $name]"
	    return
	}
	set million [expr {$messages / 1e6}]
	dict set r cpu [expr {$cpu / $million}]
	dict set r main [expr {$main / $million}]
	dict set r rate [expr {$million / $wall}]
	if {[dict exists $r called]} {
	    dict set r calls [expr {$million / [dict get $r called]}]
	}
    }
    dict lappend results $name $r
}

# runs::group --
#
#	Makes the runs of a group in turn, each time from another one on, and every
#	second time backwards: what goes before a run is not always the same.

proc ::runs::group {group names repeat command} {
    variable others
    variable results
    set before [Busy]
    set began [clock microseconds]
    set step [expr {[llength $names] / 3 + 1}]
    for {set i 0} {$i < $repeat} {incr i} {
	puts "$group: [expr {$i + 1}] of $repeat"
	set at [expr {$i * $step % [llength $names]}]
	set turn [concat [lrange $names $at end] [lrange $names 0 $at-1]]
	if {$i % 2} {
	    set turn [lreverse $turn]
	}
	foreach name $turn {
	    One $name [{*}$command $name]
	}
    }
    set took [expr {([clock microseconds] - $began) / 1e6}]
    set ours 0
    foreach name $names {
	if {[dict exists $results $name]} {
	    foreach r [dict get $results $name] {
		set ours [expr {$ours + [dict get $r total]}]
	    }
	}
    }
    dict set others $group [expr {max(0, [Busy] - $before - $ours)
	    / $took / [::report::cores]}]
}

# runs::Busy --
#
#	CPU seconds of the whole machine, less what the driver and its brokers
#	have used.

proc ::runs::Busy {} {
    set fields [lrange [lindex [split [::cluster::Slurp /proc/stat] \n] 0] 1 end]
    lassign $fields user nice system idle iowait irq softirq
    set busy [expr {($user + $nice + $system + $irq + $softirq) / 100.0}]
    foreach pid [concat [pid] [::place::pids]] {
	set line [lindex [split [::cluster::Slurp /proc/$pid/stat] )] end]
	if {[llength $line] > 13} {
	    set busy [expr {$busy - ([lindex $line 11] + [lindex $line 12]) / 100.0}]
	}
    }
    return $busy
}
