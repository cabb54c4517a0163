# row: P8
# demands: with 20 or 64 descriptors, few threads, or little address space a client that cannot be made or cannot connect is an error or a wait, the process lives, nothing leaks, and all works again when there is room
# limit: 90
# needs: linux plain

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

# limited --
#
#	Runs a script in a process of its own under a limit of the shell.

proc limited {limit script} {
    set name [file join [pwd] limited.tcl]
    set file [open $name w]
    puts $file "set auto_path [list $::auto_path]"
    puts $file $script
    close $file
    set status [catch {exec sh -c "$limit && exec \"\$@\"" sh [info nameofexecutable] $name 2>@1} output options]
    file delete $name
    if {$status} {
	error "with $limit: [dict get $options -errorcode]: [string range $output end-500 end]"
    }
    return $output
}

set fill {
    package require kafka
    kafka::kafka flush_timeout 100
    kafka::kafka create m
    m logger none
    m config bootstrap.servers 127.0.0.1:1
    proc fill {} {
	set made {}
	while {[llength $made] < 60} {
	    if {[catch {m [lindex {producer_creator consumer_creator} [expr {[llength $made] % 2}]] #auto} name options]} {
		set code [dict get $options -errorcode]
		if {![string match "KAFKA RD_KAFKA_RESP_ERR_*" $code]} {
		    error "no code of Kafka: $code $name"
		}
		break
	    }
	    lappend made $name
	}
	set count [llength $made]
	foreach name $made {
	    $name delete
	}
	return $count
    }
    set first [fill]
    set second [fill]
    set third [fill]
    m delete
    if {[kafka::kafka live] ne {}} {
	error "left: [kafka::kafka live]"
    }
    puts "$first $second $third"
}
# librdkafka makes a client without a descriptor, too: it only cannot connect.
foreach limit {{ulimit -n 20} {ulimit -n 64}} {
    lassign [limited $limit $fill] first second third
    same [list $second $third] [list $first $first]
}
# An embedded cluster and sockets that cannot be opened: errors or waits, and then it works when there are descriptors again.
set text [limited {ulimit -n 40} {
    package require kafka
    set files {}
    while {![catch {open /dev/null} file]} {
	lappend files $file
    }
    catch {kafka::kafka mock create x -brokers 3} message
    puts [string match "*" $message]
    foreach file $files {
	close $file
    }
    kafka::kafka mock create x -brokers 1
    kafka::kafka create m
    m logger none
    m config bootstrap.servers [x bootstrap_servers] linger.ms 0 reconnect.backoff.max.ms 100
    m producer_creator p
    p new_topic t t
    # All descriptors are taken while it has to connect.
    set files {}
    while {![catch {open /dev/null} file]} {
	lappend files $file
    }
    t produce 0 x
    puts [p flush 300]
    foreach file $files {
	close $file
    }
    puts [p flush 10000]
    foreach name {t p m x} {
	$name delete
    }
    puts [kafka::kafka live]
}]
same [lindex [split $text \n] end-1] 0
same [lindex [split $text \n] end] {}

# Threads: the user nobody may have so many. (Root has no such limit.)
if {[exec id -u] eq "0" && [llength [auto_execok setpriv]] && ![catch {exec setpriv --reuid=61234 --clear-groups true}]} {
    set before {setpriv --reuid=61234 --clear-groups sh -c "ulimit -u 25; exec \"\$@\"" sh}
} else {
    set before ""
}
if {$before ne "" && ![catch {exec {*}$before [info nameofexecutable] << {puts ok}}]
	&& [exec setpriv --reuid=61234 --clear-groups test -r [lindex [glob [lindex $auto_path 0]/*/pkgIndex.tcl] 0] && echo 1] eq "1"} {
    set text [exec {*}$before [info nameofexecutable] << "set auto_path [list $auto_path]\n$fill" 2>@1]
    lassign $text first second third
    if {$first > 12 || $second < $first - 1 || $third < $first - 1} {
	error "with 25 threads: $text clients"
    }
}

# Address space: room for a few threads more.
set text [limited {ulimit -v 400000} $fill]
lassign $text first second third
if {$first >= 60 || $second < 1} {
    error "with little address space: $text clients"
}
held
