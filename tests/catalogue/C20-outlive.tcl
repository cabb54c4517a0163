# row: C20
# demands: messages, reports, errors and statistics that a script keeps stay whole after the consumer, the interpreter and the thread that got them have gone
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic outlive]
master m linger.ms 0
m producer_creator p
p new_topic out $topic
set payloads {}
for {set i 0} {$i < 200} {incr i} {
    lappend payloads [string repeat [format %c [expr {$i % 256}]] [expr {$i * 50}]]
}
out produce_batch 0 [lmap payload $payloads {list $payload [string range $payload 0 10]}]
same [p flush 10000] 0
lifetimes::kill {out p m}
set family::servers [bootstrap]
set family::full $topic
set family::sink $topic

# keep --
#
#	Keeps the very value that another interpreter has got.

proc keep message {
    lappend ::kept $message
}
set reader {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers fetch.wait.max.ms 5
    m consumer_creator c
    c new_topic in $::family::full
    c create_queue q
    in start_queue 0 0 q
    set mine {}
    q consume_batch 20000 100 row {lappend mine [array get row]}
    q consume_callback keep
}
set before [lsort [kafka::kafka live]]
set kept {}
set child [interp create]
$child eval [lifetimes::setUp]
$child alias keep keep
$child eval $reader
until {[llength $kept] == 100}
set first [$child eval {set mine}]
interp delete $child
until {[lsort [kafka::kafka live]] eq $before}
proc check {messages payloads} {
    foreach message $messages payload $payloads {
	same [dict get $message payload] $payload
	same [dict get $message key] [string range $payload 0 10]
    }
}
check $first [lrange $payloads 0 99]
check $kept [lrange $payloads 100 end]

if {![catch {package require Thread}]} {
    set thread [thread::create -joinable]
    thread::send $thread [lifetimes::setUp]
    thread::send $thread {proc keep args {}}
    thread::send $thread $reader
    set first [thread::send $thread {set mine}]
    thread::release $thread
    thread::join $thread
    check $first [lrange $payloads 0 99]
}
held
