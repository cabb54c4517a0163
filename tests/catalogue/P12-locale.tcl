# row: P12
# demands: payloads, keys and names are the same bytes whatever LANG, LC_ALL and the system encoding are, also when it changes at run time
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set script [lifetimes::setUp]
append script {
    kafka::kafka create m
    m logger none
    m config bootstrap.servers $::family::servers linger.ms 0 fetch.wait.max.ms 5 client.id "n\u00e9"
    m producer_creator p
    p new_topic out $::family::sink
    m consumer_creator c
    c new_topic in $::family::sink
    in start 0 end
    set bytes ""
    for {set i 0} {$i < 256} {incr i} {
	append bytes [format %c $i]
    }
    set wrong {}
    # Until the place at the end is found.
    set seen 0
    while {!$seen} {
	out produce 0 warm
	p flush 10000
	set seen [expr {![catch {in consume 0 100 row} n] && $n}]
    }
    while {![catch {in consume 0 200 row} n]} {}
    foreach encoding {"" utf-8 iso8859-1 cp1252 ascii shiftjis utf-8} {
	if {$encoding ne ""} {
	    encoding system $encoding
	}
	out produce 0 $bytes$encoding $bytes
	p flush 10000
	while {[catch {in consume 0 10000 row} n] || !$n} {}
	if {$row(payload) ne "$bytes$encoding" || $row(key) ne $bytes || $row(topic) ne $::family::sink} {
	    lappend wrong $encoding
	}
	if {[dict get [m config] client.id] ne "n\u00e9"} {
	    lappend wrong "$encoding client.id"
	}
	# A character that is no byte stays an error.
	if {![catch {out produce 0 "\u20ac"}]} {
	    lappend wrong "$encoding euro"
	}
    }
    foreach name {in out c p m} {
	$name delete
    }
    puts [list $wrong]
}
set name [file join [pwd] locale.tcl]
set file [open $name w]
puts $file $script
close $file
foreach locale {C C.UTF-8 POSIX tr_TR.ISO-8859-9 nonsense "" ja_JP.eucJP} {
    same [exec env LANG=$locale LC_ALL=$locale LC_NUMERIC=$locale [info nameofexecutable] $name] {{}}
}
file delete $name
held
