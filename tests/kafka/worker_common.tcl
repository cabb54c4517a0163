# worker_common.tcl --
#
#	What the worker processes of a torture share: their words, the end by a
#	file, lines about progress.  [source] it.  It must not know what a worker
#	does, and must not catch errors: a worker that fails must be seen to fail.
#
#	worker::options {-name default ...} argv	fills the array worker::o
#	worker::stopped		1 if the file of -stop is there
#	worker::every ms script	runs it again and again from the event loop
#	worker::say word ...	a line on stdout, for whoever started this
#	worker::master ?key value ...?	a master for the brokers of -bootstrap,
#			with the properties of -config

# Where [make] leaves the package, after all places that were named.
lappend ::auto_path [file join [file dirname [file dirname [file dirname \
	[file normalize [info script]]]]] build]
package require kafka
source [file join [file dirname [file normalize [info script]]] history.tcl]

namespace eval ::worker {
    # The options.
    variable o
}

proc ::worker::options {defaults argv} {
    variable o
    array set o [dict merge {-bootstrap {} -stop {} -history {} -name worker
	-config {}} $defaults]
    foreach {name value} $argv {
	if {![info exists o($name)]} {
	    puts stderr "bad option \"$name\": must be\
		    [join [lsort [array names o]] {, }]"
	    exit 2
	}
	set o($name) $value
    }
    fconfigure stdout -buffering line
    # Only when all has been said may a process end.
    kafka::kafka flush_timeout 30000
    return
}

proc ::worker::stopped {} {
    variable o
    return [expr {$o(-stop) ne "" && [file exists $o(-stop)]}]
}

proc ::worker::every {ms script} {
    after $ms [list ::worker::every $ms $script]
    uplevel #0 $script
    return
}

proc ::worker::say {args} {
    puts $args
    return
}

proc ::worker::master {args} {
    variable o
    set master [kafka::kafka create #auto]
    $master logger stderr
    $master config bootstrap.servers $o(-bootstrap) {*}$args {*}$o(-config)
    return $master
}
