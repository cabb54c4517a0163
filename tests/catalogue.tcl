# catalogue.tcl --
#
#	Runs the cases of the catalogue, catalogue/<row>-<words>.tcl, each in a
#	process of its own, and knows a crash, a hang, a report of a sanitizer, a
#	leak, a panic and a process left behind from a pass.  The form of a case
#	is in catalogue/case.tcl.  It must not load the package: what happens to a
#	case must not happen to it.
#
#	usage: tclsh catalogue.tcl ?-tclsh program? ?-match patterns? ?-jobs n?
#		?-asan folder? ?-valgrind 1? ?-folder folder? ?-seconds n?
#	-tclsh program	the shell that runs the cases; the one that runs this
#	-match patterns	only the cases whose names (without .tcl) match one
#	-jobs n		so many side by side; 2
#	-asan folder	under AddressSanitizer, with the package in this folder
#	-valgrind 1	under valgrind, only cases that say "valgrind: yes"
#	-folder folder	where the cases are
#	-seconds n	the limit of a case that names none; 30
#
#	A case has passed if it has printed the line "held" and ended with status
#	0, or has ended as its header declares; in its time; without a report of a
#	sanitizer or of valgrind, a panic or a failed assertion; and has left no
#	process behind.  The whole output of a failed case is shown.  The last
#	line is `N passed, N failed, N skipped`; the status is 1 if any failed.

namespace eval ::catalogue {
    # Where this file is: cases start in folders of their own.
    variable home [file dirname [file normalize [info script]]]
    variable option
    array set option [list -tclsh [info nameofexecutable] -match * -jobs 2 -asan {} \
	    -valgrind 0 -seconds 30 -folder \
	    [file join $home catalogue]]
    variable passed 0 failed 0 skipped 0 failures {}
    # The names of the cases to come, and how many run.
    variable waiting {} running 0
    # Of the cases that run: job(name,field).
    variable job
    # Clock ticks of the processor, in all cases.
    variable ticks 0
    # How much longer things take here, and the words before the shell.
    variable slow 1 before {}
    # Facts about the shell and this machine: 1, or why not.
    variable facts
    # Text that no case may print.
    variable alarms {
	{this is a bug} {panicked at} {Sanitizer:} {runtime error: } {Assertion .* failed}
	{\*\*\* rdkafka} {double free} {corrupted} {stack smashing} {terminate called}
	{KAFKA INTERNAL} {unable to alloc}
    }
}

# ::catalogue::Header --
#
#	The header of a case, as a dictionary.  It is an error if it is not
#	complete, or would let a case pass that did nothing.

proc ::catalogue::Header {path} {
    set chan [open $path]
    fconfigure $chan -encoding utf-8
    set lines [split [read $chan 4000] \n]
    close $chan
    set header [dict create limit {} needs {} valgrind no stdout {} stderr {} ends {exit 0}]
    set given {}
    foreach line $lines {
	if {![string match "#*" $line]} {
	    break
	}
	if {[regexp {^# ([a-z]+): (.*)$} $line -> key value]
		&& $key in {row demands limit needs valgrind stdout stderr ends}} {
	    dict set header $key [string trim $value]
	    lappend given $key
	}
    }
    foreach key {row demands} {
	if {$key ni $given} {
	    error "its header has no line \"# $key:\""
	}
    }
    if {![string match [dict get $header row]-* [file tail $path]]} {
	error "its name does not begin with its row, [dict get $header row]-"
    }
    if {![regexp {^(exit \d+|SIG[A-Z]+)$} [dict get $header ends]]} {
	error "\"# ends:\" is neither \"exit number\" nor a signal"
    }
    if {"ends" in $given && "stdout" ni $given && "stderr" ni $given} {
	error "with \"# ends:\" it must say how far it came, by \"# stdout:\" or \"# stderr:\""
    }
    dict set header own [expr {"ends" in $given}]
    return $header
}

# ::catalogue::Facts --
#
#	What the shell under test and this machine have, for "# needs:".

proc ::catalogue::Facts {} {
    variable option
    variable facts
    # Asked in a process of its own: the shell may be another one than ours.
    # Libraries that can fork were made for Tcl 8, and crash Tcl 9.
    set answer [exec $option(-tclsh) << {
	puts [info patchlevel]
	puts [expr {![catch {package require Thread}]}]
	puts [expr {[string match 8.* [info patchlevel]]
		&& (![catch {package require Tclx}] || ![catch {package require Expect}])}]
    }]
    lassign $answer version thread fork
    puts "Tcl $version ($option(-tclsh))[Manner]"
    set real [expr {[info exists ::env(KAFKATCL_BROKERS)] && $::env(KAFKATCL_BROKERS) ne ""}]
    set under [expr {$option(-asan) ne "" || $option(-valgrind)}]
    foreach {name holds why} [list \
	    thread $thread {needs the package Thread, which this Tcl does not find} \
	    fork $fork {needs a Tcl that can fork: the package Tclx or Expect} \
	    tcl86 [string match 8.6* $version] {is about Tcl 8.6} \
	    tcl9 [string match 9.* $version] {is about Tcl 9} \
	    mock [expr {!$real}] {needs the embedded cluster, and KAFKATCL_BROKERS names another} \
	    real $real {needs a real cluster: set KAFKATCL_BROKERS to its addresses} \
	    linux [file isdirectory /proc/self] {needs Linux's /proc} \
	    cc [llength [auto_execok cc]] {needs a C compiler} \
	    openssl [llength [auto_execok openssl]] {needs the program openssl} \
	    plain [expr {!$under}] {measures memory or time, which a sanitizer or valgrind would change}] {
	set facts($name) [expr {$holds ? 1 : $why}]
    }
}

proc ::catalogue::Manner {} {
    variable option
    if {$option(-asan) ne ""} {
	return ", under AddressSanitizer"
    }
    return [expr {$option(-valgrind) ? ", under valgrind" : ""}]
}

# ::catalogue::Prepare --
#
#	The words before the shell and the environment, for all cases.

proc ::catalogue::Prepare {} {
    variable option
    variable slow
    variable before
    # Who kills this runner kills its cases.
    if {![catch {exec setpriv --pdeathsig KILL true}]} {
	set before {setpriv --pdeathsig KILL}
    }
    if {$option(-asan) ne ""} {
	set slow 4
	set library [exec cc -print-file-name=libasan.so]
	if {![file exists $library]} {
	    error "no libasan.so: install gcc's sanitizer libraries"
	}
	# The library of the dynamic linker, not the linker script beside it.
	set ::env(KAFKATCL_CASE_PRELOAD) [file normalize $library]
	set ::env(TCLLIBPATH) [file normalize $option(-asan)]
    } elseif {$option(-valgrind)} {
	set slow 10
	if {![llength [auto_execok valgrind]]} {
	    error "no valgrind on this machine"
	}
    }
    set ::env(KAFKATCL_CASE_SLOW) $slow
}

# ::catalogue::Words --
#
#	The command that runs a case, whose reports go to files that begin so.

proc ::catalogue::Words {path report} {
    variable home
    variable option
    variable before
    set words $before
    if {$option(-asan) ne ""} {
	# Whatever the case starts inherits this.
	lappend words env LD_PRELOAD=$::env(KAFKATCL_CASE_PRELOAD) \
		ASAN_OPTIONS=log_path=$report:exitcode=99:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:allocator_may_return_null=1
    } elseif {$option(-valgrind)} {
	# What is pointed to from nowhere. Pointers into the middle of a block
	# ("possibly lost") are how Tcl's allocator and Rust's counted boxes work.
	lappend words valgrind --quiet --error-exitcode=98 --log-file=$report.%p \
		--leak-check=full --show-leak-kinds=definite \
		--errors-for-leak-kinds=definite --num-callers=30 \
		--suppressions=[file join $home catalogue valgrind.supp]
    }
    return [list {*}$words $option(-tclsh) $path]
}

# ::catalogue::Next --
#
#	Starts cases until as many run as may.

proc ::catalogue::Next {} {
    variable option
    variable waiting
    variable running
    while {$running < $option(-jobs) && [llength $waiting]} {
	set waiting [lassign $waiting path]
	Start $path
    }
    if {!$running} {
	set ::catalogue::done 1
    }
}

# ::catalogue::Start --
#
#	Starts a case, or says why not.

proc ::catalogue::Start {path} {
    variable option
    variable facts
    variable job
    variable running
    variable skipped
    variable slow
    set name [file rootname [file tail $path]]
    if {[catch {Header $path} header]} {
	Failed $name $header
	return
    }
    foreach need [dict get $header needs] {
	if {![info exists facts($need)]} {
	    Failed $name "its header needs \"$need\", which nobody knows"
	    return
	}
	if {$facts($need) ne "1"} {
	    puts "skipped $name: $facts($need)"
	    incr skipped
	    return
	}
    }
    set folder [file join $::catalogue::scratch $name]
    file mkdir $folder
    set limit [dict get $header limit]
    if {$limit eq ""} {
	set limit $option(-seconds)
    }
    set job($name,path) $path
    set job($name,header) $header
    set job($name,folder) $folder
    set job($name,hang) 0
    # In the environment of the case and of all that it starts.
    set job($name,mark) KAFKATCL_CASE=[pid]-$name
    set job($name,begin) [clock milliseconds]
    set job($name,limit) [expr {$limit * $slow * 1000}]
    set here [pwd]
    cd $folder
    try {
	set job($name,chan) [open [list | env $job($name,mark) \
		{*}[Words $path [file join $folder report]] >out 2>err] w]
    } finally {
	cd $here
    }
    set job($name,pid) [lindex [pid $job($name,chan)] 0]
    incr running
    after 5 [list ::catalogue::Look $name]
}

# ::catalogue::State --
#
#	The state of a process, one letter, Z if it has ended, and the time of the
#	processor that it has used, in ticks.

proc ::catalogue::State {pid} {
    if {[file isdirectory /proc/self]} {
	if {[catch {open /proc/$pid/stat} chan]} {
	    return {Z 0}
	}
	# The name, in parentheses, may hold anything.
	set line [read $chan]
	close $chan
	set fields [string range $line [string last ) $line]+2 end]
	return [list [lindex $fields 0] [::tcl::mathop::+ {*}[lrange $fields 11 14]]]
    }
    if {[catch {exec ps -o stat= -p $pid} state]} {
	return {Z 0}
    }
    return [list [string index [string trim $state] 0] 0]
}

# ::catalogue::Look --
#
#	Has this case ended, or must it?

proc ::catalogue::Look {name} {
    variable job
    variable ticks
    lassign [State $job($name,pid)] state used
    if {$state eq "Z"} {
	incr ticks $used
	End $name
	return
    }
    if {!$job($name,hang) && [clock milliseconds] - $job($name,begin) > $job($name,limit)} {
	set job($name,hang) 1
	Hang $name
	return
    }
    after 10 [list ::catalogue::Look $name]
}

# ::catalogue::Hang --
#
#	A case that does not end: first its stacks, if a debugger is there, then
#	SIGABRT, and soon SIGKILL.

proc ::catalogue::Hang {name} {
    variable job
    set job($name,stacks) ""
    if {[llength [auto_execok gdb]] && [llength [auto_execok timeout]]} {
	set chan [open [list | timeout -k 5 60 gdb -p $job($name,pid) -batch -nx \
		-ex "set debuginfod enabled off" -ex "thread 1" -ex "bt 40" \
		-ex "thread apply all bt 8" </dev/null 2>@1] r]
	fconfigure $chan -blocking 0
	fileevent $chan readable [list ::catalogue::Stacks $name $chan]
	return
    }
    Abort $name
}

proc ::catalogue::Stacks {name chan} {
    variable job
    append job($name,stacks) [read $chan]
    if {[eof $chan]} {
	fconfigure $chan -blocking 1
	catch {close $chan}
	regsub -all -line {^(\[New LWP|warning:|Download).*\n} $job($name,stacks) {} \
		job($name,stacks)
	Abort $name
    }
}

proc ::catalogue::Abort {name} {
    variable job
    catch {exec kill -ABRT $job($name,pid)}
    after 2000 [list ::catalogue::Kill $name $job($name,pid)]
    after 10 [list ::catalogue::Look $name]
}

proc ::catalogue::Kill {name pid} {
    variable job
    if {[info exists job($name,pid)] && $job($name,pid) == $pid} {
	catch {exec kill -KILL $pid}
    }
}

# ::catalogue::Living --
#
#	The processes with a mark in their environment: pids and names.

proc ::catalogue::Living {mark} {
    if {![file isdirectory /proc/self]} {
	return {}
    }
    set found {}
    foreach file [glob -nocomplain /proc/\[0-9\]*/environ] {
	set pid [lindex [file split $file] 2]
	if {[catch {open $file rb} chan]} {
	    continue
	}
	set words {}
	catch {set words [split [read $chan] \0]}
	close $chan
	# A zombie is nobody's any more, and has no environment.
	if {$mark in $words} {
	    set text $pid
	    catch {
		set chan [open /proc/$pid/comm]
		append text " " [string trim [read $chan]]
		close $chan
	    }
	    lappend found $text
	}
    }
    return $found
}

# ::catalogue::Strays --
#
#	The processes that a case has left behind, ended now: "pid name" each.

proc ::catalogue::Strays {mark} {
    # Who is just ending, as the program that has sent a signal, is not left behind.
    for {set tries 0} {[llength [set found [Living $mark]]] && $tries < 20} {incr tries} {
	after 50
    }
    foreach stray $found {
	catch {exec kill -KILL [lindex $stray 0]}
    }
    return $found
}

# ::catalogue::Text --
#
#	What is in a file.

proc ::catalogue::Text {path} {
    set chan [open $path]
    fconfigure $chan -encoding iso8859-1
    set text [read $chan]
    close $chan
    return $text
}

# ::catalogue::End --
#
#	A case has ended: judges it.

proc ::catalogue::End {name} {
    variable job
    variable running
    variable waiting
    variable passed
    variable alarms
    set header $job($name,header)
    set how "exit 0"
    if {[catch {close $job($name,chan)} message details]} {
	set code [dict get $details -errorcode]
	switch -- [lindex $code 0] {
	    CHILDSTATUS {
		set how "exit [lindex $code 2]"
	    }
	    CHILDKILLED {
		set how [lindex $code 2]
	    }
	    default {
		set how $message
	    }
	}
    }
    set spent [format %.1f [expr {([clock milliseconds] - $job($name,begin)) / 1000.0}]]
    set out [Text [file join $job($name,folder) out]]
    set err [Text [file join $job($name,folder) err]]
    set reports ""
    foreach file [lsort [glob -nocomplain -directory $job($name,folder) report.*]] {
	append reports [Text $file]
    }
    if {[string match "*False leaks are possible*" $reports]
	    && ![string match "*ERROR: AddressSanitizer*" $reports]
	    && !$job($name,hang) && $how eq "exit 99" && "held" in [split $out \n]
	    && ![info exists job($name,again)] && ![llength [Strays $job($name,mark)]]} {
	# A thread began while the process ended, and the leak detector says that it could not look at it.
	puts "$name: once more, because the detector could not stop a thread"
	set job($name,again) 1
	file delete -force $job($name,folder)
	incr running -1
	set waiting [linsert $waiting 0 $job($name,path)]
	Next
	return
    }
    set why {}
    if {$job($name,hang)} {
	lappend why "a hang: no end after [expr {$job($name,limit) / 1000}] seconds"
    } elseif {$how ne [dict get $header ends]} {
	lappend why "ended with [expr {[string match SIG* $how] ? "the signal " : ""}]$how,\
		not with [dict get $header ends]"
    }
    if {![dict get $header own] && "held" ni [split $out \n]} {
	lappend why "did not say \"held\""
    }
    foreach {stream text} [list stdout $out stderr $err] {
	set wanted [dict get $header $stream]
	if {$wanted ne "" && ![regexp -line -- $wanted $text]} {
	    lappend why "$stream does not match $wanted"
	}
	foreach alarm $alarms {
	    if {[regexp -- $alarm $text found]} {
		lappend why "$stream says \"$found\""
	    }
	}
    }
    if {[string trim $reports] ne ""} {
	lappend why "a report of [expr {$::catalogue::option(-valgrind) ? "valgrind" : "a sanitizer"}]"
    }
    foreach stray [Strays $job($name,mark)] {
	lappend why "left a process behind: $stray"
    }
    if {[llength $why]} {
	Failed $name [join $why "; "] $spent
	set told [dict create stdout $out stderr $err reports $reports]
	if {[info exists job($name,stacks)]} {
	    dict set told stacks $job($name,stacks)
	}
	dict for {title text} $told {
	    if {[string trim $text] ne ""} {
		puts "---- $title of $name"
		puts [string trimright [string range $text 0 20000]]
	    }
	}
	puts "----"
    } else {
	puts "ok $name ($spent s)"
	incr passed
    }
    catch {file delete -force $job($name,folder)}
    array unset job $name,*
    incr running -1
    Next
}

# ::catalogue::Failed --

proc ::catalogue::Failed {name why {spent ""}} {
    variable failed
    variable failures
    incr failed
    lappend failures $name
    puts "FAILED $name[expr {$spent ne "" ? " ($spent s)" : ""}]: $why"
}

# ::catalogue::Chosen --
#
#	The cases that -match and the manner of the run choose, in the order of
#	their rows.

proc ::catalogue::Chosen {} {
    variable option
    set all {}
    foreach path [lsort -dictionary [glob -nocomplain -directory $option(-folder) *.tcl]] {
	set name [file rootname [file tail $path]]
	if {$name eq "case"} {
	    continue
	}
	set wanted 0
	foreach pattern $option(-match) {
	    if {[string match $pattern $name]} {
		set wanted 1
	    }
	}
	if {$wanted && $option(-valgrind)} {
	    set wanted [expr {![catch {Header $path} header]
		    && [dict get $header valgrind] eq "yes"}]
	}
	if {$wanted} {
	    lappend all $path
	}
    }
    return $all
}

# ::catalogue::Main --

proc ::catalogue::Main {words} {
    variable option
    variable waiting
    variable passed
    variable failed
    variable skipped
    variable failures
    variable ticks
    fconfigure stdout -buffering line
    if {[llength $words] % 2} {
	error "options come with a value"
    }
    foreach {name value} $words {
	if {![info exists option($name)]} {
	    error "bad option \"$name\": must be [join [lsort [array names option]] ", "]"
	}
	set option($name) $value
    }
    Prepare
    Facts
    set base [expr {[info exists ::env(TMPDIR)] ? $::env(TMPDIR) : "/tmp"}]
    set ::catalogue::scratch [file join [file normalize $base] kafkatcl-catalogue-[pid]]
    file mkdir $::catalogue::scratch
    set begin [clock milliseconds]
    try {
	set waiting [Chosen]
	if {![llength $waiting]} {
	    Failed (none) "no case matches"
	}
	set ::catalogue::done 0
	# A mistake of the runner ends the run.
	interp bgerror {} {apply {{message options} {
	    puts stderr [dict get $options -errorinfo]
	    exit 2
	}}}
	after 0 ::catalogue::Next
	if {!$::catalogue::done} {
	    vwait ::catalogue::done
	}
    } finally {
	file delete -force $::catalogue::scratch
    }
    if {[llength $failures]} {
	puts "failed: $failures"
    }
    puts [format "%.0f s, %.0f s of the processor" \
	    [expr {([clock milliseconds] - $begin) / 1000.0}] [expr {$ticks / 100.0}]]
    puts "$passed passed, $failed failed, $skipped skipped"
    exit [expr {$failed > 0}]
}

::catalogue::Main $argv
