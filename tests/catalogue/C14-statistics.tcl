# row: C14
# demands: statistics are whole JSON texts that stay whole however long a script keeps them, also after the client and the interpreter have gone
# limit: 30
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set child [interp create]
$child eval [lifetimes::setUp]
set kept {}
proc keep json {
    lappend ::kept $json
}
$child alias keep keep
$child eval {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers statistics.interval.ms 1
    m statistics_callback keep
    m producer_creator p
    m consumer_creator c
}
until {[llength $kept] >= 100}
$child eval {
    p delete
    c delete
}
interp delete $child
set count [llength $kept]
settle 50
same [llength $kept] $count
foreach json $kept {
    matches $json "\{ \"name\": \"rdkafka#*\}*"
    same [expr {[regexp -all \{ $json] == [regexp -all \} $json]}] 1
}
held
