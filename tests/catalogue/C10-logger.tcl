# row: C10
# demands: a log callback belongs to its master: its interpreter is deleted while lines arrive, others go on hearing their own lines and no others
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set mine 0
set wrong {}
master mine debug all client.id mine
mine logger callback {apply {line {
    incr ::mine
    if {[string match *theirs* $line]} {
	lappend ::wrong $line
    }
}}}
mine producer_creator mineP

for {set round 0} {$round < 20} {incr round} {
    set child [interp create]
    $child eval [lifetimes::setUp]
    $child eval {
	set lines 0
	set wrong {}
	proc hear line {
	    incr ::lines
	    if {[string match *mine* $line]} {
		lappend ::wrong $line
	    }
	}
	kafka::kafka create m
	m config bootstrap.servers $::family::servers debug all client.id theirs
	m logger callback hear
	m producer_creator p
	m consumer_creator c
	p new_topic out $::family::sink
	out produce 0 x
    }
    set before $mine
    if {$round % 2} {
	until {[$child eval {set lines}] > 5}
    }
    same [$child eval {set wrong}] {}
    interp delete $child
    set out [mineP new_topic #auto $family::sink]
    $out produce 0 y
    $out delete
    until {$mine > $before}
}
same [mineP flush] 0
same $wrong {}
held
