# common.tcl --
#
#	What every test file begins with: tcltest, the package, the cluster under
#	test and a few helpers.  It must not hold tests of its own but the last
#	one of each file, and it must not start anything before a test asks.
#
#	The cluster is the embedded one, one for each file.  With the environment
#	variable KAFKATCL_BROKERS it is a real one: a bootstrap list.  Topics get
#	names that no other run has used.
#
#	A test file looks like this:
#
#	    source [file join [file dirname [info script]] common.tcl]
#	    namespace eval ::kafkatest::master {
#	        namespace import ::kafkatest::*
#	        test master-config-1.1 {...} -body {...} -result ...
#	        finish master
#	    }
#
#	test		tcltest's, and the objects and variables that a test leaves are
#			deleted after it
#	finish file	deletes all, checks that nothing lives, prints the totals
#	bootstrap	the addresses of the cluster; the embedded one starts now
#	cluster		the command of the embedded cluster
#	master ?name? ?key value ...?		a master with the cluster's addresses
#	newTopic base ?partitions? ?replicas?	makes a topic, returns its name
#	unique base	a name that was never used
#	producer	a producer handle of the helpers, kept until the end
#	produceN topic n ?-option value ...?	sends n messages, returns payloads
#	collect topic n ?-option value ...?	reads n messages
#	waitFor condition ?limit?	serves events until it is true; an error if not
#	settle ms	serves events for a while, to see that nothing happens
#	errorOf script	the message and the errorCode of an error, as a list
#	runScript script ?-option value ...?	runs it in a process of its own
#
#	Constraints: mock real tcl86 tcl9 thread newGroups.

package require tcltest 2.3
if {[info exists ::env(KAFKATCL_TEST_DEBUG)]} {
    puts stderr "common.tcl: Tcl [info patchlevel]"
}

namespace eval ::kafkatest {
    namespace export test finish bootstrap cluster master newTopic unique \
	    producer produceN collect waitFor settle errorOf runScript
    # Where the tests are.
    variable directory [file dirname [file normalize [info script]]]
    # The cluster under test: addresses, and the command of the embedded one.
    variable servers ""
    variable mockCommand ""
    # What the helpers have made for themselves.
    variable helperMaster ""
    variable helperProducer ""
    variable helperTopics [dict create]
    # For names that were never used.
    variable serial 0
    variable stamp [format %x [expr {[clock microseconds] & 0xffffffffff}]]-[pid]
    # Why a test is skipped.
    variable reasons {
	mock {needs the embedded cluster, and KAFKATCL_BROKERS names another}
	real {needs a real cluster: set KAFKATCL_BROKERS to its addresses}
	tcl86 {is about Tcl 8.6}
	tcl9 {is about Tcl 9}
	thread {needs the package Thread, which this Tcl does not find}
	devFull {needs the device /dev/full}
	newGroups {needs the new group protocol as Kafka 4.0 has it: older brokers have a preview}
    }
    # The commands that are there before the first test.
    variable atStart {}
}

# The defaults; words of the command line come later and win.
::tcltest::configure -verbose {body error}
if {[info exists ::argv]} {
    ::tcltest::configure {*}$::argv
}

::tcltest::testConstraint real [expr {
    [info exists ::env(KAFKATCL_BROKERS)] && $::env(KAFKATCL_BROKERS) ne ""
}]
::tcltest::testConstraint mock [expr {![::tcltest::testConstraint real]}]
::tcltest::testConstraint tcl86 [package vsatisfies [info tclversion] 8.6]
::tcltest::testConstraint tcl9 [package vsatisfies [info tclversion] 9.0-]
::tcltest::testConstraint thread [expr {![catch {package require Thread}]}]

package require kafka

# ::kafkatest::Objects --
#
#	The full names of all commands that may be objects of the package: made
#	in C, in the global namespace or in those of the package and of a test.

proc ::kafkatest::Objects {} {
    set found {}
    set spaces [list {} ::kafka {*}[Below ::kafka] ::probe {*}[Below ::probe]]
    foreach space $spaces {
	if {$space ne "" && ![namespace exists $space]} {
	    continue
	}
	foreach command [info commands ${space}::*] {
	    # The name of an object may hold any character.
	    if {![dict exists $found $command]} {
		dict set found $command 1
	    }
	}
    }
    return [dict keys $found]
}

proc ::kafkatest::Below {space} {
    set all {}
    if {[namespace exists $space]} {
	foreach child [namespace children $space] {
	    lappend all $child {*}[Below $child]
	}
    }
    return $all
}

# ::kafkatest::IsObject --
#
#	Is this command an object of the package, other than the root command?

proc ::kafkatest::IsObject {command} {
    if {[string trimleft $command :] eq "kafka::kafka"} {
	return 0
    }
    if {[llength [info procs [string map {\\ \\\\ * \\* ? \\? \[ \\\[ \] \\\]} \
	    $command]]]} {
	return 0
    }
    if {[namespace ensemble exists $command]} {
	return 0
    }
    if {[catch {$command help} text]} {
	return 0
    }
    return [expr {"delete" in [split $text \n]}]
}

# ::kafkatest::Sweep --
#
#	Deletes the objects that were not there before.  The order is that of a
#	hash table: no order may matter.

proc ::kafkatest::Sweep {before} {
    set known [dict create]
    foreach command $before {
	dict set known $command 1
    }
    foreach command [Objects] {
	if {![dict exists $known $command] && ![Ours $command]
		&& [IsObject $command]} {
	    catch {$command delete}
	}
    }
}

# ::kafkatest::Ours --
#
#	Does this command belong to the helpers?

proc ::kafkatest::Ours {command} {
    variable mockCommand
    variable helperMaster
    variable helperProducer
    variable helperTopics
    return [expr {$command in [list $mockCommand $helperMaster $helperProducer \
	    {*}[dict values $helperTopics]]}]
}

set ::kafkatest::atStart [::kafkatest::Objects]

# ::kafkatest::test --
#
#	tcltest's test.  Objects and variables that the test leaves in its
#	namespace are deleted.  A test that was not asked for (-match, -skip) is not counted as skipped; one whose
#	constraints do not hold says why.

proc ::kafkatest::test {name description args} {
    if {![Wanted $name]} {
	return
    }
    set at [lsearch -exact $args -constraints]
    if {$at >= 0} {
	Reasons $name [lindex $args [expr {$at + 1}]]
    }
    set before [Objects]
    set space [uplevel 1 {namespace current}]
    set variables [info vars ${space}::*]
    try {
	uplevel 1 [list ::tcltest::test $name $description {*}$args]
    } finally {
	Sweep $before
	foreach variable [info vars ${space}::*] {
	    if {$variable ni $variables} {
		unset -nocomplain $variable
	    }
	}
    }
    if {[info exists ::env(KAFKATCL_TEST_DEBUG)]} {
	puts stderr "$name: [kafka::kafka live]"
    }
    return
}

# ::kafkatest::Wanted --
#
#	Do -match and -skip of the command line let this test run?

proc ::kafkatest::Wanted {name} {
    set wanted 0
    foreach pattern [::tcltest::configure -match] {
	if {[string match $pattern $name]} {
	    set wanted 1
	}
    }
    foreach pattern [::tcltest::configure -skip] {
	if {[string match $pattern $name]} {
	    set wanted 0
	}
    }
    return $wanted
}

# ::kafkatest::Reasons --
#
#	Says why a test is going to be skipped.

proc ::kafkatest::Reasons {name constraints} {
    variable reasons
    foreach constraint $constraints {
	if {![string is alnum -strict $constraint]
		|| [::tcltest::testConstraint $constraint]} {
	    continue
	}
	set why "does not hold: $constraint"
	if {[dict exists $reasons $constraint]} {
	    set why [dict get $reasons $constraint]
	}
	puts [::tcltest::outputChannel] "skipped $name: $why"
	return
    }
}

# ::kafkatest::finish --
#
#	The end of a test file: deletes what is left, then nothing of the
#	package may live, in C and in Tcl; then come the totals.

proc ::kafkatest::finish {file} {
    variable atStart
    variable mockCommand
    variable helperMaster
    variable helperProducer
    variable helperTopics
    set helperTopics [dict create]
    set helperProducer ""
    set helperMaster ""
    set mockCommand ""
    Sweep $atStart
    if {[Wanted $file-ledger-1.0]} {
	::tcltest::test $file-ledger-1.0 {nothing lives after all was deleted} -body {
	    set limit [expr {[clock milliseconds] + 15000}]
	    while {[llength [kafka::kafka live]]
		    && [clock milliseconds] < $limit} {
		::kafkatest::settle 20
	    }
	    list [kafka::kafka live] [info commands ::kafka_*]
	} -result {{} {}}
    }
    ::tcltest::cleanupTests
}

# ::kafkatest::bootstrap, ::kafkatest::cluster --
#
#	The addresses of the cluster under test; the command of the embedded
#	one, which has three brokers.

proc ::kafkatest::bootstrap {} {
    variable servers
    variable mockCommand
    if {$servers eq ""} {
	if {[::tcltest::testConstraint real]} {
	    set servers $::env(KAFKATCL_BROKERS)
	} else {
	    set mockCommand [kafka::kafka mock create ::kafkatestCluster -brokers 3]
	    set servers [$mockCommand bootstrap_servers]
	}
    }
    return $servers
}

proc ::kafkatest::cluster {} {
    variable mockCommand
    bootstrap
    if {$mockCommand eq ""} {
	return -code error "the cluster under test is not the embedded one"
    }
    return $mockCommand
}

# ::kafkatest::unique --
#
#	A name for a topic or a group that was never used.

proc ::kafkatest::unique {base} {
    variable serial
    variable stamp
    return $base-$stamp-[incr serial]
}

# ::kafkatest::master --
#
#	A master whose clients go to the cluster under test and log nothing.
#	Properties may follow.  Returns its name.

proc ::kafkatest::master {{name #auto} args} {
    set master [kafka::kafka create $name]
    $master logger none
    $master config bootstrap.servers [bootstrap] {*}$args
    return $master
}

# ::kafkatest::newTopic --
#
#	Makes a topic with exactly so many partitions.  Its name begins with the
#	word that is given and was never used; it is returned.

proc ::kafkatest::newTopic {base {partitions 1} {replicas 1}} {
    variable servers
    set name [unique $base]
    bootstrap
    if {[::tcltest::testConstraint real]} {
	CreateTopic $servers $name $partitions $replicas
    } else {
	[cluster] create_topic $name $partitions $replicas
    }
    # Known to one broker does not mean known to all of them.
    set limit [expr {[clock milliseconds] + 20000}]
    while 1 {
	if {[Everywhere $name $partitions]
		&& ![catch {[producer] info partitions $name} count]
		&& $count == $partitions} {
	    return $name
	}
	if {[clock milliseconds] > $limit} {
	    return -code error "topic $name does not appear everywhere"
	}
	settle 20
    }
}

# ::kafkatest::Everywhere --
#
#	Does each broker of a real cluster know the topic?

proc ::kafkatest::Everywhere {name partitions} {
    variable servers
    if {[::tcltest::testConstraint real]} {
	foreach address [split $servers ,] {
	    # One that cannot be reached cannot mislead a client.
	    if {![catch {KnowsTopic $address $name $partitions} knows] && !$knows} {
		return 0
	    }
	}
    }
    return 1
}

# ::kafkatest::CreateTopic --
#
#	Asks a real cluster for a topic, in Kafka's own protocol: the request
#	CreateTopics in version 2, which every broker since 1.0 understands.

proc ::kafkatest::CreateTopic {servers name partitions replicas} {
    set last "no address"
    foreach address [split $servers ,] {
	if {[catch {
	    set code [AskForTopic $address $name $partitions $replicas]
	} last]} {
	    continue
	}
	if {$code ni {0 36}} {
	    return -code error "topic $name was not made: error $code"
	}
	return
    }
    return -code error "topic $name was not made: $last"
}

proc ::kafkatest::AskForTopic {address name partitions replicas} {
    # Key 19 in version 2.
    set answer [Ask $address 19 2 [binary format I 1][Packed $name][binary \
	    format ISIIIc $partitions $replicas 0 0 20000 0]]
    # Delay, one topic: its name and the error.
    binary scan $answer IIS delay count length
    binary scan $answer @[expr {10 + $length}]S code
    return $code
}

# ::kafkatest::KnowsTopic --
#
#	Does the broker at this address itself know leaders of so many partitions?
#	(Metadata in version 1; a client asks any broker it likes.)

proc ::kafkatest::KnowsTopic {address name partitions} {
    set answer [Ask $address 3 1 [binary format I 1][Packed $name]]
    binary scan $answer I brokers
    set at 4
    for {set i 0} {$i < $brokers} {incr i} {
	# Number, host, port, rack (its length is -1 if there is none).
	binary scan $answer @[incr at 4]S length
	binary scan $answer @[incr at [expr {6 + $length}]]S length
	incr at [expr {2 + max(0, $length)}]
    }
    # The controller, one topic: error, name, internal or not, partitions.
    binary scan $answer @[incr at 8]SS error length
    binary scan $answer @[incr at [expr {5 + $length}]]I count
    if {$error != 0 || $count != $partitions} {
	return 0
    }
    incr at 4
    for {set i 0} {$i < $count} {incr i} {
	# Error, number, leader, replicas, those in sync.
	binary scan $answer @${at}SIII error partition leader replicas
	if {$leader < 0} {
	    return 0
	}
	binary scan $answer @[incr at [expr {14 + 4 * $replicas}]]I insync
	incr at [expr {4 + 4 * $insync}]
    }
    return 1
}

# ::kafkatest::Ask --
#
#	Sends one request to a broker on a connection of its own; returns the body
#	of the answer.

proc ::kafkatest::Ask {address key version body} {
    regexp {^(.*):(\d+)$} $address -> host port
    # A number to know the answer by, and who asks.
    set request [binary format SSI $key $version 7][Packed kafkatest]$body
    set channel [socket $host $port]
    try {
	fconfigure $channel -translation binary -buffering none
	puts -nonewline $channel [binary format I [string length $request]]$request
	flush $channel
	binary scan [read $channel 4] I size
	return [string range [read $channel $size] 4 end]
    } finally {
	close $channel
    }
}

# ::kafkatest::Supports --
#
#	Does one of these brokers know this version of this request?

proc ::kafkatest::Supports {servers key version} {
    foreach address [split $servers ,] {
	if {[catch {Ask $address 18 0 {}} answer]} {
	    continue
	}
	# An error, and triples: a key, its oldest and its newest version.
	binary scan $answer SIS* error count triples
	foreach {known oldest newest} $triples {
	    if {$known == $key} {
		return [expr {$version >= $oldest && $version <= $newest}]
	    }
	}
	break
    }
    return 0
}

# ::kafkatest::Packed --
#
#	A text as Kafka's protocol wants it.

proc ::kafkatest::Packed {text} {
    set bytes [encoding convertto utf-8 $text]
    return [binary format S [string length $bytes]]$bytes
}

# ConsumerGroupHeartbeat: version 0 is the preview.
::tcltest::testConstraint newGroups [expr {[::tcltest::testConstraint mock]
	|| [::kafkatest::Supports $::env(KAFKATCL_BROKERS) 68 1]}]

# ::kafkatest::producer --
#
#	The producer handle of the helpers.

proc ::kafkatest::producer {} {
    variable helperMaster
    variable helperProducer
    if {$helperProducer eq ""} {
	# A retry must not change the order of what a test has sent.
	set helperMaster [master ::kafkatestMaster enable.idempotence true]
	set helperProducer [$helperMaster producer_creator ::kafkatestProducer]
    }
    return $helperProducer
}

# ::kafkatest::produceN --
#
#	Sends n messages and waits until they are delivered.  Returns their
#	payloads: the prefix and 0, 1, 2, ...
#	-partition 0	where to
#	-prefix m	what the payloads begin with
#	-keys {}	a list of keys; the n'th message has the n'th one
#	-from 0		the first number

proc ::kafkatest::produceN {topic n args} {
    variable helperTopics
    set options [dict merge {-partition 0 -prefix m -keys {} -from 0} $args]
    if {[dict size $options] != 4} {
	return -code error "bad option: $args"
    }
    if {![dict exists $helperTopics $topic]} {
	dict set helperTopics $topic [[producer] new_topic \
		::kafkatestTopic[dict size $helperTopics] $topic]
    }
    set sender [dict get $helperTopics $topic]
    set payloads {}
    set rows {}
    for {set i 0} {$i < $n} {incr i} {
	set payload [dict get $options -prefix][expr {$i + [dict get $options -from]}]
	lappend payloads $payload
	if {$i < [llength [dict get $options -keys]]} {
	    lappend rows [list $payload [lindex [dict get $options -keys] $i]]
	} else {
	    lappend rows [list $payload]
	}
	if {[llength $rows] == 10000} {
	    $sender produce_batch [dict get $options -partition] $rows
	    set rows {}
	    [producer] flush 30000
	}
    }
    $sender produce_batch [dict get $options -partition] $rows
    set left [[producer] flush 30000]
    if {$left != 0} {
	return -code error "$left of $n messages were not delivered to $topic"
    }
    return $payloads
}

# ::kafkatest::collect --
#
#	Reads n messages of one partition from its beginning with a consumer of
#	its own.  Returns the payloads, or with -fields the values of these
#	fields of each message, a list for each; a field that is not there is
#	left out with its name: -fields * gives sorted names and values.
#	-partition 0	where from
#	-offset beginning
#	-limit 20000	how long it may take, in milliseconds; then it returns
#			what there is

proc ::kafkatest::collect {topic n args} {
    set options [dict merge \
	    {-partition 0 -offset beginning -limit 20000 -fields payload} $args]
    if {[dict size $options] != 4} {
	return -code error "bad option: $args"
    }
    set fields [dict get $options -fields]
    set partition [dict get $options -partition]
    set master [master]
    set handle [$master consumer_creator #auto]
    set consumer [$handle new_topic #auto $topic]
    set all {}
    try {
	$consumer start $partition [dict get $options -offset]
	set end [expr {[clock milliseconds] + [dict get $options -limit]}]
	while {[llength $all] < $n && [clock milliseconds] < $end} {
	    $consumer consume_batch $partition 200 [expr {$n - [llength $all]}] row {
		if {[info exists row(error)]} {
		    continue
		}
		if {$fields eq "payload"} {
		    lappend all $row(payload)
		} elseif {$fields eq "*"} {
		    set list {}
		    foreach name [lsort [array names row]] {
			lappend list $name $row($name)
		    }
		    lappend all $list
		} else {
		    set list {}
		    foreach name $fields {
			if {[info exists row($name)]} {
			    lappend list $row($name)
			}
		    }
		    lappend all $list
		}
	    }
	}
    } finally {
	$consumer delete
	$handle delete
	$master delete
    }
    return $all
}

# ::kafkatest::waitFor --
#
#	Serves the event loop until the condition, an expression in the caller's
#	scope, is true.  It is an error if it is not after the limit.

proc ::kafkatest::waitFor {condition {limit 20000}} {
    set end [expr {[clock milliseconds] + $limit}]
    set step 1
    while {![uplevel 1 [list ::expr $condition]]} {
	if {[clock milliseconds] >= $end} {
	    return -code error -errorcode {KAFKATEST TIMEOUT} \
		    "not true within $limit ms: [string trim $condition]"
	}
	settle $step
	set step [expr {min(20, $step * 2)}]
    }
    return
}

# ::kafkatest::settle --
#
#	Serves the event loop for so many milliseconds.

proc ::kafkatest::settle {ms} {
    variable settled
    # A name of its own: these waits can be nested.
    set name ::kafkatest::settled[incr settled]
    set timer [after $ms [list set $name 1]]
    vwait $name
    after cancel $timer
    unset -nocomplain $name
    return
}

# ::kafkatest::errorOf --
#
#	Runs a script in the caller's scope, which must fail: returns a list of
#	the message and the errorCode.  If it does not fail, that is an error.

proc ::kafkatest::errorOf {script} {
    set status [catch {uplevel 1 $script} result options]
    if {$status != 1} {
	return -code error "no error, but status $status and \"$result\""
    }
    return [list $result [dict get $options -errorcode]]
}

# ::kafkatest::runScript --
#
#	Runs a script in a process of its own, which finds the package as this
#	one does, and waits for its end.  Returns a dictionary: out, err, status
#	(the exit status, the name of a signal, or "killed" after the limit).
#	-limit 60000	after so many milliseconds it is killed
#	-input {}	its standard input
#	-args {}	its arguments
#	-hear {}	called with its process id and all that it has said so far,
#			each time it says something
#	-before {}	words of a command that runs the interpreter

proc ::kafkatest::runScript {script args} {
    variable running
    variable serial
    set options [dict merge \
	    {-limit 60000 -input {} -args {} -hear {} -before {}} $args]
    if {[dict size $options] != 5} {
	return -code error "bad option: $args"
    }
    set base [file join [::tcltest::temporaryDirectory] \
	    kafkatest[pid]-[incr serial]]
    set id $serial
    foreach {suffix text} [list tcl $script in [dict get $options -input]] {
	set channel [open $base.$suffix w]
	fconfigure $channel -encoding utf-8 -translation lf
	puts -nonewline $channel $text
	close $channel
    }
    set channel [open |[list {*}[dict get $options -before] \
	    [info nameofexecutable] -encoding utf-8 $base.tcl \
	    {*}[dict get $options -args] <$base.in 2>$base.err] r]
    set running($id,out) ""
    set running($id,hear) [dict get $options -hear]
    set running($id,done) 0
    fconfigure $channel -blocking 0 -encoding utf-8
    fileevent $channel readable [list ::kafkatest::Hear $id $channel]
    set timer [after [dict get $options -limit] \
	    [list set ::kafkatest::running($id,done) killed]]
    vwait ::kafkatest::running($id,done)
    after cancel $timer
    set status 0
    if {$running($id,done) eq "killed"} {
	foreach pid [pid $channel] {
	    catch {exec kill -9 $pid}
	}
	set status killed
    }
    fconfigure $channel -blocking 1
    if {[catch {close $channel} message details] && $status eq "0"} {
	set code [dict get $details -errorcode]
	switch -- [lindex $code 0] {
	    CHILDSTATUS - CHILDKILLED {
		set status [lindex $code 2]
	    }
	    default {
		set status $message
	    }
	}
    }
    set channel [open $base.err]
    fconfigure $channel -encoding utf-8
    set err [read $channel]
    close $channel
    set result [dict create out $running($id,out) err $err status $status]
    array unset running $id,*
    file delete $base.tcl $base.in $base.err
    return $result
}

proc ::kafkatest::Hear {id channel} {
    variable running
    append running($id,out) [read $channel]
    if {$running($id,hear) ne ""} {
	uplevel #0 $running($id,hear) [list [lindex [pid $channel] 0] $running($id,out)]
    }
    if {[eof $channel]} {
	fileevent $channel readable {}
	set running($id,done) 1
    }
}
