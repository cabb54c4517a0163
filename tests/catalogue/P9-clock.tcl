# row: P9
# demands: the clock of the day jumps days forwards and back in the middle of waits: each wait ends in its time, and the clients work on (Tcl's own timers follow that clock)
# limit: 90
# needs: linux plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

set library [lindex [glob -nocomplain /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib64/faketime/libfaketimeMT.so.1] 0]
if {$library eq ""} {
    error "no libfaketime on this machine: install libfaketime"
}
set stamp [file join [pwd] stamp]
proc jump {offset} {
    set file [open $::stamp.new w]
    puts $file $offset
    close $file
    file rename -force $::stamp.new $::stamp
}
jump +0
set script [file join [pwd] waits.tcl]
set file [open $script w]
puts $file [string map [list @A@ [list $auto_path]] {
    set auto_path @A@
    package require kafka
    kafka::kafka mock create x -brokers 1
    x create_topic t 1
    kafka::kafka create m
    m logger none
    m config bootstrap.servers [x bootstrap_servers] linger.ms 0 group.id g fetch.wait.max.ms 5
    m consumer_creator c
    c new_topic in t
    in start
    m subscriber s
    s assign {t 0 0}
    m producer_creator p
    p new_topic out t
    kafka::kafka create far
    far logger none
    far config bootstrap.servers 127.0.0.1:1
    far producer_creator farP
    farP new_topic farOut t
    farOut produce 0 x
    array set row {}
    # Eats the end of the partition.
    catch {in consume 0 2000 row}
    foreach wait {
	{catch {in consume 0 1500 row}} {in consume_batch 0 1500 5 row {}} {s consume 1500} {farP flush 1500}
	{farP poll 1500}
    } {
	puts "begin"
	flush stdout
	eval $wait
	puts "end $wait"
	flush stdout
    }
    out produce 0 works
    puts "flush [p flush 10000]"
    kafka::kafka flush_timeout 300
    exit
}]
close $file
set ran [open [list | env LD_PRELOAD=$library FAKETIME_TIMESTAMP_FILE=$stamp FAKETIME_NO_CACHE=1 \
	FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 [info nameofexecutable] $script 2>@1] r]
set turn 0
set wrong {}
while {[gets $ran line] >= 0} {
    switch -glob -- $line {
	begin {
	    set begin [clock milliseconds]
	    after 300
	    jump [lindex {+1d -1d +2d +0} [expr {$turn % 4}]]
	    incr turn
	}
	end* {
	    set took [expr {[clock milliseconds] - $begin}]
	    if {$took > 3500 || ($took < 1000 && ![string match *batch* $line])} {
		lappend wrong "$line: $took ms"
	    }
	}
	default {
	    lappend lines $line
	}
    }
}
close $ran
same $wrong {}
same [lindex $lines 0] {flush 0}
file delete $stamp $script
held
