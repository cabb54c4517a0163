# row: L2
# demands: librdkafka's own test hooks and its pointers cannot be set, under any name and by any way, and the master still works
# valgrind: yes

source [file join [file dirname [info script]] case.tcl]

set topic [newTopic hook]
set master [master]
set handle [$master producer_creator #auto]
foreach name {ut_handle_ProduceResponse opaque interceptors default_topic_conf
	ssl_key ssl_certificate ssl_ca ssl_engine_callback_data msg_order_cmp
	dr_cb dr_msg_cb error_cb log_cb stats_cb throttle_cb socket_cb open_cb
	connect_cb closesocket_cb resolve_cb consume_cb rebalance_cb
	offset_commit_cb background_event_cb oauthbearer_token_refresh_cb
	ssl.certificate.verify_cb partitioner_cb} {
    foreach prefix {"" topic.} {
	foreach value {"" x 1 0x41414141} {
	    set pair [list $prefix$name $value]
	    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master config {*}$pair}
	    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$master topic_config {*}$pair}
	    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {$handle config {*}$pair}
	    expect {KAFKA RD_KAFKA_RESP_ERR__INVALID_ARG *} {
		$master subscriber #auto -config [list group.id g {*}$pair]
	    }
	    expect * {kafka::subscriber g -config $pair t list}
	}
    }
}
set out [[$master producer_creator #auto] new_topic #auto $topic]
$out produce 0 x
same [$out creator flush 10000] 0
same [collect $topic 1] x
held
