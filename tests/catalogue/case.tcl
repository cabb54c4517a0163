# case.tcl --
#
#	What every case of the catalogue begins with.  A case is one way to kill
#	or hang a process through this package, with what must happen instead;
#	it has a process for itself, started by ../catalogue.tcl.  This file must
#	not hold cases, and must not start anything before a case asks.
#
#	A case is a file <row>-<words>.tcl and looks like this:
#
#	    # row: L1
#	    # demands: no partition for a key of a topic without partitions
#	    source [file join [file dirname [info script]] case.tcl]
#	    expect {KAFKA *} {...}
#	    held
#
#	The lines of the header (the comment lines at the top of the file):
#
#	row: name	the row of the table in docs/hardening.md
#	demands: text	what must happen, in one sentence
#	limit: seconds	how long it may take; 30
#	needs: words	skipped where one of these is not there: thread tcl86 tcl9
#			mock real linux fork cc openssl plain (no sanitizer and
#			no valgrind)
#	valgrind: yes	runs under valgrind, too
#	stdout: regexp	what standard output must match
#	stderr: regexp	what standard error must match
#	ends: how	"exit 3" or "SIGTERM", for a case that does not end with
#			[held]; stdout or stderr must say how far it came
#
#	All of common.tcl can be used (master, newTopic, produceN, collect,
#	runScript ...), and:
#
#	expect ?pattern? script	the script must fail, with an errorCode that matches
#				the pattern; without one, with any code but NONE.
#				Returns the message
#	same actual wanted	both must be the same string
#	matches actual pattern	the string must match the pattern of [string match]
#	until condition ?ms?	serves events until it is true; an error if it is
#				not after the limit
#	within ms script	the script must not take longer; returns its result
#	background ?pattern?	the messages of background errors so far, as a list;
#				they count as expected if all match the pattern
#	compile text	makes a shared library of this C, for [load]; its path
#	leave			the end of a forked child: exit
#	held			the last command: deletes what is left, waits until
#				nothing lives, says "held" and exits

source [file join [file dirname [file dirname [file normalize [info script]]]] \
	common.tcl]

namespace eval ::catalogue {
    namespace export expect same matches until within background compile leave held
    # Messages of background errors that nobody has asked for.
    variable errors {}
    # How many libraries it has compiled.
    variable libraries 0
    # Under valgrind and sanitizers all takes longer.
    variable slow 1
    if {[info exists ::env(KAFKATCL_CASE_SLOW)]} {
	set slow $::env(KAFKATCL_CASE_SLOW)
    }
}

interp bgerror {} ::catalogue::Background

# ::catalogue::Background --
#
#	Notes an error of a callback.

proc ::catalogue::Background {message options} {
    variable errors
    lappend errors $message
    if {[string match "KAFKA INTERNAL*" [dict get $options -errorcode]]} {
	puts stderr $message
    }
}

# ::catalogue::expect --

proc ::catalogue::expect {args} {
    switch [llength $args] {
	1 {
	    set pattern *
	    set script [lindex $args 0]
	}
	2 {
	    lassign $args pattern script
	}
	default {
	    return -code error "usage: expect ?pattern? script"
	}
    }
    set status [catch {uplevel 1 $script} result options]
    if {$status != 1} {
	return -code error "no error, but status $status and\
		\"[string range $result 0 200]\" from: [string range $script 0 200]"
    }
    set code [dict get $options -errorcode]
    if {$code eq "NONE" || [string match "KAFKA INTERNAL*" $code]
	    || ![string match $pattern $code]} {
	return -code error "errorCode \"[string range $code 0 200]\" does not match\
		\"$pattern\"; the message is \"[string range $result 0 200]\""
    }
    return $result
}

# ::catalogue::same, ::catalogue::matches --

proc ::catalogue::same {actual wanted} {
    if {$actual ne $wanted} {
	return -code error "got \"[string range $actual 0 500]\",\
		wanted \"[string range $wanted 0 500]\""
    }
}

proc ::catalogue::matches {actual pattern} {
    if {![string match $pattern $actual]} {
	return -code error "got \"[string range $actual 0 500]\",\
		which does not match \"$pattern\""
    }
}

# ::catalogue::until --

proc ::catalogue::until {condition {limit 15000}} {
    variable slow
    uplevel 1 [list ::kafkatest::waitFor $condition [expr {$limit * $slow}]]
}

# ::catalogue::within --

proc ::catalogue::within {limit script} {
    variable slow
    set begin [clock milliseconds]
    set result [uplevel 1 $script]
    set spent [expr {[clock milliseconds] - $begin}]
    if {$spent > $limit * $slow} {
	return -code error "took $spent ms, more than [expr {$limit * $slow}]"
    }
    return $result
}

# ::catalogue::background --

proc ::catalogue::background {{pattern *}} {
    variable errors
    foreach message $errors {
	matches $message $pattern
    }
    set told $errors
    set errors {}
    return $told
}

# ::catalogue::compile --
#
#	The compiler itself is not under test: no sanitizer goes with it.

proc ::catalogue::compile {text} {
    variable libraries
    set base [file join [pwd] compiled[incr libraries]]
    set chan [open $base.c w]
    puts $chan $text
    close $chan
    exec env -u LD_PRELOAD cc -g -fPIC -shared -o $base.so $base.c
    return $base.so
}

# ::catalogue::leave --
#
#	A forked child does not give back what it has inherited, for that could
#	hang.  A leak detector would report it, so there the child goes without
#	its exit handlers.

proc ::catalogue::leave {} {
    if {[info exists ::env(LD_PRELOAD)]} {
	exec env -u LD_PRELOAD sh -c "kill -KILL [pid]"
    }
    exit 0
}

# ::catalogue::held --
#
#	The order in which the rest is deleted is that of a hash table: no order
#	may matter.

proc ::catalogue::held {} {
    variable errors
    foreach name {helperMaster helperProducer mockCommand} {
	set ::kafkatest::$name ""
    }
    set ::kafkatest::helperTopics [dict create]
    ::kafkatest::Sweep $::kafkatest::atStart
    until {[llength [kafka::kafka live]] == 0}
    same [info commands ::kafka_*] {}
    if {[llength $errors]} {
	return -code error "unexpected background errors: [join $errors "; "]"
    }
    puts held
    flush stdout
    exit 0
}

namespace import ::kafkatest::* ::catalogue::*
# tcltest's word for one test is not for cases.
rename test {}
