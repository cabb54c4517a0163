# row: S2
# demands: an alias to one subcommand gives a safe interpreter that subcommand and nothing else

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic safe]
set master [master #auto linger.ms 0]
set producer [$master producer_creator #auto]
set out [$producer new_topic #auto $topic]
set child [interp create -safe]
interp alias $child send {} $out produce 0
$child eval {send hello}
$child eval {send hello key}
foreach words {
    {send} {send a b c} {send -1 x y z} {$out produce 0 x} {kafka::kafka live} {::kafka::kafka create m}
    {package require kafka} {open /etc/passwd} {exec true} {socket localhost 9} {load kafka}
} {
    same [catch {$child eval $words}] 1
}
# What looks like a word of the object is only a payload, and no text of it is run.
foreach payload {delete config {creator config plugin.library.paths x} {[exit 9]} {$out delete} \{ {{*}}} {
    $child eval [list send $payload]
}
same [$producer flush 10000] 0
same [llength [collect $topic 9]] 9
# The callback of a safe interpreter: data arrive as one word.
set got {}
interp alias $child keep {} lappend got
$child eval {proc hear {message} {keep [dict get $message payload]; catch {[dict get $message payload]}}}
set in [[$master consumer_creator #auto] new_topic #auto $topic]
$in start 0 beginning [list $child eval hear]
background
$in stop 0
$in start 0 beginning [list interp invokehidden $child -global nosuch]
until {[llength [background]]}
$in stop 0
interp alias {} hear {} $child invokehidden hear
catch {interp invokehidden $child source /etc/passwd}
interp delete $child
held
