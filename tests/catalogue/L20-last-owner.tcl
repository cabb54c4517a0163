# row: L20
# demands: a client is never destroyed on a thread of its own, whichever callback drops the last owner
# needs: mock

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic owner]
produceN $topic 3
foreach kind {delivery_report error_callback statistics_callback logger message} {
    set master [master #auto statistics.interval.ms 20 linger.ms 0 debug broker group.id [unique owner]]
    set done 0
    proc last {args} {
	if {!$::done} {
	    foreach object $::family {
		catch {$object delete}
	    }
	    set ::done 1
	}
    }
    switch $kind {
	logger - delivery_report {
	    $master $kind callback last
	}
	error_callback - statistics_callback {
	    $master $kind last
	}
    }
    set producer [$master producer_creator #auto]
    set out [$producer new_topic #auto $topic]
    set consumer [$master consumer_creator #auto]
    set in [$consumer new_topic #auto $topic]
    set family [list $out $producer $in $consumer $master]
    if {$kind eq "message"} {
	$in start 0 beginning last
    }
    $out produce 0 x
    if {$kind eq "error_callback"} {
	$producer test_fatal_error 47 planted
    }
    until {$done}
}
until {[string first owner [kafka::kafka live]] < 0}
held
