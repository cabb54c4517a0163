# fake.tcl --
#
#	A hostile broker: each answer is made wrong in every way that fakelib.tcl
#	knows, one at a time, while clients in a process of their own come and go.
#	A client may fail; it must say so, and it must not crash, hang or stop
#	working for good.  What is known to kill librdkafka is in known.tcl; each of
#	these gets a process of its own, which must die: if one day it does not, the
#	entry is out of date, and that is a failure here.  For tclsh 8.6 and 9.
#
#	tclsh tests/wire/fake.tcl ?-option value ...?
#	    -share 100		so many of a hundred mutations, drawn from the seed
#	    -seed n		printed, and drawn if not given
#	    -only pattern	only the groups whose names match
#	    -known 1		proves what is known to kill or to turn for ever; 0:
#				does not
#	    -tclsh program	runs the clients; default: this one
#	    -bomb 500		the largest decompression bomb, in MB; 0: none
#	    -deaths 5		after so many deaths in a group, no more of it

source [file join [file dirname [file normalize [info script]]] common.tcl]
source [file join [file dirname [file normalize [info script]]] fakelib.tcl]
source [file join [file dirname [file normalize [info script]]] known.tcl]

namespace eval ::wire {
    # How long a process may take for one group, in milliseconds.
    variable patience 20000
    variable tried 0
}

proc ::wire::Victim {address kind args} {
    variable home
    variable tclsh
    return [start [list $tclsh [file join $home victim.tcl] -bootstrap $address \
	    -kind $kind {*}$args]]
}

# wire::Attack --
#
#	Gives clients of this kind these answers of kind api.  Returns how the
#	process ended ("0" is well), what it complained of, and what is left.

proc ::wire::Attack {address kind api mutations args} {
    variable patience
    variable job
    ::fake::load $api $mutations
    set id [Victim $address $kind {*}$args]
    expect $id working 10000
    set end [expr {[clock milliseconds] + $patience}]
    Until {[::fake::left] == 0 || $job($id,ended)} $patience
    set left [::fake::left]
    set rest $::fake::pending($api)
    if {$left == 0 && !$job($id,ended)} {
	# The last of them must be felt before the client goes.
	Until {$job($id,ended)} 300
    }
    ::fake::load $api {}
    tell $id calm
    expect $id "done*" 15000
    set status [finish $id 5000]
    set bad {}
    foreach line [lines $id] {
	if {![string match "done *" $line] && $line ne "working"
		&& ![string match "kafka: * not delivered *" $line]} {
	    lappend bad $line
	}
    }
    return [list $status $bad $rest]
}

# wire::Group --
#
#	All mutations of one kind of answer, but for those that are known to kill.
#	After a death the rest goes on with another process.

proc ::wire::Group {address name kind api args} {
    variable tried
    variable patience
    variable o
    set mutations {}
    foreach mutation [::fake::mutations $api] {
	if {[::known::deadly $api [lindex $mutation 0]]} {
	    continue
	}
	if {rand() * 100 < $o(-share)} {
	    lappend mutations $mutation
	}
    }
    set all [llength $mutations]
    incr tried $all
    set begin [clock milliseconds]
    set deaths 0
    while {[llength $mutations] && $deaths < $o(-deaths)} {
	lassign [Attack $address $kind $api $mutations {*}$args] status bad rest
	set done [expr {[llength $mutations] - [llength $rest]}]
	if {$status eq "0"} {
	    check "$name: all [llength $mutations] answers were taken" \
		    [expr {![llength $rest]}] "left: [llength $rest] after [lrange $mutations \
		    [expr {$done - 1}] [expr {$done - 1}]]"
	    check "$name: goes on" [expr {![llength $bad]}] {*}$bad
	    break
	}
	incr deaths
	# Several clients were at work: which of the last answers was it?
	set guilty {}
	foreach mutation [lrange $mutations [expr {max(0, $done - 8)}] [expr {$done - 1}]] {
	    set keep $patience
	    set patience 2000
	    set alone [Attack $address $kind $api [lrepeat 12 $mutation] {*}$args -check none]
	    set patience $keep
	    if {[lindex $alone 0] ne "0"} {
		lappend guilty "[lindex $mutation 0] ([lindex $alone 0])"
	    }
	}
	check "$name: lives" 0 "ended with $status because of: $guilty" {*}$bad
	set mutations $rest
    }
    note "$name: $all wrong answers in [format %.1f \
	    [expr {([clock milliseconds] - $begin) / 1000.0}]] s"
    return
}

# wire::Deadly --
#
#	What is known to kill, each in a process of its own.

proc ::wire::Deadly {address} {
    foreach entry $::known::entries {
	set entry [dict merge {config {} records {} patterns {}} $entry]
	dict with entry {}
	set mutations {}
	if {$records eq "zeros"} {
	    set ::fake::records [string repeat \0 100]
	    lappend mutations [list zeros body [::fake::reply 1]]
	    set ::fake::records [::fake::batch {{k v}}]
	}
	foreach mutation [::fake::mutations $api] {
	    if {[lindex $mutation 0] eq [lindex $patterns 0]} {
		lappend mutations $mutation
	    }
	}
	set ::fake::telemetry [expr {$api == 71}]
	# Now and then a client does not come as far as the answer in its time.
	for {set try 1} {$try <= 3} {incr try} {
	    lassign [Attack $address $kind $api [lrepeat 100 {*}$mutations] \
		    -config $config -check none] status bad
	    if {$status eq $signal} {
		break
	    }
	}
	set ::fake::telemetry 0
	check "known: $name" [expr {$status eq $signal}] \
		"ended with $status: if librdkafka was mended, take it out of known.tcl" \
		{*}$bad
	note "known: $name: $status [lindex $bad 0]"
    }
    return
}

# wire::Strange --
#
#	Answers that are not made by changing a length.

proc ::wire::Strange {address} {
    # With magic 1 the first byte of the checksum would stand for a codec, and
    # gzip is Busy's.
    set batches [list \
	[::fake::batch {{k v}} -length -1] \
	[::fake::batch {{k v}} -length 0x80000000] \
	[::fake::batch {{k v}} -length 0x7fffffff] \
	[::fake::batch {{k v}} -length 48] \
	[::fake::batch {{k v}} -length 0] \
	[::fake::batch {{k v}} -magic 3] \
	[::fake::batch {{k v}} -magic -1] \
	[::fake::batch {{k v}} -magic 1 -crc 0] \
	[::fake::batch {{k v}} -crc 12345] \
	[::fake::batch {{k v}} -first -1 -max -1] \
	[::fake::batch {{k v}} -first -9223372036854775808 -max 9223372036854775807] \
	[::fake::batch {{k v}} -base -1] \
	[::fake::batch {{k v}} -base 9223372036854775807] \
	[::fake::batch {{k v}} -base -9223372036854775808] \
	[::fake::batch {{k v}} -count -1] \
	[::fake::batch {{k v}} -count 0] \
	[::fake::batch {{k v}} -count 2147483647] \
	[::fake::batch {{k v}} -delta -1] \
	[::fake::batch {{k v}} -delta 2147483647] \
	[::fake::batch {{k v}} -pid 9223372036854775807 -epoch -5 -sequence -7] \
	[::fake::batch {{k v}} -attributes 1] \
	[::fake::batch {{k v}} -attributes 2] \
	[::fake::batch {{k v}} -attributes 3] \
	[::fake::batch {{k v}} -attributes 4] \
	[::fake::batch {{k v}} -attributes 7] \
	[::fake::batch {{k v}} -attributes 0x20] \
	[::fake::batch [list [list \0\0\0\1 \0\0\0\0\0\0] [list \0\0\0\1 \0\0\0\0\0\0]] \
		-attributes 0x30 -pid 1 -epoch 0] \
	[::fake::batch [list [list \0 ""]] -attributes 0x30 -pid 1] \
	[::fake::batch {{k v}} -records [string repeat \xff 40]] \
	[::fake::batch {{k v}} -records [string repeat \xff 10]\1abc] \
	[::fake::batch {{k v}} -records [::fake::zigzag -5]abc] \
	[::fake::batch {{k v}} -records [::fake::zigzag 2147483647]abc] \
	[::fake::batch {{k v}} -records [::fake::zigzag 12]\0[::fake::zigzag -9][::fake::zigzag -3][::fake::zigzag 2000000000]abc] \
	[string range [::fake::batch {{k v}}] 0 20] \
	[::fake::batch {{k v}}][string range [::fake::batch {{k w}}] 0 30] \
	[::fake::batch {{a b}} -base 10][::fake::batch {{a b}} -base 3] \
	[binary format WIIccIa* 0 20 0 0 0 -1 xxxx] \
	[string repeat \xff 100]]
    foreach {name config} {plain {} crcs {check.crcs true} committed {isolation.level read_committed}} {
	set mutations {}
	foreach batch $batches {
	    set ::fake::records $batch
	    lappend mutations [list "batch [llength $mutations]" body [::fake::reply 1]]
	}
	set ::fake::records [::fake::batch {{k v}}]
	lassign [Attack $address consumer 1 $mutations -config $config \
		-clients 16 -wave 1500] status bad rest
	check "odd batches, $name: lives" [expr {$status eq "0"}] \
		"ended with $status: [lrange $bad 0 3]" \
		"before: batch [expr {[llength $mutations] - [llength $rest]}]"
	check "odd batches, $name: all taken" [expr {![llength $rest]}] \
		"left: [llength $rest]"
	check "odd batches, $name: goes on" [expr {![llength $bad]}] {*}$bad
    }
    # Names that a topic must not have, among those that were asked for, and very
    # many of them; brokers without end, all of them here.
    set names [list {} { } t t\0x {[exit]} {$x} "\{" ../../etc \xff\xfe \
	    [string repeat a 249] [string repeat b 20000] %s%n t]
    set mutations {}
    foreach topics [list $names [lrepeat 500 t]] {
	set ::fake::topics $topics
	lappend mutations [list names body [::fake::reply 3]]
    }
    set many {}
    for {set i 0} {$i < 20000} {incr i} {
	lappend many topic$i
    }
    set ::fake::topics $many
    lappend mutations [list many body [::fake::reply 3]]
    set ::fake::topics t
    set ::fake::brokers 50
    lappend mutations [list brokers body [::fake::reply 3]]
    set ::fake::brokers 1
    foreach kind {producer consumer group} {
	lassign [Attack $address $kind 3 $mutations -clients 2 -wave 1000] status bad rest
	check "odd metadata, $kind: lives" [expr {$status eq "0"}] "ended with $status" \
		{*}$bad
	check "odd metadata, $kind: goes on" [expr {![llength $bad] && ![llength $rest]}] \
		"left: [llength $rest]" {*}$bad
    }
    return
}

# wire::Offsets --
#
#	Committed offsets that cannot be had: the same subscriber asks again, and
#	reads when it can.

proc ::wire::Offsets {address} {
    variable job
    set cut {}
    foreach n {0 2 8} {
	lappend cut [list cut body [string range [::fake::reply 9] 0 [expr {$n - 1}]]]
    }
    # It is sent five times more, then a new request is made.
    set cut [concat $cut $cut $cut $cut]
    # __IN_PROGRESS, as the code of the whole answer.
    set own [lrepeat 8 [list own body [string range [::fake::reply 9] 0 end-3][binary format Sc -178 0]]]
    # A broker that does not know such a request, on the connections of now.
    set kept $::fake::version(9)
    unset ::fake::version(9)
    set without [list none body [::fake::reply 18]]
    set ::fake::version(9) $kept
    foreach {name api code mutations} [list \
	    "that cannot be read" 9 UNDERFLOW $cut \
	    "of a broker that has none" 18 UNSUPPORTED_FEATURE [lrepeat 50 $without] \
	    "with a code that is librdkafka's own" 9 BAD_MSG $own] {
	::fake::load $api $mutations
	array set ::fake::asked {1 0 9 0}
	set id [Victim $address group -clients 1 -wave 120000 -tell 1]
	expect $id working 10000
	check "offsets $name: the error comes" \
		[expr {[expect $id "error *$code" 10000] ne ""}] {*}[lines $id]
	if {$api == 18} {
	    ::fake::load 18 {}
	    foreach channel [array names ::fake::input] {
		::fake::Drop $channel
	    }
	}
	check "offsets $name: the same subscriber reads" \
		[expr {[expect $id read 20000] ne ""}] {*}[lines $id]
	# Each of the wrong answers, one that is right, and one more of another
	# connection or assignment.
	check "offsets $name: asked no more than needed" [expr {[::fake::left] == 0
		&& $::fake::asked(9) <= ($api == 9 ? [llength $mutations] : 0) + 2}] \
		"left [::fake::left], asked $::fake::asked(9) times"
	tell $id calm
	expect $id "done*" 15000
	set status [finish $id 5000]
	check "offsets $name: lives" [expr {$status eq "0"}] "ended with $status"
    }
    return
}

# wire::Busy --
#
#	A message that keeps a thread of librdkafka busy for good: deleting the
#	client takes its time, but the program goes on and ends.

proc ::wire::Busy {address} {
    variable job
    # A gzip stream that is cut within its header.
    set ::fake::records [::fake::batch {{k v}} -attributes 1 -records \x1f\x8b\x08]
    set body [::fake::reply 1]
    set ::fake::records [::fake::batch {{k v}}]
    ::fake::load 1 [list [list busy body $body]]
    set id [Victim $address consumer -clients 1 -wave 3000]
    expect $id working 10000
    check "a gzip stream that is cut: was sent" [Until {[::fake::left] == 0} 10000]
    set begin [clock milliseconds]
    tell $id calm
    set done [expect $id "done *" 30000]
    set status [finish $id 5000]
    set spent [expr {[clock milliseconds] - $begin}]
    check "a gzip stream that is cut: delete comes back, and a new client works" \
	    [expr {$status eq "0" && $done ne ""}] "ended with $status" \
	    {*}[lrange [lines $id] end-10 end]
    note "a gzip stream that is cut: ended with $status after $spent ms"
    return
}

# wire::Scram --
#
#	The first answer of SCRAM is not authenticated: what it can do.

proc ::wire::Scram {address} {
    # A very long answer: librdkafka copies it to the stack of a thread.
    proc ::fake::Long {size nonce} {
	return [binary format SSI 0 -1 [expr {$size + 16 + [string length $nonce] + 1}]]r=${nonce}x[string \
		repeat A $size],s=QUJD,i=4096[binary format W 0]
    }
    foreach {name size config signal} {
	"within the limit of messages" 200000 {} 0
	"of 20 MB" 20000000 {} SIGSEGV
	"of 20 MB, receive.message.max.bytes 2000000" 20000000
	    {receive.message.max.bytes 2000000 fetch.max.bytes 1000000 message.max.bytes 1000000} 0
    } {
	set ::fake::scram [list ::fake::Long $size]
	set id [Victim $address sasl -check none -clients 1 -wave 1000 -config $config]
	expect $id working 10000
	set before [expr {[info exists ::fake::asked(36)] ? $::fake::asked(36) : 0}]
	Until {$::wire::job($id,ended)
		|| [info exists ::fake::asked(36)] && $::fake::asked(36) > $before + 2} 10000
	tell $id calm
	expect $id done* 10000
	set status [finish $id 5000]
	check "a SCRAM answer $name: $signal" [expr {$status eq $signal}] \
		"ended with $status" {*}[lrange [lines $id] end-3 end]
	note "a SCRAM answer $name: $status"
    }
    # Answers that make no sense.
    proc ::fake::Odd {nonce} {
	set list [list "" r= "r=$nonce" "r=${nonce}x,s=,i=4096" "r=${nonce}x,s=!!,i=1" \
		"r=${nonce}x,s=QUJD,i=0" "r=${nonce}x,s=QUJD,i=-1" \
		"r=${nonce}x,s=QUJD,i=4294967295" "r=${nonce}x,s=QUJD,i=99999999999" \
		"r=${nonce}x,s=QUJD,i=" "m=1,r=${nonce}x" "e=x" "v=" "v=QUJD" , ,,,,, "r" \
		"r=${nonce}x,s=[string repeat QUJD 5000],i=4096" \0\0\0 "r=\0$nonce"]
	set text [lindex $list [expr {[incr ::fake::odd] % [llength $list]}]]
	return [binary format SSI 0 -1 [string length $text]]$text[binary format W 0]
    }
    set ::fake::odd 0
    set ::fake::scram ::fake::Odd
    set id [Victim $address sasl -check none -clients 4 -wave 500]
    expect $id working 10000
    Until {$::wire::job($id,ended) || $::fake::odd > 60} 10000
    tell $id calm
    expect $id done* 10000
    set status [finish $id 5000]
    check "odd answers of SCRAM: lives" [expr {$status eq "0"}] "ended with $status" \
	    {*}[lines $id]
    check "odd answers of SCRAM: each three times" [expr {$::fake::odd > 60}] $::fake::odd
    set ::fake::scram ""
    return
}

# ---------------------------------------------------------------------- bombs

# A message of so many zero bytes, as one record.
proc ::wire::Record {size} {
    set rest [expr {1 + 1 + 1 + 1 + [string length [::fake::zigzag $size]] + $size + 1}]
    return [::fake::zigzag $rest]\0\0\0[::fake::zigzag -1][::fake::zigzag $size]
}

proc ::wire::Gzip {head size} {
    set stream [zlib stream gzip -level 9]
    set all ""
    $stream put $head
    set zeros [string repeat \0 1000000]
    for {set left [expr {$size + 1}]} {$left > 0} {incr left -1000000} {
	$stream put [string range $zeros 0 [expr {min($left, 1000000) - 1}]]
	append all [$stream get]
    }
    $stream finalize
    append all [$stream get]
    $stream close
    return $all
}

# By hand: nobody needs the programs for these.
proc ::wire::Snappy {head size} {
    set total [expr {[string length $head] + $size + 1}]
    set literal $head\0
    set left [expr {$total - [string length $literal]}]
    set all [::fake::varint $total]
    append all [binary format c [expr {([string length $literal] - 1) << 2}]]$literal
    append all [string repeat [binary format cs 254 1] [expr {$left / 64}]]
    if {$left % 64} {
	append all [binary format cs [expr {(($left % 64 - 1) << 2) | 2}] 1]
    }
    return $all
}

proc ::wire::Zstd {head size} {
    set left [expr {$size + 1}]
    set blocks {}
    # A raw block, then blocks of one repeated byte.
    set all [binary format H* 28b52ffd0038]
    append all [Block 0 [string length $head] 0]$head
    while {$left > 0} {
	set n [expr {min($left, 131072)}]
	incr left -$n
	append all [Block 1 $n [expr {$left == 0}]]\0
    }
    return $all
}

proc ::wire::Block {type size last} {
    set n [expr {($size << 3) | ($type << 1) | $last}]
    return [binary format csX0 [expr {$n & 255}] [expr {($n >> 8) & 65535}]]
}

proc ::wire::Lz4 {head size} {
    # Independent blocks of 4 MB, no checksums; the header's own is the second
    # byte of xxhash32 of 60 70.
    set all [binary format H* 04224d18607073]
    set left [expr {$size + 1}]
    while {$left > 0} {
	set n [expr {min($left, 4000000)}]
	incr left -$n
	# The head as literals; a zero; a match with it; five zeros at the end.
	set literal $head\0
	set head ""
	set match [expr {$n - 1 - 5}]
	if {$match < 20} {
	    set block [binary format c [expr {($n + [string length $literal] - 1) << 4}]]
	    set count [expr {$n + [string length $literal] - 1}]
	    set block [Long $count 4][string range $literal 0 end-1][string repeat \0 $n]
	} else {
	    set count [string length $literal]
	    set block [binary format c [expr {(min($count, 15) << 4) | 15}]]
	    if {$count >= 15} {
		append block [binary format c [expr {$count - 15}]]
	    }
	    append block $literal[binary format s 1]
	    set more [expr {$match - 4 - 15}]
	    append block [string repeat \xff [expr {$more / 255}]]
	    append block [binary format c [expr {$more % 255}]]
	    append block \x50\0\0\0\0\0
	}
	append all [binary format i [string length $block]]$block
    }
    return $all\0\0\0\0
}

proc ::wire::Long {count shift} {
    if {$count < 15} {
	return [binary format c [expr {$count << 4}]]
    }
    return [binary format cc 240 [expr {$count - 15}]]
}

# wire::Bombs --
#
#	Small messages that become large ones: how much memory, with and without a
#	limit on it.

proc ::wire::Bombs {address} {
    variable o
    if {$o(-bomb) == 0} {
	return
    }
    foreach {name codec} {Gzip 1 Snappy 2 Lz4 3 Zstd 4} {
	foreach size {10 100 500} {
	    if {$size > $o(-bomb)} {
		continue
	    }
	    set bytes [expr {$size * 1000000}]
	    set batch [::fake::batch {{k v}} -crc 0 -attributes $codec \
		    -records [$name [Record $bytes] $bytes]]
	    set ::fake::records $batch
	    set id [Victim $address consumer -memory 1 -check none]
	    set peak [expect $id "peak *" 20000]
	    set status [finish $id 5000]
	    check "bomb $name $size MB: lives" [expr {$status eq "0" && $peak ne ""}] \
		    "ended with $status" {*}[lines $id]
	    note "bomb $name $size MB in [string length $batch] bytes: $peak"
	    if {$name eq "Zstd" && $size >= 100} {
		check "bomb $name $size MB: refused" [string match "* message 0 errors *" $peak] $peak
	    } else {
		check "bomb $name $size MB: is read" [string match "* message $bytes *" $peak] $peak
	    }
	}
    }
    # With less memory than that, librdkafka ends the process: it has no way to
    # live without.  If this message was read, the limit did not work.
    set ::fake::records [::fake::batch {{k v}} -crc 0 -attributes 3 \
	    -records [Lz4 [Record 500000000] 500000000]]
    set id [start [list $::wire::tclsh [file join $::wire::home victim.tcl] \
	    -bootstrap $address -kind consumer -memory 1 -check none] -memory 700000]
    set peak [expect $id "peak *" 20000]
    set status [finish $id 5000]
    check "a bomb larger than the memory ends the process, or is refused" [expr {
	$status eq "SIGABRT" || [string match "* message 0 *" $peak]}] \
	    "$status $peak"
    note "bomb Lz4 500 MB with 700 MB of memory: $status [lindex [lines $id] end]"
    set ::fake::records [::fake::batch {{k v}}]
    return
}

proc ::wire::Main {words} {
    variable o
    variable tclsh
    variable tried
    options o [list -share 100 -seed {} -only * -known 1 -bomb 500 -deaths 5 \
	    -tclsh [info nameofexecutable]] $words
    set tclsh $o(-tclsh)
    if {$o(-seed) eq ""} {
	set o(-seed) [expr {[clock microseconds] % 1000000}]
    }
    expr {srand($o(-seed))}
    note "seed $o(-seed), $o(-share) of a hundred wrong answers,\
	    Tcl [exec $tclsh << {puts [info patchlevel]}]"
    set address [::fake::start]
    set ::fake::records [::fake::batch {{k v}}]
    foreach {name kind api} {
	ApiVersions producer 18	Metadata producer 3	Produce producer 0
	InitProducerId idempotent 22 MetadataOfConsumers consumer 3
	ListOffsets consumer 2	Fetch consumer 1	FindCoordinator group 10
	JoinGroup group 11	SyncGroup group 14	OffsetFetch group 9
	Heartbeat group 12	OffsetCommit group 8	LeaveGroup group 13
	SaslHandshake sasl 17	SaslAuthenticate sasl 36
    } {
	if {[string match $o(-only) $name]} {
	    Group $address $name $kind $api {*}[expr {
		$kind eq "sasl" ? {-check none}
		: $api in {1 2 22} ? {-clients 16 -wave 1500}
		: $kind eq "group" ? {-clients 12} : {-clients 8}}]
	}
    }
    if {[string match $o(-only) Telemetry]} {
	# With our default it is never asked for; what happens with the other is in
	# known.tcl.
	set ::fake::telemetry 1
	lassign [Attack $address producer 3 [lrepeat 5 [list good body \
		[::fake::reply 3]]]] status
	check "telemetry is off unless a script wants it" [expr {$status eq "0"
		&& ![info exists ::fake::asked(71)]}] "ended with $status"
	set ::fake::telemetry 0
    }
    foreach {name command} {Known Deadly Offsets Offsets Strange Strange Busy Busy
	    Scram Scram Bombs Bombs} {
	if {[string match $o(-only) $name] && ($name ni {Known Busy} || $o(-known))} {
	    set begin [clock milliseconds]
	    $command $address
	    note "$name: [format %.1f [expr {([clock milliseconds] - $begin) / 1000.0}]] s"
	}
    }
    note "$tried wrong answers"
    total
}

::wire::Main $::argv
