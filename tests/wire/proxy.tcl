# proxy.tcl --
#
#	A TCP proxy that misbehaves, between a Kafka client and brokers: one
#	listening port for each broker.  It knows frames (a length, and in a reply
#	the correlation id of its request), so that it can hurt a reply of one kind.
#	A library to source, and a program with the embedded cluster inside.  It
#	must not leave this machine, must not change what a client asks (the embedded
#	cluster is not what is tested), and must not run in the client's process:
#	a hang there could not be seen.  For tclsh 8.6 and 9.
#
#	proxy::listen host port		a port in front of that broker; returned
#	proxy::wild seed class count	from now on each connection is hurt in a way
#			drawn from the seed and its number; class is rough (the
#			network is bad), lying (what passes is wrong) or all.  After
#			count connections calm comes by itself; a count of 0: never
#	proxy::calm	cuts all connections; new ones pass untouched
#	proxy::aim verb ?-api key? ?-after n? ?-count n?	the next count
#			connections get this verb at the n-th reply (of that kind)
#	proxy::counts	how often each verb was done, a dictionary
#	proxy::shut	closes everything
#
#	tclsh proxy.tcl -brokers n
#
#	starts an embedded cluster of n brokers that name the proxy's ports as their
#	addresses, prints `ready host:port,...`, and takes commands on its standard
#	input, a line each: those above without their namespace, and `cluster word
#	...` for the cluster.  Each is answered with a line, `ok result` or `error
#	message`; `calm verb n ...` is printed when calm comes.  The program ends
#	with its standard input.

namespace eval ::proxy {
    # What can be done.  These happen to a connection as a whole ...
    variable atStart {refuse mute resetaccept}
    # ... these are what a bad network does ...
    variable rough {cut midcut reset delay split drip drop hole halfopen}
    # ... and these are what no honest broker would send.
    variable lying {repeat stray swap flip field length truncate correlation}
    # Connections by number: conn(id,what).
    variable conn
    array set conn {}
    # Listening ports: port(n,what).
    variable port
    array set port {}
    variable open {}
    variable serial 0
    # The mode.
    variable mode calm
    variable seed 1
    variable class all
    variable limit 0
    variable number 0
    variable aimed {}
    variable done {}
    # Where it listens.  On Linux all of 127 is this machine, so nobody else can
    # take a port that refuses for a while: a client would talk to a stranger.
    variable address 127.0.0.1
    if {$::tcl_platform(os) eq "Linux"} {
	set address 127.[expr {1 + ([pid] >> 14) % 250}].[expr {([pid] >> 7)
		& 127}].[expr {1 + ([pid] & 127)}]
    }
    # Called when calm comes by itself.
    variable whenCalm ""
}

# proxy::Random --
#
#	A number below n, from the connection's own chance: what happens to a
#	connection depends on the seed and its number alone, not on the others.

proc ::proxy::Random {id n} {
    variable conn
    set conn($id,chance) [expr {($conn($id,chance) * 6364136223846793005
	    + 1442695040888963407) & 0xffffffffffffffff}]
    return [expr {($conn($id,chance) >> 33) % $n}]
}

proc ::proxy::Pick {id list} {
    return [lindex $list [Random $id [llength $list]]]
}

# proxy::listen --
#
#	A port in front of a broker.

proc ::proxy::listen {host brokerPort} {
    variable port
    variable address
    set n [array size port]
    set channel [socket -server [list ::proxy::Accept $n] -myaddr $address 0]
    set port($n,channel) $channel
    set port($n,target) [list $host $brokerPort]
    set port($n,number) [lindex [fconfigure $channel -sockname] 2]
    return $port($n,number)
}

# proxy::Again --
#
#	Listens again at a port that refused for a while.

proc ::proxy::Again {n} {
    variable port
    variable address
    if {![info exists port($n,target)] || $port($n,channel) ne ""} {
	return
    }
    if {[catch {
	set port($n,channel) [socket -server [list ::proxy::Accept $n] \
		-myaddr $address $port($n,number)]
    }]} {
	# An outgoing connection has it at the moment.
	after 50 [list ::proxy::Again $n]
    }
    return
}

proc ::proxy::wild {newSeed newClass count} {
    variable mode wild
    variable seed $newSeed
    variable class $newClass
    variable limit $count
    variable number 0
    variable done {}
    foreach id [Open] {
	Close $id
    }
    return
}

proc ::proxy::calm {} {
    variable mode calm
    variable port
    variable aimed {}
    foreach id [Open] {
	Close $id
    }
    foreach key [array names port *,channel] {
	if {$port($key) eq ""} {
	    Again [lindex [split $key ,] 0]
	}
    }
    return
}

proc ::proxy::aim {verb args} {
    variable aimed
    set options [dict merge {-api {} -after 1 -count 1} $args]
    if {[dict size $options] != 3} {
	return -code error "bad option: $args"
    }
    for {set i 0} {$i < [dict get $options -count]} {incr i} {
	lappend aimed [list $verb [dict get $options -api] \
		[dict get $options -after]]
    }
    return
}

proc ::proxy::counts {} {
    variable done
    return $done
}

proc ::proxy::shut {} {
    variable port
    foreach id [Open] {
	Close $id
    }
    foreach key [array names port *,channel] {
	if {$port($key) ne ""} {
	    close $port($key)
	}
    }
    array unset port
    return
}

proc ::proxy::Open {} {
    variable open
    return [dict keys $open]
}

# proxy::Accept --
#
#	A connection: what shall happen to it is decided here.

proc ::proxy::Accept {n channel args} {
    variable conn
    variable port
    variable open
    variable serial
    variable mode
    variable seed
    variable number
    variable limit
    variable aimed
    variable whenCalm
    set id [incr serial]
    dict set open $id 1
    array set conn [list $id,client $channel $id,broker "" $id,in "" $id,out "" \
	    $id,apis {} $id,seen 0 $id,verb "" $id,api "" $id,after 1 \
	    $id,delay 0 $id,piece 0 $id,pieces 0 $id,held "" $id,queue "" \
	    $id,timer "" $id,life "" $id,left -1 $id,stopped 0 $id,port $n \
	    $id,chance [expr {($seed * 1000003 + $number * 7919 + 12345)
		& 0xffffffffffffffff}]]
    fconfigure $channel -blocking 0 -translation binary -buffering none
    if {$mode eq "wild"} {
	incr number
	Fate $id
	if {$limit > 0 && $number >= $limit} {
	    # This one is hurt as well; the next is not.
	    after 500 [list ::proxy::Enough $serial]
	    set limit 0
	}
    } elseif {[llength $aimed]} {
	set aimed [lassign $aimed fate]
	lassign $fate conn($id,verb) conn($id,api) conn($id,after)
    }
    switch -- $conn($id,verb) {
	refuse {
	    Done $id
	    Close $id
	    if {$port($n,channel) ne ""} {
		close $port($n,channel)
		set port($n,channel) ""
		after [expr {50 + [Random0 $number 200]}] [list ::proxy::Again $n]
	    }
	    return
	}
	mute {
	    Done $id
	    After $id 700 [list ::proxy::Close $id]
	    return
	}
	resetaccept {
	    Done $id
	    # What was sent and not read makes the kernel answer with RST.
	    fileevent $channel readable [list ::proxy::Close $id]
	    After $id 700 [list ::proxy::Close $id]
	    return
	}
    }
    if {[catch {socket {*}$port($n,target)} broker]} {
	Close $id
	return
    }
    set conn($id,broker) $broker
    fconfigure $broker -blocking 0 -translation binary -buffering none
    Go $id
    return
}

proc ::proxy::Random0 {number n} {
    variable seed
    return [expr {($seed * 31 + $number * 17) % $n}]
}

# proxy::Enough --
#
#	Calm comes by itself, and whoever wants to know is told.

proc ::proxy::Enough {args} {
    variable mode
    variable whenCalm
    if {$mode eq "wild"} {
	calm
	if {$whenCalm ne ""} {
	    uplevel #0 $whenCalm
	}
    }
    return
}

# proxy::Fate --
#
#	Draws what happens to a connection, and when.

proc ::proxy::Fate {id} {
    variable conn
    variable class
    variable atStart
    variable rough
    variable lying
    # The first steps of a generator are too much alike for seeds that are near.
    Random $id 2
    Random $id 2
    set chance [Random $id 100]
    if {$chance < 5} {
	# Passes, until its life is over.
	set verb ""
    } elseif {$chance < 15} {
	set verb [Pick $id $atStart]
    } else {
	switch -- $class {
	    rough { set verb [Pick $id $rough] }
	    lying {
		# Lies most of the time, or the two classes would differ little.
		set verb [Pick $id [concat $lying $lying $rough]]
	    }
	    default { set verb [Pick $id [concat $lying $rough]] }
	}
    }
    set conn($id,verb) $verb
    set conn($id,after) [expr {1 + [Random $id 8]}]
    if {[Random $id 100] < 40} {
	# Produce Fetch ListOffsets Metadata OffsetCommit OffsetFetch
	# FindCoordinator ApiVersions InitProducerId ConsumerGroupHeartbeat
	set conn($id,api) [Pick $id {0 1 2 3 8 9 10 18 22 68}]
	set conn($id,after) [expr {1 + [Random $id 2]}]
    }
    # None lives long, whatever happens.
    set conn($id,left) [expr {4 + [Random $id 12]}]
    set conn($id,life) [after [expr {300 + [Random $id 900]}] \
	    [list ::proxy::Close $id]]
    return
}

# proxy::Done --
#
#	Counts a verb that was done.

proc ::proxy::Done {id} {
    variable conn
    variable done
    dict incr done $conn($id,verb)
    return
}

proc ::proxy::After {id ms script} {
    variable conn
    after cancel $conn($id,timer)
    set conn($id,timer) [after $ms $script]
    return
}

# proxy::Go, proxy::Stop --
#
#	Reads from both sides; reads no more.

proc ::proxy::Go {id} {
    variable conn
    if {![info exists conn($id,client)]} {
	return
    }
    set conn($id,stopped) 0
    fileevent $conn($id,client) readable [list ::proxy::FromClient $id]
    fileevent $conn($id,broker) readable [list ::proxy::FromBroker $id]
    Drain $id
    return
}

proc ::proxy::Stop {id} {
    variable conn
    set conn($id,stopped) 1
    fileevent $conn($id,client) readable {}
    fileevent $conn($id,broker) readable {}
    return
}

# proxy::Close --
#
#	The end of a connection.

proc ::proxy::Close {id} {
    variable conn
    variable open
    if {![info exists conn($id,client)]} {
	return
    }
    after cancel $conn($id,timer)
    after cancel $conn($id,life)
    foreach side {client broker} {
	if {$conn($id,$side) ne ""} {
	    catch {close $conn($id,$side)}
	}
    }
    array unset conn $id,*
    dict unset open $id
    return
}

# proxy::FromClient --
#
#	Passes requests on as they are, and remembers of what kind they were.

proc ::proxy::FromClient {id} {
    variable conn
    if {[catch {read $conn($id,client) 65536} bytes] || ($bytes eq ""
	    && [eof $conn($id,client)])} {
	Close $id
	return
    }
    append conn($id,in) $bytes
    while {[string length $conn($id,in)] >= 4} {
	binary scan $conn($id,in) I length
	if {[string length $conn($id,in)] < $length + 4} {
	    break
	}
	binary scan $conn($id,in) x4Sx2I api correlation
	dict set conn($id,apis) $correlation $api
	set conn($id,in) [string range $conn($id,in) [expr {$length + 4}] end]
    }
    if {[catch {puts -nonewline $conn($id,broker) $bytes}]} {
	Close $id
    }
    return
}

# proxy::FromBroker --
#
#	Takes replies apart.

proc ::proxy::FromBroker {id} {
    variable conn
    if {[catch {read $conn($id,broker) 262144} bytes] || ($bytes eq ""
	    && [eof $conn($id,broker)])} {
	Close $id
	return
    }
    append conn($id,out) $bytes
    Drain $id
    return
}

proc ::proxy::Drain {id} {
    variable conn
    while {[info exists conn($id,out)] && !$conn($id,stopped)
	    && [string length $conn($id,out)] >= 8} {
	binary scan $conn($id,out) II length correlation
	if {[string length $conn($id,out)] < $length + 4} {
	    return
	}
	set frame [string range $conn($id,out) 0 [expr {$length + 3}]]
	set conn($id,out) [string range $conn($id,out) [expr {$length + 4}] end]
	set api -1
	if {[dict exists $conn($id,apis) $correlation]} {
	    set api [dict get $conn($id,apis) $correlation]
	    dict unset conn($id,apis) $correlation
	}
	Reply $id $frame $api
    }
    return
}

# proxy::Reply --
#
#	A whole reply: passes it on, or does the verb if this is its turn.

proc ::proxy::Reply {id frame api} {
    variable conn
    variable lying
    if {$conn($id,left) == 0} {
	Close $id
	return
    }
    incr conn($id,left) -1
    set held $conn($id,held)
    set conn($id,held) ""
    set turn 0
    if {$conn($id,verb) ne "" && $conn($id,after) > 0
	    && $conn($id,api) in [list "" $api]} {
	set turn [expr {[incr conn($id,after) -1] == 0}]
    }
    if {!$turn} {
	Send $id $frame$held
	return
    }
    Done $id
    switch -- $conn($id,verb) {
	cut { Close $id }
	midcut {
	    Send $id [string range $frame 0 [Random $id [string length $frame]]]
	    Close $id
	}
	reset {
	    # What was sent and not read makes the kernel answer with RST.
	    fileevent $conn($id,broker) readable {}
	    fileevent $conn($id,client) readable [list ::proxy::Close $id]
	    Send $id $frame
	    After $id 300 [list ::proxy::Close $id]
	}
	delay {
	    set conn($id,delay) [expr {10 + [Random $id 200]}]
	    Send $id $frame
	}
	split {
	    set conn($id,piece) [expr {1 + [Random $id 7]}]
	    set conn($id,pieces) 200
	    Send $id $frame
	}
	drip {
	    set conn($id,piece) 1
	    set conn($id,pieces) 60
	    set conn($id,delay) 10
	    Send $id $frame
	}
	hole {
	    Send $id $frame
	    Stop $id
	    After $id [expr {50 + [Random $id 800]}] [list ::proxy::Go $id]
	}
	halfopen {
	    fileevent $conn($id,client) readable {}
	    Send $id $frame
	    After $id [expr {100 + [Random $id 800]}] [list ::proxy::Close $id]
	}
	drop { }
	repeat { Send $id $frame$frame }
	swap {
	    set conn($id,held) $frame
	    After $id 200 [list ::proxy::Unhold $id]
	}
	stray {
	    Send $id [binary format Ia* [expr {[string length $frame] - 4}] \
		    [binary format Ia* 0x7ffffff0 [string range $frame 8 end]]]
	    Send $id $frame
	}
	default { Send $id [Spoil $id $frame $api] }
    }
    return
}

proc ::proxy::Unhold {id} {
    variable conn
    if {[info exists conn($id,held)] && $conn($id,held) ne ""} {
	set frame $conn($id,held)
	set conn($id,held) ""
	Send $id $frame
    }
    return
}

# proxy::Spoil --
#
#	A frame with its bytes changed.  Some things stay: addresses, for a client
#	that is sent to another one might leave this machine; replies to Produce, of
#	which only the length is forged, for an acknowledgement must be a true one,
#	or nobody could say what was lost; and what is known to kill librdkafka
#	(known.tcl has the list, fake.tcl the proofs, place by place): Metadata and
#	Fetch, which are only truncated, Fetch well before the tags of a partition;
#	the count in ApiVersions; and the versions of Produce, Fetch and
#	ConsumerGroupHeartbeat there, for the embedded cluster keeps old formats as
#	they come, and asserts at an old heartbeat.

proc ::proxy::Spoil {id frame api} {
    variable conn
    set size [string length $frame]
    set kept [Kept $frame $api]
    if {$api == 0} {
	set conn($id,verb) length
    } elseif {$api in {1 3} && $conn($id,verb) in {flip field}} {
	set conn($id,verb) truncate
    }
    switch -- $conn($id,verb) {
	flip {
	    set n [Pick $id {1 1 2 5 20}]
	    for {set i 0} {$i < $n} {incr i} {
		set at [expr {8 + [Random $id [expr {max(1, $size - 8)}]]}]
		if {$at < $size && ![dict exists $kept $at]} {
		    binary scan [string index $frame $at] cu byte
		    set frame [string replace $frame $at $at [binary format c \
			    [expr {$byte ^ (1 << [Random $id 8])}]]]
		}
	    }
	}
	field {
	    set bytes [Pick $id [list \xff\xff\xff\xff \x7f\xff\xff\xff \
		    \0\0\0\0 \x80\0\0\0 \xff\xff \x7f\xff \0\0 \0 \xff \x80 \1]]
	    set at [expr {8 + [Random $id [expr {max(1, $size - 8)}]]}]
	    set end [expr {$at + [string length $bytes] - 1}]
	    for {set i $at} {$i <= $end} {incr i} {
		if {$i >= $size || [dict exists $kept $i]} {
		    return $frame
		}
	    }
	    set frame [string replace $frame $at $end $bytes]
	}
	length {
	    set length [Pick $id [list -1 0 1 3 4 [expr {$size - 5}] \
		    [expr {$size - 3}] [expr {$size * 2}] 100000000 \
		    0x7fffffff 0x80000000]]
	    # No more than that, and nothing after it: what follows would be taken
	    # for frames, and might be taken for an answer to Produce.
	    set frame [binary format I $length][string range $frame 4 \
		    [expr {$length > 0 && $length < $size ? $length + 3 : $size - 1}]]
	    if {$length <= 0} {
		set frame [string range $frame 0 3]
	    }
	    Stop $id
	    After $id 150 [list ::proxy::Close $id]
	}
	truncate {
	    set room [expr {$api == 1 ? 40 : max(1, $size - 20)}]
	    set length [expr {min($size - 4, 4 + [Random $id $room])}]
	    set frame [binary format I $length][string range $frame 4 \
		    [expr {$length + 3}]]
	}
	correlation {
	    binary scan $frame x4I correlation
	    # Of no request under way: it must not be taken for Metadata.
	    set frame [string replace $frame 4 7 [binary format I \
		    [expr {$correlation + [Pick $id {100000 0x7fffffff}]}]]]
	}
	default {
	    return -code error "bad verb \"$conn($id,verb)\""
	}
    }
    return $frame
}

# proxy::Kept --
#
#	The places in a frame that must stay.

proc ::proxy::Kept {frame api} {
    variable address
    set kept {}
    if {$api == 18} {
	# The code of the error, the count, of each entry its kind.
	set kept [Range $kept 8 13]
	for {set at 14} {$at + 6 <= [string length $frame]} {incr at 6} {
	    binary scan $frame @${at}Su kind
	    set kept [Range $kept $at [expr {$at + ($kind in {0 1 68} ? 5 : 1)}]]
	}
    }
    set from 0
    while {[set at [string first $address $frame $from]] >= 0} {
	set from [expr {$at + [string length $address]}]
	# With the length before it, and the port.
	set kept [Range $kept [expr {$at - 2}] [expr {$from + 3}]]
    }
    return $kept
}

proc ::proxy::Range {kept first last} {
    for {set i $first} {$i <= $last} {incr i} {
	dict set kept $i 1
    }
    return $kept
}

# proxy::Send --
#
#	Passes bytes to the client, at once or slowly.

proc ::proxy::Send {id bytes} {
    variable conn
    if {$conn($id,delay) == 0 && $conn($id,piece) == 0
	    && $conn($id,queue) eq ""} {
	if {[catch {puts -nonewline $conn($id,client) $bytes}]} {
	    Close $id
	}
	return
    }
    set idle [expr {$conn($id,queue) eq ""}]
    append conn($id,queue) $bytes
    if {$idle} {
	after $conn($id,delay) [list ::proxy::Pump $id]
    }
    return
}

proc ::proxy::Pump {id} {
    variable conn
    if {![info exists conn($id,queue)]} {
	return
    }
    set bytes $conn($id,queue)
    set conn($id,queue) ""
    if {$conn($id,piece) > 0} {
	if {[incr conn($id,pieces) -1] < 0} {
	    # Enough of that; the rest at once.
	    set conn($id,piece) 0
	    set conn($id,delay) 0
	} else {
	    set conn($id,queue) [string range $bytes $conn($id,piece) end]
	    set bytes [string range $bytes 0 [expr {$conn($id,piece) - 1}]]
	}
    }
    if {[catch {puts -nonewline $conn($id,client) $bytes}]} {
	Close $id
	return
    }
    if {$conn($id,queue) ne ""} {
	after [expr {max(1, $conn($id,delay))}] [list ::proxy::Pump $id]
    }
    return
}

# proxy::Command --
#
#	Reads a command from the standard input.

proc ::proxy::Command {} {
    if {[gets stdin line] < 0} {
	if {[eof stdin]} {
	    exit 0
	}
	return
    }
    set words [lassign $line verb]
    if {[catch {
	switch -- $verb {
	    wild - calm - aim - counts - listen { $verb {*}$words }
	    cluster { ::proxy::cluster {*}$words }
	    default { return -code error "bad command \"$verb\"" }
	}
    } result]} {
	set result "error $result"
    } else {
	set result "ok $result"
    }
    puts [string map {\n { }} $result]
    return
}

# proxy::Main --

proc ::proxy::Main {words} {
    variable whenCalm
    set options [dict merge {-brokers 3} $words]
    if {[dict size $options] != 1} {
	puts stderr "usage: proxy.tcl -brokers n"
	exit 2
    }
    # Where [make] leaves the package, after all places that were named.
    lappend ::auto_path [file join [file dirname [file dirname [file dirname \
	    [file normalize [info script]]]]] build]
    package require kafka
    kafka::kafka mock create ::proxy::cluster -brokers [dict get $options -brokers]
    set id 0
    set servers {}
    variable address
    foreach broker [split [::proxy::cluster bootstrap_servers] ,] {
	set number [listen {*}[split $broker :]]
	::proxy::cluster broker_set_host_port [incr id] $address $number
	lappend servers $address:$number
    }
    fconfigure stdout -buffering line
    fconfigure stdin -blocking 0
    fileevent stdin readable ::proxy::Command
    set whenCalm {puts "calm [::proxy::counts]"}
    puts "ready [join $servers ,]"
    vwait ::proxy::never
    return
}

if {[info exists ::argv0] && [file normalize [info script]] eq [file normalize $::argv0]} {
    ::proxy::Main $::argv
}
