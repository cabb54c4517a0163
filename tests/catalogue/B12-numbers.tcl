# row: B12
# demands: numbers have exact ranges: nothing wraps around, and offsets keep 63 bits

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic numbers]
produceN $topic 3
set master [master #auto group.id [unique numbers]]
set out [[$master producer_creator #auto] new_topic #auto $topic]
set consumer [$master consumer_creator #auto]
set in [$consumer new_topic #auto $topic]
set queue [$consumer create_queue #auto]
set member [$master subscriber #auto]
set bad [list 2147483648 4294967296 4294967297 -2147483649 9223372036854775807 9223372036854775808 \
	-9223372036854775808 -9223372036854775809 18446744073709551615 18446744073709551616 \
	1[string repeat 0 400] -1[string repeat 0 400] 1.0 1e0 {} { } true 0x 0b 0o 0b2 1x {1 2} NaN Inf - + "1\0"]
foreach number $bad {
    expect {TCL VALUE NUMBER} {$out produce $number x}
    expect {TCL VALUE NUMBER} {$in consume 0 $number row}
    expect {TCL VALUE NUMBER} {$in consume $number 0 row}
    expect {TCL VALUE NUMBER} {$queue consume $number row}
    expect {TCL VALUE NUMBER} {$member consume $number}
    expect {TCL VALUE NUMBER} {$member watermarks $topic $number}
    expect {TCL *} {$member assign [list [list $topic $number 0]]}
    expect {TCL VALUE NUMBER} {$out creator flush $number}
    expect {TCL VALUE NUMBER} {kafka::kafka flush_timeout $number}
    expect {kafka::kafka mock create #auto -brokers $number}
    if {$number ne "9223372036854775807"} {
	# A count may be as big as a list could be.
	if {![string is wideinteger -strict $number] || $number < 0 || $number > 9223372036854775807} {
	    expect {TCL VALUE NUMBER} {$in consume_batch 0 0 $number row {}}
	    expect {TCL VALUE NUMBER} {$queue consume_batch 0 $number row {}}
	}
    }
}
# Other ways to write numbers that fit.
foreach number {0x0 0b0 0o0 { 0 } +0 -0 00} {
    $out produce $number x
}
same [$out creator flush 10000] 0
# Offsets beyond 32 and 53 bits are kept.
foreach offset {2147483648 4294967297 9007199254740993 9223372036854775806 9223372036854775807} {
    $member assign [list [list $topic 0 $offset]]
    same [$member assignment] [list [list $topic 0 $offset]]
}
foreach offset [list 9223372036854775808 18446744073709551615 -9223372036854775809 1[string repeat 0 400] 0.5] {
    expect {TCL LOOKUP INDEX offset *} {$member assign [list [list $topic 0 $offset]]}
    expect {TCL LOOKUP INDEX offset *} {$in start 0 $offset}
}
$member commit [list [list $topic 0 9007199254740993]]
same [$member offsets -committed [list [list $topic 0]]] [list [list $topic 0 9007199254740993]]
held
