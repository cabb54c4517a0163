# row: B13
# demands: a character that is no byte is an error with its place, in both Tcls; every byte arrives as it was
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic bytes]
set master [master]
set out [[$master producer_creator #auto] new_topic #auto $topic]
foreach text [list \u0100 \u20ac \ufffd \uffff \ud83d \ude00 \ud83d\ude00 \U0001F600 a\u20acb [string repeat x 100000]\u0100 \
	\xff\u0100 [list \u20ac] "\u20ac \{"] {
    expect {TCL VALUE BYTES} {$out produce 0 $text}
    expect {TCL VALUE BYTES} {$out produce 0 x $text}
    expect {TCL VALUE BYTES} {$out produce_batch 0 [list [list x] [list $text]]}
    expect {TCL VALUE BYTES} {$out produce_batch 0 [list [list x] [list x $text]]}
    expect {TCL VALUE BYTES} {$out info consistent_partition $text}
}
same [$out info output_queue_length] 0
set all {}
for {set i 0} {$i < 256} {incr i} {
    append all [format %c $i]
}
set sent {}
foreach payload [list $all [string reverse $all] [encoding convertto utf-8 \u20ac\U0001F600] \xc0\x80 \xff\xfe \
	[string repeat \xff 70000] \0 {}] {
    $out produce 0 $payload $payload
    lappend sent $payload
}
same [$out creator flush 10000] 0
set got [collect $topic [llength $sent] -fields {payload key}]
foreach payload $sent pair $got {
    same [string equal [lindex $pair 0] $payload] 1
    same [string equal [lindex $pair 1] $payload] 1
    same [string length [lindex $pair 0]] [string length $payload]
}
held
