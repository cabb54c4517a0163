//! Consumer groups: rebalances, commits, closing.

mod support;

use rdk::*;
use std::time::{Duration, Instant};
use support::*;

fn group(mock: &MockCluster, wants: Wants, settings: &[(&str, &str)]) -> (Client, Queue) {
    let mut all = vec![
        ("group.id", "g"),
        ("session.timeout.ms", "6000"),
        ("heartbeat.interval.ms", "100"),
    ];
    all.extend_from_slice(settings);
    let client = consumer(mock, wants, &all);
    let queue = client.consumer_queue().unwrap();
    (client, queue)
}

fn close(client: &Client, queue: &Queue) {
    client.close_start(queue).unwrap();
    wait("close", || {
        if let Some(event) = queue.poll(Timeout::ms(50)) {
            if event.kind() == EventKind::Rebalance {
                answer(client, &event);
            }
        }
        client.closed().then_some(())
    });
}

/// What a program does with a rebalance event.
fn answer(client: &Client, event: &Event<'_>) -> Code {
    let partitions = event.partitions().unwrap();
    let code = event.error().code;
    match (code, client.rebalance_protocol() == "COOPERATIVE") {
        (Code::ASSIGN_PARTITIONS, true) => client.incremental_assign(&partitions).unwrap(),
        (Code::ASSIGN_PARTITIONS, false) => client.assign(Some(&partitions)).unwrap(),
        (_, true) => client.incremental_unassign(&partitions).unwrap(),
        (_, false) => client.assign(None).unwrap(),
    }
    code
}

#[test]
fn subscribe_read_commit_close() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 20);
    for round in 0..2 {
        let (client, queue) = group(&mock, quiet(), &[("enable.auto.commit", "false")]);
        client.subscribe(&list(&[("t", -1, None)])).unwrap();
        assert_eq!(client.subscription().unwrap().iter().next().unwrap().topic, "t");
        for number in 0..10 {
            assert_eq!(next_text(&queue), (round * 10 + number).to_string());
        }
        assert!(!client.member_id().unwrap().is_empty());
        assert_eq!(client.rebalance_protocol(), "EAGER");
        assert!(!client.assignment_lost());
        assert_eq!(client.assignment().unwrap().len(), 1);
        client.commit(None, false).unwrap();
        let committed = client.committed(list(&[("t", 0, None)]), Timeout::ms(10_000)).unwrap();
        assert_eq!(committed.iter().next().unwrap().offset, Offset::At(round * 10 + 10));
        let position = client.position(client.assignment().unwrap()).unwrap();
        assert_eq!(position.iter().next().unwrap().offset, Offset::At(round * 10 + 10));
        close(&client, &queue);
        for error in [
            client.commit(None, false),
            client.assign(None),
            client.unsubscribe(),
            client.close_start(&queue),
        ] {
            assert_eq!(code_of(error), Code::STATE);
        }
    }
}

#[test]
fn rebalance_events_are_answered() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 4, 1).unwrap();
    for strategy in ["range", "cooperative-sticky"] {
        let wants = Wants {
            rebalance: true,
            ..quiet()
        };
        let (client, queue) = group(&mock, wants, &[("partition.assignment.strategy", strategy)]);
        client.subscribe(&list(&[("^t$", -1, None)])).unwrap();
        let code = until("rebalance", &queue, |event| {
            (event.kind() == EventKind::Rebalance).then(|| {
                assert_eq!(event.partitions().unwrap().len(), 4);
                assert!(event.messages().next().is_none());
                answer(&client, event)
            })
        });
        assert_eq!(code, Code::ASSIGN_PARTITIONS);
        assert_eq!(client.assignment().unwrap().len(), 4);
        let cooperative = strategy == "cooperative-sticky";
        assert_eq!(
            client.rebalance_protocol(),
            if cooperative { "COOPERATIVE" } else { "EAGER" }
        );
        if cooperative {
            let one = list(&[("t", 3, None)]);
            client.incremental_unassign(&one).unwrap();
            assert_eq!(client.assignment().unwrap().len(), 3);
            assert_eq!(code_of(client.incremental_unassign(&one)), Code::INVALID_ARG);
        }
        client.close_start(&queue).unwrap();
        let mut revoked = false;
        wait("close", || {
            if let Some(event) = queue.poll(Timeout::ms(50)) {
                if event.kind() == EventKind::Rebalance {
                    assert_eq!(answer(&client, &event), Code::REVOKE_PARTITIONS);
                    revoked = true;
                }
            }
            client.closed().then_some(())
        });
        assert!(revoked);
    }
}

#[test]
fn a_rebalance_event_overtakes_messages() {
    // It has no priority in the queue; but with it librdkafka pauses all assigned partitions, so
    // the messages in front of it are outdated and skipped when they are polled.
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 50);
    let wants = Wants {
        rebalance: true,
        ..quiet()
    };
    let (client, queue) = group(&mock, wants, &[]);
    client.subscribe(&list(&[("t", -1, None)])).unwrap();
    until("rebalance", &queue, |event| {
        (event.kind() == EventKind::Rebalance).then(|| answer(&client, event))
    });
    wait("messages", || (queue.len() >= 50).then_some(()));
    client.unsubscribe().unwrap();
    wait("revoke", || (queue.len() >= 51).then_some(()));
    let event = queue.poll(Timeout::NONE).unwrap();
    assert_eq!(event.kind(), EventKind::Rebalance);
    assert_eq!(answer(&client, &event), Code::REVOKE_PARTITIONS);
    drop(event);
    close(&client, &queue);
}

#[test]
fn a_message_taken_while_the_group_rebalances_comes_once() {
    // A member that keeps its partitions has them paused, from behind the last message taken; one that was polled before
    // that and taken after is not that message, and would come again.
    let _alone = alone();
    let mock = mock(1);
    for topic in ["t", "u", "v"] {
        mock.create_topic(topic, 1, 1).unwrap();
    }
    fill(&mock, "t", 0, 50);
    let wants = Wants {
        rebalance: true,
        ..quiet()
    };
    let (client, queue) = group(&mock, wants, &[("partition.assignment.strategy", "cooperative-sticky")]);
    client.subscribe(&list(&[("t", -1, None)])).unwrap();
    until("rebalance", &queue, |event| {
        (event.kind() == EventKind::Rebalance).then(|| answer(&client, event))
    });
    let mut taken = Vec::new();
    // The second round adds a partition, the third takes one away: both ways to answer.
    for topics in [&["t", "u", "v"][..], &["t", "u"][..]] {
        // The first of all, of which the position is not known, and one in the middle.
        let early = wait("message", || {
            queue
                .poll(Timeout::ms(50))
                .filter(|event| event.kind() == EventKind::Message)
        });
        let topics: Vec<_> = topics.iter().map(|topic| (*topic, -1, None)).collect();
        client.subscribe(&list(&topics)).unwrap();
        until("rebalance", &queue, |event| {
            (event.kind() == EventKind::Rebalance).then(|| {
                // An answer from librdkafka's main thread, which has paused the partitions before it.
                client.assignment().unwrap();
                taken.push(text_of(&early).unwrap());
                answer(&client, event)
            })
        });
        for _ in 0..10 {
            taken.push(next_text(&queue));
        }
    }
    let expected: Vec<_> = (0..22).map(|number| number.to_string()).collect();
    assert_eq!(taken, expected);
    close(&client, &queue);
}

#[test]
fn a_message_that_is_asked_for_again_comes_again() {
    // It was the last before a rebalance, as one that would be passed over; but now it is wanted.
    let _alone = alone();
    let mock = mock(1);
    for topic in ["t", "u", "v"] {
        mock.create_topic(topic, 1, 1).unwrap();
    }
    fill(&mock, "t", 0, 50);
    let wants = Wants {
        rebalance: true,
        ..quiet()
    };
    let (client, queue) = group(&mock, wants, &[("partition.assignment.strategy", "cooperative-sticky")]);
    let rebalance = |topics: &[&str]| {
        let topics: Vec<_> = topics.iter().map(|topic| (*topic, -1, None)).collect();
        client.subscribe(&list(&topics)).unwrap();
        until("rebalance", &queue, |event| {
            (event.kind() == EventKind::Rebalance).then(|| answer(&client, event))
        });
    };
    rebalance(&["t"]);
    assert_eq!(next_text(&queue), "0");
    rebalance(&["t", "u"]);
    client
        .seek(list(&[("t", 0, Some(Offset::At(0)))]), Timeout::ms(10_000))
        .unwrap();
    assert_eq!(next_text(&queue), "0");
    rebalance(&["t", "u", "v"]);
    client.incremental_unassign(&list(&[("t", 0, None)])).unwrap();
    client
        .incremental_assign(&list(&[("t", 0, Some(Offset::At(0)))]))
        .unwrap();
    assert_eq!(next_text(&queue), "0");
    assert_eq!(next_text(&queue), "1");
    close(&client, &queue);
}

#[test]
fn messages_of_a_revoked_partition_are_skipped() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 50);
    let (client, queue) = group(&mock, quiet(), &[]);
    client
        .assign(Some(&list(&[("t", 0, Some(Offset::Beginning))])))
        .unwrap();
    assert_eq!(next_text(&queue), "0");
    wait("messages", || (queue.len() >= 49).then_some(()));
    client.assign(None).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(100) {
        assert!(queue.poll(Timeout::ms(10)).is_none());
    }
    assert!(queue.is_empty());
}

#[test]
fn commits_and_stored_offsets() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    fill(&mock, "t", 0, 10);
    let wants = Wants {
        commits: true,
        ..quiet()
    };
    let settings = [("enable.auto.commit", "false"), ("enable.auto.offset.store", "false")];
    let (client, queue) = group(&mock, wants, &settings);
    client.assign(Some(&list(&[("t", 0, None)]))).unwrap();
    assert_eq!(code_of(client.commit(None, false)), Code::NO_OFFSET);
    until("message", &queue, |event| {
        let message = event.messages().next()?;
        message.store_offset().unwrap();
        Some(())
    });
    client.commit(None, false).unwrap();
    let committed = |partition| {
        let list = client
            .committed(list(&[("t", partition, None)]), Timeout::ms(10_000))
            .unwrap();
        let offset = list.iter().next().unwrap().offset;
        offset
    };
    assert_eq!(committed(0), Offset::At(1));
    assert_eq!(committed(1), Offset::Invalid);
    client.store_offsets(&list(&[("t", 0, Some(Offset::At(5)))])).unwrap();
    let error = client.store_offsets(&list(&[("t", 0, Some(Offset::At(6))), ("t", 1, Some(Offset::At(6)))]));
    let error = error.unwrap_err();
    assert!(error.text.starts_with("t [1]: "), "{error}");
    client.commit(None, true).unwrap();
    until("commit event", &client.main_queue().unwrap(), |event| {
        (event.kind() == EventKind::Commit).then(|| {
            assert!(event.error().code.is_ok());
            let partitions = event.partitions().unwrap();
            let entry = partitions.iter().find(|entry| entry.offset != Offset::Invalid).unwrap();
            assert_eq!(
                (entry.topic.as_str(), entry.partition, entry.offset),
                ("t", 0, Offset::At(6))
            );
        })
    });
    client
        .commit(Some(&list(&[("t", 1, Some(Offset::At(3)))])), false)
        .unwrap();
    assert_eq!(committed(1), Offset::At(3));
    // A refused commit names the partition.
    mock.push_errors(8, &[Code::from_name("TOPIC_AUTHORIZATION_FAILED").unwrap()])
        .unwrap();
    let error = client
        .commit(Some(&list(&[("t", 1, Some(Offset::At(4)))])), false)
        .unwrap_err();
    assert_eq!(error.code.name(), "RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED");
    assert!(error.text.starts_with("t [1]: "), "{error}");
}

#[test]
fn times() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 3);
    let (client, _queue) = group(&mock, quiet(), &[]);
    let found = client
        .offsets_for_times(list(&[("t", 0, Some(Offset::At(1)))]), Timeout::ms(10_000))
        .unwrap();
    assert_eq!(found.len(), 1);
    assert!(found.iter().all(|entry| entry.error.is_ok()));
    assert_eq!(
        code_of(client.offsets_for_times(PartitionList::new(), Timeout::ms(100))),
        Code::INVALID_ARG
    );
}

#[test]
fn bad_subscriptions() {
    let _alone = alone();
    let mock = mock(1);
    let (client, _queue) = group(&mock, quiet(), &[]);
    let deep = format!("^{}x{}", "(".repeat(65), ")".repeat(65));
    // Its compiler would write out a million nodes; its matcher would try all ways.
    for bad in [&deep, "^((a{1,100}){1,100}){1,100}", "^(.*)(.*)\\1\\2", "^(", "^["] {
        assert_eq!(
            code_of(client.subscribe(&list(&[(bad, -1, None)]))),
            Code::INVALID_ARG,
            "{bad}"
        );
    }
    assert_eq!(code_of(client.subscribe(&PartitionList::new())), Code::INVALID_ARG);
    assert_eq!(
        code_of(client.subscribe(&list(&[("a", 0, None), ("a", 1, None)]))),
        Code::INVALID_ARG
    );
    let fine = format!("^{}x{}", "(".repeat(64), ")".repeat(64));
    client.subscribe(&list(&[(&fine, -1, None)])).unwrap();
    client.unsubscribe().unwrap();
    let lonely = consumer(&mock, quiet(), &[]);
    assert_eq!(
        code_of(lonely.subscribe(&list(&[("t", -1, None)]))),
        Code::UNKNOWN_GROUP
    );
    assert_eq!(code_of(lonely.member_id()), Code::UNKNOWN_GROUP);
    assert_eq!(
        code_of(lonely.close_start(&lonely.new_queue().unwrap())),
        Code::UNKNOWN_GROUP
    );
    assert_eq!(
        code_of(client.close_start(&lonely.new_queue().unwrap())),
        Code::INVALID_ARG
    );
    let mut bad = PartitionList::new();
    assert_eq!(code_of(bad.add("", 0, None)), Code::INVALID_ARG);
    assert_eq!(code_of(bad.add("a\0b", 0, None)), Code::INVALID_ARG);
    assert_eq!(code_of(bad.add("a", -2, None)), Code::INVALID_ARG);
    assert!(bad.is_empty());
}

#[test]
fn partition_lists() {
    let _alone = alone();
    let mut some = list(&[
        ("b", 1, Some(Offset::Tail(7))),
        ("a", 0, None),
        ("b", 1, Some(Offset::At(1 << 60))),
    ]);
    assert_eq!(some.len(), 3);
    // librdkafka uses a topic that it could not make of such a name, and its time grows with the square of the number.
    for (name, fits) in [("a", 249), ("^", 1024)] {
        let mut all = PartitionList::new();
        let name = name.repeat(fits);
        all.add(&name, 0, None).unwrap();
        assert_eq!(code_of(all.add(&format!("{name}a"), 0, None)), Code::INVALID_ARG);
    }
    let mut many = PartitionList::new();
    for number in 0..20_000 {
        many.add("t", number, None).unwrap();
    }
    assert_eq!(code_of(many.add("t", 20_000, None)), Code::INVALID_ARG);
    let copy = some.clone();
    some.set_all_offsets(Offset::End);
    assert!(some
        .iter()
        .all(|entry| entry.offset == Offset::End && entry.error.is_ok() && entry.metadata.is_none()));
    let offsets: Vec<_> = copy.iter().map(|entry| entry.offset).collect();
    assert_eq!(offsets, [Offset::Tail(7), Offset::Invalid, Offset::At(1 << 60)]);
    for offset in [
        Offset::Beginning,
        Offset::End,
        Offset::Stored,
        Offset::Invalid,
        Offset::At(0),
        Offset::Tail(0),
    ] {
        assert_eq!(Offset::from_raw(offset.raw()), offset);
    }
    assert_eq!(Offset::Tail(-5).raw(), Offset::Tail(0).raw());
    let _ = (
        Offset::Tail(i64::MAX).raw(),
        Offset::from_raw(i64::MIN),
        Offset::At(i64::MIN).raw(),
    );
}

#[test]
fn polling_the_consumer_queue_is_the_sign_of_life() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let settings = [("max.poll.interval.ms", "1000"), ("session.timeout.ms", "1000")];
    let (client, queue) = group(&mock, quiet(), &settings);
    client.subscribe(&list(&[("t", -1, None)])).unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        if let Some(event) = queue.poll(Timeout::NONE) {
            assert_ne!(event.error().code, Code::MAX_POLL_EXCEEDED, "though polled every 20 ms");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(client.assignment().unwrap().len(), 1);
    wait("expulsion", || (!queue.is_empty()).then_some(())); // len() is no poll
    until("error", &queue, |event| {
        (event.error().code == Code::MAX_POLL_EXCEEDED).then_some(())
    });
    close(&client, &queue);
}
