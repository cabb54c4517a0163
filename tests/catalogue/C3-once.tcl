# row: C3
# demands: one background error for each event whose callback failed, the same as a script of [after] would make, no more and no less, and every event arrives in order
# limit: 30
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set topic [newTopic once]
set wanted [produceN $topic 100]
master m fetch.wait.max.ms 5
m consumer_creator c
lifetimes::watchErrors

proc callback {word message} {
    lappend ::got [dict get $message payload]
    eval $word
}

foreach word {
    {error x}
    {throw {A B} y}
    {return -code break}
    {return -code continue}
    {return -code 17 x}
    {return -code error x}
    {return -code return x}
    {return x}
    {nonsense}
} {
    # What Tcl itself makes of it.
    set ::errors {}
    after 0 [list callback $word {payload x}]
    update
    set same $::errors

    set got {}
    set ::errors {}
    c new_topic in $topic
    in start 0 0 [list callback $word]
    until {[llength $got] == 100}
    update
    same $got $wanted
    same [lsort -unique $::errors] $same
    same [llength $::errors] [expr {100 * [llength $same]}]
    in delete
}
held
