# row: S1
# demands: a safe interpreter gets no command of the package, by no way of loading it, and is told so
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set library [lindex [lsearch -inline -index 1 [info loaded {}] Kafka] 0]
foreach kind {-safe safeBase nested hidden} {
    switch $kind {
	-safe {
	    set child [interp create -safe]
	}
	safeBase {
	    package require opt
	    set child [::safe::interpCreate -accessPath [list [info library] [file dirname $library]]]
	}
	nested {
	    set outer [interp create -safe]
	    set child [list $outer [$outer eval {interp create}]]
	}
	hidden {
	    # A parent may open the file commands to it; that is not enough.
	    set child [interp create -safe]
	    foreach command {file load source open cd pwd glob} {
		$child expose $command
	    }
	}
    }
    matches [expect * {
	if {![catch {load $library Kafka $child} message]} {
	    error "loaded"
	}
	error $message {} {KAFKA TEST SAFE}
    }] *safe*
    same [catch {interp eval $child [list load $library Kafka]}] 1
    same [catch {interp eval $child {package require kafka}}] 1
    same [interp eval $child {info commands ::kafka::*}] {}
    if {$kind eq "safeBase"} {
	::safe::interpDelete $child
    } else {
	interp delete [lindex $child 0]
    }
}
# An interpreter that becomes safe keeps what it has: its maker knows.
set child [interp create]
$child eval [list set auto_path $auto_path]
$child eval {package require kafka}
interp marktrusted $child
interp delete $child
held
