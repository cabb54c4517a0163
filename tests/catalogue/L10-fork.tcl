# row: L10
# demands: in a forked child every call of an inherited object is an error, the child ends at once, and the parent goes on
# needs: cc linux mock

source [file join [file dirname [info script]] case.tcl]

# Plain Tcl cannot fork; a library of a few lines can.
set forker [compile {
    #include <unistd.h>
    /* Called by [load]; 0 is TCL_OK. Who is the child is told by [pid]. */
    int Forker_Init(void *interp) { (void)interp; return fork() < 0; }
}]

set topic [newTopic fork]
produceN $topic 3
set parent [pid]
set master [master #auto group.id [unique fork] linger.ms 0]
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
set consumer [$master consumer_creator #auto]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
$in start 0 beginning
$member subscribe $topic
until {[llength [$member assignment]]}
$out produce 0 before

load $forker Forker
if {[pid] != $parent} {
    # The child: what it finds is told by a file.
    set chan [open child w]
    foreach {object calls} [list \
	    $out {{produce 0 x} {info partitions}} $producer {{flush 1000} {info topics} {poll 0}} \
	    $in {{consume 0 100 row} {stop 0} {start 1 beginning}} $queue {{consume 100 row}} \
	    $member {{consume 100} {commit} {assignment} {unsubscribe}}] {
	foreach call $calls {
	    if {![catch {within 2000 {$object {*}$call}} message options]} {
		puts $chan "$call is no error"
	    } elseif {![string match "KAFKA RD_KAFKA_RESP_ERR_*" [dict get $options -errorcode]]} {
		puts $chan "$call: $message"
	    }
	}
    }
    foreach object [list $member $in $queue $out $consumer $producer $master] {
	if {[catch {within 2000 {$object delete}} message]} {
	    puts $chan "delete: $message"
	}
    }
    puts $chan "end [pid]"
    close $chan
    leave
}
until {[file exists child] && [file size child]}
set chan [open child]
set told [string trim [read $chan]]
close $chan
matches $told {end [0-9]*}
# It ends as well: nobody waits for it, so its last state stays.
proc state {pid} {
    set chan [open /proc/$pid/stat]
    set line [read $chan]
    close $chan
    return [string index $line [string last ) $line]+2]
}
until {[state [lindex $told 1]] eq "Z"}
# All goes on here.
$out produce 0 after
same [$producer flush 10000] 0
set seen {}
until {[$in consume_batch 0 100 10 row {lappend seen $row(payload)}] >= 0 && "after" in $seen}
held
