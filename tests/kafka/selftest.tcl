# The tests of the harness itself: that a cluster starts, loses a node, freezes, thaws and restarts, that a bad machine
# gets one clear line, and that nothing is left running whatever becomes of the script that started it.
# It must not test the kafka package, must not need it, and must not touch clusters other than its own.
#
# usage: tclsh tests/kafka/selftest.tcl ?tcltest options?   -match 'cheap-* guard-*' needs no Java; all: 2 to 5 minutes
# The last line is `N passed, N failed, N skipped`; the exit status is 0 if none failed.

package require tcltest 2.3
namespace import ::tcltest::*
source [file join [file dirname [file normalize [info script]]] cluster.tcl]

set area [file join $::cluster::root build selftest.[pid]]
file mkdir $area/tcltest
configure -tmpdir $area/tcltest {*}$argv
customMatch lines {apply {{expected got} {expr {[string match $expected $got] && ![string match *\n* $got]}}}}

# --- helpers ---------------------------------------------------------------------------------------------------------

# Processes that have a text in their command line, without our own.
proc Processes text {
    set found {}
    foreach file [glob -nocomplain /proc/\[0-9\]*/cmdline] {
        if {[catch {::cluster::Slurp $file} line]} continue
        set pid [file tail [file dirname $file]]
        if {$pid != [pid] && [string first $text $line] >= 0} {lappend found $pid}
    }
    return $found
}

# Nothing that names the text lives, at the latest after a while. Returns what does.
proc Left text {
    cluster::until 10000 {![llength [Processes $text]]}
    return [lmap pid [Processes $text] {
        set line [string map {\0 { }} [::cluster::Slurp /proc/$pid/cmdline]]
        # It has ended meanwhile.
        if {$line eq ""} continue
        set line
    }]
}

proc Signal {signal pid} {exec sh -c {kill -s "$1" "$2"} sh $signal $pid}

# A script in a process of its own, with the harness loaded; returns its channel once it has said "go".
proc Driver script {
    global area
    set file $area/driver[incr ::drivers].tcl
    ::cluster::Spew $file "source [list $::cluster::home/cluster.tcl]\n$script\n"
    set chan [open [list |[info nameofexecutable] $file 2>@1] r+]
    fconfigure $chan -buffering line
    set said {}
    while {[gets $chan line] >= 0} {
        if {$line eq "go"} {return $chan}
        append said $line\n
    }
    catch {close $chan}
    error "the driver ended: $said"
}

proc Drop chan {
    fconfigure $chan -blocking 0
    catch {close $chan}
}

# Another search path for programs, for the time of a script: the folders given, and links to some programs.
proc WithPath {programs fakes script} {
    global env area auto_execs
    set bin $area/bin[incr ::bins]
    file mkdir $bin
    foreach program $programs {
        file link -symbolic $bin/$program [lindex [auto_execok $program] 0]
    }
    foreach {program text} $fakes {
        ::cluster::Spew $bin/$program "#!/bin/sh\n$text\n"
        file attributes $bin/$program -permissions 0755
    }
    set before [array get env]
    set env(PATH) $bin
    unset -nocomplain env(JAVA_HOME) auto_execs
    try {
        uplevel 1 $script
    } finally {
        unset -nocomplain auto_execs
        array set env $before
    }
}

proc Outcome script {
    set code [catch {uplevel 1 $script} message options]
    if {!$code} {return [list NONE $message]}
    return [list [lindex [dict get $options -errorcode] 1] $message]
}

proc Seconds since {expr {([clock milliseconds] - $since) / 1000.0}}

# --- cheap: neither Java nor a process -------------------------------------------------------------------------------

test cheap-1.1 {unknown options list the choices} -body {
    cluster::create -nods 3
} -returnCodes error -match glob -result {bad option "-nods": must be -nodes, -dir, -keep, *}

test cheap-1.2 {an option without a value} -body {
    cluster::create -nodes
} -returnCodes error -result {no value for option "-nodes"}

test cheap-1.3 {a number of nodes that cannot be} -body {
    cluster::create -nodes 0
} -returnCodes error -result {bad number of nodes "0": must be 1 to 9}

test cheap-1.4 {no version} -body {
    cluster::create -version new
} -returnCodes error -match glob -result {"new" is no version of Kafka: *}

test cheap-1.5 {versions: the default, a line, the environment} -setup {
    set before [array get env KAFKA_VERSION]
} -body {
    unset -nocomplain env(KAFKA_VERSION)
    set list [list [cluster::FullVersion {}] [cluster::FullVersion 3.9] [cluster::FullVersion 4.2.0]]
    set env(KAFKA_VERSION) 3.9.1
    lappend list [cluster::FullVersion {}]
    set env(KAFKA_VERSION) {}
    lappend list [cluster::FullVersion {}]
} -cleanup {
    unset -nocomplain env(KAFKA_VERSION)
    array set env $before
} -result {4.3.1 3.9.2 4.2.0 3.9.1 4.3.1}

test cheap-1.6 {a folder that is not ours is not touched} -setup {
    file mkdir $area/mine
    ::cluster::Spew $area/mine/letter hello
} -body {
    list [lindex [Outcome {cluster::create -dir $area/mine}] 0] [lsort [glob -tails -directory $area/mine *]]
} -result {FOLDER letter}

test cheap-1.7 {commands on what is no cluster} -body {
    lmap script {{cluster::kill x 1} {cluster::ready x} {cluster::bootstrap x} {cluster::tool x topics}} {
        Outcome $script
    }
} -result [lrepeat 4 {USAGE {"x" is no cluster}}]

test cheap-2.1 {no Java} -body {
    WithPath {sh} {} {Outcome {cluster::create -dir $area/no}}
} -result {NOJAVA {no Java found, and Kafka needs 17 or newer: run tools/setup-kafka.sh}}

test cheap-2.2 {an old Java} -body {
    WithPath {sh} {java {echo 'openjdk version "11.0.2" 2019-01-15' >&2}} {Outcome {cluster::create -dir $area/no}}
} -match lines -result {NOJAVA *is no Java 17 or newer (openjdk version "11.0.2" 2019-01-15): run tools/setup-kafka.sh*}

test cheap-2.3 {Java of the eighth kind} -body {
    WithPath {sh} {java {echo 'java version "1.8.0_202"' >&2}} {lindex [Outcome {cluster::create -dir $area/no}] 0}
} -result NOJAVA

test cheap-2.4 {no Maven} -setup {
    set before [array get env CARGO_TARGET_DIR]
    set env(CARGO_TARGET_DIR) $area/target
} -body {
    WithPath {sh setsid flock setpriv} {} {Outcome {cluster::jars}}
} -cleanup {
    unset -nocomplain env(CARGO_TARGET_DIR)
    array set env $before
} -result {NOMAVEN {no Maven found, and Kafka's jars come with it: run tools/setup-kafka.sh}}

test cheap-2.5 {Maven cannot fetch: tried twice, its own reason, nothing kept} -setup {
    set before [array get env CARGO_TARGET_DIR]
    set env(CARGO_TARGET_DIR) $area/target
} -body {
    set fake "echo try >>$area/tries; echo '\[ERROR\] no such host'; echo '\[ERROR\] more'; exit 1"
    list [WithPath {sh setsid flock setpriv} [list mvn $fake] {Outcome {cluster::jars 4.3.1}}] \
        [::cluster::Slurp $area/tries] [glob -nocomplain -directory $area/target/kafka-jars * .4*]
} -cleanup {
    unset -nocomplain env(CARGO_TARGET_DIR)
    array set env $before
} -result "{NOJARS {cannot fetch the jars of Kafka 4.3.1: no such host}} {try\ntry\n} {}"

test cheap-2.6 {a program of util-linux is missing} -body {
    WithPath {sh setsid setpriv} {java {echo 'openjdk version "17.0.2"' >&2}} {Outcome {cluster::create -dir $area/no}}
} -result {NOPROGRAM {the program flock (Debian's util-linux) is missing: run tools/setup-kafka.sh}}

test cheap-3.1 {the cause in a log is found} -body {
    lmap log {
        "00:00 INFO fine (K)\n00:01 ERROR bad (K)
org.x.KafkaException: Bind failed: in use\n\tat x\nCaused by: a.b.BindException: in use\n\tat y"
        "00:01 ERROR bad (K)
java.lang.RuntimeException: outer\n\tat x\nCaused by: IOException: inner\n\tat y\n00:02 ERROR other (K)"
        "00:01 ERROR bad (K)\na.NoSuchThing\n00:02 INFO x\na.OtherException: later"
        "00:00 INFO fine (K)\n00:01 FATAL gone (K)"
        "Exception in thread \"main\" x.ConfigException: Invalid value\n\tat x"
        "Error: Could not find or load main class kafka.Kafka\nCaused by: java.lang.ClassNotFoundException: kafka.Kafka"
        "\nsomething else\n" ""
    } {cluster::Cause $log}
} -result [list {KafkaException: Bind failed: in use} {RuntimeException: outer (IOException: inner)} \
    {OtherException: later} {gone (K)} {ConfigException: Invalid value} {ClassNotFoundException: kafka.Kafka} \
    {something else} {it printed nothing}]

test cheap-3.2 {identities of clusters are 22 safe characters and differ} -body {
    set ids [lmap i {1 2 3} {cluster::RandomId}]
    list [llength [lsearch -all -regexp $ids {^[A-Za-z0-9_][A-Za-z0-9_-]{21}$}]] [llength [lsort -unique $ids]]
} -result {3 3}

test cheap-3.3 {free ports are below the range of outgoing connections} -body {
    set ports {}
    for {set i 0} {$i < 200} {incr i} {lappend ports [cluster::FreePort $ports]}
    list [llength [lsort -unique $ports]] [expr {[lindex [lsort -integer $ports] end] < 32768}]
} -result {200 1}

test cheap-3.4 {words for a shell} -body {
    cluster::ShellWord {it's $HOME "x" \ }
} -result {'it'\''s $HOME "x" \ '}

# --- guard: watch.sh, with programs that are no brokers --------------------------------------------------------------

test guard-1.1 {words, input and both outputs reach and leave a program as they are} -body {
    set words [list a {b c} {it's} {<x} |& {2>y} {} * {$HOME} "two\nlines" \u00e4\u20ac]
    ::cluster::Spew $area/in input
    set job [cluster::Launch $area/echo.sh -input $area/in -out $area/echo.out -err $area/echo.err \
        -command [list sh -c {cat; echo oops >&2; printf '[%s]' "$@"; exit 7} sh {*}$words]]
    cluster::job_wait $job 5000
    list [cluster::job_status $job] [expr {[cluster::job_output $job] eq "input\[[join $words \]\[]\]"}] \
        [cluster::job_output $job err]
} -cleanup {
    cluster::job_forget $job
} -result "7 1 {oops\n}"

test guard-1.2 {signals reach it, the end is noticed} -body {
    set job [cluster::Launch $area/sleep.sh -command {sleep 9001}]
    set pid [cluster::job_pid $job]
    set states {}
    foreach signal {STOP CONT KILL} {
        cluster::job_signal $job $signal
        cluster::until 2000 {[regexp {State:\s+T} [::cluster::Slurp /proc/$pid/status]] == ($signal eq "STOP")}
        lappend states [regexp -inline {State:\s+T} [::cluster::Slurp /proc/$pid/status]]
    }
    cluster::job_wait $job 5000
    list [llength [lindex $states 0]] [lrange $states 1 end] [cluster::job_status $job] [cluster::job_signal $job TERM]
} -cleanup {
    cluster::job_forget $job
} -result {1 {{} {}} 137 0}

# What becomes of a frozen program, its child and one that ignores TERM, when the script that started them ends.
foreach {number how script} {
    2.1 {kill -9}      {Signal KILL [pid $d]}
    2.2 SIGTERM        {Signal TERM [pid $d]}
    2.3 SIGINT         {Signal INT [pid $d]}
    2.4 {an error}     {puts $d {error oops}}
    2.5 exit           {puts $d exit}
    2.6 {interp gone}  {puts $d {interp delete {}}}
} {
    test guard-$number "nothing is left after the end of the script: $how" -body {
        set mark $area/mark$number
        set d [Driver [string map [list MARK $mark] {
            set frozen [cluster::Launch MARK.1.sh -command {sh -c {sleep 9002; :} MARK.1}]
            set deaf [cluster::Launch MARK.2.sh -command {sh -c {trap '' TERM INT HUP; sleep 9003; :} MARK.2}]
            set family [cluster::Launch MARK.3.sh -command {sh -c {sh -c 'sleep 9004; :' MARK.3 & wait} MARK.3}]
            cluster::job_pid $deaf
            cluster::job_pid $family
            cluster::job_pid $frozen
            cluster::job_signal $frozen STOP
            puts go
            gets stdin line
            eval $line
        }]]
        set before [expr {[llength [Processes $mark]] >= 4}]
        eval $script
        list $before [Left $mark]
    } -cleanup {
        Drop $d
    } -result {1 {}}
}

test guard-2.7 {nothing is left if the guard itself is killed} -body {
    set mark $area/mark27
    set job [cluster::Launch $mark.sh -command [list sh -c {sleep 9005; :} $mark]]
    set pid [cluster::job_pid $job]
    Signal KILL [pid [set ${job}(chan)]]
    cluster::until 5000 {![file exists /proc/$pid]}
    list [file exists /proc/$pid] [cluster::job_forget $job] [Left $mark]
} -result {0 {} {}}

test guard-2.8 {job_forget ends a program that runs} -body {
    set mark $area/mark28
    set job [cluster::Launch $mark.sh -command [list sh -c {sleep 9006; :} $mark]]
    cluster::job_pid $job
    cluster::job_forget $job
    Left $mark
} -result {}

test guard-3.1 {waits can serve the event loop} -setup {
    set ::cluster::events 1
} -body {
    set ticks 0
    proc tick {} {incr ::ticks; set ::ticker [after 10 tick]}
    tick
    set job [cluster::Launch $area/half.sh -command {sleep 0.5}]
    cluster::job_wait $job 5000
    expr {$ticks > 10}
} -cleanup {
    after cancel $::ticker
    set ::cluster::events 0
    cluster::job_forget $job
} -result 1

# --- kafka: the real thing -------------------------------------------------------------------------------------------

testConstraint kafka [expr {![catch {exec $::cluster::root/tools/setup-kafka.sh} trouble]}]
if {![testConstraint kafka]} {puts "no Kafka here: [lindex [split $trouble \n] 0]"}

test kafka-0.1 {the jars come, and are kept} -constraints kafka -body {
    set first [cluster::jars]
    set begin [clock milliseconds]
    expr {[cluster::jars] eq $first && [Seconds $begin] < 1 && [llength [glob $first/kafka_2.13-*.jar]] == 1}
} -result 1

test kafka-1.1 {three nodes start and are ready} -constraints kafka -body {
    set c [cluster::create -dir $area/three]
    cluster::start $c
    set m [cluster::metadata $c 3]
    list [lmap n {1 2 3} {cluster::state $c $n}] [lsort [dict keys [dict get $m brokers]]] \
        [expr {[cluster::controller $c] in {1 2 3}}] [llength [split [cluster::bootstrap $c] ,]]
} -result {{running running running} {1 2 3} 1 3}

test kafka-1.2 {a second cluster cannot take the folder} -constraints kafka -body {
    Outcome {cluster::create -dir $area/three}
} -match lines -result "LOCKED {*/three is in use by process [pid]: stop that, or choose another -dir}"

test kafka-1.3 {topics, and Java tools with input and output} -constraints kafka -body {
    cluster::create_topic $c first 2 3 retention.ms 3600000
    cluster::tool $c -input "one\ntwo\nthree\n" console-producer --topic first
    list [lsort [split [string trim [cluster::tool $c console-consumer --topic first --from-beginning \
            --group selftest --max-messages 3]] \n]] \
        [regexp {retention.ms=3600000} [cluster::tool $c topics --describe --topic first]] \
        [dict size [dict get [cluster::metadata $c] topics first]] \
        [regexp {selftest +first} [cluster::tool $c groups --timeout 30000 --describe --group selftest]]
} -result {{one three two} 1 2 1}

test kafka-1.4 {a topic that a message makes has four partitions} -constraints kafka -body {
    cluster::tool $c -input "x\n" console-producer --topic auto
    # Whoever is asked may hear of it a little later than the one who made it.
    cluster::until 20000 {![catch {dict size [dict get [cluster::metadata $c] topics auto]} n] && $n == 4}
    set n
} -result 4

test kafka-1.5 {a tool that fails, one that does not end, one that does not exist} -constraints kafka -body {
    list [lindex [Outcome {cluster::tool $c topics --describe --topic nowhere}] 0] \
        [Outcome {cluster::tool $c -timeout 2000 program sleep 9007}] \
        [lindex [Outcome {cluster::tool $c tropics}] 0] [Processes sleep\x009007] \
        [dict get [cluster::tool $c -all 1 program sh -c {echo out; echo err >&2; exit 3}] status]
} -result {TOOL {TIMEOUT {the tool program did not end within 2000 ms: }} USAGE {} 3}

test kafka-1.6 {a topic that cannot be is an error} -constraints kafka -body {
    Outcome {cluster::create_topic $c first 1}
} -match lines -result {TOPIC {cannot create topic first: *already exists*}}

test kafka-1.7 {a tool in the background} -constraints kafka -body {
    set j [cluster::spawn $c console-consumer --topic first --from-beginning]
    set got [cluster::until 20000 {[llength [cluster::job_output $j]] == 3}]
    cluster::job_signal $j TERM
    list $got [cluster::job_wait $j 20000]
} -cleanup {
    cluster::job_forget $j
} -result {1 1}

test kafka-2.1 {a killed node leaves the cluster, another leads, and it comes back in sync} -constraints kafka -body {
    set k [cluster::leader $c first 0]
    set pid [cluster::pid $c $k]
    cluster::kill $c $k
    set gone [list [cluster::state $c $k] [cluster::pid $c $k] [file exists /proc/$pid]]
    set moved [cluster::until 30000 {![catch {cluster::leader $c first 0} n] && $n ni [list -1 $k]}]
    cluster::start $c $k
    cluster::insync $c
    list $gone $moved [cluster::state $c $k]
} -result {{stopped {} 0} 1 running}

test kafka-2.2 {a frozen node does not answer, a thawed one does} -constraints kafka -body {
    cluster::freeze $c 2
    set frozen [list [cluster::state $c 2] [catch {cluster::Ask [cluster::port $c 2] 18 0 {} 1000} why] $why]
    cluster::thaw $c 2
    cluster::ready $c
    list $frozen [cluster::state $c 2]
} -result {{frozen 1 {no answer in 1000 ms}} running}

test kafka-2.3 {a frozen node can be killed and started} -constraints kafka -body {
    cluster::freeze $c 3
    cluster::kill $c 3
    cluster::start $c 3
    cluster::state $c 3
} -result running

test kafka-2.4 {a node that dies by itself is noticed} -constraints kafka -body {
    Signal KILL [cluster::pid $c 1]
    set noticed [cluster::until 5000 {[cluster::state $c 1] eq "died"}]
    set said [lindex [Outcome {cluster::ready $c -nodes 1}] 0]
    cluster::start $c 1
    list $noticed $said [cluster::state $c 1]
} -result {1 DIED running}

test kafka-2.5 {states that do not fit are errors} -constraints kafka -body {
    list [Outcome {cluster::start $c 1}] [Outcome {cluster::thaw $c 1}] [Outcome {cluster::kill $c 4}] \
        [cluster::kill $c 1] [Outcome {cluster::freeze $c 1}] [cluster::start $c 1]
} -result [list {STATE {node 1 is already running}} {NONE {}} {USAGE {bad node "4": must be all, or of 1, 2, 3}} {} \
    {STATE {node 1 is stopped, not running}} {}]

test kafka-2.6 {all nodes restart one after the other} -constraints kafka -body {
    set pids [lmap n {1 2 3} {cluster::pid $c $n}]
    cluster::insync $c
    cluster::restart $c all -sync 1
    list [lmap n {1 2 3} {cluster::state $c $n}] \
        [lmap n {1 2 3} {expr {[cluster::pid $c $n] in $pids}}]
} -result {{running running running} {0 0 0}}

test kafka-2.7 {a port that somebody took while the node was down} -constraints kafka -body {
    cluster::stop $c 2
    set s [socket -server {apply {args {}}} -myaddr 127.0.0.1 [cluster::port $c 2]]
    set said [Outcome {cluster::start $c 2}]
    close $s
    cluster::start $c 2
    list $said [lmap n {1 2 3} {cluster::state $c $n}]
} -match glob -result {{PORT {port * of node 2 is taken by another program}} {running running running}}

test kafka-2.8 {all are down, and the data is there when they are back} -constraints kafka -body {
    cluster::stop $c
    set down [list [lmap n {1 2 3} {cluster::state $c $n}] [Outcome {cluster::metadata $c}]]
    cluster::start $c
    list $down [llength [cluster::tool $c console-consumer --topic first --from-beginning --max-messages 3]]
} -result {{{stopped stopped stopped} {STATE {no node is running}}} 3}

test kafka-2.9 {destroy leaves no process and no data} -constraints kafka -body {
    cluster::destroy $c
    list [Left $area/three] [glob -nocomplain -tails -directory $area/three *]
} -result {{} locks}

test kafka-3.0 {properties that Kafka refuses: one line and the log, nothing left} -constraints kafka -body {
    set c [cluster::create -nodes 2 -dir $area/refused]
    cluster::configure $c -node 2 log.segment.bytes many
    lassign [Outcome {cluster::start $c}] what message
    list $what [regexp {^cannot format node 2: [^\n]*many[^\n]*\n--- the end of [^\n]*/format.log:\n} $message] \
        [Left $area/refused/node]
} -cleanup {
    cluster::destroy $c
} -result {DIED 1 {}}

test kafka-3.1 {a broker that dies at start: one line and its log, nothing left} -constraints kafka -body {
    set c [cluster::create -dir $area/bad]
    cluster::configure $c -node 2 authorizer.class.name no.such.Class
    set begin [clock milliseconds]
    lassign [Outcome {cluster::start $c}] what message
    set wanted {^node 2 died with status 1: [^\n]*no.such.Class[^\n]*\n--- the end of [^\n]*node2/server.log:\n}
    list $what [regexp $wanted $message] \
        [Left $area/bad/node] [expr {[Seconds $begin] < 60}]
} -cleanup {
    cluster::destroy $c
} -result {DIED 1 {} 1}

test kafka-3.2 {a heap that cannot be had} -constraints kafka -body {
    set c [cluster::create -nodes 1 -dir $area/heap -jvm -Xmx900000g]
    Outcome {cluster::start $c}
} -cleanup {
    cluster::destroy $c
} -match glob -result {DIED {node 1 died with status 1: *}}

test kafka-3.3 {not enough memory: one line, nothing started} -constraints kafka -setup {
    rename ::cluster::FreeMemory ::keepFreeMemory
    proc ::cluster::FreeMemory {} {return 700}
} -body {
    set c [cluster::create -dir $area/small]
    list [Outcome {cluster::start $c}] [Left $area/small/node]
} -cleanup {
    rename ::cluster::FreeMemory {}
    rename ::keepFreeMemory ::cluster::FreeMemory
    cluster::destroy $c
} -result {{MEMORY {not enough memory: 3 Kafka nodes need 1152 MB, and 700 MB are free}} {}}

test kafka-3.4 {ports that were asked for are taken} -constraints kafka -body {
    set port [cluster::FreePort {}]
    set s [socket -server {apply {args {}}} -myaddr 127.0.0.1 $port]
    Outcome {cluster::create -nodes 1 -dir $area/port -firstport $port}
} -cleanup {
    close $s
} -match lines -result {PORT {port * is taken by another program: choose another -firstport, or none}}

test kafka-3.5 {a version that does not exist} -constraints kafka -body {
    Outcome {cluster::jars 4.3.999}
} -match lines -result {NOJARS {cannot fetch the jars of Kafka 4.3.999: *kafka*4.3.999*}}

test kafka-4.1 {more listeners, properties, the data kept for the next run} -constraints kafka -body {
    set c [cluster::create -nodes 1 -dir $area/one -listeners {OTHER:PLAINTEXT} -autotopics 0 \
        -options {num.partitions 2} -heap 400]
    cluster::configure $c message.max.bytes 2000000
    cluster::start $c
    set ports [list [cluster::port $c 1] [cluster::port $c 1 OTHER]]
    set answer [expr {[string length [cluster::Ask [lindex $ports 1] 18 0 {}]] > 50}]
    cluster::create_topic $c kept -1
    set partitions [dict size [dict get [cluster::metadata $c] topics kept]]
    set auto [catch {cluster::tool $c -timeout 3000 -input x\n console-producer --topic never}]
    set topics [dict keys [dict get [cluster::metadata $c] topics]]
    cluster::destroy $c -files keep
    set c [cluster::create -nodes 1 -dir $area/one -keep 1]
    cluster::start $c
    list $answer $partitions $topics [dict keys [dict get [cluster::metadata $c] topics]]
} -cleanup {
    cluster::destroy $c
} -result {1 2 kept kept}

foreach {number how script} {
    5.1 {kill -9} {Signal KILL [pid $d]}
    5.2 SIGTERM   {Signal TERM [pid $d]}
    5.3 SIGINT    {Signal INT [pid $d]}
} {
    test kafka-$number "no broker, frozen or not, and no tool outlives its script: $how" -constraints kafka -body {
        set d [Driver [string map [list DIR $area/orphan$number] {
            set c [cluster::create -nodes 3 -dir DIR]
            cluster::start $c
            cluster::create_topic $c t 1
            cluster::spawn $c console-consumer --topic t
            cluster::freeze $c 2
            puts go
            gets stdin line
        }]]
        set before [llength [Processes kafka.Kafka\0$area/orphan$number]]
        eval $script
        list $before [Left $area/orphan$number]
    } -cleanup {
        Drop $d
    } -result {3 {}}
}

test kafka-5.4 {nor when the script dies while the brokers start} -constraints kafka -body {
    set d [Driver [string map [list DIR $area/early] {
        set c [cluster::create -nodes 2 -dir DIR]
        cluster::start $c -wait 0
        puts go
        gets stdin line
    }]]
    Signal KILL [pid $d]
    Left $area/early
} -cleanup {
    Drop $d
} -result {}

test kafka-6.1 {run.tcl: starts, tells, obeys, is found and stopped by another} -constraints kafka -body {
    set run [list [info nameofexecutable] $::cluster::home/run.tcl]
    set d [open [list | {*}$run -nodes 1 -dir $area/run 2>@1] r+]
    fconfigure $d -buffering line
    set said {}
    while {[gets $d line] >= 0 && ![string match "*words to type*" $line]} {lappend said $line}
    gets $d
    puts $d status
    set status [gets $d]
    set asked [exec {*}$run status -dir $area/run]
    set stopped [exec {*}$run stop -dir $area/run]
    list [regexp {bootstrap servers +(127.0.0.1:\d+)} $said -> servers] [expr {$servers eq $asked}] \
        [regexp {node 1 .* running +\d+$} $status] [regexp {kill (\d+)} $said -> p] [expr {$p == [pid $d]}] \
        $stopped [Left $area/run] [catch {exec {*}$run status -dir $area/run} out] $out
} -cleanup {
    Drop $d
} -match glob -result {1 1 1 1 1 stopped {} 1 {no cluster runs in *}}

test kafka-6.2 {run.tcl: Ctrl-C at a terminal} -constraints kafka -body {
    # script(1) of util-linux gives it a terminal; the byte 3 is what the key sends.
    set command "[list [info nameofexecutable] $::cluster::home/run.tcl -nodes 1 -dir $area/tty]"
    set d [open [list |script -q -e -c $command /dev/null 2>@1] r+]
    fconfigure $d -buffering none -translation binary
    while {[gets $d line] >= 0 && ![string match "*words to type*" $line]} {}
    set before [llength [Processes kafka.Kafka\0$area/tty]]
    puts -nonewline $d \3
    set left [Left $area/tty]
    catch {close $d}
    list $before $left
} -result {1 {}}

test kafka-6.3 {run.tcl: a machine or words that do not fit get one line} -constraints kafka -body {
    set run [list [info nameofexecutable] $::cluster::home/run.tcl]
    lmap words [list {fly} [list -dir $area/mine] {-nodes 99}] {
        catch {exec {*}$run {*}$words} message
        lindex [split $message \n] 0
    }
} -match glob -result [list {usage: run.tcl *} {*/mine exists and is not the folder of a test cluster*} \
    {bad number of nodes "99": *}]

# --- the end ---------------------------------------------------------------------------------------------------------

set passed $::tcltest::numTests(Passed)
set failed $::tcltest::numTests(Failed)
set skipped $::tcltest::numTests(Skipped)
cleanupTests
set left [Left $area]
if {[llength $left]} {
    puts "left running: [join $left {; }]"
    incr failed
}
if {!$failed} {file delete -force $area}
puts "$passed passed, $failed failed, $skipped skipped"
exit [expr {$failed > 0}]
