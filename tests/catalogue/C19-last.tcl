# row: C19
# demands: the last owner of a client is deleted inside the report of its last message, for each order in which the others went before, by the event loop, by flush, by poll, and inside the delete of the handle
# limit: 60
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 1
set turn 0
foreach order [family::orders {m p out}] {
    foreach how {loop flush poll delete} {
	lassign $order first second last
	master m linger.ms 0
	set ::killed 0
	m delivery_report callback [list lifetimes::once [list lifetimes::kill $order]]
	m producer_creator p
	p new_topic out $family::sink
	out produce 0 x
	# What goes before the report: nothing, one or two of them.
	switch [expr {$turn % 3}] {
	    1 {
		if {$first eq "m"} {
		    m delete
		}
	    }
	    2 {
		m delete
		if {$how eq "loop" && $last eq "out"} {
		    # The handle's delete calls the report back.
		    p delete
		}
	    }
	}
	switch $how {
	    loop {
		until {$::killed}
	    }
	    flush {
		catch {p flush 10000}
	    }
	    poll {
		catch {p poll 10000}
	    }
	    delete {
		p delete
	    }
	}
	until {$::killed}
	update
	same [list $::killed [lifetimes::left]] {1 {}}
	incr turn
    }
}
same $turn 24
held
