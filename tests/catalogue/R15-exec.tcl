# row: R15
# demands: a program that is started by exec or open while ten clients are busy inherits no descriptor of theirs, and the clients notice nothing
# limit: 60
# needs: linux

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 5
# What a program inherits before there is any client of ours: what Tcl itself gives it.
proc inherited {} {
    set list {}
    foreach line [split [exec sh -c {for f in /proc/$$/fd/*; do echo "$f $(readlink $f)"; done}] \n] {
	if {[regexp {/fd/(\d+) (.*)$} $line -> number target] && $number > 2} {
	    lappend list [lindex [split $target :] 0]
	}
    }
    return [lsort $list]
}
set plain [exec env -u TCLLIBPATH [info nameofexecutable] << {
    puts [lsort [lmap line [split [exec sh -c {for f in /proc/$$/fd/*; do echo "$f $(readlink $f)"; done}] \n] {
	if {![regexp {/fd/(\d+) (.*)$} $line -> number target] || $number <= 2} continue
	lindex [split $target :] 0
    }]]
}]
set reports 0
for {set i 0} {$i < 5} {incr i} {
    master m$i fetch.wait.max.ms 5 linger.ms 0 statistics.interval.ms 10
    m$i statistics_callback list
    m$i delivery_report callback {apply {args {incr ::reports}}}
    m$i producer_creator p$i
    p$i new_topic out$i $family::sink
    m$i consumer_creator c$i
    c$i new_topic in$i $family::full
    in$i start 0 0 {apply {args {incr ::messages}}}
}
set sent 0
for {set round 0} {$round < 30} {incr round} {
    for {set i 0} {$i < 5} {incr i} {
	out$i produce 0 x
	incr sent
    }
    # In the middle of connecting, sending and reconnecting.
    if {$round % 10 == 5} {
	[cluster] broker_set_down 2
	settle 5
	[cluster] broker_set_up 2
    }
    set got [inherited]
    foreach kind $got {
	if {$kind in {socket anon_inode} || ($kind eq "pipe" && [llength [lsearch -all $got pipe]] > [llength [lsearch -all $plain pipe]])} {
	    error "a program inherited: $got"
	}
    }
    update
}
for {set i 0} {$i < 5} {incr i} {
    same [p$i flush 20000] 0
}
until {$reports == $sent && $messages == 25}
held
