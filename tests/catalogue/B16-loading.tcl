# row: B16
# demands: the library can be loaded again, in many interpreters, under another name and from another place, and is never unmapped
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set library [lindex [lsearch -inline -index 1 [info loaded {}] Kafka] 0]
set topic [newTopic loading]
set servers [bootstrap]

# Sends one message from an interpreter.
proc works {child} {
    $child eval [list set servers $::servers]
    $child eval [list set topic $::topic]
    $child eval {
	kafka::kafka create ::m
	m config bootstrap.servers $servers
	m producer_creator ::p
	p new_topic ::t $topic
	t produce 0 x
	p flush 10000
    }
}

# Again into the same one: the old objects stay.
set before [master]
load $library Kafka
load $library
same [catch {load $library Nosuch}] 1
same [catch {load $library.gone Kafka}] 1
$before config client.id here

# Into many, and unloaded from each.
set sent 0
for {set i 0} {$i < 20} {incr i} {
    set child [interp create]
    load $library Kafka $child
    works $child
    incr sent
    # It cannot be unloaded: threads of librdkafka may run in it.
    catch {unload $library Kafka $child}
    catch {unload -nocomplain $library Kafka $child}
    if {$i % 2} {
	$child eval {m config client.id x}
    }
    interp delete $child
}
catch {unload $library}
$before config client.id there

# A copy under another name is a library of its own in the same process.
file copy $library other[info sharedlibextension]
set child [interp create]
if {![catch {load [file join [pwd] other[info sharedlibextension]] Kafka $child}]} {
    works $child
    incr sent
}
interp delete $child

# The index file of the package, sourced where nothing else is set.
set child [interp create]
$child eval [list set dir [file dirname $library]]
$child eval {source [file join $dir pkgIndex.tcl]}
$child eval {package require kafka}
works $child
incr sent
interp delete $child
same [llength [collect $topic $sent]] $sent
held
