# settings.tcl --
#
#	How much the settings change that matter to a user: each value of each of
#	them beside the default, the runs in turn, each a process of its own.
#	Prints a table for each setting, and writes build/bench/settings.json.
#	`make bench-settings` is this.  It must not know what the runs do
#	(work.tcl), must not say which value is right, and must not leave a
#	process or a topic behind.
#
#	usage: tclsh settings.tcl ?-option value ...?
#	    -messages 1000000	of 100 bytes, which are read; half of them are sent,
#			and 500, always, one by one
#	    -repeat 3		how often each run is made
#	    -only *		patterns of settings: linger.ms, produce/*
#	    -brokers list	on these, not on an Apache Kafka that it starts
#	    -markdown 0		1: tables for a page of the documentation
#	    -out folder		build/bench
#
#	About five minutes on two cores, brokers included.

foreach file {place runs report} {
    source [file join [file dirname [file normalize [info script]]] $file.tcl]
}

namespace eval ::settings {
    variable option
    array set option {-messages 1000000 -repeat 3 -only * -brokers {} -markdown 0
	-out {}}
    # The same, as the command line would have them.
    variable defaults [array get option]
    # What all runs of a group have; "work" is what they do.  %name is the
    # topic of that name, $name a size.
    variable groups {
	read {work lists -topic %none -messages $read -ready 1}
	produce {work produce -topic %sink -messages $produce -payload lines
	    -ready 1}
	latency {work latency -topic %echo -messages $few}
    }
    variable titles {
	read "Reading: one partition, consume_list with room for 10,000, unless a\
		line says otherwise"
	produce "Sending: one partition, keys of 10 bytes, no delivery report, room\
		for all in the queue, unless a line says otherwise"
	latency "Latency: each message is sent when the last one was read by a\
		callback; ms"
    }
    # Properties of a client that fills a topic.  Batches as a producer sends
    # them that is not in a hurry, small enough for limits of a fetch to matter.
    variable filling {linger.ms 50 batch.num.messages 1000}
    # group/name -> note, base, and rows: label and what differs from the group.
    variable settings {}
    # run -> its options, without those of its group.
    variable runs {}
    variable sizes
}

# settings::setting --
#
#	The row whose options are those of the base is what others are compared
#	with.

proc ::settings::setting {name base rows {note ""}} {
    variable settings
    dict set settings $name [dict create base $base rows $rows note $note]
}

# settings::properties --
#
#	The same, where each row is a value of one property, and "" is what
#	a client has that does not set it.

proc ::settings::properties {name values {note ""}} {
    set rows {}
    set property [lindex [split $name /] 1]
    foreach {label value} $values {
	lappend rows $label [expr {$value eq "" ? {}
		: [list -config [list $property $value]]}]
    }
    setting $name {} $rows $note
}

# settings::together --
#
#	Both at once: few messages in hand, and looked after often.

proc ::settings::together {name base note} {
    set rows [list "100000, 10 (default here)" $base]
    foreach {count ms} {10000 5 5000 2 2000 2 1000 2} {
	lappend rows "$count, $ms" [list {*}$base -config \
		[list queued.min.messages $count fetch.queue.backoff.ms $ms]]
    }
    setting read/$name $base $rows $note
}

# ------------------------------------------------------------------ the settings

::settings::properties read/fetch.queue.backoff.ms {
    "1000 (librdkafka's default)" 1000 100 100 "10 (default here)" "" 1 1
}
::settings::properties read/queued.min.messages {
    1000 1000 10000 10000 "100000 (default)" "" 1000000 1000000
}
::settings::together together {} "queued.min.messages, fetch.queue.backoff.ms"
::settings::together together_batch {work batch} \
	"the same, with consume_batch and an array"
::settings::together together_topic {work topic} \
	"the same, with the callback of a topic"
::settings::properties read/queued.max.messages.kbytes {
    1024 1024 "65536 (default)" ""
}
::settings::properties read/max.partition.fetch.bytes {
    65536 65536 "1048576 (default)" "" 10485760 10485760
} "fetch.message.max.bytes is the same. The topic has batches of 1,000 messages; a\
    broker sends one, however large."
::settings::properties read/fetch.max.bytes {
    "1000000 (message.max.bytes, the least)" 1000000 "52428800 (default)" ""
}
::settings::properties read/check.crcs {
    "false (default)" "" true true
}
::settings::setting read/count {} {
    10 {-count 10} 100 {-count 100} 1000 {-count 1000} 10000 {}
} "of consume_list"
::settings::setting read/batch {work batch} {
    10 {work batch -count 10} 100 {work batch -count 100}
    1000 {work batch -count 1000} 10000 {work batch}
    "10000, consume_list" {}
} "the count of consume_batch with an array"
::settings::setting read/codec {} {
    none {} lz4 {-topic %lz4} zstd {-topic %zstd} gzip {-topic %gzip}
    snappy {-topic %snappy}
} "what the producer of the topic had as compression.codec"

::settings::properties produce/linger.ms {
    0 0 "5 (default)" "" 50 50
}
::settings::properties produce/batch.num.messages {
    100 100 1000 1000 "10000 (default)" ""
}
::settings::properties produce/batch.size {
    "16384 (Java's default)" 16384 131072 131072 "1000000 (default)" ""
}
::settings::properties produce/compression.codec {
    "none (default)" "" lz4 lz4 zstd zstd snappy snappy gzip gzip
}
::settings::setting produce/acks {-topic %safe} {
    0 {-topic %safe -config {acks 0}} 1 {-topic %safe -config {acks 1}}
    "all (default)" {-topic %safe}
} "a topic on three brokers, if there are so many"
::settings::properties produce/enable.idempotence {
    "false (default)" "" true true
} "Before its first message such a producer asks for a number: that time is not\
    in the figures."
::settings::setting produce/delivery_report {} {
    "no callback" {}
    "callback, every 1" {work report}
    "callback, every 1000" {work report -every 1000}
    "callback, every 0: failures only" {work report -every 0}
}
::settings::setting produce/queue.buffering.max.messages {} {
    "100000 (default), poll while 90,000 wait"
    {-config {queue.buffering.max.messages 100000} -room 90000}
    "10000000, no waiting" {}
}

::settings::setting latency/linger.ms {-config {linger.ms 5}} {
    0 {} "5 (default)" {-config {linger.ms 5}}
}
::settings::setting latency/fetch.wait.max.ms {} {
    10 {-config {linger.ms 0 fetch.wait.max.ms 10}} "500 (default)" {}
} "linger.ms 0"
::settings::setting latency/fetch.queue.backoff.ms {} {
    "1000 (librdkafka's default)"
    {-config {linger.ms 0 fetch.queue.backoff.ms 1000}} "10 (default here)" {}
} "linger.ms 0"
::settings::setting latency/socket.nagle.disable {} {
    false {-config {linger.ms 0 socket.nagle.disable false}} "true (default)" {}
} "linger.ms 0"

# --------------------------------------------------------------------- the runs

# settings::Options --
#
#	Reads the command line.

proc ::settings::Options {argv} {
    variable option
    variable sizes
    ::runs::options option $argv {-messages 2000 -repeat 1 -markdown 0}
    # Whole thousands are sent.
    set option(-messages) [expr {$option(-messages) / 2000 * 2000}]
    set sizes [dict create read $option(-messages) \
	    produce [expr {$option(-messages) / 2}] few 500]
    if {$option(-out) eq ""} {
	set option(-out) $::place::area
    }
}

# settings::Chosen --
#
#	The settings whose names match, with their group or without.

proc ::settings::Chosen {} {
    variable option
    variable settings
    set names [dict keys $settings]
    set wanted {}
    foreach pattern $option(-only) {
	set found [lmap name $names {
	    if {![string match $pattern $name]
		    && ![string match $pattern [lindex [split $name /] 1]]} {
		continue
	    }
	    set name
	}]
	if {![llength $found]} {
	    error "no setting matches \"$pattern\": they are [join $names {, }]"
	}
	lappend wanted {*}$found
    }
    # In their order, not in that of the patterns.
    return [lmap name $names {
	if {$name ni $wanted} {
	    continue
	}
	set name
    }]
}

# settings::Run --
#
#	The name of a run.  Settings that need the same one share it.

proc ::settings::Run {setting options} {
    set group [lindex [split $setting /] 0]
    return [string trimright "$group $options"]
}

# settings::Runs --
#
#	The runs of each group, so that all that is compared is made in turn.

proc ::settings::Runs {chosen} {
    variable settings
    variable runs
    set groups {}
    foreach setting $chosen {
	set group [lindex [split $setting /] 0]
	foreach {label options} [dict get $settings $setting rows] {
	    set name [Run $setting $options]
	    if {![dict exists $runs $name]} {
		dict set runs $name [list $group $options]
		dict lappend groups $group $name
	    }
	}
    }
    return $groups
}

# settings::Words --
#
#	The words of a run.

proc ::settings::Words {name} {
    variable groups
    variable runs
    variable sizes
    lassign [dict get $runs $name] group options
    set options [dict merge [dict get $groups $group] $options]
    set words [::place::program tcl]
    lappend words [dict get $options work] [::place::brokers]
    dict for {option value} [dict remove $options work] {
	if {[string match %* $value]} {
	    set value [::place::name [string range $value 1 end]]
	} elseif {[string match \$* $value]} {
	    set value [dict get $sizes [string range $value 1 end]]
	}
	lappend words $option $value
    }
    return $words
}

# settings::Prepare --
#
#	Makes and fills the topics that the runs name.

proc ::settings::Prepare {} {
    variable groups
    variable runs
    variable sizes
    variable filling
    set wanted {}
    dict for {name run} $runs {
	lassign $run group options
	dict set wanted [string range [dict get [dict merge \
		[dict get $groups $group] $options] -topic] 1 end] 1
    }
    # What was measured need not be kept.
    set forget retention.bytes=100000000,segment.bytes=50000000
    foreach topic [dict keys $wanted] {
	puts "preparing the topic $topic"
	switch -- $topic {
	    sink {
		::place::topic $topic -config $forget
	    }
	    safe {
		::place::topic $topic -replicas 3 -config $forget
	    }
	    echo {
		::place::topic $topic
	    }
	    default {
		::place::topic $topic
		::place::run [concat [::place::program tcl] [list \
			produce [::place::brokers] -topic [::place::name $topic] \
			-messages [dict get $sizes read] -payload lines \
			-config [concat $filling compression.codec $topic]]]
	    }
	}
    }
}

# ------------------------------------------------------------------- the figures

# settings::Rows --
#
#	Each row of each setting: a dictionary setting label run base, and for each
#	figure its median, low, high and ratio, which are empty if it is missing.

proc ::settings::Rows {chosen} {
    variable settings
    set list {}
    foreach setting $chosen {
	set base [Run $setting [dict get $settings $setting base]]
	foreach {label options} [dict get $settings $setting rows] {
	    set name [Run $setting $options]
	    set row [dict create setting $setting label $label run $name base $base]
	    foreach what [Figures $setting] {
		lassign [Middle $name $what] median low high
		lassign [Middle $base $what] default
		set ratio ""
		if {$median ne "" && $default ne "" && $default > 0} {
		    set ratio [expr {$median / $default}]
		}
		dict set row $what $median
		dict set row ${what}_low $low
		dict set row ${what}_high $high
		dict set row ${what}_ratio $ratio
	    }
	    lappend list $row
	}
    }
    return $list
}

proc ::settings::Figures {setting} {
    return [expr {[string match latency/* $setting] ? {p50 p99 cpu} : {cpu rate mb}}]
}

proc ::settings::Middle {name what} {
    if {![dict exists $::runs::results $name]} {
	return
    }
    return [::report::middle [lmap r [dict get $::runs::results $name] {
	dict get $r $what
    }]]
}

# settings::Tables --
#
#	A table for each setting.

proc ::settings::Tables {rows} {
    variable option
    variable settings
    variable titles
    set markdown $option(-markdown)
    set heads {cpu "CPU s/million" rate "million/s" mb MB p50 p50 p99 p99}
    set tables {}
    foreach row $rows {
	dict lappend tables [dict get $row setting] $row
    }
    set last ""
    dict for {setting list} $tables {
	lassign [split $setting /] group name
	if {$group ne $last} {
	    set title [dict get $titles $group]
	    puts [expr {$markdown ? "\n### $title" : "\n$title"}]
	    set last $group
	}
	set note [dict get $settings $setting note]
	puts ""
	if {$markdown && $note ne ""} {
	    puts "`$name`: $note\n"
	} elseif {$note ne ""} {
	    puts "$name: $note"
	} elseif {!$markdown} {
	    puts $name
	}
	set head [list [expr {$markdown ? "`$name`" : "value"}]]
	foreach what [Figures $setting] {
	    lappend head [dict get $heads $what] ratio
	}
	set lines {}
	foreach row $list {
	    set line [list [dict get $row label]]
	    foreach what [Figures $setting] {
		set figure [::report::Number [dict get $row $what]]
		if {$option(-repeat) > 1 && $figure ne "-"} {
		    append figure " ([::report::Number [dict get $row \
			    ${what}_low]]-[::report::Number [dict get $row \
			    ${what}_high]])"
		}
		set ratio [dict get $row ${what}_ratio]
		if {$ratio ne ""} {
		    set ratio [format %.2f $ratio]
		}
		lappend line $figure $ratio
	    }
	    lappend lines $line
	}
	::report::grid $markdown $head $lines
    }
}

# ------------------------------------------------------------------------- main

proc ::settings::main {argv} {
    variable option
    variable defaults
    fconfigure stdout -buffering line
    Options $argv
    set chosen [Chosen]
    file mkdir $option(-out)
    set load [lindex [::cluster::Slurp /proc/loadavg] 0]
    set began [clock seconds]
    try {
	set ::cluster::say puts
	::place::begin [expr {$option(-brokers) eq "" ? "kafka" : "brokers"}] \
		$option(-brokers) 0
	puts "on [::place::text]"
	set groups [Runs $chosen]
	Prepare
	dict for {group names} $groups {
	    # New brokers are slow; why it fails, the first that counts will say.
	    catch {::place::run [Words [lindex $names 0]]}
	    ::runs::group $group $names $option(-repeat) ::settings::Words
	}
	set where [::place::text]
    } finally {
	::place::end
    }
    set command [::report::command bench-settings [array get option] $defaults {
	-messages MESSAGES -repeat REPEAT -only ONLY -brokers BROKERS
	-markdown MARKDOWN
    }]
    set facts [::report::facts $where $load $::runs::others $command $began]
    set rows [Rows $chosen]
    puts ""
    ::report::head $facts
    puts "\n[dict get $::settings::sizes read] messages of 100 bytes are read,\
	    [dict get $::settings::sizes produce] are sent,\
	    [dict get $::settings::sizes few] sent one by one: lines\nof a log that\
	    compress like text.  Medians of $option(-repeat), lowest-highest, and the\
	    ratio to the default's\nmedian: CPU of the whole process, the rate by the\
	    clock, the peak of memory."
    Tables $rows
    ::report::loaded $facts
    set file [file join $option(-out) settings.json]
    ::report::json $file $facts $::runs::results $rows $::runs::troubles settings
    puts "\nwritten: $file, after [expr {[clock seconds] - $began}] s"
    exit [expr {[dict size $::runs::troubles] > 0}]
}

if {[catch {::settings::main $::argv} message options]} {
    puts stderr "settings: $message"
    if {[lindex [dict get $options -errorcode] 0] in {TCL ARITH}} {
	puts stderr [dict get $options -errorinfo]
    }
    exit 1
}
