# row: C11
# demands: master, handle and subscriber go before or after their topics, queues and groups in all orders, while a script goes on using the rest; what is left works until it is deleted itself
# limit: 60

source [file join [file dirname [info script]] case.tcl]
source [file join $::kafkatest::directory lifetimes.tcl]

lifetimes::prepare 3

# After each deletion whoever is left is asked: an answer or an error, and the topics go on.
foreach order [family::orders {m c p out in}] {
    master m fetch.wait.max.ms 5 linger.ms 0
    m consumer_creator c
    m producer_creator p
    c new_topic in $family::full
    in start 0 0
    p new_topic out $family::sink
    set gone {}
    foreach name $order {
	lifetimes::kill $name
	lappend gone $name
	if {"in" ni $gone} {
	    in consume 0 10000 row
	    matches $row(payload) m*
	    in stop 0
	    in start 0 0
	}
	if {"out" ni $gone} {
	    out produce 0 x
	}
	if {"c" ni $gone} {
	    c name
	} elseif {"in" ni $gone} {
	    expect {KAFKA RD_KAFKA_RESP_ERR__STATE *} {in creator name}
	}
	if {"p" ni $gone} {
	    same [p flush 10000] 0
	} elseif {"out" ni $gone} {
	    expect {KAFKA RD_KAFKA_RESP_ERR__STATE *} {out creator flush}
	}
    }
}
held
