//! Producing: what arrives, what is refused at once, what is reported later.

mod support;

use rdk::*;
use std::collections::BTreeMap;
use support::*;

/// Drain delivery reports until `count` messages were reported.
fn reports(queue: &Queue, count: usize) -> Vec<(Code, Option<Vec<u8>>, Status, i64)> {
    let mut all = Vec::new();
    until("report", queue, |event| {
        if event.kind() == EventKind::Delivery {
            assert!(event.message_count() > 0);
            for message in event.messages() {
                assert!(message.is_delivery());
                all.push((
                    message.code(),
                    message.payload().map(<[u8]>::to_vec),
                    message.status(),
                    message.offset(),
                ));
            }
            assert!(event.messages().next().is_none(), "each message is given once");
        }
        (all.len() >= count).then_some(())
    });
    assert_eq!(all.len(), count, "no message is reported twice");
    all
}

#[test]
fn every_message_is_reported_once_and_in_order() {
    let _alone = alone();
    let mock = mock(3);
    mock.create_topic("t", 1, 3).unwrap();
    let client = producer(&mock, Delivery::All, &[("enable.idempotence", "true")]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    for number in 0..2000 {
        topic
            .produce(0, Some(format!("{number}").as_bytes()), Some(b"k"))
            .unwrap();
    }
    assert!(client.out_queue_len() > 0);
    for (number, report) in reports(&queue, 2000).into_iter().enumerate() {
        assert_eq!(report.0, Code::NO_ERROR);
        assert_eq!(report.1, Some(number.to_string().into_bytes()));
        assert_eq!(report.2, Status::Persisted);
        assert_eq!(report.3, number as i64);
    }
    client.flush(Timeout::ms(5000)).unwrap();
    assert_eq!(client.out_queue_len(), 0);
}

#[test]
fn a_report_tells_all_about_its_message() {
    let _alone = alone();
    let mock = mock(1);
    let client = producer(&mock, Delivery::All, &[]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.produce(-1, Some(b"v"), Some(b"key")).unwrap();
    until("report", &queue, |event| {
        let message = event.messages().next()?;
        assert_eq!(message.topic_name(), "t");
        assert!(message.topic_ptr_key() != 0);
        assert!((0..4).contains(&message.partition()));
        assert_eq!(message.key(), Some(&b"key"[..]));
        assert!(message.latency().unwrap() > 0);
        assert_eq!(message.broker_id(), Some(1));
        assert_eq!(message.leader_epoch(), None);
        assert_eq!(message.timestamp(), Some((1234, TimestampKind::LogAppend))); // the mock says so to everybody
        assert_eq!(message.error_text(), "");
        assert!(message.headers().is_empty());
        assert_eq!(code_of(message.store_offset()), Code::INVALID_ARG);
        Some(())
    });
}

#[test]
fn null_is_not_empty() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = producer(&mock, Delivery::None, &[]);
    let topic = client.topic("t", None).unwrap();
    let bytes: Vec<u8> = (0..=255).collect();
    type Bytes<'a> = Option<&'a [u8]>;
    let rows: [(Bytes<'_>, Bytes<'_>); 4] = [
        (None, Some(b"k")),
        (Some(b""), Some(b"")),
        (Some(b"v"), None),
        (Some(&bytes), Some(&bytes)),
    ];
    for (payload, key) in rows {
        topic.produce(0, payload, key).unwrap();
    }
    client.flush(Timeout::ms(20_000)).unwrap();

    let reader = consumer(&mock, quiet(), &[]);
    let queue = reader.new_queue().unwrap();
    let topic = reader.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    for (number, (payload, key)) in rows.into_iter().enumerate() {
        until("message", &queue, |event| {
            let message = event.messages().next()?;
            assert_eq!(message.offset(), number as i64);
            assert_eq!((message.payload(), message.key()), (payload, key));
            Some(())
        });
    }
}

#[test]
fn failures_only() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = producer(&mock, Delivery::FailuresOnly, &[("linger.ms", "0")]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.produce(0, Some(b"good"), None).unwrap();
    client.flush(Timeout::ms(20_000)).unwrap(); // nobody drains: successes leave no event
    assert!(queue.poll(Timeout::NONE).is_none());
    mock.push_errors(0, &[Code::from_name("TOPIC_AUTHORIZATION_FAILED").unwrap()])
        .unwrap();
    topic.produce(0, Some(b"bad"), None).unwrap();
    let report = reports(&queue, 1).remove(0);
    assert_eq!(report.0.name(), "RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED");
    assert_eq!(report.1.as_deref(), Some(&b"bad"[..]));
    assert_eq!(report.2, Status::NotPersisted);
    let defaults: BTreeMap<_, _> = client.effective().into_iter().collect();
    assert_eq!(defaults["delivery.report.only.error"], "true");
}

#[test]
fn a_report_counts_until_its_event_is_dropped() {
    let _alone = alone();
    let mock = mock(1);
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0")]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.produce(0, Some(b"x"), None).unwrap();
    let event = wait("event", || queue.poll(Timeout::NONE));
    assert_eq!(event.kind(), EventKind::Delivery);
    assert_eq!(event.messages().count(), 1);
    assert_eq!(client.out_queue_len(), 1);
    assert_eq!(code_of(client.flush(Timeout::ms(20))), Code::TIMED_OUT);
    drop(event);
    assert_eq!(client.out_queue_len(), 0);
    client.flush(Timeout::ms(20)).unwrap();
}

#[test]
fn a_code_that_librdkafka_does_not_know_survives() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0")]);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    mock.push_errors(0, &[Code(31_999)]).unwrap();
    topic.produce(0, Some(b"payload\0with nul"), None).unwrap();
    until("report", &queue, |event| {
        let message = event.messages().next()?;
        assert_eq!(message.code(), Code(31_999));
        assert_eq!(message.code().name(), "RD_KAFKA_RESP_ERR_31999");
        assert!(!message.error_text().contains("payload"), "{}", message.error_text());
        assert_eq!(message.payload(), Some(&b"payload\0with nul"[..]));
        Some(())
    });
}

#[test]
fn batches() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    let settings = [
        ("queue.buffering.max.messages", "10"),
        ("linger.ms", "50"),
        ("message.max.bytes", "1000"),
    ];
    let client = producer(&mock, Delivery::All, &settings);
    let queue = client.main_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    assert!(topic.produce_batch(0, &[]).unwrap().is_empty());
    let big = vec![b'x'; 2000];
    let rows: Vec<Row<'_>> = (0..15)
        .map(|n| Row {
            payload: if n == 3 { &big } else { b"p" },
            key: (n % 2 == 0).then_some(&b"k"[..]),
        })
        .collect();
    for partition in [-1, 1] {
        let refused = topic.produce_batch(partition, &rows).unwrap();
        let what: Vec<_> = refused.iter().map(|(at, error)| (*at, error.code)).collect();
        let full = Code::QUEUE_FULL;
        assert_eq!(
            what,
            [
                (3, Code::MSG_SIZE_TOO_LARGE),
                (11, full),
                (12, full),
                (13, full),
                (14, full)
            ]
        );
        for report in reports(&queue, 10) {
            assert_eq!(report.0, Code::NO_ERROR);
        }
    }
    assert_eq!(code_of(topic.produce(0, Some(&big), None)), Code::MSG_SIZE_TOO_LARGE);
    assert_eq!(code_of(topic.produce_batch(-2, &rows)), Code::UNKNOWN_PARTITION);
}

#[test]
fn what_is_refused_at_once() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    let client = producer(
        &mock,
        Delivery::All,
        &[("queue.buffering.max.messages", "2"), ("linger.ms", "5000")],
    );
    let topic = client.topic("t", None).unwrap();
    for partition in [-2, i32::MIN] {
        assert_eq!(
            code_of(topic.produce(partition, Some(b"x"), None)),
            Code::UNKNOWN_PARTITION
        );
    }
    topic.produce(0, Some(b"x"), None).unwrap();
    topic.produce(0, Some(b"x"), None).unwrap();
    assert_eq!(code_of(topic.produce(0, Some(b"x"), None)), Code::QUEUE_FULL);
    client.purge(true, true).unwrap();
    for report in reports(&client.main_queue().unwrap(), 2) {
        assert_eq!((report.0, report.2), (Code::PURGE_QUEUE, Status::NotPersisted));
    }
    let long = "x".repeat(250);
    for name in ["", ".", "..", "a b", "ä", "a\0b", "a/b", &long] {
        let error = client.topic(name, None).unwrap_err();
        assert_eq!(error.code, Code::INVALID_ARG);
        assert!(error.text.len() > 10, "{error}");
    }
    client.topic(&long[..249], None).unwrap();
    let queue = client.new_queue().unwrap();
    assert_eq!(
        code_of(topic.start(0, Offset::Beginning, &queue)),
        Code::NOT_IMPLEMENTED
    );
    assert_eq!(code_of(client.assignment()), Code::NOT_IMPLEMENTED);
    assert_eq!(code_of(client.consumer_queue()), Code::NOT_IMPLEMENTED);
    assert!(!client.closed());
}

#[test]
fn topic_settings() {
    let _alone = alone();
    let mock = mock(1);
    let mut settings = config(&mock, &[("acks", "1"), ("message.timeout.ms", "11000")]);
    settings.set("topic.partitioner", "murmur2").unwrap();
    let mut topic_config = TopicConfig::new();
    topic_config.set("delivery.timeout.ms", "22000").unwrap();
    let client = Client::open(Kind::Producer, settings, topic_config, quiet()).unwrap();
    let plain = client.topic("plain", None).unwrap().settings();
    assert_eq!(plain.get("request.required.acks").unwrap(), "1");
    assert_eq!(plain.get("message.timeout.ms").unwrap(), "22000"); // the topic configuration wins, by alias too
    assert_eq!(plain.get("partitioner").unwrap(), "murmur2");
    let mut own = TopicConfig::new();
    own.set_partitioner(Partitioner::Fnv1aRandom).unwrap();
    let own = client.topic("own", Some(own)).unwrap().settings();
    assert_eq!(own.get("partitioner").unwrap(), "fnv1a_random");
    assert_eq!(own.get("acks").unwrap(), "-1");
    let strict = producer(&mock, Delivery::None, &[("enable.idempotence", "true")]);
    let mut wrong = TopicConfig::new();
    wrong.set("acks", "1").unwrap(); // refused by rd_kafka_topic_new, which frees it
    assert_eq!(code_of(strict.topic("wrong", Some(wrong))), Code::INVALID_ARG);
}

#[test]
fn a_partitioner_agrees_with_the_producer() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 7, 1).unwrap();
    for partitioner in [Partitioner::Consistent, Partitioner::Murmur2, Partitioner::Fnv1a] {
        let mut topic_config = TopicConfig::new();
        topic_config.set_partitioner(partitioner).unwrap();
        let wants = Wants {
            delivery: Delivery::All,
            ..quiet()
        };
        let client = Client::open(Kind::Producer, config(&mock, &[]), topic_config, wants).unwrap();
        let queue = client.main_queue().unwrap();
        let topic = client.topic("t", None).unwrap();
        for key in 0..50 {
            topic.produce(-1, None, Some(format!("key {key}").as_bytes())).unwrap();
        }
        let mut seen = 0;
        until("report", &queue, |event| {
            for message in event.messages() {
                assert_eq!(message.partition(), partitioner.partition(message.key().unwrap(), 7));
                seen += 1;
            }
            (seen == 50).then_some(())
        });
    }
}

#[test]
fn metadata_and_watermarks() {
    let _alone = alone();
    let mock = mock(3);
    mock.create_topic("t", 2, 2).unwrap();
    fill(&mock, "t", 1, 5);
    let client = producer(&mock, Delivery::None, &[]);
    assert_eq!(client.watermarks("t", 1, Timeout::ms(10_000)).unwrap(), (0, 5));
    let topic = client.topic("t", None).unwrap();
    for only in [Some(&topic), None] {
        let metadata = client.metadata(only, Timeout::ms(10_000)).unwrap();
        assert_eq!(metadata.brokers.len(), 3);
        assert!(metadata
            .brokers
            .iter()
            .all(|broker| broker.host == "127.0.0.1" && broker.port > 0));
        let info = metadata.topics.iter().find(|info| info.name == "t").unwrap();
        assert_eq!((info.error, info.partitions.len()), (Code::NO_ERROR, 2));
        assert_eq!(info.partitions[0].replicas.len(), 2);
        assert!(!metadata.origin_name.is_empty());
    }
    let other = producer(&mock, Delivery::None, &[]);
    assert_eq!(code_of(other.metadata(Some(&topic), Timeout::NONE)), Code::INVALID_ARG);
    assert!(client
        .cluster_id(Timeout::ms(10_000))
        .unwrap()
        .starts_with("mockCluster"));
    assert!(client.name().starts_with("rdkafka#producer-"));
    assert_eq!(code_of(client.watermarks("t\0", 1, Timeout::NONE)), Code::INVALID_ARG);
    assert!(client.add_brokers(&mock.bootstrap_servers()).unwrap() > 0);
    assert_eq!(client.add_brokers("").unwrap(), 0);
    assert_eq!(code_of(client.add_brokers(&"h,".repeat(1000))), Code::INVALID_ARG);
    mock.broker_down(-1).unwrap();
    assert_eq!(code_of(client.watermarks("t", 1, Timeout::ms(50))), Code::TIMED_OUT);
}
