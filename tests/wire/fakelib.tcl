# fakelib.tcl --
#
#	A fake broker that answers as a broker of Kafka would, and knows each place
#	of its answers where a length or a count stands, so that exactly one thing
#	can be made wrong.  [source] it.  It must not judge, must not keep data, and
#	must not listen anywhere but on 127.0.0.1.  For tclsh 8.6 and 9.
#
#	fake::start	listens; returns host:port
#	fake::reply api	the body of a good answer; fake::places holds what may be
#			made wrong in it: a list of {offset kind}
#	fake::mutations api	a list of {name how data} for that answer
#	fake::load api mutations	the next answers of that kind; each is used
#			once, then the answers are good again
#	fake::left	how many wait
#	fake::batch rows ?-option value ...?	a batch of messages
#
#	Kinds of answers are numbers of Kafka's protocol: Produce 0, Fetch 1,
#	ListOffsets 2, Metadata 3, OffsetCommit 8, OffsetFetch 9, FindCoordinator
#	10, JoinGroup 11, Heartbeat 12, LeaveGroup 13, SyncGroup 14, SaslHandshake
#	17, ApiVersions 18, InitProducerId 22, SaslAuthenticate 36,
#	GetTelemetrySubscriptions 71.

namespace eval ::fake {
    # The newest version that is offered of each kind, and whether answers of
    # that version are flexible: compact arrays, and tags in the header.
    variable version
    array set version {0 10 1 16 2 7 3 12 8 7 9 7 10 2 11 5 12 3 13 1 14 3 17 1
	18 3 22 4 36 1 71 0}
    variable flexible {0 1 2 3 9 22 71}
    # Listening port, connections and what is left of their input.
    variable port 0
    variable listener ""
    variable input
    array set input {}
    # The answer that is made, and the places in it.
    variable out [binary format {}]
    variable places {}
    # Mutations to come, by kind; how often each kind was asked for.
    variable pending
    array set pending {}
    variable asked
    array set asked {}
    variable offset 0
    # What Fetch gives; a function of the client's nonce; the host in Metadata.
    variable records ""
    variable scram ""
    variable topics {t}
    # More brokers in Metadata, all of them here.
    variable brokers 1
    variable uuid \0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17
    variable telemetry 0
}

# ------------------------------------------------------------------ encoding

proc ::fake::i8 {n} { append ::fake::out [binary format c $n] }
proc ::fake::i16 {n} { append ::fake::out [binary format S $n] }
proc ::fake::i32 {n} { append ::fake::out [binary format I $n] }
proc ::fake::i64 {n} { append ::fake::out [binary format W $n] }
# Always bytes: on text each look at the length would count all characters.
proc ::fake::raw {bytes} { append ::fake::out [binary format a* $bytes] }

# fake::Place --
#
#	Here is a length or a count.

proc ::fake::Place {kind} {
    variable places
    variable out
    lappend places [list [string length $out] $kind]
    return
}

proc ::fake::varint {n} {
    set bytes ""
    while {$n > 127} {
	append bytes [binary format c [expr {($n & 127) | 128}]]
	set n [expr {$n >> 7}]
    }
    return $bytes[binary format c $n]
}

# Signed, as in records.
proc ::fake::zigzag {n} {
    return [varint [expr {$n < 0 ? -2 * $n - 1 : 2 * $n}]]
}

# With the length in front: of two bytes, of four, or of a varint with one added.
proc ::fake::str {s} { Place 2; i16 [string length $s]; raw $s }
proc ::fake::bytes {s} { Place 4; i32 [string length $s]; raw $s }
proc ::fake::cstr {s} { Place v; raw [varint [expr {[string length $s] + 1}]]; raw $s }
proc ::fake::null2 {} { Place 2; i16 -1 }
proc ::fake::nullc {} { Place v; raw \0 }
proc ::fake::arr {n} { Place 4; i32 $n }
proc ::fake::carr {n} { Place v; raw [varint [expr {$n + 1}]] }
proc ::fake::tags {} { Place t; raw \0 }

# ------------------------------------------------------------------- answers

proc ::fake::reply {api} {
    variable out [binary format {}]
    variable places {}
    variable flexible
    variable version
    variable port
    variable topics
    variable uuid
    variable records
    variable offset
    variable telemetry
    variable brokers
    if {$api in $flexible} {
	tags
    }
    switch -- $api {
	0 {
	    carr 1; cstr t; carr 1
	    i32 0; i16 0; i64 [incr offset]; i64 -1; i64 0
	    carr 0; nullc; tags; tags
	    i32 0; tags
	}
	1 {
	    i32 0; i16 0; i32 0
	    carr 1; raw $uuid; carr 1
	    i32 0; i16 0; i64 1; i64 1; i64 0
	    carr 0; i32 -1; cstr $records; tags; tags
	    tags
	}
	2 {
	    i32 0
	    carr 1; cstr t; carr 1
	    i32 0; i16 0; i64 -1; i64 0; i32 0; tags; tags
	    tags
	}
	3 {
	    i32 0
	    carr $brokers
	    for {set id 1} {$id <= $brokers} {incr id} {
		i32 $id; cstr 127.0.0.1; i32 $port; nullc; tags
	    }
	    cstr cluster; i32 1
	    carr [llength $topics]
	    foreach topic $topics {
		i16 0; cstr $topic; raw $uuid; i8 0; carr 1
		i16 0; i32 0; i32 1; i32 0; carr 1; i32 1; carr 1; i32 1; carr 0
		tags; i32 -2147483648; tags
	    }
	    tags
	}
	8 { i32 0; arr 1; str t; arr 1; i32 0; i16 0 }
	9 {
	    i32 0; carr 1; cstr t; carr 1
	    i32 0; i64 0; i32 -1; nullc; i16 0; tags; tags
	    i16 0; tags
	}
	10 { i32 0; i16 0; null2; i32 1; str 127.0.0.1; i32 $port }
	11 {
	    i32 0; i16 0; i32 1; str range; str m1; str m1
	    arr 1; str m1; null2; bytes [binary format SISa1I 0 1 1 t -1]
	}
	12 - 13 { i32 0; i16 0 }
	14 { i32 0; i16 0; bytes [binary format SISa1III 0 1 1 t 1 0 -1] }
	17 { i16 0; arr 2; str PLAIN; str SCRAM-SHA-256 }
	18 {
	    set kinds [lsort -integer [array names version]]
	    if {!$telemetry} {
		set kinds [lsearch -all -inline -not $kinds 71]
	    }
	    i16 0; carr [llength $kinds]
	    foreach kind $kinds { i16 $kind; i16 0; i16 $version($kind); tags }
	    i32 0; tags
	}
	22 { i32 0; i16 0; i64 7; i16 0; tags }
	36 { i16 0; null2; bytes ""; i64 0 }
	71 {
	    i32 0; i16 0; raw $uuid; i32 1
	    carr 1; i8 0; i32 1000; i32 1000; i8 0; carr 1; cstr ""; tags
	}
	default { return -code error "no answer of kind $api" }
    }
    return $out
}

# fake::batch --
#
#	A batch of version 2 with these rows {key value}.  Options make one thing
#	wrong: each is the value of a field instead of the right one.

proc ::fake::batch {rows args} {
    set o [dict merge [dict create -base 0 -length {} -magic 2 -crc {} -attributes 0 \
	    -delta {} -first 1000 -max 1000 -pid -1 -epoch -1 -sequence -1 \
	    -count {} -records {}] $args]
    set records ""
    set n 0
    foreach row $rows {
	lassign $row key value
	set body \0[zigzag 0][zigzag $n][zigzag [string length $key]]$key
	append body [zigzag [string length $value]]$value[zigzag 0]
	append records [zigzag [string length $body]]$body
	incr n
    }
    if {[dict get $o -records] ne ""} {
	set records [dict get $o -records]
    }
    set length [expr {49 + [string length $records]}]
    foreach {option value} [list -length $length -delta [expr {$n - 1}] -count $n] {
	if {[dict get $o $option] eq ""} {
	    dict set o $option $value
	}
    }
    dict with o {}
    set rest [binary format SIWWWSIIa* ${-attributes} ${-delta} ${-first} ${-max} \
	    ${-pid} ${-epoch} ${-sequence} ${-count} $records]
    if {${-crc} eq ""} {
	set -crc [crc32c $rest]
    }
    return [binary format WIIcIa* ${-base} ${-length} 0 ${-magic} ${-crc} $rest]
}

# fake::crc32c --
#
#	Castagnoli's checksum, bit by bit: for short messages.

proc ::fake::crc32c {bytes} {
    set crc 0xffffffff
    binary scan $bytes cu* list
    foreach byte $list {
	set crc [expr {$crc ^ $byte}]
	for {set i 0} {$i < 8} {incr i} {
	    set crc [expr {($crc >> 1) ^ (($crc & 1) ? 0x82f63b78 : 0)}]
	}
    }
    return [expr {$crc ^ 0xffffffff}]
}

# ----------------------------------------------------------------- mutations

# fake::mutations --
#
#	Everything that is tried with the answer of one kind: each place with each
#	bad value, and the answer cut at each byte.

proc ::fake::mutations {api} {
    variable places
    set body [reply $api]
    set all {}
    foreach place $places {
	lassign $place at kind
	foreach {name bytes} [Values $body $at $kind] {
	    set width [Width $body $at $kind]
	    lappend all [list "place $at $kind $name" body [string replace $body \
		    $at [expr {$at + $width - 1}] $bytes]]
	}
    }
    for {set n 0} {$n < [string length $body]} {incr n} {
	lappend all [list "cut to $n bytes" body [string range $body 0 [expr {$n - 1}]]]
    }
    foreach n {-1 0 1 3 4 104857600 0x7fffffff 0x80000000} {
	lappend all [list "frame of $n bytes" frame $n]
    }
    foreach how {twice correlation stray half drip nothing} {
	lappend all [list $how $how $body]
    }
    lappend all [list "more than asked for" body $body[string repeat \xff 50]]
    return $all
}

proc ::fake::Width {body at kind} {
    switch -- $kind {
	2 { return 2 }
	4 { return 4 }
    }
    set width 1
    while {1} {
	binary scan [string index $body [expr {$at + $width - 1}]] cu byte
	if {$byte < 128} {
	    return $width
	}
	incr width
    }
}

proc ::fake::Values {body at kind} {
    switch -- $kind {
	2 {
	    binary scan $body x${at}S now
	    set all {}
	    foreach n [list -1 0 32767 -32768 [expr {$now + 1}] [expr {$now - 1}] 500] {
		lappend all $n [binary format S $n]
	    }
	}
	4 {
	    binary scan $body x${at}I now
	    set all {}
	    foreach n [list -1 0 2147483647 -2147483648 [expr {$now + 1}] \
		    [expr {$now - 1}] 100000] {
		lappend all $n [binary format I $n]
	    }
	}
	default {
	    set now 0
	    set shift 0
	    for {set i 0} {$i < [Width $body $at v]} {incr i} {
		binary scan [string index $body [expr {$at + $i}]] cu byte
		set now [expr {$now | (($byte & 127) << $shift)}]
		incr shift 7
	    }
	    set all [list null \0 one \1 more [varint [expr {$now + 1}]] \
		    less [varint [expr {max(0, $now - 1)}]] \
		    2^31-1 [varint 2147483647] 2^31 [varint 2147483648] \
		    2^32 [varint 4294967296] 2^63 [varint 9223372036854775808] \
		    1000 [varint 1000] ten [string repeat \xff 9]\1 \
		    endless [string repeat \xff 12]]
	}
    }
    return $all
}

# fake::load --
#
#	The mutations of the next answers of a kind.

proc ::fake::load {api mutations} {
    variable pending
    set pending($api) $mutations
    return
}

proc ::fake::left {} {
    variable pending
    set n 0
    foreach api [array names pending] {
	incr n [llength $pending($api)]
    }
    return $n
}

# -------------------------------------------------------------------- server

proc ::fake::start {} {
    variable port
    variable listener
    set listener [socket -server ::fake::Accept -myaddr 127.0.0.1 0]
    set port [lindex [fconfigure $listener -sockname] 2]
    return 127.0.0.1:$port
}

proc ::fake::Accept {channel args} {
    variable input
    fconfigure $channel -blocking 0 -translation binary -buffering none
    set input($channel) ""
    fileevent $channel readable [list ::fake::Read $channel]
    return
}

proc ::fake::Drop {channel} {
    variable input
    if {[info exists input($channel)]} {
	unset input($channel)
	catch {close $channel}
    }
    return
}

proc ::fake::Read {channel} {
    variable input
    if {[catch {read $channel 65536} bytes] || ($bytes eq "" && [eof $channel])} {
	Drop $channel
	return
    }
    append input($channel) $bytes
    while {[info exists input($channel)] && [string length $input($channel)] >= 4} {
	binary scan $input($channel) I length
	if {[string length $input($channel)] < $length + 4} {
	    return
	}
	set request [string range $input($channel) 4 [expr {$length + 3}]]
	set input($channel) [string range $input($channel) [expr {$length + 4}] end]
	Answer $channel $request
    }
    return
}

# fake::Answer --
#
#	Answers a request: well, or as the next mutation of its kind wants it.

proc ::fake::Answer {channel request} {
    variable pending
    variable asked
    variable scram
    variable version
    variable last
    binary scan $request SSI api asks correlation
    incr asked($api)
    if {![info exists version($api)]} {
	Drop $channel
	return
    }
    set mutation {good body}
    if {[info exists pending($api)] && [llength $pending($api)]} {
	set pending($api) [lassign $pending($api) mutation]
	set last $mutation
    }
    lassign $mutation name how data
    if {$name eq "good"} {
	set data [reply $api]
	if {$api == 36 && $scram ne "" && [regexp {r=([^,]+)} $request -> nonce]} {
	    set data [{*}$scram $nonce]
	}
    }
    set id [binary format I $correlation]
    switch -- $how {
	body { set bytes [Frame $id$data] }
	frame { set bytes [binary format I $data]$id[string repeat \0 40] }
	twice { set bytes [Frame $id$data][Frame $id$data] }
	correlation { set bytes [Frame [binary format I [expr {$correlation + 7}]]$data] }
	stray { set bytes [Frame [binary format I 0x7fffff00]$data][Frame $id$data] }
	half {
	    set bytes [string range [Frame $id$data] 0 [expr {[string length $data] / 2}]]
	}
	drip {
	    Drip $channel [Frame $id$data]
	    return
	}
	nothing {
	    # No answer; the end of the connection a little later.
	    after 200 [list ::fake::Drop $channel]
	    return
	}
    }
    if {$api == 1} {
	# As a broker that waits for messages.
	after 10 [list ::fake::Put $channel $bytes]
    } else {
	Put $channel $bytes
    }
    if {$how in {frame half}} {
	after 100 [list ::fake::Drop $channel]
    }
    return
}

proc ::fake::Frame {body} {
    return [binary format I [string length $body]]$body
}

proc ::fake::Put {channel bytes} {
    variable input
    if {[info exists input($channel)] && [catch {puts -nonewline $channel $bytes}]} {
	Drop $channel
    }
    return
}

# A byte at a time, for a bounded time; the rest never comes.
proc ::fake::Drip {channel bytes {n 0}} {
    variable input
    if {![info exists input($channel)]} {
	return
    }
    if {$n >= 40 || $n >= [string length $bytes]} {
	after 50 [list ::fake::Drop $channel]
	return
    }
    Put $channel [string index $bytes $n]
    after 10 [list ::fake::Drip $channel $bytes [incr n]]
    return
}
