# row: C3
# demands: a callback of any kind that throws, returns any completion code, recurses too deep, names nothing or spoils the error variables is a background error, and the stream goes on
# limit: 90

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 30
interp recursionlimit {} 200
lifetimes::watchErrors

proc endless {} {
    endless
}

set words {
    {error {a 1}}
    {throw {MY CODE} {a 2}}
    {return -code break {a 3}}
    {return -code continue {a 4}}
    {return -code 17 {a 5}}
    {return -code -3 {a 6}}
    {return -code return {a 7}}
    {return -level 5 -code error {a 8}}
    {return -code error -errorcode "not \{a list" {a 9}}
    {endless}
    {no such command}
    {return -code error -errorinfo [string repeat x 100000] {a 10}}
    {tailcall error {a 11}}
    {uplevel #0 {error {a 12}}}
    {yield}
    {error [string repeat \u0000 10]}
    {set ::errorInfo x; set ::errorCode x; error {a 13}}
    {unset -nocomplain ::errorInfo ::errorCode; trace add variable ::errorInfo write {error {a 14}}; error {a 15}}
    {trace remove variable ::errorInfo write {error {a 14}}}
}
proc odd args {
    eval [lindex $::words [expr {[incr ::turns] % [llength $::words]}]]
}

foreach kind $family::kinds {
    foreach pass {1 2} {
	set turns 0
	set ::errors {}
	family::make $kind odd
	# 30 messages, and as many reports; the others come by themselves.
	if {$kind eq "delivery_report"} {
	    for {set i 0} {$i < 29} {incr i} {
		out produce 0 $i
	    }
	}
	set enough [expr {$kind eq "error_callback" ? 1 : $kind eq "logger" ? 10 : 30}]
	until {$turns >= $enough && [llength $::errors] >= $enough * 2 / 3}
	lifetimes::kill $family::names
	update
	if {[llength $::errors] > $turns} {
	    error "$kind: [llength $::errors] background errors of $turns calls"
	}
    }
}
held
