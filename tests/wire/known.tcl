# known.tcl --
#
#	Answers of a broker that are known to kill the librdkafka inside, each with
#	its reason.  [source] it.  It must not hold what does not kill: fake.tcl
#	gives each of them to a process of its own, and fails if that lives.
#
#	known::entries	a list of {name kind api patterns config signal}: clients
#			of this kind, with these settings, that get an answer of this
#			kind with a mutation whose name matches, end with this signal
#	known::deadly api name	is that mutation in the list?

namespace eval ::known {
    variable entries {
    }
}

proc ::known::deadly {api name} {
    variable entries
    foreach entry $entries {
	if {[lindex $entry 2] == $api} {
	    foreach pattern [lindex $entry 3] {
		if {[string match $pattern $name]} {
		    return 1
		}
	    }
	}
    }
    return 0
}
