# The hostile caller: takes the tables of `kafka::kafka describe` and attacks every subcommand with bad and good values, in
# random order, on objects that live and objects that are gone, with the event loop turning and with callbacks that delete,
# fail, recurse and produce. It must not know single subcommands (but for the few that would make it wait or drown), must
# not need a broker (the embedded cluster serves), and must not judge answers: it looks for crashes, hangs, panics and
# errors without a code.
#
# usage: tclsh hostile.tcl ?-seed n? ?-calls n? ?-jobs n? ?-hang seconds? ?-log file? ?-pool n?
#   -seed   the order of all things; printed, so that a run can be repeated (threads make it repeat only nearly)
#   -calls  how many calls                       -hang  how long one call may take before it counts as a hang
#   -log    the file that holds the last call    -pool  how many objects of a kind may live at once
#   -jobs   so many processes share the calls, with seeds of their own from -seed on: most of a call is waiting. What one
#           of them found is repeated with its seed, its calls and -jobs 1
# This process only watches; the calls are made by its children, each in an interpreter of their own. The last line is
# `N passed, N failed, N skipped`, a process each; the status is 0 if nothing failed.

namespace eval ::hostile {
    variable option
    array set option {-seed {} -calls 2000 -jobs 1 -hang 40 -log {} -pool 5 -worker 0}
    variable jobs                               ;# of the watcher: a dictionary for each child, by its channel
    array set jobs {}
    variable seen                               ;# findings by text, so that each is shown once
    array set seen {}
}

# --- the watcher -----------------------------------------------------------------------------------------------------

# ::hostile::Watch --
#
#       Makes the calls in child processes. Returns how many ended well, and how many did not or found something.

proc ::hostile::Watch {} {
    variable option
    variable jobs
    variable good 0
    variable bad 0
    # Calls name hosts that do not exist. To end a client takes as long as the system's resolver lets its thread wait; where no
    # name server answers that is 10 s for each try, which would count as a hang. (The GNU C library reads this.)
    set ::env(RES_OPTIONS) "timeout:1 attempts:1"
    for {set i 0} {$i < $option(-jobs)} {incr i} {
	set seed [expr {$option(-seed) + $i}]
	# The first ones make one more where it does not divide.
	set calls [expr {($option(-calls) + $option(-jobs) - 1 - $i) / $option(-jobs)}]
	set log $option(-log).$i
	close [open $log w]
	set out [open [list |[info nameofexecutable] [info script] -seed $seed -calls $calls -hang $option(-hang) \
	    -log $log -pool $option(-pool) -worker 1 2>@1] r]
	fconfigure $out -blocking 0 -encoding utf-8
	# Whatever a child prints must not end the watcher.
	if {[package vsatisfies [info tclversion] 9.0-]} {fconfigure $out -profile replace}
	set jobs($out) [dict create seed $seed calls $calls log $log found 0 hung 0 tail {}]
	fileevent $out readable [list ::hostile::Heard $out]
    }
    after 1000 ::hostile::Look
    while {[array size jobs]} {vwait ::hostile::ended}
    return [list $good $bad]
}

# ::hostile::Heard --
#
#       Passes on a line of a child; at the end, tells what its last call was if it did not end well.

proc ::hostile::Heard {out} {
    variable jobs
    variable good
    variable bad
    while {[gets $out line] >= 0} {
	# Log lines, counts of lost messages and errors of bad error handlers are expected here.
	dict set jobs($out) tail [lrange [concat [dict get $jobs($out) tail] [list $line]] end-30 end]
	if {[regexp {^(FOUND|    (call|inner) )} $line]} {puts $line}
	# The reason comes first, and a dump of librdkafka's may follow.
	if {[regexp {\*\*\*|[Aa]ssert|panick|free\(\)|malloc|corrupt} $line]} {puts "seed [dict get $jobs($out) seed]: $line"}
	if {[string match "FOUND*" $line]} {dict incr jobs($out) found}
    }
    if {![eof $out]} return
    fconfigure $out -blocking 1
    set how ok
    if {[catch {close $out} message options]} {
	set how [lindex [dict get $options -errorcode] 0]
	if {$how eq "CHILDKILLED"} {set how [lindex [dict get $options -errorcode] 2]}
    }
    dict with jobs($out) {}
    unset jobs($out)
    if {$how ne "ok" || $hung} {
	incr found
	puts "FOUND [expr {$hung ? {a hang} : "the end of the process: $how $message"}]; the last call:"
	puts [LastCall $log]
	puts [join $tail \n]
    } else {
	file delete $log
    }
    if {$found} {
	incr bad
	puts "to repeat it: make hostile SEED=$seed CALLS=$calls JOBS=1"
    } else {
	incr good
    }
    incr ::hostile::ended
}

# ::hostile::LastCall --
#
#       The last call, as the child wrote it before it made it.

proc ::hostile::LastCall {log} {
    if {[catch {open $log} chan]} {return "(none)"}
    set text [read $chan 2000]
    close $chan
    return $text
}

# ::hostile::Look --
#
#       Ends a child if one call takes too long, and prints where it was if a debugger is there.

proc ::hostile::Look {} {
    variable option
    variable jobs
    foreach out [array names jobs] {
	if {[catch {file mtime [dict get $jobs($out) log]} when] || [clock seconds] - $when <= $option(-hang)
		|| [dict get $jobs($out) hung]} continue
	dict set jobs($out) hung 1
	set pid [lindex [pid $out] 0]
	catch {exec gdb -p $pid -batch -ex "thread apply 1 bt 40" -ex "thread apply all bt 20" 2>@1} trace
	regsub -all -line {^(\[New LWP|warning:).*\n} $trace {} trace
	puts [string range $trace 0 20000]
	catch {exec kill -9 $pid}
    }
    after 1000 ::hostile::Look
}

# --- chance ----------------------------------------------------------------------------------------------------------

# ::hostile::Below, ::hostile::Pick, ::hostile::Chance --
#
#       A number below n; an element of a list; true in so many of a hundred cases.

proc ::hostile::Below {n} {expr {int(rand() * $n)}}
proc ::hostile::Pick {list} {lindex $list [Below [llength $list]]}
proc ::hostile::Chance {percent} {expr {rand() * 100 < $percent}}

# --- values ----------------------------------------------------------------------------------------------------------

# ::hostile::Values --
#
#       Makes the lists of values: those that are bad anywhere, and good ones for each kind of parameter.

proc ::hostile::Values {} {
    variable values
    variable evil
    set nested x
    for {set i 0} {$i < 1500} {incr i} {set nested [list $nested]}
    set all {}
    for {set i 0} {$i < 256} {incr i} {append all [format %c $i]}
    set evil [list {} { } - -- -brokers -async -bogus \0 a\0b \u20ac \ud83d \udc00\ud83d \U0001F600 \u202e \{ "\{a \}b" {a {b}c} \
	[string repeat a 70000] [string repeat \u00ff 3000] $all $nested [lrepeat 5000 z] {a 1 b} {a 1 a 2} \
	2147483648 4294967297 -2147483649 9223372036854775807 9223372036854775808 18446744073709551615 \
	-9223372036854775808 1[string repeat 0 400] 0x10 08 1.0 { 1 } true NaN Inf 1e3 -1 -2 -1001 0 1 \
	:: ::: a::b::c [string repeat :: 300] ::no::such #auto %s%n%d {[exit]} {$x} \; \n\r\t [list [list t 0 0] [list t 0]] \
	{t 0 99999999999} {{t 0} {u 1}} {{} 0 0} ^ ^( ^[string repeat ( 100] [string repeat ^(a*)* 20] . .. / ../../etc \
	KAFKA kafka::kafka help creator delete set unknown]
    array set values {
	integer {0 0 0 1 2 3 -1 100 10000}
	number {0 1 2 3 -1 16}
	text {t t t u v Produce Fetch Metadata JoinGroup 0 3 NO_ERROR __TRANSPORT NOT_LEADER_FOR_PARTITION _ALL_BROKERS_DOWN
	    REQUEST_TIMED_OUT UNKNOWN_TOPIC_OR_PART group transaction g1 g2 err debug info warning random consistent murmur2 rack1}
	bytes {a b {} t u {t 0} {t 0 0} {t 1 beginning} {t 0 5} {u 0 end} {t u} {{t 0 0} {t 1 0}} name help delete poll
	    {info topics} config}
	list {{} {a b c} {{a} {b}} {{a k} {b k2} {c}} {127.0.0.1:1} {localhost:9,127.0.0.1:2} {group.id g1} {group.id g2}
	    {group.id g1 enable.auto.commit false} {group.id g3 partition.assignment.strategy cooperative-sticky}}
	name {#auto #auto #auto #auto o1 o2 o3 ::o4 ::hostile_ns::o5 ns1::o6}
	array {a a a ::b traced1 traced2 scalar a(b) ::no::such::array {} {x y} linked env}
	offset {beginning beginning end stored invalid 0 1 5 -1 -5 1000}
	ms {0 0 0 1 5 20 50}
	script {{} {} break continue {return 5} {error x} update {set a(payload)} hostileWait {yield}
	    {cbDelete x} {cbDelete x; cbDelete x} {array unset a} {unset -nocomplain a; set a 1} {return -code 77} {cbCall x}
	    {upvar #0 a a; set a(x) 1}}
	prefix {cbNop cbNop cbDelete cbFail cbNest cbProduce cbBreak cbReplace {} {cbNop more} noSuchCommand cbCoro cbCall
	    {apply {{m} {error $m}}} cbSelf cbAll {return -code 9} cbLimit}
	{error code} {NO_ERROR __TRANSPORT}
    }
}

# ::hostile::Value --
#
#       A value for a parameter of this kind of the subcommand of this row.

proc ::hostile::Value {kind name row} {
    variable values
    variable evil
    variable objects
    if {$kind eq "ms"} {
	# A wait that only its own time can end must be short; the others end at the limit of the interpreter.
	if {[Chance 80]} {return [Pick $values(ms)]}
	if {[lindex $row 0] in {consume consume_batch poll} && [Chance 5]} {return [Pick {-1 2147483647 100000}]}
	return [Pick [lsearch -all -inline -not -regexp $evil {^ *(-1|1|0x10|08|2147483647) *$}]]
    }
    if {[Chance 15]} {return [Pick $evil]}
    if {$kind eq "text" && $name eq "queue" || [Chance 4]} {
	return [Pick [concat {*}[dict values $objects] gone]]
    }
    if {$kind eq "bytes" && [Chance 10]} {return [string repeat [Pick {a \xff \0}] [Below 100000]]}
    if {[info exists values($kind)]} {return [Pick $values($kind)]}
    return [Pick $evil]
}

# ::hostile::Words --
#
#       The words of a call of a row: as many as it wants, in most cases.

proc ::hostile::Words {row} {
    set name [dict get $row name]
    if {[llength [dict get $row aliases]] && [Chance 20]} {set name [Pick [dict get $row aliases]]}
    set words $name
    foreach param [dict get $row params] {
	set kind [dict get $param kind]
	set label [dict get $param name]
	switch [dict get $param shape] {
	    required {if {[Chance 97]} {lappend words [Value $kind $label $name]}}
	    optional {if {[Chance 60]} {lappend words [Value $kind $label $name]}}
	    switch {if {[Chance 40]} {lappend words -$label}}
	    given {if {[Chance 50]} {lappend words -[string map {r# {}} $label] [Value $kind $label $name]}}
	    rest {
		set n [Pick {0 1 1 1 2 3 5}]
		for {set i 0} {$i < $n} {incr i} {
		    if {[string match pairs* $kind] && [Chance 90]} {
			lappend words [Pick $::hostile::keys] [Pick [list 0 1 true none all 100 1000 t [Pick $::hostile::evil]]]
		    } else {
			lappend words [Value $kind $label $name]
		    }
		}
	    }
	}
    }
    if {[Chance 3]} {lappend words [Value text x $name]}
    return $words
}

# --- objects ---------------------------------------------------------------------------------------------------------

# ::hostile::Try --
#
#       Makes one call in the inner interpreter, with a limit on its time; notes it before, looks at its error after.

proc ::hostile::Try {words {seconds 3}} {
    variable option
    variable made
    variable last
    # In ASCII, for Tcl 9 refuses to write some of these words.
    regsub -all {[^\n -~]} [string range $words 0 1500] ? text
    set text "call $made seed $option(-seed): $text"
    seek $last 0
    chan truncate $last 0
    puts -nonewline $last $text
    flush $last
    if {![interp exists inner]} Fresh
    set coro [expr {[Chance 15] ? [list coroutine ::hostile_co[Below 20]] : {}}]
    set until [expr {[clock milliseconds] + $seconds * 1000}]
    inner limit time -seconds [expr {$until / 1000}] -milliseconds [expr {$until % 1000}]
    set code [catch {inner eval [concat $coro [list {*}$words]]} result options]
    if {[interp exists inner]} {inner limit time -seconds {}}
    if {$code == 1} {
	set error [dict get $options -errorcode]
	if {[lindex $error 0] eq "KAFKA" && [lindex $error 1] eq "INTERNAL"} {
	    Found "a panic: $result" $text
	} elseif {$error eq "NONE" && ![Expected $result]} {
	    set where [string map {\n { | }} [string range [dict get $options -errorinfo] 0 600]]
	    Found "an error without a code: [string range $result 0 80]" \
		"$text\n    inner is [expr {[interp exists inner] ? {there} : {gone}}], [expr {$until - [clock milliseconds]}]\
		ms before its limit, from: $where"
	} elseif {[lindex $error 0] eq "KAFKA" && ![string match RD_KAFKA_RESP_ERR_* [lindex $error 1]]
		&& ![string match ERR_* [lindex $error 1]]} {
	    Found "an odd code: [string range $error 0 80]" $text
	}
    }
    # No expression: the result may look like a number that is none.
    if {$code != 0} {return}
    return $result
}

# ::hostile::Expected --
#
#       Errors without a code that come from our own bodies and callbacks, or from Tcl itself.

proc ::hostile::Expected {message} {
    foreach pattern {x y "invoked \"*\" outside*" "command returned bad code*" "can't set *" "trace says no*" "*already a coroutine*"
	    "time limit exceeded*" "attempt to call eval in deleted interpreter" "too many nested*" "*cannot yield*" "*coroutine*"
	    "can't call vwait*" "*would wait forever*" "eval canceled" "interpreter is being deleted*" "bad variable*"} {
	if {[string match $pattern $message]} {return 1}
    }
    return 0
}

# ::hostile::Found --
#
#       Prints a finding, once.

proc ::hostile::Found {what text} {
    variable seen
    set key [regsub -all {[0-9]+} [string range $what 0 60] N]
    if {[info exists seen($key)]} return
    set seen($key) 1
    puts "FOUND $what"
    puts "    $text"
    flush stdout
}

# ::hostile::Fresh --
#
#       A new inner interpreter with the package, the callbacks and the variables that the calls use.

proc ::hostile::Fresh {} {
    variable objects
    variable keys
    catch {interp delete inner}
    interp create inner
    inner eval [list set ::auto_path $::auto_path]
    inner eval {package require kafka}
    interp alias inner hostileObject {} ::hostile::Object
    interp alias inner hostileCall {} ::hostile::Nested
    interp alias inner hostileFound {} ::hostile::Found
    interp alias inner hostileWait {} ::hostile::Wait
    interp alias inner hostileChance {} ::hostile::Chance
    set objects [dict create kafka ::kafka::kafka master {} handle {} topic_producer {} topic_consumer {} queue {} subscriber {} mock {}]
    inner eval {
	set scalar 1
	set depth 0
	array set a {}
	array set traced1 {}
	array set traced2 {}
	array set target {}
	upvar #0 target linked
	trace add variable traced1 {write unset} {apply {args {cbDelete x}}}
	trace add variable traced2 write {apply {args {if {[hostileChance 30]} {error "trace says no"}}}}
	proc bgerror {message} {if {[hostileChance 3]} {error y}}
	# What prints metadata runs the script's own [puts].
	proc puts {args} {if {[hostileChance 20]} {cbDelete x}}
	interp bgerror {} {apply {{message options} {
	    if {[string match "*(this is a bug*" $message]} {hostileFound "a panic in the background: $message" "in a callback"}
	    if {[hostileChance 3]} {error y}
	    if {[hostileChance 3]} {cbDelete x}
	}}}
	proc cbNop {args} {}
	proc cbFail {args} {error x}
	proc cbBreak {args} {return -code [expr {int(rand() * 6)}] x}
	proc cbDelete {args} {catch {rename [hostileObject] {}}}
	proc cbSelf {args} {catch {[hostileObject] delete}}
	proc cbAll {args} {if {[hostileChance 10]} {for {set i 0} {$i < 9} {incr i} {cbDelete x}}}
	proc cbReplace {args} {catch {[hostileObject] consume_callback cbNop}; catch {[hostileObject] callback {}}}
	proc cbCall {args} {hostileCall}
	proc cbLimit {args} {if {[hostileChance 5]} {proc again {} again; again}}
	# Fewer than one for each report, or [update] would never end.
	proc cbProduce {args} {if {[hostileChance 80]} {catch {[hostileObject topic_producer] produce -1 again}}}
	proc cbCoro {args} {catch {coroutine ::co[incr ::coros] apply {{} {yield; cbDelete x}}}; catch {::co[expr {$::coros - 3}]}}
	# Deep, but not both deep and wide: each message of each turn at each depth would be a tree without an end.
	proc cbNest {args} {
	    if {[incr ::depth] < 30 && [incr ::nests] < 200} {if {[hostileChance 50]} update else hostileWait}
	    incr ::depth -1
	}
    }
    set keys [inner eval {
	kafka::kafka create ::hostile_keys
	set names [dict keys [concat [hostile_keys config] [hostile_keys topic_config]]]
	hostile_keys delete
	set names
    }]
    # What floods, or starts programs and servers of its own, is not for this test.
    set keys [lsearch -all -inline -not -regexp $keys {^(debug|test\.mock|bootstrap\.servers|metadata\.broker\.list|.*\.pem|ssl\..*location)$}]
    lappend keys no.such.property \0 {} internal.termination.signal opaque ut_handle_ProduceResponse plugin.library.paths
    inner eval {kafka::kafka flush_timeout 100}
}

# ::hostile::Wait --
#
#       A nested event loop. Here and not in the inner interpreter: a [vwait] there would never end if it was deleted.

proc ::hostile::Wait {} {
    after 2 {set ::hostile::nest 1}
    vwait ::hostile::nest
}

# ::hostile::Object --
#
#       The name of some object, of a kind or of any, alive or gone.

proc ::hostile::Object {{kind {}}} {
    variable objects
    if {$kind eq "" || $kind ni [dict keys $objects]} {set kind [Pick [lrange [dict keys $objects] 1 end]]}
    set name [Pick [dict get $objects $kind]]
    # No [expr]: an object may be called NaN.
    if {$name eq ""} {return gone}
    return $name
}

# ::hostile::Nested --
#
#       One random call from inside a callback or a body.

proc ::hostile::Nested {} {
    variable objects
    variable tables
    set kind [Pick [lrange [dict keys $objects] 1 end]]
    set words [Words [Pick [dict get $tables $kind]]]
    # Not those that may wait for seconds: callbacks run many times.
    if {[regexp {poll|flush|consume|commit|meta|info|offsets|watermarks|delete} [lindex $words 0]]} return
    catch {inner eval [list [Object $kind] {*}[Split $words]]}
}

# ::hostile::Split --
#
#       The words of a call: the name of a row may be two words.

proc ::hostile::Split {words} {
    return [concat [split [lindex $words 0] { }] [lrange $words 1 end]]
}

# ::hostile::Stock --
#
#       Makes objects, so that there are some of each kind, and forgets those that are gone.

proc ::hostile::Stock {} {
    variable objects
    variable option
    if {![interp exists inner]} Fresh
    foreach kind [lrange [dict keys $objects] 1 end] {
	set alive {}
	foreach name [dict get $objects $kind] {
	    if {[interp exists inner] && [inner eval [list info commands $name]] ne ""} {lappend alive $name}
	}
	while {[llength $alive] > $option(-pool)} {
	    Try [list [lindex $alive 0] delete]
	    set alive [lrange $alive 1 end]
	}
	dict set objects $kind $alive
    }
    if {![llength [dict get $objects mock]]} {
	set mock [Keep mock [Try {kafka::kafka mock create #auto -brokers 3}]]
	Try [list $mock group_initial_rebalance_delay_ms 0]
	Try [list $mock create_topic t 2 2]
    }
    if {![interp exists inner]} return
    if {[catch {inner eval [list [Pick [dict get $objects mock]] bootstrap_servers]} servers]} return
    if {[llength [dict get $objects master]] < 2} {
	set master [Keep master [Try {kafka::kafka create #auto}]]
	Try [list $master config bootstrap.servers $servers group.id g[Below 3] socket.timeout.ms 1000 message.timeout.ms 2000 \
	    session.timeout.ms 6000 statistics.interval.ms 100 max.poll.interval.ms 6000 linger.ms 0]
	Try [list $master logger [Pick {none none {callback cbNop}}]]
	Try [list $master logger none]
	if {[Chance 60]} {Try [list $master delivery_report callback [Value prefix p x]]}
	if {[Chance 50]} {Try [list $master error_callback [Value prefix p x]]}
	if {[Chance 50]} {Try [list $master statistics_callback [Value prefix p x]]}
	if {[Chance 30]} {Try [list $master logger callback [Value prefix p x]]}
    }
    set master [Object master]
    set ways [list handle [list $master [Pick {producer_creator consumer_creator}] #auto] subscriber [list $master subscriber #auto] \
	topic_producer [list [Object handle] new_topic #auto [Pick {t u}]] topic_consumer [list [Object handle] new_topic #auto t] \
	queue [list [Object handle] create_queue #auto]]
    foreach {kind words} $ways {
	if {[llength [dict get $objects $kind]] < 2 && [Chance 60]} {Keep $kind [Try $words]}
    }
}

# ::hostile::Keep --
#
#       Remembers an object under its kind, which its own error message tells.

proc ::hostile::Keep {kind name} {
    variable objects
    if {$name eq "" || ![interp exists inner]} {return $name}
    catch {inner eval [list $name ""]} message
    if {$kind in {topic_producer topic_consumer}} {
	set kind [expr {[string match "*produce,*" $message] ? "topic_producer" : "topic_consumer"}]
    }
    if {[llength [split $name \n]] == 1} {dict lappend objects $kind $name}
    return $name
}

# --- the calls -------------------------------------------------------------------------------------------------------

# ::hostile::Turn --
#
#       Lets the event loop turn a little; sometimes does something to the objects that is no call of theirs.

proc ::hostile::Turn {} {
    variable objects
    variable last
    puts -nonewline $last "\n(it has returned; the event loop turns)"
    flush $last
    if {[interp exists inner]} {inner eval {set ::nests 0}}
    if {[Chance 30]} {
	after [Below 8] {set ::hostile::go 1}
	vwait ::hostile::go
    } else {
	update
    }
    if {![interp exists inner]} return
    set name [Object]
    switch [Below 400] {
	0 {interp delete inner}
	1 {catch {inner eval [list rename $name {}]}}
	2 {catch {inner eval [list rename $name ::renamed[Below 9]]}}
	3 {catch {inner eval {namespace delete ::hostile_ns}; inner eval {namespace eval ::hostile_ns {}}}}
	4 {catch {inner hide [string trimleft $name :] hidden}; catch {inner invokehidden hidden help}; catch {inner expose hidden}}
	5 - 8 {
	    # Not both on one command: Tcl itself, 8.6 and 9.0, frees the trace of a call twice when a command is deleted in
	    # it that has a trace of deletion which deletes it as well, whatever the command is.
	    catch {
		if {[inner eval [list trace info command $name]] eq "" && [inner eval [list trace info execution $name]] eq ""} {
		    inner eval [list trace add {*}[Pick [list [list command $name {delete rename}] \
			[list execution $name {enter leave}]]] {apply {args {cbDelete x}}}]
		}
	    }
	}
	6 {foreach co [inner eval {info commands ::hostile_co*}] {catch {inner eval $co}}}
	7 {foreach co [inner eval {info commands ::hostile_co*}] {catch {inner eval [list rename $co {}]}}}
	9 {inner eval {after 0 {catch {interp delete {}}}}}
	10 {catch {interp create other; other eval [list set auto_path $::auto_path]; other eval {package require kafka
	    kafka::kafka create k; k config group.id g; k producer_creator p; k subscriber s; s subscribe t}; interp delete other}}
    }
}

# ::hostile::Run --
#
#       Makes the calls.

proc ::hostile::Run {} {
    variable option
    variable made 0
    set dull 0
    variable tables
    variable objects {}
    variable last [open $option(-log) w]
    fconfigure $last -encoding utf-8
    expr {srand($option(-seed))}
    package require kafka
    Values
    set tables [kafka::kafka describe]
    Fresh
    array set kinds {{mock create} mock {mock new} mock create master producer_creator handle create_producer handle
	consumer_creator handle create_consumer handle subscriber subscriber new_topic topic_producer create_queue queue}
    while {$made < $option(-calls)} {
	incr made
	Stock
	set kind [expr {[Chance 4] ? "kafka" : [Pick [lrange [dict keys $objects] 1 end]]}]
	if {$kind eq "mock" && [Chance 60]} {set kind topic_producer}
	set words [Words [Pick [dict get $tables $kind]]]
	if {[lindex $words 0] eq "delete" && [Chance 60]} continue
	if {[Chance 2]} {
	    set object [Object]
	} elseif {$kind eq "kafka"} {
	    set object ::kafka::kafka
	} else {
	    set object [Object $kind]
	}
	set name [lindex $words 0]
	# Brokers that are gone for good cost the same five seconds each time: not all the time of a run.
	if {$dull > 0 && [regexp {^(info|meta)} $name]} {
	    incr dull -1
	    incr made -1
	    continue
	}
	set begin [clock milliseconds]
	set result [Try [concat [list $object] [Split $words]]]
	if {[clock milliseconds] - $begin > 3000} {set dull 40}
	if {[info exists kinds($name)]} {Keep $kinds($name) $result}
	if {$name eq "flush_timeout"} {Try {kafka::kafka flush_timeout 100}}
	if {$kind eq "mock" && [Chance 70]} {
	    # Otherwise nearly all calls would find a cluster that is out of order.
	    foreach heal {{broker_set_up -1} {broker_set_rtt -1 0} {clear_request_errors Metadata} {group_initial_rebalance_delay_ms 0}
		    {topic_set_error t NO_ERROR}} {
		Try [concat [list $object] $heal]
	    }
	}
	Turn
    }
    catch {interp delete inner}
    # Everything was deleted with its interpreter: nothing may be left, a moment later.
    # A name that is looked up holds its client for as long as the resolver waits; a commit to a coordinator that is gone
    # holds it for a session, 45 s unless configured. This thread does not hang meanwhile, which it shows by writing.
    set until [expr {[clock seconds] + 100}]
    while {[set live [kafka::kafka live]] ne "" && [clock seconds] < $until} {
	puts -nonewline $last "\n(the end; still there: $live)"
	flush $last
	after 100 {set ::hostile::go 1}
	vwait ::hostile::go
    }
    if {$live ne ""} {Found "objects that nobody owns: $live" "at the end"}
    puts "calls $made"
}

# --- the start -------------------------------------------------------------------------------------------------------

foreach {name value} $argv {
    if {![info exists ::hostile::option($name)]} {
	puts stderr "usage: hostile.tcl ?-seed n? ?-calls n? ?-jobs n? ?-hang seconds? ?-log file? ?-pool n?"
	exit 2
    }
    set ::hostile::option($name) $value
}
if {$::hostile::option(-worker)} {
    fconfigure stdout -encoding utf-8 -buffering line
    ::hostile::Run
    exit 0
}
if {$::hostile::option(-seed) eq ""} {set ::hostile::option(-seed) [expr {[clock microseconds] % 1000000 + 1}]}
if {$::hostile::option(-log) eq ""} {set ::hostile::option(-log) [file join [expr {[info exists env(TMPDIR)] ? $env(TMPDIR) : "/tmp"}] hostile.[pid]]}
puts "seed $::hostile::option(-seed), calls $::hostile::option(-calls), jobs $::hostile::option(-jobs), Tcl [info patchlevel]"
lassign [::hostile::Watch] good bad
puts "$good passed, $bad failed, 0 skipped"
exit [expr {$bad > 0}]
