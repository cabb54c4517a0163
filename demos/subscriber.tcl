# subscriber.tcl --
#
#	Two members of a consumer group share the partitions of a topic: the
#	preferred way to read.
#
#	    tclsh subscriber.tcl ?-brokers host:port,...?

source [file join [file dirname [info script]] common.tcl]
demo::start
set wanted [demo::fill [demo::topic my.shared 4] {0 1 2 3}]

# received --
#
#	Gets the member's name and a list of names and values: a message, or an
#	error.

proc received {name message} {
    if {[dict exists $message error]} {
	puts "$name: error: [dict get $message code]"
	return
    }
    puts "$name: [dict get $message partition]/[dict get $message offset]:\
	[dict get $message payload]"
    if {[incr ::count] == $::wanted} {
	set ::done 1
    }
}

# shared --
#
#	Looks again and again until both members have got partitions.

proc shared {} {
    if {[llength [ann assignment]] && [llength [bob assignment]]} {
	set ::ready 1
    } else {
	after 50 shared
    }
}

# The group decides who reads which partition, and decides again when a member
# comes or goes.  A new group begins at the earliest message; an old one goes on
# where it stopped.  The embedded cluster takes almost a whole session to decide
# again, so the session is short here.
kafka::kafka create master
master config bootstrap.servers $demo::brokers group.id my.group \
    session.timeout.ms 6000
foreach name {ann bob} {
    master subscriber $name
    $name subscribe my.shared
}
shared
vwait ready
foreach name {ann bob} {
    puts "$name has partitions [lsort [lmap tuple [$name assignment] {
	lindex $tuple 1
    }]]"
    $name callback [list received $name]
}
vwait done

# What was seen is committed by itself every few seconds, and here at once: the
# next run goes on after it.
foreach name {ann bob} {
    $name commit
}
foreach name {ann bob} {
    $name delete
}
puts "read $count messages"
