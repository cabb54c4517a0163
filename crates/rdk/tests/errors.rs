//! Codes, error texts, and the mock cluster's ways to make trouble.

mod support;

use rdk::*;
use support::*;

#[test]
fn the_table_is_librdkafkas() {
    let all = Code::all();
    assert!(all.len() > 150);
    for ErrorRow {
        code,
        name,
        text,
        advice,
        ..
    } in all
    {
        assert!(name.starts_with("RD_KAFKA_RESP_ERR_"), "{name}");
        assert_eq!(&code.advice(), advice);
        assert_eq!(&code.name(), name);
        assert_eq!(&code.text(), text);
        assert_eq!(Code::from_name(name), Some(*code));
        assert_eq!(
            Code::from_name(name.strip_prefix("RD_KAFKA_RESP_ERR_").unwrap()),
            Some(*code)
        );
    }
    assert_eq!(Code::TIMED_OUT.name(), "RD_KAFKA_RESP_ERR__TIMED_OUT");
    assert_eq!(Code::TIMED_OUT.0, -185);
    assert_eq!(Code::NO_ERROR.name(), "RD_KAFKA_RESP_ERR_NO_ERROR");
    assert!(Code::NO_ERROR.is_ok() && !Code::FATAL.is_ok());
    for strange in [Code(-1000), Code(i32::MIN), Code(i32::MAX), Code(31_999)] {
        assert_eq!(strange.name(), format!("RD_KAFKA_RESP_ERR_{}", strange.0));
        assert_eq!(Code::from_name(&strange.name()), Some(strange));
        assert!(!strange.text().is_empty());
        assert!(strange.advice().contains("newer than this client"));
    }
    assert_eq!(Code::from_name("NO_SUCH"), None);
    assert_eq!(Code::from_name(""), None);
    assert_eq!(Code::from_name("12"), None);
}

#[test]
fn versions() {
    assert_eq!(version(), "2.12.1");
    assert!(debug_contexts().split(',').any(|word| word == "cgrp"));
}

#[test]
fn an_error_reads_well() {
    let _alone = alone();
    let error = MockCluster::create(0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "mock: a mock cluster has 1 to 16 brokers, not 0 (RD_KAFKA_RESP_ERR__INVALID_ARG)"
    );
    let boxed: Box<dyn std::error::Error> = Box::new(error);
    assert!(boxed.source().is_none());
}

#[test]
fn a_fatal_error() {
    let _alone = alone();
    let mock = mock(1);
    let wants = Wants {
        errors: true,
        ..quiet()
    };
    // A producer stops on fatal errors only if it is idempotent (rd_kafka_fatal_error_code).
    let settings = config(&mock, &[("enable.idempotence", "true")]);
    let client = Client::open(Kind::Producer, settings, TopicConfig::new(), wants).unwrap();
    let queue = client.main_queue().unwrap();
    assert!(client.fatal_error().is_none());
    let code = Code::from_name("OUT_OF_ORDER_SEQUENCE_NUMBER").unwrap();
    client.test_fatal_error(code, "for a test").unwrap();
    assert_eq!(code_of(client.test_fatal_error(code, "again")), Code::PREV_IN_PROGRESS);
    until("error", &queue, |event| {
        let error = event.error();
        error.fatal.then(|| {
            assert_eq!(error.code, code);
            assert!(error.text.contains("for a test"));
        })
    });
    let error = client.fatal_error().unwrap();
    assert!(error.fatal && error.code == code && error.text.contains("for a test"));
    let topic = client.topic("t", None).unwrap();
    let error = topic.produce(0, Some(b"x"), None).unwrap_err();
    assert!(error.fatal && error.code == Code::FATAL);
    assert_eq!(
        topic
            .produce_batch(
                0,
                &[Row {
                    payload: b"x",
                    key: None
                }]
            )
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn request_names() {
    assert_eq!(api_key("Produce"), Some(0));
    assert_eq!(api_key("fetch"), Some(1));
    assert_eq!(api_key("METADATA"), Some(3));
    assert_eq!(api_key("ApiVersions"), Some(18));
    assert_eq!(api_key("nothing"), None);
    for (name, key) in api_names() {
        assert_eq!(api_key(name), Some(*key));
    }
}

#[test]
fn the_mock_refuses_what_would_crash_it() {
    let _alone = alone();
    for brokers in [0, 17, 10_000, usize::MAX] {
        assert_eq!(code_of(MockCluster::create(brokers)), Code::INVALID_ARG);
    }
    let mock = mock(2);
    assert_eq!(mock.brokers(), 2);
    assert_eq!(mock.bootstrap_servers().split(',').count(), 2);
    for (name, partitions, replication) in [
        ("", 1, 1),
        ("t", 0, 1),
        ("t", -1, 1),
        ("t", 10_001, 1),
        ("t", 1, 0),
        ("\0", 1, 1),
    ] {
        assert_eq!(
            code_of(mock.create_topic(name, partitions, replication)),
            Code::INVALID_ARG
        );
    }
    mock.create_topic("t", 1, 99).unwrap();
    assert_eq!(code_of(mock.create_topic("t", 1, 1)), Code::TOPIC_ALREADY_EXISTS);
    for bad in [i32::MIN, -2, -1, 10_000, i32::MAX] {
        assert_eq!(code_of(mock.set_leader("t", bad, 1)), Code::INVALID_ARG);
    }
    assert!(mock.set_leader("t", 0, 77).is_err());
    assert_eq!(code_of(mock.set_leader("t", 0, -1)), Code::INVALID_ARG);
    mock.set_leader("t", 0, 2).unwrap();
    for bad in [-1, 74, i16::MIN, i16::MAX] {
        assert_eq!(code_of(mock.push_errors(bad, &[Code::FAIL])), Code::INVALID_ARG);
        assert_eq!(
            code_of(mock.push_broker_errors(1, bad, &[(Code::FAIL, 0)])),
            Code::INVALID_ARG
        );
        assert_eq!(code_of(mock.clear_errors(bad)), Code::INVALID_ARG);
        assert_eq!(code_of(mock.set_api_version(bad, 0, 0)), Code::INVALID_ARG);
    }
    assert!(mock.push_broker_errors(9, 0, &[(Code::FAIL, 0)]).is_err());
    assert_eq!(
        code_of(mock.push_broker_errors(1, 0, &[(Code::FAIL, -1)])),
        Code::INVALID_ARG
    );
    assert_eq!(code_of(mock.set_api_version(0, 0, 11)), Code::INVALID_ARG);
    assert_eq!(code_of(mock.set_api_version(19, 0, 1)), Code::INVALID_ARG);
    mock.set_api_version(0, 0, 7).unwrap();
    mock.set_api_version(22, -1, -1).unwrap();
    assert!(mock.broker_down(9).is_err());
    assert!(mock.set_rtt(9, 1).is_err());
    assert_eq!(code_of(mock.set_rtt(1, -1)), Code::INVALID_ARG);
    mock.set_rtt(-1, 1).unwrap();
    for bad in [i32::MIN, -1, 0, 3, i32::MAX] {
        assert_eq!(code_of(mock.set_host_port(bad, "h", 1)), Code::BROKER_NOT_AVAILABLE);
    }
    for (host, port) in [
        ("", 1),
        (&*"h".repeat(128), 1),
        ("\0", 1),
        ("h", 0),
        ("h", -1),
        ("h", 65_536),
    ] {
        assert_eq!(code_of(mock.set_host_port(1, host, port)), Code::INVALID_ARG);
    }
    mock.set_host_port(2, &"h".repeat(127), 65_535).unwrap();
    mock.set_rack(1, "here").unwrap();
    assert_eq!(code_of(mock.set_coordinator("group\0", "g", 1)), Code::INVALID_ARG);
    assert_eq!(code_of(mock.set_coordinator("x", "g", 1)), Code::INVALID_ARG);
    mock.set_coordinator("group", "g", 1).unwrap();
    mock.set_coordinator("transaction", "x", 2).unwrap();
    mock.set_topic_error("t", Code::from_name("TOPIC_AUTHORIZATION_FAILED").unwrap())
        .unwrap();
}

#[test]
fn requests_are_tracked_and_errors_injected() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    assert_eq!(mock.requests().unwrap(), []);
    mock.start_tracking().unwrap();
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0"), ("retry.backoff.ms", "1")]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    let again = Code::from_name("NOT_LEADER_FOR_PARTITION").unwrap_or(Code::TRANSPORT);
    mock.push_errors(0, &[again]).unwrap();
    mock.push_broker_errors(1, 0, &[(Code::NO_ERROR, 5)]).unwrap();
    topic.produce(0, Some(b"x"), None).unwrap();
    until("report", &queue, |event| {
        event.messages().next().map(|message| assert!(message.code().is_ok()))
    });
    let requests = mock.requests().unwrap();
    let produced: Vec<_> = requests.iter().filter(|request| request.api_key == 0).collect();
    assert!(!produced.is_empty());
    assert!(requests.iter().all(|request| request.timestamp > 0));
    assert_eq!(produced[0].broker, 1);
    mock.clear_requests().unwrap();
    mock.stop_tracking().unwrap();
    assert_eq!(mock.requests().unwrap(), []);
    mock.clear_errors(0).unwrap();
    mock.broker_down(1).unwrap();
    topic.produce(0, Some(b"y"), None).unwrap();
    assert_eq!(code_of(client.flush(Timeout::ms(50))), Code::TIMED_OUT);
    mock.broker_up(1).unwrap();
    until("report", &queue, |event| {
        event.messages().next().map(|message| assert!(message.code().is_ok()))
    });
}

#[test]
fn timeouts() {
    assert_eq!(Timeout::ms(-5), Timeout::FOREVER);
    assert_eq!(Timeout::ms(i64::MIN).as_ms(), -1);
    assert_eq!(Timeout::ms(i64::MAX).as_ms(), i32::MAX);
    assert_eq!(Timeout::ms(0), Timeout::NONE);
    assert_eq!(Timeout::ms(1500).as_ms(), 1500);
}
