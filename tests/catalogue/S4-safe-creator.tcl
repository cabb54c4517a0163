# row: S4
# demands: an alias to a whole object gives all its words: the manual says so, and settings that run code stay refused even then

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic whole]
set master [master]
set child [interp create -safe]
interp alias $child m {} $master
foreach name {plugin.library.paths ssl.engine.location ssl.engine.id ssl.providers sasl.kerberos.kinit.cmd
	ut_handle_ProduceResponse internal.termination.signal test.mock.num.brokers} {
    same [catch {$child eval [list m config $name /tmp/x]} message] 1
    matches $message *refused*
    same [catch {$child eval [list m config topic.$name /tmp/x]}] 1
    same [catch {$child eval [list m subscriber #auto -config [list group.id g $name x]]}] 1
}
# What it makes is made here, where its maker can see it.
$child eval {m producer_creator fromChild}
same [info commands ::fromChild] ::fromChild
same [catch {$child eval {fromChild flush}}] 1
interp delete $child
fromChild delete
held
