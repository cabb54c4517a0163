# row: C15
# demands: in reports, messages and batches an absent key is told from an empty one; an empty payload is an empty payload
# limit: 30
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic absent]
master m fetch.wait.max.ms 5 linger.ms 0
set got {}
m delivery_report callback {lappend ::got}
m producer_creator p
p new_topic out $topic
m consumer_creator c
c new_topic in $topic

# what --
#
#	Payload and key of a message, the key in parentheses if it is there.

proc what {message} {
    set text <[dict get $message payload]>
    if {[dict exists $message key]} {
	append text ([dict get $message key])
    }
    return $text
}
out produce 0 {}
out produce 0 {} {}
out produce 0 a {}
out produce 0 {} k
out produce 0 a
out produce_batch 0 [list [list {}] [list {} {}] [list a {}] [list {} k] [list a]]
set wanted {<> <>() <a>() <>(k) <a>}
lappend wanted {*}$wanted
same [p flush 10000] 0
same [lmap message $got {what $message}] $wanted

set got {}
in start 0 0 {lappend ::got}
until {[llength $got] == 10}
same [lmap message $got {what $message}] $wanted

# The array keeps no key of the message before.
set got {}
in start 0 0
in consume_batch 0 10000 10 row {
    lappend got [what [array get row]]
}
same $got $wanted

# Reports of failures.
set got {}
master far bootstrap.servers 127.0.0.1:1 message.timeout.ms 200
far delivery_report callback {lappend ::got}
far producer_creator farP
farP new_topic farOut x
farOut produce_batch 0 [list [list {}] [list {} {}] [list a {}] [list {} k] [list a]]
until {[llength $got] == 5}
same [lmap message $got {what $message}] [lrange $wanted 0 4]
held
