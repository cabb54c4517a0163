# row: L3
# demands: an expression that would take all stack, memory or time of librdkafka is an error when it is set
# needs: mock

source [file join [file dirname [info script]] case.tcl]

set master [master #auto group.id [unique regex]]
# A name that makes bad expressions slow, as others may choose it.
[cluster] create_topic [string repeat a 249] 1
[cluster] create_topic wanted 1
foreach text [list ^[string repeat ( 65]a[string repeat ) 65] \
	^[string repeat ( 20000]a[string repeat ) 20000] ^[string repeat a 1024] \
	^[string repeat ( 20]a[string repeat )+ 20] ^a[string repeat + 60] \
	{^(a{1,200}){1,200}} {^((a{1,100}){1,100}){1,100}} {^a{30000}} {^(a?){4000}x} \
	^[string repeat {\b} 48]x ^[string repeat {(\b|x?)} 40]x \
	{^((a*|b*|c*)*){30}} {^(((((a|b*)+)+)+)+)+} ^[string repeat (a*)*b 24] {^(a?){500}$} \
	{^(.*)(.*)\1\2x} {^[} {^(} {^a{2,1}}] {
    set member [$master subscriber #auto]
    within 1000 {expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$member subscribe $text}}
    within 1000 {expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$member subscribe ok $text}}
    if {$text ni {{^[} ^( ^a{2,1}}} {
	within 1000 {expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {
	    $master config topic.blacklist x,$text
	}}
    }
    $member delete
}
# The worst that is allowed: matched against the long name, and quick.
set long [string repeat a 249]
foreach {text topic} [list ^[string repeat a? 500]$ $long ^([string repeat a?b? 200]x)*a*$ $long \
	{^(a{1,31}){31}$} $long \
	{^([a-z]+[0-9]{0,3}){50}$} $long {^(wan|x)ted$} wanted] {
    set member [$master subscriber #auto -config [list group.id [unique regex]]]
    $member subscribe $text
    until {[$member subscribe] eq [list $text]}
    until {[lindex [$member assignment] 0 0] eq $topic}
    within 5000 {$member delete}
}
held
