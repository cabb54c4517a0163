# row: B16
# demands: loaded twice, by another prefix, from a copy under another name, into a child and after an unload that is refused, the package works; it is never unmapped
# limit: 60
# needs: linux

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3
set library [lindex [lsearch -inline -index 1 [info loaded] Kafka] 0]

# works --
#
#	Produces and consumes in this interpreter.

proc works {child} {
    set topic [newTopic loaded]
    same [$child eval [lifetimes::exchange $topic 10]] {10 10}
    $child eval {
	foreach name {in out c p m} {
	    $name delete
	}
    }
}

# The same library twice into one interpreter.
load $library Kafka
load $library
same [llength [info commands ::kafka::kafka]] 1

set child [interp create]
$child eval [lifetimes::setUp]
load $library Kafka $child
works $child
# Unloading is refused, in each of its forms, and does no harm.
foreach words [list [list $library] [list $library Kafka] [list $library Kafka $child] [list -nocomplain $library] \
	[list -keeplibrary $library Kafka $child] [list {} Kafka]] {
    catch {unload {*}$words} message
}
works $child
interp delete $child

# No initialization procedure of that name.
same [catch {load $library Nothing}] 1

# A copy under another name is another library with another librdkafka in it.
file copy $library other.so
set child [interp create]
$child eval [list namespace eval ::family [list variable servers $family::servers]]
load [file normalize other.so] Kafka $child
works $child
same [$child eval {kafka::kafka live}] {}
set live [lsort [kafka::kafka live]]
# Both at the same time, each with its own ledger.
$child eval {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers
    m producer_creator p
}
same [lsort [kafka::kafka live]] $live
interp delete $child

# Never unmapped.
set maps [open /proc/self/maps]
set text [read $maps]
close $maps
matches $text *[file tail $library]*
matches $text *other.so*
file delete other.so
held
