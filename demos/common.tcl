# common.tcl --
#
#	What all demos need and none is about: a cluster, a topic, some lines in
#	it.  A demo without arguments starts an embedded cluster; with
#	[-brokers host:port,...] it uses a real one.  It must not hide how the
#	package is used: making handles, sending and reading stand in the demos.

package require kafka

namespace eval demo {
    # The command of the embedded cluster, empty on a real one.
    variable mock {}
    # The brokers' addresses: host:port,host:port
    variable brokers {}
    # Words of the command line that are not about the cluster.
    variable rest {}
}

# demo::start --
#
#	Reads the command line; starts the embedded cluster if no brokers are
#	given.  Returns the brokers' addresses.

proc demo::start {} {
    variable mock
    variable brokers
    variable rest
    set rest $::argv
    set at [lsearch -exact $rest -brokers]
    if {$at >= 0} {
	set brokers [lindex $rest $at+1]
	set rest [lreplace $rest $at $at+1]
	if {$brokers eq ""} {
	    puts stderr "usage: [file tail $::argv0] ?-brokers host:port,...?"
	    exit 2
	}
    } else {
	set mock [kafka::kafka mock new -brokers 3]
	set brokers [$mock bootstrap_servers]
    }
    return $brokers
}

# demo::topic --
#
#	Makes a topic in the embedded cluster.  On a real cluster the topic must
#	be there, or the cluster makes it when the first message comes.
#	Returns its name.

proc demo::topic {name partitions} {
    variable mock
    if {$mock ne ""} {
	$mock create_topic $name $partitions
    }
    return $name
}

# demo::text --
#
#	The lines of a text file, as bytes: what is sent is what is in the file.

proc demo::text {{file ""}} {
    if {$file eq ""} {
	set file [file join [file dirname [file normalize [info script]]] \
	    text.txt]
    }
    set channel [open $file rb]
    set lines [split [read $channel] \n]
    close $channel
    return [lrange $lines 0 end-1]
}

# demo::fill --
#
#	Sends ten lines of the text to each of these partitions, so that a reader
#	finds something.  Returns how many were sent.

proc demo::fill {topic partitions} {
    variable brokers
    kafka::kafka create ::demo::master
    ::demo::master config bootstrap.servers $brokers
    ::demo::master producer_creator ::demo::handle
    ::demo::handle new_topic ::demo::filler $topic
    set lines [lrange [lsearch -all -inline -not [text] ""] 0 9]
    foreach partition $partitions {
	foreach line $lines {
	    ::demo::filler produce $partition $line
	}
    }
    # Deleting the handle waits until all is delivered.
    ::demo::filler delete
    ::demo::handle delete
    ::demo::master delete
    return [expr {[llength $lines] * [llength $partitions]}]
}
