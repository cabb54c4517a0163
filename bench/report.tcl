# report.tcl --
#
#	What the benchmarks print and write: tables, JSON, a chart.  It must not
#	measure or judge.
#
#	report::middle values	median, lowest, highest
#	report::command target options defaults names	what one would type for these
#			options
#	report::facts place load others command began	what stands beside the
#			figures: date, command, machine, versions
#	report::head facts	the same, for people
#	report::loaded facts	why the figures are not to be trusted, if so
#	report::table facts results checks
#	report::grid markdown heads rows	any table; the first column, and all
#			that are no numbers, stand at the left
#	report::json file facts results checks troubles ?name?	name: what the
#			checks are called there
#	report::svg file facts results
#	report::cores

namespace eval ::report {
    # Where the machine did other things, the figures are marked: load before
    # the first run for each core, and the part of the CPU that others took.
    variable loadLimit 0.5
    variable othersLimit 0.1
    # The rows of the chart: title, and the runs of its bars.
    variable bars {
	"consume_list" {tcl.lists c.batch python.consume}
	"consume_batch" {tcl.batch c.batch python.consume}
	"topic callback" {tcl.topic c.batch python.consume}
	"queue callback" {tcl.queue c.batch python.consume}
	"subscriber callback" {tcl.subscriber c.batch python.consume}
	"topic consume" {tcl.one_topic c.one python.poll}
	"queue consume" {tcl.one_queue c.one python.poll}
	"subscriber consume" {tcl.one_subscriber c.one python.poll}
	"produce" {tcl.produce c.produce python.produce}
	"produce, each reported" {tcl.report c.report python.report}
    }
    variable colours {#1f6fb4 #9a9a9a #e0a030}
}

proc ::report::middle {values} {
    set sorted [lsort -real $values]
    set count [llength $sorted]
    set median [expr {([lindex $sorted [expr {($count - 1) / 2}]]
	    + [lindex $sorted [expr {$count / 2}]]) / 2.0}]
    return [list $median [lindex $sorted 0] [lindex $sorted end]]
}

proc ::report::cores {} {
    return [llength [regexp -all -inline -line {^cpu\d+ } \
	    [::cluster::Slurp /proc/stat]]]
}

# report::command --
#
#	The line of make: only what is not at its default.

proc ::report::command {target options defaults names} {
    set command "make $target"
    foreach {name variable} $names {
	set value [dict get $options $name]
	if {$value ne [dict get $defaults $name]} {
	    append command " $variable=[expr {[regexp {^[\w.:,-]+$} $value]
		    ? $value : "'$value'"}]"
	}
    }
    return $command
}

# report::facts --
#
#	A dictionary; "loaded" tells why figures are not to be trusted.

proc ::report::facts {place load others command began} {
    variable loadLimit
    variable othersLimit
    set cpu unknown
    regexp -line {^model name\s*: (.*)$} [::cluster::Slurp /proc/cpuinfo] -> cpu
    set python "not measured"
    if {$::place::noPython eq ""} {
	catch {exec {*}[lrange [::place::program python] 0 0] -c {if 1:
	    import confluent_kafka as c, platform as p
	    print(f"confluent-kafka {c.version()} on librdkafka {c.libversion()[0]}, Python {p.python_version()}")
	} 2>@1} python
    }
    catch {exec [info nameofexecutable] << "lappend auto_path\
	    {[file join $::place::root build]}; package require kafka;\
	    puts \"kafka \[package present kafka\] on librdkafka\
	    \[kafka::kafka version\], Tcl \[info patchlevel\]\""} ours
    set loaded {}
    if {$load > $loadLimit * [cores]} {
	lappend loaded "load $load before the first run"
    }
    dict for {group part} $others {
	if {$part > $othersLimit} {
	    lappend loaded "others used [format %.0f [expr {100 * $part}]] % of the\
		    CPU during \"$group\""
	}
    }
    return [dict create date [clock format $began -format "%Y-%m-%d %H:%M"] \
	    command $command place $place cpu $cpu cores [cores] \
	    kernel $::tcl_platform(osVersion) ours $ours python $python \
	    loaded [join $loaded "; "]]
}

# ------------------------------------------------------------------- for people

# report::Number --
#
#	As many digits as say something.

proc ::report::Number {value} {
    if {$value eq ""} {
	return -
    }
    set size [expr {abs($value)}]
    set digits [expr {$size >= 100 ? 0 : $size >= 10 ? 1 : $size >= 1 ? 2 : 3}]
    return [format %.${digits}f $value]
}

proc ::report::head {facts} {
    dict with facts {
	puts "$date, $cores cores ($cpu), Linux $kernel"
	puts "$ours"
	if {$::place::noPython ne "not needed"} {
	    puts "$python"
	}
	puts "on $place"
	puts $command
    }
}

proc ::report::loaded {facts} {
    if {[dict get $facts loaded] ne ""} {
	puts "\nLOADED MACHINE, the figures are not to be trusted:\
		[dict get $facts loaded]"
    }
}

# report::grid --
#
#	Columns as wide as they need, or for a page of the documentation.

proc ::report::grid {markdown heads rows} {
    if {$markdown} {
	puts "| [join $heads { | }] |"
	puts |[string repeat ---| [llength $heads]]
	foreach row $rows {
	    puts "| [join $row { | }] |"
	}
	return
    }
    set format {}
    for {set i 0} {$i < [llength $heads]} {incr i} {
	set column [lmap row $rows {lindex $row $i}]
	set wide [lindex [lsort -integer [lmap word [list [lindex $heads $i] \
		{*}$column] {string length $word}]] end]
	set words [lsearch -all -not -regexp $column {^[-0-9.() ]+$}]
	lappend format %[expr {$i == 0 || [llength $words] ? "-" : ""}]${wide}s
    }
    foreach row [linsert $rows 0 $heads] {
	puts [string trimright "  [format [join $format {  }] {*}$row]"]
    }
}

proc ::report::table {facts results checks} {
    head $facts
    puts "\nEach run, medians: CPU in seconds per million messages (all threads; then\
	    the one that runs\nthe loop), million messages a second, peak of memory"
    set line "%-22s %8s %-15s %8s %8s %8s"
    puts [format $line run CPU "(lowest-highest)" loop rate MB]
    dict for {name list} $results {
	if {![dict get [lindex $list 0] messages]} {
	    continue
	}
	foreach what {cpu main rate mb} {
	    lassign [middle [lmap r $list {dict get $r $what}]] \
		    m($what) l($what) h($what)
	}
	puts [format $line $name [Number $m(cpu)] \
		"([Number $l(cpu)]-[Number $h(cpu)])" \
		[Number $m(main)] [Number $m(rate)] [Number $m(mb)]]
    }
    puts "\nTargets: medians over the repetitions, lowest-highest"
    set held 0
    set targets 0
    set last ""
    foreach check $checks {
	dict with check {
	    if {$case ne $last} {
		puts "$case: $title"
		set last $case
	    }
	    set text [format "  %-58s %8s" $label [Number $value]]
	    if {$value ne ""} {
		append text " $unit ([Number $low]-[Number $high])"
	    }
	    if {$op ne "-"} {
		append text "  target $op $limit: [string map \
			{missed "NOT HELD"} $verdict]"
		incr targets
		incr held [expr {$verdict eq "held"}]
	    }
	    puts $text
	}
    }
    puts "$held of $targets targets are held"
    loaded $facts
}

# ----------------------------------------------------------------- for programs

proc ::report::Text {text} {
    set map {\" \\\" \\ \\\\ \n \\n \r \\r \t \\t}
    return "\"[string map $map $text]\""
}

# A number stays one; an empty value is null.
proc ::report::Value {value} {
    if {$value eq ""} {
	return null
    }
    if {[string is double -strict $value] && ![string match *n* [string tolower $value]]} {
	return [expr {$value}]
    }
    return [Text $value]
}

proc ::report::Object {dictionary} {
    set parts {}
    dict for {name value} $dictionary {
	lappend parts "[Text $name]: [Value $value]"
    }
    return "{[join $parts {, }]}"
}

proc ::report::json {file facts results checks troubles {called checks}} {
    set runs {}
    dict for {name list} $results {
	lappend runs "    [Text $name]: \[\n      [join [lmap r $list {Object $r}] \
		",\n      "]\n    \]"
    }
    set rows [lmap check $checks {string cat "    " [Object $check]}]
    set f [open $file w]
    fconfigure $f -encoding utf-8 -translation lf
    puts $f "{\n  \"facts\": [Object $facts],\n  \"runs\": {\n[join $runs ,\n]\n\
	    },\n  [Text $called]: \[\n[join $rows ,\n]\n  \],\n  \"troubles\":\
	    [Object $troubles]\n}"
    close $f
}

# ---------------------------------------------------------------------- a chart

proc ::report::Escape {text} {
    return [string map {& &amp; < &lt; > &gt; \" &quot;} $text]
}

# report::svg --
#
#	Bars of CPU per million messages: ours, C, Python.  No file if none of
#	them was measured.

proc ::report::svg {file facts results} {
    variable bars
    variable colours
    set rows {}
    set most 0
    dict for {title runs} $bars {
	if {![dict exists $results [lindex $runs 0]]} {
	    continue
	}
	set values {}
	foreach run $runs {
	    set value ""
	    if {[dict exists $results $run]} {
		set value [lindex [middle [lmap r [dict get $results $run] {
		    dict get $r cpu
		}]] 0]
		set most [expr {max($most, $value)}]
	    }
	    lappend values $value
	}
	lappend rows $title $values
    }
    if {![llength $rows]} {
	file delete $file
	return
    }
    set left 170
    set width 470
    set bar 11
    set step [expr {3 * $bar + 14}]
    set height [expr {72 + [llength $rows] / 2 * $step}]
    set out [list "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"720\"\
	    height=\"[expr {$height + 75}]\" viewBox=\"0 0 720 [expr {$height + 75}]\"\
	    font-family=\"sans-serif\" font-size=\"12\">" \
	    "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>" \
	    [Words 16 26 #222222 "CPU seconds per million messages of 100 bytes\
	    (less is better)" "font-size=\"15\" font-weight=\"bold\""]]
    set x $left
    foreach text {KafkaTcl "C on librdkafka" "Python (confluent-kafka)"} colour $colours {
	lappend out "<rect x=\"$x\" y=\"42\" width=\"11\" height=\"11\"\
		fill=\"$colour\"/>" [Words [expr {$x + 17}] 52 #222222 $text]
	incr x [expr {40 + 7 * [string length $text]}]
    }
    set y 72
    foreach {title values} $rows {
	lappend out [Words [expr {$left - 10}] [expr {$y + 2 * $bar - 1}] #222222 \
		$title text-anchor=\"end\"]
	foreach value $values colour $colours {
	    if {$value ne ""} {
		set long [expr {$width * $value / $most}]
		lappend out "<rect x=\"$left\" y=\"$y\" width=\"[format %.1f $long]\"\
			height=\"[expr {$bar - 1}]\" fill=\"$colour\"/>" \
			[Words [format %.1f [expr {$left + $long + 5}]] \
			[expr {$y + $bar - 2}] #444444 [format %.2f $value] \
			"font-size=\"10\""]
	    }
	    incr y $bar
	}
	incr y [expr {$step - 3 * $bar}]
    }
    dict with facts {
	set notes [list "$date, $cores cores, on $place" "$ours; $python" $command]
	if {$loaded ne ""} {
	    lappend notes "The machine did other things meanwhile: not to be\
		    trusted. See bench.json."
	}
	foreach text $notes {
	    set colour [expr {[string match "The machine*" $text] ? "#b00000" : "#666666"}]
	    lappend out [Words 16 [incr height 15] $colour $text "font-size=\"10\""]
	}
    }
    lappend out </svg>
    set f [open $file w]
    fconfigure $f -encoding utf-8 -translation lf
    puts $f [join $out \n]
    close $f
}

proc ::report::Words {x y colour text {more ""}} {
    return "<text x=\"$x\" y=\"$y\" fill=\"$colour\" $more>[Escape $text]</text>"
}
