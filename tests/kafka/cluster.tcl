# A real Apache Kafka for tests: brokers of our own (KRaft, loopback ports, state in one folder) that a Tcl script can
# start, kill, freeze, thaw, restart and ask. For tclsh 8.6 and 9; [source] it, then use the commands of ::cluster.
# It must not need the package it tests, nor any other; must not install anything (tools/setup-kafka.sh does); must not
# listen anywhere but on 127.0.0.1; must not touch a process it did not start; and must leave none behind: every
# program runs under watch.sh, which kills it when the pipe from this process closes, so also after a kill -9.
#
#   set c [cluster::create ?-option value ...?]       checks the machine, takes a folder, chooses ports: starts nothing
#       -nodes 3            how many, each broker and controller at once
#       -dir build/cluster  folder for state and logs, emptied at the first start
#       -keep 0             1: use the data that an earlier run left in the folder
#       -version V          $KAFKA_VERSION, or the main version below; "3.9", "4.3": the newest we know
#       -options {k v ...}  broker properties, over the harness's own
#       -autotopics 1       auto.create.topics.enable, with 4 partitions
#       -defaultport 0      1: node 1 listens for clients on 9092 if that is free (ask [cluster::port $c 1])
#       -firstport N        ports from N on, instead of free ones; it is an error if one is taken
#       -listeners {}       more listeners, each on every node: SSL, SASL_SSL, NAME:PROTOCOL
#       -format {}          more words for Kafka's storage tool, such as {--add-scram SCRAM-SHA-256=[...]}
#       -heap 512           largest Java heap of a node, in MB          -jvm {}   more words for each node's java
#   cluster::configure $c ?-node N? key value ...     more broker properties; seen at the next start of a node
#   cluster::start $c ?nodes? ?-wait 1? ?-limit ms?   by default all, and waits until they are ready
#   cluster::ready $c ?-nodes list? ?-limit ms?       waits until each running node lists all of them and a controller
#   cluster::insync $c ?-limit ms?                    waits until every replica of every partition is in sync
#   cluster::stop $c ?nodes? ?-limit ms?              TERM, KILL after the limit; returns the nodes that needed KILL
#   cluster::kill | freeze | thaw $c nodes            KILL, STOP, CONT; nodes is a list of numbers, or "all"
#   cluster::restart $c nodes ?-how stop|kill? ?-sync 0|1? ?-limit ms?     one after the other
#   cluster::destroy $c ?-files delete|keep?          kills everything, gives the folder back
#   cluster::bootstrap $c ?listener?    cluster::port $c node ?listener?    cluster::pid $c node
#   cluster::state $c node              running, frozen, stopped or died       cluster::log $c node    its log file
#   cluster::nodes $c    cluster::dir $c    cluster::version $c    cluster::listeners $c
#   cluster::controller $c              the node that leads the controllers now, -1 if none
#   cluster::metadata $c ?node?         dict: brokers {id host:port ...} controller id topics {name {partition ...}}
#   cluster::leader $c topic partition  -1 if none
#   cluster::create_topic $c name partitions ?replicas? ?key value ...?
#   cluster::tool $c ?-timeout ms? ?-input bytes? ?-binary 0? ?-all 0? name ?word ...?
#       runs a Java tool (names: see ToolClass; "program" runs the words themselves) and returns what it prints, or
#       with -all 1 a dict: status out err. --bootstrap-server is added. Without -all a status other than 0 is an error.
#   set j [cluster::spawn $c ?-input bytes? name ?word ...?]       the same, in the background:
#   cluster::job_alive $j   job_pid $j   job_signal $j TERM   job_wait $j ms   job_output $j ?out|err? ?-binary 0?
#   cluster::job_status $j  job_forget $j
#   cluster::until ms expression        polls the expression in the caller; 1 if it came true
#
# Errors have errorCode {CLUSTER what ...}: USAGE NOJAVA NOMAVEN NOPROGRAM NOJARS MEMORY PORT LOCKED FOLDER DIED TIMEOUT
# TOOL STATE. Each is one line; a broker that died adds the end of its log.
# Waits block. Set ::cluster::events 1 to have them serve the event loop, where the script's own clients live.

namespace eval ::cluster {
    variable main 4.3.1                       ;# the version that is tested by default
    variable known {3.9 3.9.2 4.3 4.3.1}      ;# the newest of each line that we know
    variable log4j 2.25.4
    variable reload4j {1.2.25 1.7.36}         ;# itself and its SLF4J binding, for Kafka 3
    variable events 0
    variable say {}                           ;# a command prefix that gets a line about each slow step
    variable home [file dirname [file normalize [info script]]]
    variable root [file dirname [file dirname $home]]
    variable count 0
}

# --- small things ----------------------------------------------------------------------------------------------------

proc ::cluster::Fail {code message} {
    return -code error -level 2 -errorcode [list CLUSTER {*}$code] $message
}

proc ::cluster::Say {line} {
    variable say
    if {$say ne ""} {{*}$say $line}
}

# Options with defaults into variables of the caller: -limit sets limit.
proc ::cluster::Options {names given} {
    foreach {name default} $names {
        upvar 1 $name $name
        set $name $default
    }
    if {[llength $given] % 2} {
        return -code error -level 2 -errorcode {CLUSTER USAGE} "no value for option \"[lindex $given end]\""
    }
    foreach {option value} $given {
        set name [string range $option 1 end]
        if {![string match -* $option] || ![dict exists $names $name]} {
            set choices -[join [dict keys $names] {, -}]
            return -code error -level 2 -errorcode {CLUSTER USAGE} "bad option \"$option\": must be $choices"
        }
        set $name $value
    }
}

proc ::cluster::Pause ms {
    variable events
    variable rung
    if {!$events} {
        after $ms
        return
    }
    # A name of its own for each wait: they can be nested.
    variable pauses
    set name ::cluster::rung[incr pauses]
    after $ms [list set $name 1]
    vwait $name
    unset $name
}

proc ::cluster::until {ms expression} {
    set end [expr {[clock milliseconds] + $ms}]
    for {set step 2} 1 {set step [expr {min(50, $step * 2)}]} {
        if {[uplevel 1 [list expr $expression]]} {return 1}
        if {[clock milliseconds] >= $end} {return 0}
        Pause $step
    }
}

# Bytes of a file from an offset on; {} if it is not there. What Linux says of a process can be gone at the reading, too.
proc ::cluster::Slurp {file {from 0}} {
    if {[catch {open $file rb} f]} {return {}}
    try {
        seek $f $from
        return [read $f]
    } trap {POSIX ESRCH} {} {
        return {}
    } finally {
        close $f
    }
}

proc ::cluster::Spew {file text} {
    set f [open $file w]
    fconfigure $f -encoding utf-8 -translation lf
    puts -nonewline $f $text
    close $f
}

# Bytes as text. Output of programs can hold anything, and Tcl 9 refuses what is not UTF-8.
proc ::cluster::Text bytes {
    if {[catch {encoding convertfrom utf-8 $bytes} text]} {return $bytes}
    return $text
}

proc ::cluster::ShellWord word {
    return '[string map {' '\\''} $word]'
}

# --- programs under guard --------------------------------------------------------------------------------------------

# Starts a program under watch.sh and returns a job. Paths are absolute; err empty means: into out.
proc ::cluster::Launch {file args} {
    variable home
    variable count
    Options {input /dev/null out /dev/null err {} dir / lock {} patience 20 command {}} $args
    set lines {}
    foreach name {input out err dir lock patience} {
        append lines $name = [ShellWord [set $name]] \n
    }
    append lines "set --"
    foreach word $command {
        append lines " \\\n    " [ShellWord $word]
    }
    Spew $file $lines\n
    # A session of its own: Ctrl-C at the terminal ends this process, and the guard notices that.
    set chan [open [list |setsid sh $home/watch.sh $file] r+]
    fconfigure $chan -blocking 0 -buffering line -encoding utf-8 -translation lf
    set job ::cluster::job[incr count]
    upvar #0 $job J
    array set J [list chan $chan pid {} status {} answers {} out $out err $err file $file]
    return $job
}

# Takes in what the guard says.
proc ::cluster::Hear job {
    upvar #0 $job J
    if {$J(chan) eq ""} return
    while {[gets $J(chan) line] >= 0} {
        lassign $line what value
        switch $what {
            pid {set J(pid) $value}
            sent - failed {lappend J(answers) $what}
            exit - locked {set J(status) [expr {$what eq "exit" ? $value : "locked"}]}
        }
    }
    if {[eof $J(chan)]} {
        if {$J(status) eq ""} {set J(status) lost}
        Hang $job
    }
}

# Closes the pipe, which ends the program if it still runs, and waits for the guard.
proc ::cluster::Hang job {
    upvar #0 $job J
    if {$J(chan) eq ""} return
    set chan $J(chan)
    set J(chan) {}
    catch {fconfigure $chan -blocking 1}
    catch {close $chan}
    if {$J(status) eq ""} {set J(status) 137}
}

proc ::cluster::job_alive job {
    Hear $job
    return [expr {[set ${job}(status)] eq ""}]
}

proc ::cluster::job_status job {
    Hear $job
    return [set ${job}(status)]
}

proc ::cluster::job_pid job {
    until 10000 {[set ${job}(pid)] ne "" || ![job_alive $job]}
    return [set ${job}(pid)]
}

# 1 if the signal was sent, 0 if the program had ended.
proc ::cluster::job_signal {job signal} {
    upvar #0 $job J
    if {![job_alive $job]} {return 0}
    set J(answers) {}
    if {[catch {puts $J(chan) $signal; flush $J(chan)}]} {return 0}
    until 10000 {![job_alive $job] || [llength $J(answers)]}
    return [expr {[lindex $J(answers) 0] eq "sent"}]
}

# 1 if the program ended within the time.
proc ::cluster::job_wait {job ms} {
    return [until $ms {![job_alive $job]}]
}

proc ::cluster::job_output {job {which out} args} {
    upvar #0 $job J
    Options {binary 0} $args
    set bytes [Slurp $J($which)]
    return [expr {$binary ? $bytes : [Text $bytes]}]
}

# Ends it, if need be, and forgets it and its files.
proc ::cluster::job_forget job {
    upvar #0 $job J
    if {![info exists J]} return
    Hang $job
    if {[info exists J(folder)]} {file delete -force $J(folder)}
    if {[info exists J(owner)]} {
        upvar #0 $J(owner) S
        set at [lsearch -exact $S(jobs) $job]
        set S(jobs) [lreplace $S(jobs) $at $at]
    }
    unset J
}

# --- what the machine has --------------------------------------------------------------------------------------------

proc ::cluster::Java {} {
    global env
    set java [lindex [auto_execok java] 0]
    if {[info exists env(JAVA_HOME)] && [file executable $env(JAVA_HOME)/bin/java]} {
        set java $env(JAVA_HOME)/bin/java
    }
    if {$java eq ""} {
        Fail NOJAVA "no Java found, and Kafka needs 17 or newer: run tools/setup-kafka.sh"
    }
    catch {exec $java -version 2>@1} text
    if {![regexp {version "(?:1\.)?(\d+)} $text -> major] || $major < 17} {
        set first [lindex [split $text \n] 0]
        Fail NOJAVA "$java is no Java 17 or newer ($first): run tools/setup-kafka.sh"
    }
    return $java
}

proc ::cluster::CheckPrograms {} {
    foreach program {setsid flock setpriv} {
        if {[auto_execok $program] eq ""} {
            Fail NOPROGRAM "the program $program (Debian's util-linux) is missing: run tools/setup-kafka.sh"
        }
    }
}

# What may still be used, in MB: the machine's figure, or that of the control group if it is smaller.
proc ::cluster::FreeMemory {} {
    set free 1000000
    regexp {MemAvailable:\s+(\d+) kB} [Slurp /proc/meminfo] -> kb
    if {[info exists kb]} {set free [expr {$kb / 1024}]}
    set limit [string trim [Slurp /sys/fs/cgroup/memory.max]]
    set used [string trim [Slurp /sys/fs/cgroup/memory.current]]
    if {[string is wideinteger -strict $limit] && [string is wideinteger -strict $used]} {
        set free [expr {min($free, ($limit - $used) / 1048576)}]
    }
    return $free
}

# Measured with 4.3.1: 350 MB for a node, with a heap of 400 MB.
proc ::cluster::CheckMemory {nodes heap} {
    set need [expr {$nodes * max(350, $heap * 3 / 4)}]
    set free [FreeMemory]
    if {$free < $need} {
        Fail MEMORY "not enough memory: $nodes Kafka nodes need $need MB, and $free MB are free"
    }
}

proc ::cluster::PortFree port {
    if {[catch {socket -server {apply {args {}}} -myaddr 127.0.0.1 $port} s]} {return 0}
    close $s
    return 1
}

# A free port that no outgoing connection can take while its node is down: below the system's range for those.
proc ::cluster::FreePort taken {
    variable seed
    if {![info exists seed]} {set seed [expr {[clock microseconds] ^ ([::pid] << 20)}]}
    set first 32768
    scan [Slurp /proc/sys/net/ipv4/ip_local_port_range] %d first
    set last [expr {min($first, 32768) - 1}]
    set low [expr {max(1024, $last - 12000)}]
    for {set try 0} {$try < 1000} {incr try} {
        # Not rand(): a test that calls srand gets its own sequence.
        set seed [expr {($seed * 1103515245 + 12345) & 0x7fffffff}]
        set port [expr {$low + ($seed >> 8) % ($last - $low + 1)}]
        if {$port ni $taken && $port != 9092 && [PortFree $port]} {return $port}
    }
    Fail PORT "no free port found between $low and $last"
}

# --- Kafka's jars ----------------------------------------------------------------------------------------------------

proc ::cluster::FullVersion version {
    global env
    variable main
    variable known
    if {$version eq ""} {
        set version $main
        if {[info exists env(KAFKA_VERSION)] && $env(KAFKA_VERSION) ne ""} {set version $env(KAFKA_VERSION)}
    }
    if {[dict exists $known $version]} {set version [dict get $known $version]}
    if {![regexp {^\d+\.\d+\.\d+(-[\w.]+)?$} $version]} {
        Fail USAGE "\"$version\" is no version of Kafka: 4.3.1, 3.9.2 or the like"
    }
    return $version
}

proc ::cluster::Newer {version than} {
    regexp {^[\d.]+} $version digits
    return [expr {[package vcompare $digits $than] >= 0}]
}

proc ::cluster::Pom version {
    variable log4j
    variable reload4j
    set artifacts [list org.apache.kafka kafka_2.13 $version org.apache.kafka kafka-tools $version]
    # The published server does not bring its logging: upstream adds that to the release archive only.
    # Kafka keeps SLF4J 1.7, so it is log4j-slf4j-impl, not log4j-slf4j2-impl.
    if {[Newer $version 4.0]} {
        foreach name {log4j-api log4j-core log4j-slf4j-impl log4j-1.2-api} {
            lappend artifacts org.apache.logging.log4j $name $log4j
        }
    } else {
        lassign $reload4j itself binding
        lappend artifacts ch.qos.reload4j reload4j $itself org.slf4j slf4j-reload4j $binding
    }
    set pom "<project xmlns=\"http://maven.apache.org/POM/4.0.0\">\n"
    append pom "  <modelVersion>4.0.0</modelVersion>\n"
    append pom "  <groupId>kafka.tests</groupId><artifactId>jars</artifactId><version>1</version>\n"
    append pom "  <packaging>pom</packaging>\n  <dependencies>\n"
    foreach {group artifact number} $artifacts {
        append pom "    <dependency><groupId>$group</groupId><artifactId>$artifact</artifactId>"
        append pom "<version>$number</version></dependency>\n"
    }
    append pom "  </dependencies>\n</project>\n"
    return $pom
}

# The folder with the jars of a version, fetched with Maven if they are not there yet.
proc ::cluster::jars {{version {}}} {
    global env
    variable root
    set version [FullVersion $version]
    set target $root/target
    if {[info exists env(CARGO_TARGET_DIR)] && $env(CARGO_TARGET_DIR) ne ""} {
        set target [file normalize $env(CARGO_TARGET_DIR)]
    }
    set folder $target/kafka-jars/$version
    # The folder gets its name when it is complete.
    if {[file isdirectory $folder]} {return $folder}
    set mvn [lindex [auto_execok mvn] 0]
    if {$mvn eq ""} {
        Fail NOMAVEN "no Maven found, and Kafka's jars come with it: run tools/setup-kafka.sh"
    }
    CheckPrograms
    set work $target/kafka-jars/.$version.[::pid]
    # Our own, and what a fetch that was killed has left.
    foreach old [glob -nocomplain -directory $target/kafka-jars .$version.*] {
        if {![file exists /proc/[string range [file extension $old] 1 end]]} {file delete -force $old}
    }
    file delete -force $work
    file mkdir $work/jars
    Spew $work/pom.xml [Pom $version]
    Say "fetching the jars of Kafka $version"
    set end [expr {[clock milliseconds] + 600000}]
    set why {}
    try {
        foreach try {1 2} {
            set out $work/maven$try.log
            set job [Launch $work/job$try.sh -dir $work -out $out -command [list $mvn -B -q -U -ntp \
                -Dstyle.color=never -f $work/pom.xml dependency:copy-dependencies \
                -DincludeScope=runtime -DoutputDirectory=$work/jars]]
            set over [expr {![job_wait $job [expr {max(0, $end - [clock milliseconds])}]]}]
            set status [job_status $job]
            job_forget $job
            if {$over} {
                set why "no end after 10 minutes"
                break
            }
            if {$status eq "0"} {
                if {![llength [glob -nocomplain -directory $work/jars kafka_2.13-*.jar]]} {
                    set why "Maven copied no server"
                    break
                }
                # Somebody else may have been faster.
                if {[catch {file rename $work/jars $folder}] && ![file isdirectory $folder]} {
                    set why "cannot make $folder"
                    break
                }
                return $folder
            }
            # Its first error, without the colours that it writes all the same.
            regsub -all {\x1b\[[0-9;]*m} [Text [Slurp $out]] {} text
            set why "Maven ended with status $status"
            regexp -line {^\[ERROR\] (.*?)(?: -> \[Help \d+\])?$} $text -> why
        }
        Fail [list NOJARS $version] "cannot fetch the jars of Kafka $version: $why"
    } finally {
        file delete -force $work
    }
}

# --- making a cluster ------------------------------------------------------------------------------------------------

proc ::cluster::create args {
    variable root
    variable count
    Options [list nodes 3 dir $root/build/cluster keep 0 version {} options {} autotopics 1 defaultport 0 firstport {} \
        listeners {} format {} heap 512 jvm {}] $args
    if {![string is integer -strict $nodes] || $nodes < 1 || $nodes > 9} {
        Fail USAGE "bad number of nodes \"$nodes\": must be 1 to 9"
    }
    if {[llength $options] % 2} {
        Fail USAGE "no value for broker property \"[lindex $options end]\""
    }
    set version [FullVersion $version]
    set java [Java]
    CheckPrograms
    set protocols [dict create CONTROLLER PLAINTEXT PLAINTEXT PLAINTEXT]
    foreach listener $listeners {
        lassign [split $listener :] name protocol
        dict set protocols $name [expr {$protocol eq "" ? $name : $protocol}]
    }
    set dir [file normalize $dir]
    Folder $dir
    set c ::cluster::cluster[incr count]
    upvar #0 $c S
    array set S [list dir $dir version $version java $java keep $keep heap $heap jvm $jvm format $format jobs {} \
        prepared 0 protocols $protocols options $options autotopics $autotopics nodes {}]
    for {set n 1} {$n <= $nodes} {incr n} {
        lappend S(nodes) $n
        array set S [list state,$n stopped job,$n {} logstart,$n 0 options,$n {}]
    }
    try {
        Lock $c
        Ports $c $defaultport $firstport
    } on error {message how} {
        Release $c
        return -options $how $message
    }
    return $c
}

# Only a folder that is new, empty or ours: it will be emptied.
proc ::cluster::Folder dir {
    if {[file exists $dir] && ![file isdirectory $dir/locks]
            && (![file isdirectory $dir] || [llength [glob -nocomplain -directory $dir * .\[a-zA-Z0-9\]*]])} {
        Fail [list FOLDER $dir] "$dir exists and is not the folder of a test cluster: choose another -dir"
    }
    if {[catch {file mkdir $dir/locks} why]} {
        Fail [list FOLDER $dir] "cannot make the folder $dir: $why"
    }
}

# The folder is ours as long as we live. A run that has just been killed takes a moment to let go.
proc ::cluster::Lock c {
    upvar #0 $c S
    set S(keeper) [Launch $S(dir)/locks/keeper.[::pid].sh -lock $S(dir)/locks/cluster -patience 5 \
        -command {sleep infinity}]
    until 10000 {![job_alive $S(keeper)] || [set $S(keeper)(pid)] ne ""}
    file delete $S(dir)/locks/keeper.[::pid].sh
    if {![job_alive $S(keeper)]} {
        set who [string trim [Slurp $S(dir)/driver.pid]]
        set who [expr {$who eq "" ? "another program" : "process $who"}]
        Fail [list LOCKED $S(dir)] "$S(dir) is in use by $who: stop that, or choose another -dir"
    }
    foreach lock [glob -nocomplain -directory $S(dir)/locks node*] {
        if {[catch {exec flock -w 20 $lock true}]} {
            Fail [list LOCKED $S(dir)] "a broker of an earlier run still lives in $S(dir) and does not end"
        }
    }
    Spew $S(dir)/driver.pid [::pid]\n
}

proc ::cluster::Release c {
    upvar #0 $c S
    if {[info exists S(keeper)]} {job_forget $S(keeper)}
    array unset S
}

proc ::cluster::Ports {c defaultport firstport} {
    upvar #0 $c S
    set taken {}
    foreach n $S(nodes) {
        foreach name [dict keys $S(protocols)] {
            if {$firstport ne ""} {
                set port $firstport
                incr firstport
                if {![PortFree $port]} {
                    Fail [list PORT $port] "port $port is taken by another program: choose another -firstport, or none"
                }
            } elseif {$defaultport && $n == 1 && $name eq "PLAINTEXT" && [PortFree 9092]} {
                set port 9092
            } else {
                set port [FreePort $taken]
            }
            lappend taken $port
            set S(port,$n,$name) $port
        }
    }
}

# --- files of a cluster ----------------------------------------------------------------------------------------------

# Once, before the first start: an empty folder, what all nodes share, formatted data folders.
proc ::cluster::Prepare c {
    upvar #0 $c S
    set S(jars) [jars $S(version)]
    if {!$S(keep)} {Wipe $S(dir)}
    Spew $S(dir)/driver.pid [::pid]\n
    file mkdir $S(dir)/jobs
    set S(id) [string trim [Slurp $S(dir)/cluster.id]]
    if {$S(id) eq ""} {
        set S(id) [RandomId]
        Spew $S(dir)/cluster.id $S(id)\n
    }
    WriteLogging $c
    Say "formatting data folders"
    set jobs {}
    foreach n $S(nodes) {
        file mkdir $S(dir)/node$n
        WriteProperties $c $n
        set words [list format -t $S(id) -c $S(dir)/node$n/server.properties --ignore-formatted {*}$S(format)]
        lappend jobs $n [Launch $S(dir)/node$n/format.sh -dir $S(dir)/node$n -lock $S(dir)/locks/node$n \
            -out $S(dir)/node$n/format.log -command [concat [ToolJava $c] kafka.tools.StorageTool $words]]
    }
    set trouble {}
    foreach {n job} $jobs {
        set over [expr {![job_wait $job 120000]}]
        set status [job_status $job]
        job_forget $job
        if {$trouble eq "" && ($over || $status ne "0")} {
            set trouble "cannot format node $n: "
            append trouble [expr {$over ? "no end after 120 s" : [Cause [Text [Slurp $S(dir)/node$n/format.log]]]}]
            append trouble [Tail $S(dir)/node$n/format.log]
        }
    }
    if {$trouble ne ""} {Fail [list DIED format] $trouble}
    set bootstrap [bootstrap $c]
    Spew $S(dir)/bootstrap $bootstrap\n
    set S(prepared) 1
}

# All but the locks, and only names that are ours.
proc ::cluster::Wipe dir {
    set ours {node[0-9] jobs bootstrap driver.pid cluster.id server.log.properties tools.log.properties}
    file delete -force {*}[glob -nocomplain -directory $dir {*}$ours]
}

# 16 random bytes as Kafka writes them; one that starts with a dash would look like an option.
proc ::cluster::RandomId {} {
    set f [open /dev/urandom rb]
    set id -
    while {[string index $id 0] eq "-"} {
        set id [string map {+ - / _ = {}} [binary encode base64 [read $f 16]]]
    }
    close $f
    return $id
}

# Log files' settings: log4j 2 for Kafka 4 (the properties form needs no further module), log4j 1 for Kafka 3.
# Servers write to standard output, which is the node's log file; tools only warn, on standard error.
proc ::cluster::WriteLogging c {
    upvar #0 $c S
    foreach {who stream level} {server SYSTEM_OUT info tools SYSTEM_ERR warn} {
        if {[Newer $S(version) 4.0]} {
            set lines [list "status = error" \
                "appender.out.type = Console" "appender.out.name = out" "appender.out.target = $stream" \
                "appender.out.layout.type = PatternLayout" \
                "appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %m (%c{1})%n" \
                "rootLogger.level = warn" "rootLogger.appenderRef.out.ref = out" \
                "logger.a.name = org.apache.kafka" "logger.a.level = $level" \
                "logger.k.name = kafka" "logger.k.level = $level" \
                "logger.r.name = kafka.request.logger" "logger.r.level = off"]
        } else {
            set lines [list "log4j.rootLogger = WARN, out" "log4j.appender.out = org.apache.log4j.ConsoleAppender" \
                "log4j.appender.out.target = [string map {SYSTEM_OUT System.out SYSTEM_ERR System.err} $stream]" \
                "log4j.appender.out.layout = org.apache.log4j.PatternLayout" \
                "log4j.appender.out.layout.ConversionPattern = %d{HH:mm:ss.SSS} %p %m (%c{1})%n" \
                "log4j.logger.org.apache.kafka = [string toupper $level]" \
                "log4j.logger.kafka = [string toupper $level]" "log4j.logger.kafka.request.logger = OFF"]
        }
        Spew $S(dir)/$who.log.properties [join $lines \n]\n
    }
}

proc ::cluster::Properties {c n} {
    upvar #0 $c S
    set all [llength $S(nodes)]
    set replicas [expr {min(3, $all)}]
    set insync [expr {min(2, $all)}]
    foreach m $S(nodes) {
        lappend voters $m@127.0.0.1:$S(port,$m,CONTROLLER)
    }
    foreach {name protocol} $S(protocols) {
        lappend listeners $name://127.0.0.1:$S(port,$n,$name)
        lappend map $name:$protocol
    }
    set p [dict create \
        process.roles broker,controller \
        node.id $n \
        controller.quorum.voters [join $voters ,] \
        listeners [join $listeners ,] \
        advertised.listeners [join [lsearch -all -inline -not $listeners CONTROLLER:*] ,] \
        listener.security.protocol.map [join $map ,] \
        inter.broker.listener.name PLAINTEXT \
        controller.listener.names CONTROLLER \
        log.dirs $S(dir)/node$n/data \
        num.partitions 4 \
        default.replication.factor $replicas \
        min.insync.replicas $insync \
        unclean.leader.election.enable false \
        auto.create.topics.enable [expr {$S(autotopics) ? "true" : "false"}] \
        offsets.topic.num.partitions 4 \
        offsets.topic.replication.factor $replicas \
        transaction.state.log.num.partitions 4 \
        transaction.state.log.replication.factor $replicas \
        transaction.state.log.min.isr $insync \
        group.initial.rebalance.delay.ms 0 \
        broker.session.timeout.ms 4000 \
        broker.heartbeat.interval.ms 500 \
        controller.quorum.election.timeout.ms 1000 \
        controller.quorum.fetch.timeout.ms 2000 \
        replica.lag.time.max.ms 10000 \
        num.network.threads 2 \
        num.io.threads 4 \
        log.segment.bytes 16777216]
    if {[Newer $S(version) 4.1]} {
        dict set p share.coordinator.state.topic.num.partitions 4
        dict set p share.coordinator.state.topic.replication.factor $replicas
        dict set p share.coordinator.state.topic.min.isr $insync
        dict set p group.coordinator.rebalance.protocols classic,consumer,share
    } elseif {[Newer $S(version) 3.8]} {
        dict set p group.coordinator.rebalance.protocols classic,consumer
    }
    return [dict merge $p $S(options) $S(options,$n)]
}

proc ::cluster::WriteProperties {c n} {
    upvar #0 $c S
    set text {}
    dict for {key value} [Properties $c $n] {
        append text $key = [string map {\\ \\\\ \n \\n} $value] \n
    }
    Spew $S(dir)/node$n/server.properties $text
}

proc ::cluster::configure {c args} {
    upvar #0 [Know $c] S
    set where options
    if {[lindex $args 0] eq "-node"} {
        set where options,[Nodes $c [lindex $args 1]]
        set args [lrange $args 2 end]
    }
    if {[llength $args] % 2} {
        Fail USAGE "no value for broker property \"[lindex $args end]\""
    }
    set S($where) [dict merge $S($where) $args]
    return
}

# --- what is known of a cluster --------------------------------------------------------------------------------------

proc ::cluster::Know c {
    if {![info exists ${c}(nodes)]} {
        Fail USAGE "\"$c\" is no cluster"
    }
    return $c
}

# A list of node numbers, checked; "all" for all.
proc ::cluster::Nodes {c nodes} {
    upvar #0 [Know $c] S
    if {$nodes eq "all"} {return $S(nodes)}
    foreach n $nodes {
        if {$n ni $S(nodes)} {
            Fail USAGE "bad node \"$n\": must be all, or of [join $S(nodes) {, }]"
        }
    }
    return $nodes
}

proc ::cluster::nodes c {return [set [Know $c](nodes)]}
proc ::cluster::dir c {return [set [Know $c](dir)]}
proc ::cluster::version c {return [set [Know $c](version)]}
proc ::cluster::listeners c {return [lsearch -all -inline -not [dict keys [set [Know $c](protocols)]] CONTROLLER]}
proc ::cluster::log {c n} {return [dir $c]/node[Nodes $c $n]/server.log}

proc ::cluster::port {c n {listener PLAINTEXT}} {
    upvar #0 [Know $c] S
    if {![info exists S(port,$n,$listener)]} {
        Fail USAGE "no listener \"$listener\" on node \"$n\""
    }
    return $S(port,$n,$listener)
}

proc ::cluster::bootstrap {c {listener PLAINTEXT}} {
    upvar #0 [Know $c] S
    set list {}
    foreach n $S(nodes) {
        lappend list 127.0.0.1:[port $c $n $listener]
    }
    return [join $list ,]
}

# running, frozen, stopped (we did that) or died (it did).
proc ::cluster::state {c n} {
    upvar #0 [Know $c] S
    Nodes $c $n
    if {$S(state,$n) in {running frozen} && ![job_alive $S(job,$n)]} {set S(state,$n) died}
    return $S(state,$n)
}

proc ::cluster::pid {c n} {
    upvar #0 [Know $c] S
    if {[state $c $n] ni {running frozen}} {return {}}
    return [job_pid $S(job,$n)]
}

proc ::cluster::Running c {
    upvar #0 $c S
    set list {}
    foreach n $S(nodes) {
        if {[state $c $n] eq "running"} {lappend list $n}
    }
    return $list
}

# --- verbs -----------------------------------------------------------------------------------------------------------

proc ::cluster::StartNode {c n} {
    upvar #0 $c S
    foreach name [dict keys $S(protocols)] {
        if {![PortFree $S(port,$n,$name)]} {
            Fail [list PORT $S(port,$n,$name)] "port $S(port,$n,$name) of node $n is taken by another program"
        }
    }
    if {$S(job,$n) ne ""} {job_forget $S(job,$n)}
    set home $S(dir)/node$n
    WriteProperties $c $n
    set S(logstart,$n) [expr {[file exists $home/server.log] ? [file size $home/server.log] : 0}]
    set S(job,$n) [Launch $home/start.sh -dir $home -lock $S(dir)/locks/node$n -out $home/server.log \
        -command [concat [list $S(java) -Xms[expr {min(256, $S(heap))}]m -Xmx$S(heap)m] [JavaWords $c server] \
            [list -XX:+ExitOnOutOfMemoryError -XX:ErrorFile=$home/hs_err.log -Dkafka.logs.dir=$home] $S(jvm) \
            [list -cp $S(jars)/* kafka.Kafka $home/server.properties]]]
    set S(state,$n) running
}

proc ::cluster::JavaWords {c who} {
    upvar #0 $c S
    set settings [expr {[Newer $S(version) 4.0] ? "log4j2.configurationFile=" : "log4j.configuration=file:"}]
    return [list -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData -Djava.awt.headless=true \
        -D$settings$S(dir)/$who.log.properties]
}

proc ::cluster::start {c args} {
    upvar #0 [Know $c] S
    set nodes all
    if {[llength $args] % 2} {set args [lassign $args nodes]}
    set nodes [Nodes $c $nodes]
    Options {wait 1 limit 120000} $args
    foreach n $nodes {
        if {[state $c $n] in {running frozen}} {
            Fail [list STATE $n] "node $n is already $S(state,$n)"
        }
    }
    CheckMemory [llength $nodes] $S(heap)
    try {
        if {!$S(prepared)} {Prepare $c}
        Say "starting node [join $nodes {, }]"
        foreach n $nodes {StartNode $c $n}
        if {$wait} {ready $c -nodes $nodes -limit $limit}
    } on error {message how} {
        # What does not come up is taken down again; a part of the cluster that ran before is left alone.
        kill $c $nodes
        return -options $how $message
    }
    return
}

# What the log says of the end, in one line: the first exception from the first line on that names an error, with the
# innermost cause if that says more; else that line.
proc ::cluster::Cause log {
    set exception {^(?:Exception in thread "[^"]*" |Caused by: )?(?:[\w.$]+\.)?(\w+(?:Exception|Error))(?:: (.*))?$}
    set first {}
    set cause {}
    foreach line [split $log \n] {
        set line [string trimright $line]
        if {[regexp $exception $line -> class message]} {
            set text [string trimright "$class: $message" { :}]
            if {$cause eq ""} {
                set cause $text
            } elseif {[string match "Caused by:*" $line] && [string first $message $cause] < 0} {
                set inner $text
            }
        } elseif {[regexp {\y(?:ERROR|FATAL)\y (.*)$} $line -> text] || [regexp {^(Error: .*)$} $line -> text]} {
            if {$first ne ""} break
            set first $text
        } elseif {$cause ne "" && ![regexp {^\s} $line]} {
            break
        }
    }
    if {$cause ne ""} {return "$cause[expr {[info exists inner] ? " ($inner)" : ""}]"}
    if {$first ne ""} {return $first}
    foreach line [split $log \n] {
        if {[string trim $line] ne ""} {return [string trim $line]}
    }
    return "it printed nothing"
}

proc ::cluster::Tail {file {from 0}} {
    set lines [split [string trimright [Text [Slurp $file $from]]] \n]
    return "\n--- the end of $file:\n[join [lrange $lines end-24 end] \n]"
}

# The error for a node that ended by itself; nothing if it lives.
proc ::cluster::CheckAlive {c n} {
    upvar #0 $c S
    if {[state $c $n] ne "died"} return
    set status [job_status $S(job,$n)]
    if {$status eq "locked"} {
        return -code error -level 2 -errorcode [list CLUSTER LOCKED $n] \
            "node $n cannot start: an earlier process of it still runs in $S(dir)"
    }
    set log [log $c $n]
    set message "node $n died with status $status: [Cause [Text [Slurp $log $S(logstart,$n)]]]"
    append message [Tail $log $S(logstart,$n)]
    return -code error -level 2 -errorcode [list CLUSTER DIED $n $status] $message
}

proc ::cluster::ready {c args} {
    upvar #0 [Know $c] S
    Options {nodes {} limit 120000} $args
    set begin [clock milliseconds]
    if {$nodes eq "" || $nodes eq "all"} {set nodes [Running $c]}
    Nodes $c $nodes
    if {![llength $nodes]} {
        Fail {STATE none} "no node is running"
    }
    set waiting $nodes
    while 1 {
        foreach n $nodes {CheckAlive $c $n}
        set all [Running $c]
        foreach n $waiting {
            set missing {}
            if {[catch {metadata $c $n} m]} {
                set missing "no answer: $m"
            } elseif {[dict get $m controller] < 0} {
                set missing "no controller"
            } else {
                foreach other $all {
                    if {![dict exists $m brokers $other]} {set missing "node $other is not listed"}
                }
            }
            if {$missing eq ""} {
                set waiting [lsearch -all -inline -not -exact $waiting $n]
            } else {
                set why($n) $missing
            }
        }
        if {![llength $waiting]} break
        if {[clock milliseconds] - $begin > $limit} {
            set n [lindex $waiting 0]
            Fail [list TIMEOUT ready] "not ready after $limit ms: node $n: $why($n)[Tail [log $c $n] $S(logstart,$n)]"
        }
        Pause 100
    }
    return
}

proc ::cluster::insync {c args} {
    Know $c
    Options {limit 120000} $args
    set begin [clock milliseconds]
    while 1 {
        set lagging "no node answers"
        foreach n [Running $c] {
            if {[catch {metadata $c $n} m]} continue
            set lagging {}
            dict for {topic partitions} [dict get $m topics] {
                dict for {partition p} $partitions {
                    if {[dict get $p leader] < 0 || [lsort [dict get $p isr]] ne [lsort [dict get $p replicas]]} {
                        set lagging "$topic $partition: leader [dict get $p leader], in sync [dict get $p isr]"
                    }
                }
            }
            break
        }
        if {$lagging eq ""} return
        if {[clock milliseconds] - $begin > $limit} {
            Fail [list TIMEOUT insync] "not in sync after $limit ms: $lagging"
        }
        Pause 100
    }
}

proc ::cluster::stop {c args} {
    upvar #0 [Know $c] S
    set nodes all
    if {[llength $args] % 2} {set args [lassign $args nodes]}
    set nodes [Nodes $c $nodes]
    Options {limit 20000} $args
    foreach n $nodes {
        if {[state $c $n] eq "frozen"} {thaw $c $n}
        if {[state $c $n] eq "running"} {job_signal $S(job,$n) TERM}
    }
    set end [expr {[clock milliseconds] + $limit}]
    set quorum [expr {[llength $S(nodes)] / 2 + 1}]
    while 1 {
        set left [lsearch -all -inline -not -exact [lmap n $nodes {expr {[state $c $n] eq "running" ? $n : ""}}] ""]
        if {![llength $left]} break
        # A node that is left without a quorum waits for it, in vain: it gets 3 s more.
        if {[llength [Running $c]] < $quorum} {
            set end [expr {min($end, [clock milliseconds] + 3000)}]
            set quorum 0
        }
        if {[clock milliseconds] >= $end} break
        Pause 50
    }
    kill $c $nodes
    return $left
}

proc ::cluster::kill {c nodes} {
    upvar #0 [Know $c] S
    set nodes [Nodes $c $nodes]
    foreach n $nodes {
        if {[state $c $n] in {running frozen}} {job_signal $S(job,$n) KILL}
    }
    foreach n $nodes {
        if {$S(job,$n) ne ""} {job_wait $S(job,$n) 20000}
    }
    Gone $c $nodes
    return
}

# These nodes have ended, because we wanted it.
proc ::cluster::Gone {c nodes} {
    upvar #0 $c S
    foreach n $nodes {
        if {$S(job,$n) ne ""} {job_forget $S(job,$n)}
        set S(job,$n) {}
        set S(state,$n) stopped
    }
}

proc ::cluster::freeze {c nodes} {Change $c [Nodes $c $nodes] STOP running frozen}
proc ::cluster::thaw {c nodes} {Change $c [Nodes $c $nodes] CONT frozen running}

proc ::cluster::Change {c nodes signal from to} {
    upvar #0 $c S
    foreach n $nodes {
        set state [state $c $n]
        if {$state eq $to} continue
        if {$state ne $from || ![job_signal $S(job,$n) $signal]} {
            Fail [list STATE $n] "node $n is [state $c $n], not $from"
        }
        set S(state,$n) $to
    }
}

proc ::cluster::restart {c nodes args} {
    Options {how stop sync 0 limit 120000} $args
    if {$how ni {stop kill}} {
        Fail USAGE "bad -how \"$how\": must be stop or kill"
    }
    foreach n [Nodes $c $nodes] {
        $how $c $n
        start $c $n -limit $limit
        if {$sync} {insync $c -limit $limit}
    }
    return
}

proc ::cluster::destroy {c args} {
    upvar #0 [Know $c] S
    Options {files delete} $args
    foreach job $S(jobs) {job_forget $job}
    kill $c all
    if {$files eq "delete"} {Wipe $S(dir)}
    Release $c
    return
}

# --- the wire: enough of Kafka's protocol to ask a broker about itself -----------------------------------------------

# One request to one port, on a connection of its own; returns the body of the answer.
proc ::cluster::Ask {port api version body {limit 5000}} {
    set head [binary format SSISa*  $api $version 7 7 cluster]
    set s [socket 127.0.0.1 $port]
    try {
        fconfigure $s -blocking 0 -translation binary -buffering full
        puts -nonewline $s [binary format Ia*a* [string length $head$body] $head $body]
        flush $s
        set end [expr {[clock milliseconds] + $limit}]
        set got {}
        while {[binary scan $got I size] < 1 || [string length $got] < $size + 4} {
            append got [read $s]
            if {[eof $s]} {error "connection closed"}
            if {[clock milliseconds] > $end} {error "no answer in $limit ms"}
            Pause 5
        }
        return [string range $got 8 end]
    } finally {
        close $s
    }
}

# Readers: they take a value at position $at of $data in their caller and move $at.
proc ::cluster::I16 {} {upvar 1 data data at at; binary scan $data @${at}S v; incr at 2; return $v}
proc ::cluster::I32 {} {upvar 1 data data at at; binary scan $data @${at}I v; incr at 4; return $v}
proc ::cluster::I32s {} {
    upvar 1 data data at at
    binary scan $data @${at}I count
    set list {}
    if {$count > 0} {binary scan $data @[expr {$at + 4}]I$count list}
    incr at [expr {4 + 4 * max(0, $count)}]
    return $list
}
proc ::cluster::Str {} {
    upvar 1 data data at at
    binary scan $data @${at}S length
    incr at 2
    if {$length <= 0} return
    set bytes [string range $data $at [expr {$at + $length - 1}]]
    incr at $length
    return [encoding convertfrom utf-8 $bytes]
}
proc ::cluster::Packed text {
    set bytes [encoding convertto utf-8 $text]
    return [binary format Sa* [string length $bytes] $bytes]
}

# The newest version of a request that both sides know; ours are from..to.
proc ::cluster::ApiVersion {port api from to} {
    set data [Ask $port 18 0 {}]
    set at 0
    set error [I16]
    if {$error} {error "the broker answers ApiVersions with error $error"}
    for {set i [I32]} {$i > 0} {incr i -1} {
        set key [I16]
        set low [I16]
        set high [I16]
        if {$key == $api} {
            set use [expr {min($to, $high)}]
            if {$use >= max($from, $low)} {return $use}
        }
    }
    error "the broker knows no version $from to $to of request $api"
}

proc ::cluster::metadata {c {n {}}} {
    if {$n eq ""} {set n [Anyone $c]}
    set port [port $c $n]
    set v [ApiVersion $port 3 1 8]
    set body [binary format I -1]
    if {$v >= 4} {append body [binary format c 0]}
    if {$v >= 8} {append body [binary format cc 0 0]}
    set data [Ask $port 3 $v $body]
    set at 0
    if {$v >= 3} {I32}
    set brokers {}
    for {set i [I32]} {$i > 0} {incr i -1} {
        set id [I32]
        set host [Str]
        dict set brokers $id $host:[I32]
        Str
    }
    if {$v >= 2} {Str}
    set controller [I32]
    set topics {}
    for {set i [I32]} {$i > 0} {incr i -1} {
        I16
        set topic [Str]
        incr at
        dict set topics $topic {}
        for {set k [I32]} {$k > 0} {incr k -1} {
            I16
            set partition [I32]
            set leader [I32]
            if {$v >= 7} {I32}
            set replicas [I32s]
            set isr [I32s]
            if {$v >= 5} {I32s}
            dict set topics $topic $partition [dict create leader $leader replicas $replicas isr $isr]
        }
        if {$v >= 8} {I32}
    }
    return [dict create brokers $brokers controller $controller topics $topics]
}

proc ::cluster::Anyone c {
    Know $c
    set n [lindex [Running $c] 0]
    if {$n eq ""} {Fail {STATE none} "no node is running"}
    return $n
}

proc ::cluster::leader {c topic partition} {
    set m [metadata $c]
    if {![dict exists $m topics $topic $partition]} {return -1}
    return [dict get $m topics $topic $partition leader]
}

# Asked of the quorum: Metadata names any live broker as controller.
proc ::cluster::controller c {
    Know $c
    set name __cluster_metadata
    set body [binary format ccca*cIccc 0 2 [expr {[string length $name] + 1}] $name 2 0 0 0 0]
    foreach n [Running $c] {
        if {[catch {Ask [port $c $n] 55 0 $body} data]} continue
        # tags, error, one topic, its name, one partition, its number, error, leader
        set at [expr {1 + 2 + 1 + 1 + [string length $name] + 1 + 4}]
        if {[string length $data] > $at + 6 && [I16] == 0} {return [I32]}
    }
    return -1
}

proc ::cluster::create_topic {c name partitions args} {
    set n [Anyone $c]
    set replicas -1
    if {[llength $args] % 2} {set args [lassign $args replicas]}
    if {$replicas == -1} {set replicas [expr {min(3, [llength [nodes $c]])}]}
    set body [binary format I 1]
    append body [Packed $name] [binary format ISII $partitions $replicas 0 [expr {[llength $args] / 2}]]
    foreach {key value} $args {
        append body [Packed $key] [Packed $value]
    }
    append body [binary format Ic 30000 0]
    set port [port $c $n]
    set data [Ask $port 19 [ApiVersion $port 19 2 4] $body 35000]
    set at 8
    Str
    set error [I16]
    set message [Str]
    if {$error} {
        Fail [list TOPIC $error] "cannot create topic $name: [expr {$message eq "" ? "error $error" : $message}]"
    }
    # Made is not yet known everywhere.
    set known [until 30000 {[Everywhere $c $name $partitions]}]
    if {!$known} {Fail [list TIMEOUT topic] "topic $name is not known to all nodes after 30 s"}
    return
}

proc ::cluster::Everywhere {c name partitions} {
    foreach n [Running $c] {
        if {[catch {metadata $c $n} m] || ![dict exists $m topics $name]} {return 0}
        set ps [dict get $m topics $name]
        if {[dict size $ps] < $partitions} {return 0}
        foreach p [dict values $ps] {
            if {[dict get $p leader] < 0} {return 0}
        }
    }
    return 1
}

# --- tools -----------------------------------------------------------------------------------------------------------

proc ::cluster::ToolJava c {
    upvar #0 $c S
    return [concat [list $S(java) -Xmx256m] [JavaWords $c tools] [list -cp $S(jars)/*]]
}

# The Java class of a tool; some have moved since Kafka 3.
proc ::cluster::ToolClass {version name} {
    set tools {
        topics                 org.apache.kafka.tools.TopicCommand
        groups                 org.apache.kafka.tools.consumer.group.ConsumerGroupCommand
        share-groups           org.apache.kafka.tools.consumer.group.ShareGroupCommand
        console-consumer       org.apache.kafka.tools.consumer.ConsoleConsumer
        console-share-consumer org.apache.kafka.tools.consumer.ConsoleShareConsumer
        console-producer       org.apache.kafka.tools.ConsoleProducer
        configs                kafka.admin.ConfigCommand
        acls                   org.apache.kafka.tools.AclCommand
        offsets                org.apache.kafka.tools.GetOffsetShell
        quorum                 org.apache.kafka.tools.MetadataQuorumCommand
        features               org.apache.kafka.tools.FeatureCommand
        leader-election        org.apache.kafka.tools.LeaderElectionCommand
        reassign               org.apache.kafka.tools.reassign.ReassignPartitionsCommand
        delete-records         org.apache.kafka.tools.DeleteRecordsCommand
        transactions           org.apache.kafka.tools.TransactionsCommand
        dump-log               org.apache.kafka.tools.DumpLogSegments
        storage                kafka.tools.StorageTool
        producer-perf          org.apache.kafka.tools.ProducerPerformance
        verifiable-producer    org.apache.kafka.tools.VerifiableProducer
        verifiable-consumer    org.apache.kafka.tools.VerifiableConsumer
        verifiable-share-consumer org.apache.kafka.tools.VerifiableShareConsumer
        transactional-copier   org.apache.kafka.tools.TransactionalMessageCopier
    }
    if {![Newer $version 4.0]} {
        set tools [dict merge $tools {
            console-producer   kafka.tools.ConsoleProducer
            acls               kafka.admin.AclCommand
            dump-log           kafka.tools.DumpLogSegments
        }]
    }
    if {[dict exists $tools $name]} {return [dict get $tools $name]}
    if {[string match *.* $name]} {return $name}
    Fail USAGE "bad tool \"$name\": must be program, a Java class, or of [join [dict keys $tools] {, }]"
}

# Not every tool talks to a cluster in the same words.
proc ::cluster::ToolServer {c name words} {
    if {$name in {program dump-log storage} || {--help} in $words || {--version} in $words} return
    foreach word $words {
        if {[regexp {^(--bootstrap-(server|controller)|--broker-list|bootstrap\.servers)(=|$)} $word]} return
    }
    switch -- $name {
        transactional-copier {return [list --broker-list [bootstrap $c]]}
        producer-perf {
            if {"--producer-props" ni $words} {return [list --producer-props bootstrap.servers=[bootstrap $c]]}
            return
        }
    }
    return [list --bootstrap-server [bootstrap $c]]
}

proc ::cluster::spawn {c args} {
    upvar #0 [Know $c] S
    set options {}
    while {[string match -* [lindex $args 0]]} {
        set args [lassign $args option value]
        lappend options $option $value
    }
    if {![llength $args]} {
        Fail USAGE "no tool named"
    }
    Options {input {}} $options
    set words [lassign $args name]
    if {$name eq "program"} {
        set command $words
    } else {
        if {![info exists S(jars)]} {set S(jars) [jars $S(version)]}
        set class [ToolClass $S(version) $name]
        if {![file exists $S(dir)/tools.log.properties]} {WriteLogging $c}
        set command [concat [ToolJava $c] [list $class] [ToolServer $c $name $words] $words]
    }
    # Transactions, users and quotas may need several at a time: each has a folder.
    set folder $S(dir)/jobs/[incr S(tools)]-[string map {/ _} $name]
    file delete -force $folder
    file mkdir $folder
    set f [open $folder/in wb]
    puts -nonewline $f $input
    close $f
    foreach file {out err} {close [open $folder/$file w]}
    set job [Launch $folder/job.sh -dir $folder -input $folder/in -out $folder/out -err $folder/err -command $command]
    array set $job [list folder $folder owner $c]
    lappend S(jobs) $job
    return $job
}

proc ::cluster::tool {c args} {
    set timeout 60000
    set binary 0
    set all 0
    set options {}
    while {[string match -* [lindex $args 0]]} {
        set args [lassign $args option value]
        switch -- $option {
            -timeout - -binary - -all {set [string range $option 1 end] $value}
            -input {lappend options $option $value}
            default {Fail USAGE "bad option \"$option\": must be -timeout, -input, -binary, -all"}
        }
    }
    set job [spawn $c {*}$options {*}$args]
    try {
        if {![job_wait $job $timeout]} {
            set last [lindex [split [string trim [job_output $job err]] \n] end]
            Fail [list TIMEOUT tool] "the tool [lindex $args 0] did not end within $timeout ms: $last"
        }
        set status [job_status $job]
        set out [job_output $job out -binary $binary]
        set err [job_output $job err]
    } finally {
        job_forget $job
    }
    if {$all} {return [dict create status $status out $out err $err]}
    if {$status ne "0"} {
        # The Java tools print some of their errors on standard output.
        set text [string trim [expr {[string trim $err] eq "" ? $out : $err}]]
        Fail [list TOOL $status] "the tool [lindex $args 0] ended with status $status: $text"
    }
    return $out
}
