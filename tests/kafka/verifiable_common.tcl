# verifiable_common.tcl --
#
#	What the two verifiable clients share: options as Kafka's own tools have
#	them, property files, events as lines of JSON, and the clean stop.
#	[source] it.  It must not print anything on stdout but events, and must
#	not know what the clients do.
#
#	The stop: Tcl without extensions has no signal handlers, so the end of
#	standard input is the request for a clean stop.  verifiable.sh turns
#	SIGTERM and SIGINT into that; it is what a framework should start.  A
#	standard input that is /dev/null is ignored.
#
#	verifiable::options spec argv	spec: a dictionary from --name to a
#			default; * means needed, flag a flag
#	verifiable::option --name	its value
#	verifiable::event name ?key json ...?	prints an event
#	verifiable::text string, items list	JSON of a string, of a list of JSON
#	verifiable::object ?key json ...?	JSON of an object
#	verifiable::note text		a line on stderr
#	verifiable::master ?key value ...?	a master with these settings, over
#			them the file of --command-config
#	verifiable::onStop script	what to do at the end of standard input

# Where [make] leaves the package, after all places that were named.
lappend ::auto_path [file join [file dirname [file dirname [file dirname \
	[file normalize [info script]]]]] build]
package require kafka

namespace eval ::verifiable {
    # The options.
    variable o
    variable stopScript ""
}

# verifiable::options --
#
#	Reads the command line: --name value or --name=value.  Mistakes end the
#	program with status 1, as argparse does in Java.

proc ::verifiable::options {spec argv} {
    variable o
    # Old names that frameworks still use.
    set aliases {--broker-list --bootstrap-server --producer.config --command-config
	--consumer.config --command-config}
    set flags {}
    dict for {name default} $spec {
	if {$default eq "flag"} {
	    lappend flags $name
	    set default 0
	}
	set o($name) $default
    }
    while {[llength $argv]} {
	set argv [lassign $argv word]
	set value ""
	set given [regexp {^(--[^=]+)=(.*)$} $word -> word value]
	if {[dict exists $aliases $word]} {
	    set word [dict get $aliases $word]
	}
	if {![info exists o($word)]} {
	    Usage "unrecognized argument: $word"
	}
	if {$word in $flags} {
	    set o($word) 1
	    continue
	}
	if {!$given} {
	    if {![llength $argv]} {
		Usage "expected one argument: $word"
	    }
	    set argv [lassign $argv value]
	}
	set o($word) $value
    }
    foreach name [lsort [array names o]] {
	if {$o($name) eq "*"} {
	    Usage "argument $name is required"
	}
    }
    fconfigure stdout -encoding utf-8 -translation lf -buffering line
    fconfigure stderr -encoding utf-8 -buffering line
    return
}

proc ::verifiable::Usage {message} {
    variable o
    note "$message; known: [join [lsort [array names o]]]"
    exit 1
}

proc ::verifiable::option {name} {
    variable o
    return $o($name)
}

# verifiable::integer --
#
#	The value of an option that must be a whole number.

proc ::verifiable::integer {name} {
    variable o
    if {![string is wideinteger -strict $o($name)]} {
	Usage "argument $name: could not convert '$o($name)' to a number"
    }
    return $o($name)
}

proc ::verifiable::note {text} {
    puts stderr "[file rootname [file tail [info script]]] $text"
    return
}

# verifiable::text, verifiable::items, verifiable::object --
#
#	JSON.  Strings are bytes from Kafka, shown as the UTF-8 that they are, or
#	byte by byte if they are none.

proc ::verifiable::text {bytes} {
    if {![catch {encoding convertfrom utf-8 $bytes} decoded]
	    && [encoding convertto utf-8 $decoded] eq $bytes} {
	set bytes $decoded
    }
    set out ""
    foreach char [split $bytes {}] {
	scan $char %c code
	if {$char in {\" \\}} {
	    append out \\ $char
	} elseif {$code < 32 || $code == 127} {
	    append out [format {\u%04x} $code]
	} else {
	    append out $char
	}
    }
    return "\"$out\""
}

proc ::verifiable::items {items} {
    return \[[join $items ,]\]
}

proc ::verifiable::object {args} {
    set pairs {}
    foreach {key json} $args {
	lappend pairs [text $key]:$json
    }
    return \{[join $pairs ,]\}
}

# verifiable::event --
#
#	Prints an event: one line, at once.  If nobody reads it any more, whoever
#	started this client is gone, and so is its purpose.

proc ::verifiable::event {name args} {
    if {[catch {
	puts [object timestamp [clock milliseconds] name [text $name] {*}$args]
    } message]} {
	note $message
	exit 1
    }
    return
}

# verifiable::master --
#
#	A master with these settings.  A file of Java properties goes over them;
#	what librdkafka does not know is told on stderr, as Java's clients do.

proc ::verifiable::master {args} {
    set master [kafka::kafka create #auto]
    $master logger stderr
    $master config bootstrap.servers [option --bootstrap-server] {*}$args
    set file [option --command-config]
    if {$file eq ""} {
	return $master
    }
    if {[catch {Properties $file} properties]} {
	note $properties
	exit 1
    }
    dict for {key value} $properties {
	if {[catch {$master config $key $value} message]} {
	    note "the property $key is not used: $message"
	}
    }
    return $master
}

# verifiable::Properties --
#
#	Reads a file of Java properties: key=value, # and ! begin comments, a
#	backslash at the end continues a line.

proc ::verifiable::Properties {file} {
    set channel [open $file]
    fconfigure $channel -encoding utf-8
    set text [read $channel]
    close $channel
    regsub -all {\\\n[ \t]*} $text {} text
    set result [dict create]
    foreach line [split $text \n] {
	set line [string trim $line]
	if {$line eq "" || [string index $line 0] in {# !}} {
	    continue
	}
	if {![regexp {^([^=:\s]+)\s*[=:\s]\s*(.*)$} $line -> key value]} {
	    set key $line
	    set value ""
	}
	dict set result $key $value
    }
    return $result
}

# verifiable::onStop --
#
#	Runs the script once, when standard input ends.

proc ::verifiable::onStop {script} {
    variable stopScript $script
    if {![catch {file readlink /proc/self/fd/0} target] && $target eq "/dev/null"} {
	return
    }
    fconfigure stdin -blocking 0 -translation binary
    fileevent stdin readable ::verifiable::Input
    return
}

proc ::verifiable::Input {} {
    variable stopScript
    read stdin
    if {[eof stdin]} {
	fileevent stdin readable {}
	uplevel #0 $stopScript
    }
    return
}
