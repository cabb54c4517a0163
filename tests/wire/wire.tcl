# wire.tcl --
#
#	Proves that no broker and no network, however bad, crashes or hangs a
#	client, makes it lose a message silently, or keeps it from going on when
#	all is well again.  One process is the embedded cluster with a misbehaving
#	proxy in front, one is the client, and this one watches both.  It must not
#	load the package, and must leave no process behind.  For tclsh 8.6 and 9.
#
#	tclsh tests/wire/wire.tcl ?-option value ...?
#	    -seed n	what happens to which connection; printed, and drawn if
#			not given
#	    -connections 1000	how many are hurt
#	    -batch 125	how many of them in the life of one client process
#	    -plant 1	first shows that planted faults are seen; 0: does not
#	    -tclsh program	runs the client; default: this one
#
#	Batch n has the seed n more than the given one, so that a batch that failed
#	is repeated by -seed n -connections 125 -plant 0.  Timing is not repeated: a
#	seed says what happens to the n-th connection, not when it comes.

source [file join [file dirname [file normalize [info script]]] common.tcl]

namespace eval ::wire {
    # How long a client may need to recover and end, and for the way there.
    variable patience 90000
    # Sums over all batches.
    variable verbs [dict create]
    variable sums [dict create sent 0 acked 0 failed 0 refused 0 errors 0 remade 0]
    variable connections 0
}

# wire::Batch --
#
#	One client process against a proxy that hurts so many connections.  Returns
#	a list of what was wrong with it: empty if nothing.

proc ::wire::Batch {seed class count args} {
    variable home
    variable tclsh
    variable o
    variable patience
    variable verbs
    variable sums
    variable connections
    set bad {}
    set proxy [start [list [info nameofexecutable] [file join $home proxy.tcl] \
	    -brokers 3]]
    set bootstrap [lindex [expect $proxy "ready *" 20000] 1]
    foreach topic {wire plain} {
	tell $proxy "cluster create_topic $topic 3 3"
	expect $proxy ok* 5000
    }
    tell $proxy "wild $seed $class $count"
    expect $proxy ok* 5000
    set client [start [list $tclsh [file join $home client.tcl] \
	    -bootstrap $bootstrap -class $class {*}$args]]
    set line ""
    set begin [clock milliseconds]
    # A client that is no more makes no more connections.
    Until {[set line [Next $proxy "calm *"]] ne "" || $::wire::job($client,ended)
	    || $::wire::job($proxy,ended)} 60000
    if {$line eq ""} {
	tell $proxy "counts"
	set line [expect $proxy "ok *" 5000]
	tell $proxy "calm"
	expect $proxy "ok*" 5000
	if {!$::wire::job($client,ended) && !$::wire::job($proxy,ended)} {
	    lappend bad "the client made fewer than $count connections in a minute"
	}
    }
    set wild [expr {[clock milliseconds] - $begin}]
    foreach {verb n} [lrange $line 1 end] {
	dict incr verbs $verb $n
    }
    incr connections $count
    tell $client calm
    set done [expect $client "done *" $patience]
    set status [finish $client [expr {$done eq "" ? 100 : 20000}]]
    set how [finish $proxy 10000]
    if {$how ne "0"} {
	lappend bad "the proxy ended with $how" \
		[join [lrange [lines $proxy] end-5 end] \n]
    }
    if {$status ne "0"} {
	lappend bad "the client ended with $status"
	lappend bad [join [lrange [lines $client] end-10 end] \n]
    } elseif {$done eq ""} {
	lappend bad "the client ended without its account"
    }
    foreach text [lines $client] {
	if {[string match BAD* $text]} {
	    lappend bad $text
	} elseif {![string match "done *" $text] && $text ne "working"} {
	    # A panic, an assert, a complaint of the C library, a lost message.
	    lappend bad "the client printed: $text"
	}
    }
    foreach {name value} [lrange $done 1 end] {
	if {[dict exists $sums $name]} {
	    dict incr sums $name $value
	}
    }
    if {$args eq ""} {
	note "batch seed $seed $class: $count connections in [format %.1f \
		[expr {$wild / 1000.0}]] s, recovered in [format %.1f [expr {
		([clock milliseconds] - $begin - $wild) / 1000.0}]] s; $done"
    }
    return $bad
}

# wire::Planted --
#
#	Faults that must be seen.

proc ::wire::Planted {seed} {
    variable patience
    variable verbs
    variable sums
    variable connections
    set keep [list $verbs $sums $connections]
    set patient $patience
    foreach {fault pattern} {
	crash	"*ended with SIGSEGV*"
	hang	"*ended with hang*"
	lose	"*messages of * have no report*"
	twice	"*2 reports for *"
	unread	"*acknowledged messages of * cannot be read*"
	ungrateful	"*no recovery*"
    } {
	# What hangs is waited for in vain.
	set patience [expr {$fault eq "hang" ? 3000 : $patient}]
	set bad [Batch $seed rough 5 -plant $fault -limit 3000]
	check "planted $fault is seen" [expr {
	    [lsearch -glob $bad $pattern] >= 0}] "seen: $bad"
    }
    set patience $patient
    lassign $keep verbs sums connections
    return
}

proc ::wire::Main {words} {
    variable o
    variable tclsh
    variable verbs
    variable sums
    variable connections
    options o [list -seed {} -connections 1000 -batch 125 -plant 1 \
	    -tclsh [info nameofexecutable]] $words
    set tclsh $o(-tclsh)
    if {$o(-seed) eq ""} {
	set o(-seed) [expr {[clock microseconds] % 1000000}]
    }
    note "seed $o(-seed), $o(-connections) connections,\
	    Tcl [exec $tclsh << {puts [info patchlevel]}]"
    if {$o(-plant)} {
	Planted $o(-seed)
    }
    set begin [clock milliseconds]
    for {set n 0} {$connections < $o(-connections)} {incr n} {
	set seed [expr {$o(-seed) + $n}]
	# By the seed and not by the number of the batch, so that it replays.
	set class [expr {$seed % 2 ? "rough" : "lying"}]
	set count [expr {min($o(-batch), $o(-connections) - $connections)}]
	set bad [Batch $seed $class $count]
	check "batch seed $seed $class $count" [expr {![llength $bad]}] {*}$bad
    }
    note "$connections connections in [expr {([clock milliseconds] - $begin)
	    / 1000}] s: $sums"
    note "done to them: $verbs"
    if {$o(-connections) >= 500} {
	# What was never done was never survived.
	foreach verb [concat {refuse mute resetaccept cut midcut reset delay split
	    drip drop hole halfopen repeat stray swap flip field length truncate
	    correlation}] {
	    check "$verb was done" [dict exists $verbs $verb]
	}
	check "errors reached the script" [expr {[dict get $sums errors] > 0}]
    }
    total
}

::wire::Main $::argv
