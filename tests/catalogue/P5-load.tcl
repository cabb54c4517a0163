# row: P5
# demands: exit, an error, a deletion of the interpreter or a thread's end in the middle of loading the package (in traces on what the loading sets) ends as it would anywhere else
# limit: 30

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set library [lindex [lsearch -inline -index 1 [info loaded] Kafka] 0]
set index [file join [file dirname $library] pkgIndex.tcl]

# In a child of this interpreter, by read traces on the variable that the loading looks at.
foreach how {die {error no} {rename load {}} {namespace delete ::kafka} {return -code break}} {
    set child [interp create]
    $child alias die interp delete $child
    $child eval [list set how $how]
    $child eval [list set auto_path $auto_path]
    $child eval {
	namespace eval ::kafka {variable packageVersion}
	trace add variable ::kafka::packageVersion {read write unset} {apply {args {uplevel #0 $::how}}}
	trace add variable ::tcl_platform read {apply {args {uplevel #0 $::how}}}
    }
    catch {$child eval {package require kafka}}
    if {[interp exists $child]} {
	catch {$child eval {kafka::kafka create m; m delete}}
	interp delete $child
    }
}
# Commands of its name are there already, or the namespace is not what it expects.
foreach before {
    {namespace eval ::kafka {proc kafka args {return mine}}}
    {namespace eval ::kafka {namespace ensemble create}; proc ::kafka::subscriber {} {}}
    {interp alias {} ::kafka::kafka {} ::kafka::kafka2}
    {package provide kafka 1.0}
    {package provide kafka 3.0.0}
    {set ::kafka 1; set ::kafka::packageVersion nonsense}
} {
    set child [interp create]
    $child eval [list set auto_path $auto_path]
    catch {$child eval $before}
    catch {$child eval {package require kafka}}
    catch {load $library Kafka $child}
    catch {$child eval {kafka::kafka create m; m config client.id x; m delete}}
    interp delete $child
}
# The process exits while it loads.
set ran [runScript [list set auto_path $auto_path]\n[string map [list @L@ $library] {
    namespace eval ::kafka {variable packageVersion 3.0}
    trace add variable ::kafka::packageVersion read {apply {args {exit 9}}}
    load @L@ Kafka
    exit 1
}]]
same [list [dict get $ran status] [dict get $ran err]] {9 {}}
held
