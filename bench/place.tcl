# place.tcl --
#
#	Where the benchmarks run: Apache Kafka of our own, the embedded cluster in
#	a process of its own, or brokers that the user names; and the programs
#	that the runs need.  It must not measure, and must leave nothing behind,
#	however the driver ends: what it starts ends when the driver's pipe
#	closes, and topics on a user's brokers are deleted then.
#
#	place::begin kind ?brokers? ?python?	kind: kafka, embedded, brokers, or auto,
#				which is kafka where Java and the jars are
#				there; python 0: no run needs it
#	place::topic name ?-option value ...?	makes a topic; -topics n makes n
#				of them; -config goes to the brokers as it is,
#				and -replicas is 1 on the embedded cluster
#	place::fill name messages ?-option value ...?
#	place::held name	how many messages its partition 0 holds
#	place::name name	what the topic is called there
#	place::brokers		their addresses
#	place::pids		processes of ours that are neither driver nor run
#	place::text		for people: what it is
#	place::end
#	place::program language	the words that run a worker
#	place::run words ?limit?	runs a program under guard, returns its output
#
#	usage: tclsh place.tcl serve	the embedded cluster: prints its addresses,
#				makes the topics that its input names, ends with it

namespace eval ::place {
    variable home [file dirname [file normalize [info script]]]
    variable root [file dirname $home]
    variable target [file join $root target]
    if {[info exists ::env(CARGO_TARGET_DIR)] && $::env(CARGO_TARGET_DIR) ne ""} {
	set target [file normalize $::env(CARGO_TARGET_DIR)]
    }
    # What the runs, and the cluster, write.
    variable area [file join $root build bench]
    variable kind ""
    variable servers ""
    variable cluster ""
    variable pipe ""
    # Topics of no other run.
    variable prefix bench-[format %x [clock seconds]]-[pid]-
    # Why there is no Python.
    variable noPython ""
}
source [file join $::place::root tests kafka cluster.tcl]

# ---------------------------------------------------------------- the programs

# place::CompileC --
#
#	Builds work.c against the librdkafka that cargo has built: the newest, if
#	there are several.

proc ::place::CompileC {} {
    variable home
    variable target
    variable area
    set newest 0
    foreach file [glob -nocomplain -directory $target/release/build \
	    rdkafka-sys-*/out/src/librdkafka.a] {
	if {[file mtime $file] > $newest} {
	    set newest [file mtime $file]
	    set library $file
	}
    }
    if {!$newest} {
	error "no librdkafka.a below $target/release/build: run make first"
    }
    if {[catch {exec pkg-config --libs openssl libzstd libcurl zlib} libraries]} {
	set libraries {-lssl -lcrypto -lzstd -lcurl -lz}
    }
    exec cc -O2 -std=gnu99 -Wall -Wextra -isystem [file dirname $library] \
	    -o $area/work $home/work.c $library {*}$libraries -lm -lpthread -ldl \
	    >@stdout 2>@stderr
}

# place::SetUpPython --
#
#	confluent-kafka-python in an environment of its own, the one that the
#	tests use.  Without it the runs go on without Python.

proc ::place::SetUpPython {} {
    variable target
    variable noPython
    set folder $target/pyvenv
    if {![catch {exec $folder/bin/python -c {import confluent_kafka} 2>@1}]} {
	return
    }
    puts "fetching confluent-kafka for Python"
    if {[catch {
	file delete -force $folder
	exec timeout 60 python3 -m venv $folder 2>@1
	exec timeout 300 $folder/bin/pip install -q --retries 2 --timeout 20 \
		--disable-pip-version-check confluent-kafka 2>@1
    } text]} {
	set noPython "no confluent-kafka for Python: [lindex [split $text \n] end]"
	puts $noPython
    }
}

proc ::place::program {language} {
    variable home
    variable area
    variable target
    switch -- $language {
	tcl {
	    return [list [info nameofexecutable] $home/work.tcl]
	}
	c {
	    return [list $area/work]
	}
	python {
	    return [list $target/pyvenv/bin/python $home/work.py]
	}
    }
}

# place::run --
#
#	Runs a program to its end.  It is killed if the driver ends, or when its
#	time is over.  An error has the end of what it said.

proc ::place::run {words {limit 300000}} {
    variable area
    set base $area/run.[pid]
    close [open $base.out w]
    close [open $base.err w]
    set job [::cluster::Launch $base.sh -dir $area -out $base.out -err $base.err \
	    -command $words]
    try {
	set over [expr {![::cluster::job_wait $job $limit]}]
	set status [::cluster::job_status $job]
	::cluster::job_forget $job
	set out [string trim [::cluster::Slurp $base.out]]
	set err [string trim [::cluster::Slurp $base.err]]
    } finally {
	file delete $base.sh $base.out $base.err
    }
    # A worker with many clients kills itself when it has said all.
    if {$over} {
	error "no end after [expr {$limit / 1000}] s: $words"
    }
    if {$out eq "" || $status ni {0 137}} {
	error "status $status: $words: [lindex [split $err \n] end]"
    }
    return $out
}

# ------------------------------------------------------------------ the brokers

proc ::place::begin {wanted {brokers ""} {python 1}} {
    variable kind
    variable servers
    variable area
    variable noPython
    file mkdir $area
    # What a driver that was killed has left.
    file delete {*}[glob -nocomplain -directory $area run.*]
    CompileC
    if {$python} {
	SetUpPython
    } else {
	set noPython "not needed"
    }
    set kind $wanted
    if {$wanted eq "auto"} {
	set kind kafka
	set ::cluster::say puts
	if {[catch {
	    ::cluster::Java
	    ::cluster::CheckPrograms
	    ::cluster::CheckMemory 3 512
	    ::cluster::jars
	} why]} {
	    puts "no Apache Kafka here, so the embedded cluster: $why"
	    set kind embedded
	}
    }
    switch -- $kind {
	kafka {
	    OpenKafka
	}
	embedded {
	    OpenEmbedded
	}
	brokers {
	    set servers $brokers
	    DropAtTheEnd
	}
	default {
	    error "bad place \"$wanted\": must be auto, kafka, embedded, or brokers"
	}
    }
}

proc ::place::OpenKafka {} {
    variable area
    variable cluster
    variable servers
    set cluster [::cluster::create -dir $area/cluster]
    ::cluster::start $cluster
    set servers [::cluster::bootstrap $cluster]
}

proc ::place::OpenEmbedded {} {
    variable home
    variable pipe
    variable servers
    # A session of its own: Ctrl-C is for the driver, and the end of the pipe tells it.
    set pipe [open [list |setsid [info nameofexecutable] $home/place.tcl serve] r+]
    fconfigure $pipe -buffering line
    set servers [Answer]
}

proc ::place::Answer {} {
    variable pipe
    if {[gets $pipe line] < 0} {
	catch {close $pipe} message
	error "the embedded cluster has ended: $message"
    }
    return $line
}

# place::DropAtTheEnd --
#
#	A process that waits for the end of the driver, and then deletes the
#	topics of this run.

proc ::place::DropAtTheEnd {} {
    variable pipe
    variable area
    variable servers
    variable prefix
    set pipe [open [list |setsid sh -c "cat >/dev/null; exec \"\$@\" >/dev/null" sh \
	    $area/work drop $servers -topic $prefix] w]
}

proc ::place::end {} {
    variable cluster
    variable pipe
    if {$cluster ne ""} {
	::cluster::destroy $cluster
	set cluster ""
    }
    if {$pipe ne ""} {
	# Waits for its end.
	catch {close $pipe}
	set pipe ""
    }
}

proc ::place::brokers {} {
    variable servers
    return $servers
}

proc ::place::pids {} {
    variable kind
    variable cluster
    variable pipe
    switch -- $kind {
	kafka {
	    return [lmap n [::cluster::nodes $cluster] {::cluster::pid $cluster $n}]
	}
	embedded {
	    return [pid $pipe]
	}
    }
}

proc ::place::text {} {
    variable kind
    variable cluster
    variable servers
    switch -- $kind {
	kafka {
	    return "Apache Kafka [::cluster::version $cluster], three brokers on\
		    this machine"
	}
	embedded {
	    return "the embedded cluster, in a process of its own"
	}
	brokers {
	    return "the brokers $servers"
	}
    }
}

# ------------------------------------------------------------------- the topics

proc ::place::name {name} {
    variable prefix
    return $prefix$name
}

proc ::place::topic {name args} {
    variable kind
    variable pipe
    set options [dict merge {-topics 1 -partitions 1} $args]
    if {$kind ne "embedded"} {
	run [concat [program c] [list topics [brokers] -topic [name $name]] $options]
	return
    }
    for {set t 0} {$t < [dict get $options -topics]} {incr t} {
	puts $pipe [list [name $name][expr {[dict get $options -topics] > 1 ? $t : ""}] \
		[dict get $options -partitions]]
	Answer
    }
}

proc ::place::fill {name messages args} {
    run [concat [program c] [list fill [brokers] -topic [name $name] \
	    -messages $messages] $args]
}

proc ::place::held {name} {
    return [run [concat [program tcl] [list held [brokers] -topic [name $name]]]]
}

# place::Serve, place::Order --
#
#	The embedded cluster's side.

proc ::place::Serve {} {
    variable root
    lappend ::auto_path [file join $root build]
    package require kafka
    kafka::kafka mock create ::cluster -brokers 3
    ::cluster group_initial_rebalance_delay_ms 0
    puts [::cluster bootstrap_servers]
    flush stdout
    fconfigure stdin -blocking 0
    fileevent stdin readable ::place::Order
    vwait ::forever
}

proc ::place::Order {} {
    while {[gets stdin line] >= 0} {
	::cluster create_topic {*}$line
	puts done
	flush stdout
    }
    if {[eof stdin]} {
	exit
    }
}

if {[info exists ::argv0] && [file normalize $::argv0] eq [file normalize [info script]]
	&& $::argv eq "serve"} {
    ::place::Serve
}
