# bench.tcl --
#
#	The benchmarks: ours, the same in C, the same in Python, in turn, each run
#	a process of its own.  Prints what was measured and how it stands to the
#	targets, and writes build/bench/bench.json and bench.svg.  `make bench` is
#	this.  It must not know what the runs do (work.*), what is expected of
#	them (cases.tcl) or how a result looks (report.tcl), and must not leave a
#	process or a topic behind.
#
#	usage: tclsh bench.tcl ?-option value ...?
#	    -messages 2000000	of 100 bytes, in one partition; other work is
#			measured in parts of it
#	    -repeat 3		how often each run is made
#	    -cases *		patterns of names; see cases.tcl
#	    -place auto		kafka, embedded
#	    -brokers list	on these, and no other place
#	    -seconds 10		of the runs that do nothing
#	    -out folder		build/bench
#
#	The exit status says whether all could be measured, not whether a target
#	was held.

set ::benchHome [file dirname [file normalize [info script]]]
foreach file {place cases runs report} {
    source [file join $::benchHome $file.tcl]
}

namespace eval ::bench {
    variable option
    array set option {-messages 2000000 -repeat 3 -cases * -place auto -brokers {}
	-seconds 10 -out {}}
    # The same, as the command line would have them.
    variable defaults [array get option]
    # The sizes that runs name with a percent sign.
    variable sizes {}
    variable librarySize 0
}

# bench::Options --
#
#	Reads the command line.

proc ::bench::Options {argv} {
    variable option
    ::runs::options option $argv {-messages 10000 -repeat 1 -seconds 1}
    # Whole thousands in the smallest part.
    set option(-messages) [expr {$option(-messages) / 8000 * 8000}]
    if {$option(-out) eq ""} {
	set option(-out) $::place::area
    }
}

# bench::Chosen --
#
#	The cases whose names match, and the runs that they need.

proc ::bench::Chosen {} {
    variable option
    set chosen {}
    dict for {name case} $::cases::cases {
	foreach pattern $option(-cases) {
	    if {[string match $pattern $name]} {
		lappend chosen $name
		break
	    }
	}
    }
    if {![llength $chosen]} {
	error "no case matches \"$option(-cases)\": they are\
		[join [dict keys $::cases::cases] {, }]"
    }
    return $chosen
}

proc ::bench::Runs {chosen} {
    set wanted {}
    foreach name $chosen {
	foreach run [dict values [dict get $::cases::cases $name roles]] {
	    dict set wanted $run 1
	}
    }
    set groups {}
    dict for {name run} $::cases::runs {
	if {![dict exists $wanted $name]
		|| ([dict get $run language] eq "python" && $::place::noPython ne "")} {
	    continue
	}
	dict lappend groups [dict get $run group] $name
    }
    return $groups
}

# ------------------------------------------------------------------- the topics

# bench::Prepare --
#
#	Makes and fills the topics that these runs name.  The embedded cluster
#	keeps 5 MiB of a partition: what is read is what it holds, often enough.

proc ::bench::Prepare {groups} {
    variable option
    variable sizes
    set messages $option(-messages)
    set sizes [dict create messages $messages held 0 half [expr {$messages / 2}] \
	    quarter [expr {$messages / 4}] eighth [expr {$messages / 8}] \
	    five [expr {$messages * 5}] few 2000 \
	    seconds $option(-seconds)]
    set wanted {}
    foreach runs [dict values $groups] {
	foreach run $runs {
	    foreach {name value} [dict get $::cases::runs $run options] {
		if {$name eq "-topic"} {
		    dict set wanted [string range $value 1 end] 1
		}
	    }
	}
    }
    # At most this many go into a partition of the embedded cluster.  It answers a
    # fetch that found nothing only when its time is over, so a single message
    # takes a quarter of a second.
    set room $messages
    if {$::place::kind eq "embedded"} {
	set room 40000
	dict set sizes few 20
    }
    set parted [expr {min($messages / 2, 100 * $room) / 100 * 100}]
    dict set sizes parted $parted
    dict set sizes clients [expr {$parted / 2}]
    dict set sizes topiced [expr {$messages / 2 / 1000 * 1000}]
    dict for {topic -} $wanted {
	dict set sizes $topic [::place::name $topic]
	puts "preparing the topic $topic"
	switch -- $topic {
	    bench {
		::place::topic $topic
		::place::fill $topic $messages -size $::runs::size
		set held [::place::held $topic]
		if {$held < $messages} {
		    puts "$held messages of $messages are kept: they are read\
			    again and again"
		}
		dict set sizes held $held
	    }
	    sink {
		# What was measured need not be kept.
		::place::topic $topic -config \
			retention.bytes=100000000,segment.bytes=50000000
	    }
	    pairs {
		dict set sizes quarter [expr {min($messages / 4, 32 * $room) / 32 * 32}]
		dict set sizes eighth [expr {[dict get $sizes quarter] / 2}]
		::place::topic $topic -partitions 32
		::place::fill $topic [dict get $sizes quarter] -partitions 32 \
			-size $::runs::size
	    }
	    parts {
		::place::topic $topic -partitions 100
		::place::fill $topic $parted -partitions 100 -size $::runs::size
	    }
	    many {
		::place::topic $topic -topics 1000
		::place::fill $topic [dict get $sizes topiced] -topics 1000 \
			-size $::runs::size
	    }
	    default {
		::place::topic $topic
	    }
	}
    }
}

# --------------------------------------------------------------------- the runs

# bench::Words --
#
#	The words of a run.

proc ::bench::Words {name} {
    variable sizes
    set run [dict get $::cases::runs $name]
    set words [::place::program [dict get $run language]]
    lappend words [dict get $run work] [::place::brokers]
    foreach {option value} [dict get $run options] {
	if {[string match %* $value]} {
	    set value [dict get $sizes [string range $value 1 end]]
	}
	lappend words $option $value
    }
    return $words
}

proc ::bench::Group {group names} {
    variable option
    set repeat $option(-repeat)
    # These take no time, or too much.
    if {$group eq "start"} {
	set repeat [expr {max(10, $repeat)}]
    } elseif {$group in {topics memory}} {
	set repeat 1
    }
    ::runs::group $group $names $repeat ::bench::Words
}

# ------------------------------------------------------------------- the verdict

# bench::Checks --
#
#	Each check of each case: a dictionary case label value low high op limit
#	unit verdict; the verdict is held, missed, shown, or not measured.

proc ::bench::Checks {chosen} {
    set list {}
    foreach name $chosen {
	set case [dict get $::cases::cases $name]
	foreach check [dict get $case checks] {
	    lassign $check label expression op limit unit
	    set values [Values [dict get $case roles] $expression]
	    set row [dict create case $name title [dict get $case title] \
		    label $label op $op limit $limit unit $unit]
	    if {![llength $values]} {
		lappend list [dict merge $row {value {} low {} high {} \
			verdict "not measured"}]
		continue
	    }
	    lassign [::report::middle $values] median low high
	    set verdict shown
	    if {$op ne "-"} {
		set verdict [expr [list $median $op $limit] ? {"held"} : {"missed"}]
	    }
	    # Two threads and what feeds them need cores of their own.
	    if {$name eq "threads" && $verdict eq "missed" && [::report::cores] < 2} {
		set verdict "too few cores"
	    }
	    lappend list [dict merge $row [dict create value $median low $low \
		    high $high verdict $verdict]]
	}
    }
    return $list
}

# bench::Values --
#
#	The expression for each repetition; nothing if a run that it needs is
#	missing.

proc ::bench::Values {roles expression} {
    set results $::runs::results
    set count 1000000
    dict for {role run} $roles {
	if {![regexp "\\\$${role}\\(" $expression]} {
	    continue
	}
	if {![dict exists $results $run]} {
	    return
	}
	set count [expr {min($count, [llength [dict get $results $run]])}]
    }
    set values {}
    for {set i 0} {$i < $count && $i < 1000} {incr i} {
	dict for {role run} $roles {
	    if {[dict exists $results $run]} {
		array set $role [lindex [dict get $results $run] $i]
	    }
	}
	lappend values [expr $expression]
	if {$count == 1000000} {
	    break
	}
    }
    return $values
}

# bench::StripLibrary --
#
#	How large the library is that a user would install.

proc ::bench::StripLibrary {} {
    variable librarySize
    set library [lindex [glob -nocomplain -directory \
	    [file join $::place::root build] kafka*/*.so] 0]
    if {$library eq ""} {
	return
    }
    set copy [file join $::place::area stripped.so]
    exec strip -o $copy $library
    set librarySize [file size $copy]
    file delete $copy
}

# ------------------------------------------------------------------------- main

proc ::bench::main {argv} {
    variable option
    variable defaults
    fconfigure stdout -buffering line
    Options $argv
    set chosen [Chosen]
    file mkdir $option(-out)
    set load [lindex [::cluster::Slurp /proc/loadavg] 0]
    set began [clock seconds]
    set place $option(-place)
    if {$option(-brokers) ne ""} {
	set place brokers
    }
    try {
	::place::begin $place $option(-brokers)
	puts "on [::place::text]"
	StripLibrary
	set groups [Runs $chosen]
	Prepare $groups
	dict for {group runs} $groups {
	    Group $group $runs
	}
	set where [::place::text]
    } finally {
	::place::end
    }
    set results $::runs::results
    set troubles $::runs::troubles
    set command [::report::command bench [array get option] $defaults {
	-messages MESSAGES -repeat REPEAT -cases CASES -brokers BROKERS
	-seconds SECONDS -place PLACE
    }]
    set facts [::report::facts $where $load $::runs::others $command $began]
    set checks [Checks $chosen]
    puts ""
    ::report::table $facts $results $checks
    ::report::json [file join $option(-out) bench.json] $facts $results $checks $troubles
    ::report::svg [file join $option(-out) bench.svg] $facts $results
    puts "\nwritten: [file join $option(-out) bench.json] and bench.svg, after\
	    [expr {[clock seconds] - $began}] s"
    exit [expr {[dict size $troubles] > 0}]
}

if {[catch {::bench::main $::argv} message options]} {
    puts stderr "bench: $message"
    if {[lindex [dict get $options -errorcode] 0] in {TCL ARITH}} {
	puts stderr [dict get $options -errorinfo]
    }
    exit 1
}
