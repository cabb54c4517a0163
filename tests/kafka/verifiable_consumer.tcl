# verifiable_consumer.tcl --
#
#	Kafka's VerifiableConsumer in Tcl: a member of a group that prints what
#	it is assigned, what it consumes and what it commits, one JSON object a
#	line, so that Kafka's own system tests or any runner with the same rules
#	can drive this client.  It must print nothing else on stdout, must report
#	records before anything that depends on them, and must commit only what
#	it has reported.  Start it through verifiable.sh, which turns SIGTERM and
#	SIGINT into a clean stop.
#
#	--topic T --bootstrap-server B --group-id G [--group-instance-id I]
#	[--group-protocol classic|consumer] [--group-remote-assignor A]
#	[--assignment-strategy CLASS] [--session-timeout MS]
#	[--enable-autocommit] [--reset-policy earliest|latest|none]
#	[--max-messages N] [--verbose] [--command-config FILE]
#
#	Also --broker-list and --consumer.config, their old names.  CLASS ends in
#	RangeAssignor, RoundRobinAssignor or CooperativeStickyAssignor; the eager
#	StickyAssignor does not exist in librdkafka.
#
#	Events: startup_complete, partitions_revoked, partitions_assigned,
#	records_consumed, record_data, offsets_committed, shutdown_complete.
#
#	A subscriber answers rebalances by itself and tells no script of them, so
#	this program compares [assignment] at each message that is not expected
#	and after each turn of at most 1000 records or 100 ms:
#	- partitions_revoked and partitions_assigned come after the fact, at most
#	  100 ms late, but in the right order with records and commits;
#	- a rebalance that gives a member nothing, or the same partitions at the
#	  same positions again, is not seen, and makes no event.
#	What was read of a partition in a turn that ends with its loss is
#	committed by the package, when it answers the rebalance: this program
#	then asks for the committed offset and reports that.

source [file join [file dirname [file normalize [info script]]] verifiable_common.tcl]

verifiable::options {--topic * --bootstrap-server * --group-id *
    --group-instance-id {} --group-protocol classic --group-remote-assignor {}
    --assignment-strategy org.apache.kafka.clients.consumer.RangeAssignor
    --session-timeout 30000 --enable-autocommit flag --reset-policy earliest
    --max-messages -1 --verbose flag --command-config {}} $argv

namespace eval ::verifiable {
    variable most [integer --max-messages]
    variable consumed 0
    variable stopping 0
    # Partitions that were reported as assigned: a sorted list.
    variable owned {}
    # The offset that comes next, by partition; what was not yet committed.
    variable position [dict create]
    variable uncommitted [dict create]
    # What was read and not yet reported, by partition: offsets.
    variable batch [dict create]
    variable cooperative 0
}

# verifiable::Settings --
#
#	Java's words in librdkafka's.

proc ::verifiable::Settings {} {
    variable cooperative
    set settings [list group.id [option --group-id]]
    if {[option --group-instance-id] ni {{} None}} {
	lappend settings group.instance.id [option --group-instance-id]
    }
    switch -- [option --reset-policy] {
	earliest - latest {
	    lappend settings auto.offset.reset [option --reset-policy]
	}
	none {
	    lappend settings auto.offset.reset error
	}
	default {
	    Usage "argument --reset-policy: must be earliest, latest or none"
	}
    }
    switch -- [string tolower [option --group-protocol]] {
	consumer {
	    set cooperative 1
	    lappend settings group.protocol consumer
	    if {[option --group-remote-assignor] ni {{} None}} {
		lappend settings group.remote.assignor [option --group-remote-assignor]
	    }
	}
	classic {
	    set class [lindex [split [option --assignment-strategy] .] end]
	    switch -- $class {
		RangeAssignor {
		    set strategy range
		}
		RoundRobinAssignor {
		    set strategy roundrobin
		}
		CooperativeStickyAssignor {
		    set strategy cooperative-sticky
		    set cooperative 1
		}
		default {
		    Usage "argument --assignment-strategy: $class is not possible\
			    with this client"
		}
	    }
	    lappend settings partition.assignment.strategy $strategy \
		    session.timeout.ms [integer --session-timeout]
	}
	default {
	    Usage "argument --group-protocol: must be classic or consumer"
	}
    }
    # Without --enable-autocommit this program commits what it has reported.
    # The package then commits only when partitions are taken away.
    lappend settings enable.auto.commit true
    if {![option --enable-autocommit]} {
	lappend settings auto.commit.interval.ms 86400000
    }
    return $settings
}

# verifiable::Places --
#
#	JSON of a list of partitions, with offsets or without.

proc ::verifiable::Places {partitions {offsets {}}} {
    return [items [lmap p $partitions {
	set fields [list topic [text [option --topic]] partition $p]
	if {[dict exists $offsets $p]} {
	    lappend fields offset [dict get $offsets $p]
	}
	object {*}$fields
    }]]
}

# verifiable::Flush --
#
#	Reports what was read.

proc ::verifiable::Flush {} {
    variable batch
    if {![dict size $batch]} {
	return
    }
    set total 0
    set parts {}
    dict for {p offsets} $batch {
	set count [llength $offsets]
	incr total $count
	lappend parts [object topic [text [option --topic]] partition $p count $count \
		minOffset [lindex $offsets 0] maxOffset [lindex $offsets end]]
    }
    set batch [dict create]
    event records_consumed count $total partitions [items $parts]
    return
}

# verifiable::Look --
#
#	Compares the assignment with what was reported.

proc ::verifiable::Look {} {
    variable s
    variable owned
    set now [lsort -integer [lmap tuple [$s assignment] {
	if {[lindex $tuple 0] ne [option --topic]} continue
	lindex $tuple 1
    }]]
    if {$now ne $owned} {
	Change $now
    }
    return
}

# verifiable::Change --
#
#	Reports another assignment.  The eager protocols give up all first.

proc ::verifiable::Change {now} {
    variable owned
    variable cooperative
    variable batch
    variable position
    variable uncommitted
    set gone $owned
    set new $now
    if {$cooperative} {
	set gone [lmap p $owned {expr {$p in $now ? [continue] : $p}}]
	set new [lmap p $now {expr {$p in $owned ? [continue] : $p}}]
    }
    set later [dict create]
    if {[llength $gone]} {
	set later [Leave $gone $now]
    } else {
	Flush
    }
    set owned $now
    if {[llength $new]} {
	event partitions_assigned partitions [Places $new]
    }
    dict for {p offsets} $later {
	dict set batch $p $offsets
	dict set position $p [expr {[lindex $offsets end] + 1}]
	dict set uncommitted $p [dict get $position $p]
    }
    return
}

# verifiable::Leave --
#
#	Partitions are gone, some of them to come back at once: what the package
#	has committed of them is asked.  It commits all that was seen before it
#	gives up a partition, so what was read behind that belongs to the next
#	assignment.  Reports what belongs to this one, and returns the rest:
#	partitions and lists of offsets.

proc ::verifiable::Leave {gone now} {
    variable s
    variable batch
    variable position
    variable uncommitted
    set offsets [dict filter $uncommitted script {p offset} {expr {$p in $gone}}]
    set later [dict create]
    set found {}
    set error ""
    if {[dict size $offsets] && [catch {
	$s offsets -committed [lmap p [dict keys $offsets] {list [option --topic] $p}]
    } found]} {
	set error $found
	set found {}
    }
    set missing {}
    foreach tuple $found {
	lassign $tuple - p offset
	if {![string is wideinteger -strict $offset]} {
	    set offset 0
	}
	# A new owner may have committed more already.
	if {$offset >= [dict get $offsets $p]} continue
	if {$p ni $now || ![dict exists $batch $p]} {
	    lappend missing $p
	    continue
	}
	set before [lmap at [dict get $batch $p] {expr {$at < $offset ? $at : [continue]}}]
	dict set later $p [lrange [dict get $batch $p] [llength $before] end]
	if {[llength $before]} {
	    dict set batch $p $before
	    dict set offsets $p $offset
	} else {
	    dict unset batch $p
	    dict unset offsets $p
	}
    }
    Flush
    if {[dict size $offsets] && ![option --enable-autocommit]} {
	if {[llength $missing]} {
	    set error "not committed before the partitions [join $missing ,] were taken away"
	}
	Committed $offsets $error
    }
    foreach p $gone {
	dict unset uncommitted $p
	dict unset position $p
    }
    event partitions_revoked partitions [Places $gone]
    return $later
}

# verifiable::Committed --
#
#	Reports a commit, with the error if there was one.

proc ::verifiable::Committed {offsets error} {
    set fields {}
    if {$error ne ""} {
	lappend fields error [text $error]
    }
    event offsets_committed success [expr {$error eq "" ? "true" : "false"}] {*}$fields \
	    offsets [Places [dict keys $offsets] $offsets]
    return
}

# verifiable::Commit --
#
#	Commits what was reported, of the partitions that are owned.

proc ::verifiable::Commit {} {
    variable s
    variable owned
    variable uncommitted
    if {[option --enable-autocommit] || ![dict size $uncommitted]} {
	set uncommitted [dict create]
	return
    }
    Look
    set offsets [dict filter $uncommitted script {p offset} {expr {$p in $owned}}]
    set uncommitted [dict create]
    if {![dict size $offsets]} {
	return
    }
    set tuples [lmap {p offset} $offsets {list [option --topic] $p $offset}]
    set error ""
    if {[catch {$s commit $tuples} error]} {
	# Again at the next turn, if the partitions are still ours then.
	note "commit: $error"
	set uncommitted $offsets
    } else {
	set error ""
    }
    Committed $offsets $error
    return
}

# verifiable::Take --
#
#	A message: into the batch.

proc ::verifiable::Take {message} {
    variable owned
    variable position
    variable uncommitted
    variable batch
    variable consumed
    if {[dict exists $message error]} {
	note $message
	return
    }
    set p [dict get $message partition]
    set offset [dict get $message offset]
    if {$p ni $owned || ([dict exists $position $p] && [dict get $position $p] != $offset)} {
	Look
	Flush
	if {$p ni $owned} {
	    # It was ours for a moment only.
	    Change [lsort -integer [concat $owned $p]]
	} elseif {[dict exists $position $p] && [dict get $position $p] > $offset} {
	    # Taken away and given back unseen: it goes on where the group was.
	    set now $owned
	    Change [lsearch -all -inline -not -exact $owned $p]
	    Change $now
	}
    }
    dict lappend batch $p $offset
    dict set position $p [expr {$offset + 1}]
    dict set uncommitted $p [expr {$offset + 1}]
    incr consumed
    if {[option --verbose]} {
	set key null
	if {[dict exists $message key]} {
	    set key [text [dict get $message key]]
	}
	event record_data topic [text [option --topic]] partition $p offset $offset \
		key $key value [text [dict get $message payload]]
    }
    return
}

# verifiable::Turn --
#
#	At most 1000 records or 100 ms, then the reports and the commit.

proc ::verifiable::Turn {} {
    variable s
    variable most
    variable consumed
    variable stopping
    set wait 100
    set until [expr {[clock milliseconds] + 500}]
    for {set i 0} {$i < 1000 && [clock milliseconds] < $until} {incr i} {
	if {$most >= 0 && $consumed >= $most} {
	    set stopping 1
	    break
	}
	set message [$s consume $wait]
	set wait 0
	if {$message eq ""} {
	    break
	}
	Take $message
    }
    Look
    Flush
    Commit
    Look
    return
}

proc ::verifiable::Stop {} {
    variable stopping 1
    return
}

set m [verifiable::master {*}[verifiable::Settings]]
set verifiable::s [$m subscriber #auto]
verifiable::event startup_complete
verifiable::onStop ::verifiable::Stop
$verifiable::s subscribe [verifiable::option --topic]
while {!$verifiable::stopping} {
    verifiable::Turn
    update
}
verifiable::Look
verifiable::Flush
verifiable::Commit
$verifiable::s delete
if {[llength $verifiable::owned]} {
    verifiable::event partitions_revoked \
	    partitions [verifiable::Places $verifiable::owned]
}
verifiable::event shutdown_complete
exit 0
