# The test cluster from the command line: starts Apache Kafka for a person (or a script) to play with, prints its
# bootstrap servers and how to stop it, and obeys a few words typed at it. `make kafka` is this.
# It must not hold knowledge about Kafka (cluster.tcl does), and must not outlive what started it unless it is told to:
# detach it with  setsid nohup tclsh tests/kafka/run.tcl ... </dev/null >log 2>&1 &
#
# usage: run.tcl ?start? ?-option value ...?    options: those of cluster::create, and -limit ms
#        run.tcl stop ?-dir folder?             ends the cluster that runs with this folder
#        run.tcl status ?-dir folder?           prints its bootstrap servers; exit status 1 if none runs
#        run.tcl fetch ?-version v?             only fetches the jars

source [file join [file dirname [file normalize [info script]]] cluster.tcl]

proc main argv {
    set verb start
    if {[llength $argv] && ![string match -* [lindex $argv 0]]} {set argv [lassign $argv verb]}
    if {$verb ni {start stop status fetch} || [llength $argv] % 2} {
        error "usage: run.tcl ?start|stop|status|fetch? ?-option value ...?"
    }
    Run_$verb $argv
}

proc Folder options {
    if {[dict exists $options -dir]} {return [file normalize [dict get $options -dir]]}
    return $::cluster::root/build/cluster
}

# The process that holds the folder, or nothing. The lock tells, not the number in the file.
proc Driver dir {
    if {![file exists $dir/locks/cluster] || ![catch {exec flock -n $dir/locks/cluster true}]} return
    return [string trim [::cluster::Slurp $dir/driver.pid]]
}

proc Run_fetch options {
    set version {}
    if {[dict exists $options -version]} {set version [dict get $options -version]}
    set ::cluster::say puts
    puts [cluster::jars $version]
}

proc Run_status options {
    set dir [Folder $options]
    if {[Driver $dir] eq ""} {
        puts "no cluster runs in $dir"
        exit 1
    }
    puts [string trim [::cluster::Slurp $dir/bootstrap]]
}

proc Run_stop options {
    set dir [Folder $options]
    set pid [Driver $dir]
    if {$pid eq ""} {
        puts "no cluster runs in $dir"
        return
    }
    exec sh -c {kill "$1"} sh $pid
    # The brokers hold locks of their own.
    set gone [cluster::until 30000 {[Driver $dir] eq ""}]
    foreach lock [glob -nocomplain -directory $dir/locks node*] {
        if {[catch {exec flock -w 20 $lock true}]} {set gone 0}
    }
    if {!$gone} {error "process $pid does not end"}
    puts "stopped"
}

proc Run_start options {
    global c
    set limit 120000
    if {[dict exists $options -limit]} {
        set limit [dict get $options -limit]
        dict unset options -limit
    }
    # Our own words are the only output there is: they appear at once, also in a file.
    fconfigure stdout -buffering line
    set ::cluster::say puts
    set begin [clock milliseconds]
    set c [cluster::create {*}$options]
    cluster::start $c -limit $limit
    set seconds [format %.1f [expr {([clock milliseconds] - $begin) / 1000.0}]]
    set count [llength [cluster::nodes $c]]
    puts "Kafka [cluster::version $c] is ready: $count node[expr {$count > 1 ? "s" : ""}], in $seconds s"
    puts ""
    foreach listener [cluster::listeners $c] {
        puts "  [expr {$listener eq "PLAINTEXT" ? "bootstrap servers" : $listener}]  [cluster::bootstrap $c $listener]"
    }
    puts "  data and logs      [cluster::dir $c]"
    puts "  to stop it         Ctrl-C here, or: kill [::pid]"
    puts "  words to type here [Words]"
    puts ""
    fileevent stdin readable Typed
    Watch
    vwait forever
}

proc Words {} {return "status, kill N, freeze N, thaw N, stop N, start N, restart N, tool NAME WORD..., quit"}

# Says it once if a node ends by itself.
proc Watch {} {
    global c told
    foreach n [cluster::nodes $c] {
        set state [cluster::state $c $n]
        if {$state eq "died" && ![info exists told($n)]} {
            set told($n) 1
            catch {::cluster::CheckAlive $c $n} message
            puts $message
        } elseif {$state ne "died"} {
            unset -nocomplain told($n)
        }
    }
    after 1000 Watch
}

proc Typed {} {
    global c
    if {[gets stdin line] < 0} {
        # The end of standard input is no order to stop: a detached cluster has none.
        if {[eof stdin]} {fileevent stdin readable {}}
        return
    }
    # Words are words, whatever characters they hold.
    set words [lassign [regexp -all -inline {\S+} $line] verb]
    if {[catch {Do $verb $words} message]} {puts $message}
}

proc Do {verb words} {
    global c
    switch -- $verb {
        "" {}
        status {
            foreach n [cluster::nodes $c] {
                puts "  node $n  127.0.0.1:[cluster::port $c $n]  [cluster::state $c $n]  [cluster::pid $c $n]"
            }
        }
        kill - freeze - thaw - stop - start - restart {
            cluster::$verb $c [expr {[llength $words] ? $words : "all"}]
            Do status {}
        }
        tool {puts [string trimright [cluster::tool $c {*}$words]]}
        quit {
            cluster::destroy $c
            exit
        }
        default {puts "words: [Words]"}
    }
}

if {[catch {main $argv} message options]} {
    puts stderr $message
    if {[dict get $options -errorcode] eq "NONE" && [info exists env(CLUSTER_DEBUG)]} {
        puts stderr [dict get $options -errorinfo]
    }
    exit 1
}
