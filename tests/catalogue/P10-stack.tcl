# row: P10
# demands: with a small stack (256 KiB for every thread), in deep recursion before the call and in deep event loops the package works
# limit: 60
# needs: linux plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 300
set topic [newTopic stack]
interp recursionlimit {} 100000

# Deep in procedures, expressions and evaluations before the call.
master m linger.ms 0 fetch.wait.max.ms 5
m producer_creator p
p new_topic out $topic
m consumer_creator c
c new_topic in $topic
in start 0 0
proc deep {n script} {
    if {$n == 0} {
	return [uplevel #0 $script]
    }
    return [eval [list deep [expr {$n - 1}] $script]]
}
deep 5000 {out produce 0 deep}
same [deep 5000 {p flush 10000}] 0
# An end of the partition may come first.
until {[deep 5000 {in consume 0 10000 row}]}
same $row(payload) deep
deep 5000 {in consume_batch 0 100 5 row {}}
deep 2000 {c new_topic in2 x; in2 delete}

# The whole of it in a process whose threads have little stack.
set script [lifetimes::setUp][lifetimes::exchange $topic 200]
append script {
    ;# Event loops in event loops.
    in stop 0
    set depth 0
    set got 0
    in start 0 0 {apply {message {
	incr ::got
	if {[incr ::depth] < 20} {
	    while {$::got < 20} {
		vwait ::got
	    }
	}
	incr ::depth -1
    }}}
    while {$::got < 100} {
	vwait ::got
    }
    foreach name {in out c p m} {
	$name delete
    }
    if {![catch {package require Thread}]} {
	set thread [thread::create -joinable]
	thread::send $thread [list set auto_path $auto_path]
	thread::send $thread {package require kafka; kafka::kafka create m; m producer_creator p; p delete}
	thread::release $thread
	thread::join $thread
    }
    puts "got"
}
set name [file join [pwd] stack.tcl]
set file [open $name w]
puts $file $script
close $file
foreach size {1024 256} {
    same [exec sh -c "ulimit -s $size && exec \"\$@\"" sh [info nameofexecutable] $name] got
}
file delete $name
held
