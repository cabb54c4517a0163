# row: C1
# demands: traces on the array (write, read, unset), on the commands (enter, leave, rename, delete) and on the variable of a callback delete everything in the middle of a call; the call ends with an error or its result
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5

proc objects {} {
    master m fetch.wait.max.ms 5
    m consumer_creator c
    c new_topic in $family::full
    c create_queue q
    in start 0 0
}
proc die args {
    lifetimes::kill {m in q c}
}

# Traces on the array, one for each operation, on the array or one element.
foreach call {
    {in consume 0 10000 ::row}
    {in consume_batch 0 10000 5 ::row {incr ::bodies}}
} {
    foreach operation {write read unset array} {
	foreach variable {::row ::row(payload) ::row(offset) ::row(key) ::row(error)} {
	    objects
	    set ::bodies 0
	    array set ::row {payload old key old error old}
	    trace add variable $variable $operation die
	    catch $call message
	    trace remove variable $variable $operation die
	    unset -nocomplain ::row
	    die
	    same [lifetimes::left] {}
	}
    }
}

# A trace that unsets the array itself while it is filled.
objects
array set ::row {}
trace add variable ::row write {apply {args {unset -nocomplain ::row; die}}}
catch {in consume_batch 0 10000 5 ::row {incr ::bodies}}
unset -nocomplain ::row
die

# Traces on the command that runs.
foreach operation {enter leave enterstep leavestep} {
    foreach call {{in consume 0 10000 ::row} {in consume_batch 0 10000 2 ::row {set x 1}} {in stop 0}
	    {c new_topic in2 x} {m config client.id y} {in info name} {c delete} {in delete} {m delete}} {
	objects
	set victim [lindex $call 0]
	if {![string match *step $operation]} {
	    trace add execution $victim $operation die
	} else {
	    proc stepped call "uplevel #0 \$call; set y 2"
	    trace add execution stepped $operation die
	    set call [list stepped $call]
	}
	catch $call
	if {[string match *step $operation]} {
	    rename stepped {}
	}
	lifetimes::kill in2
	die
	same [lifetimes::left] {}
	unset -nocomplain ::row
    }
}

# Traces on the deletion and the renaming of each.
foreach victim {m c in q} {
    foreach operation {delete rename} {
	objects
	trace add command $victim $operation die
	catch {rename $victim other-$victim}
	lifetimes::kill other-$victim
	die
	same [lifetimes::left] {}
    }
}
held
