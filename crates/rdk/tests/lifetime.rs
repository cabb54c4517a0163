//! Dying in any order, failing to be born, forking.

mod support;

use rdk::*;
use support::*;

/// Drop the two in this order.
fn both_orders<A, B>(make: impl Fn() -> (A, B)) {
    let (a, b) = make();
    drop(a);
    drop(b);
    let (a, b) = make();
    drop(b);
    drop(a);
}

#[test]
fn pairs() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 10);
    both_orders(|| {
        let client = producer(&mock, Delivery::All, &[]);
        let queue = client.main_queue().unwrap();
        (client, queue)
    });
    both_orders(|| {
        let client = producer(&mock, Delivery::All, &[]);
        let topic = client.topic("t", None).unwrap();
        topic.produce(0, Some(b"x"), None).unwrap();
        (client, topic)
    });
    both_orders(|| {
        let client = consumer(&mock, quiet(), &[]);
        let mut queue = client.new_queue().unwrap();
        queue.on_ready(Box::new(|| {}));
        let topic = client.topic("t", None).unwrap();
        topic.start(0, Offset::Beginning, &queue).unwrap();
        wait("message", || (!queue.is_empty()).then_some(()));
        (queue, topic)
    });
    both_orders(|| {
        let client = consumer(&mock, quiet(), &[("group.id", "g")]);
        let queue = client.consumer_queue().unwrap();
        client.subscribe(&list(&[("t", -1, None)])).unwrap();
        (client, queue)
    });
    both_orders(|| {
        let client = producer(&mock, Delivery::All, &[]);
        (client.topic("t", None).unwrap(), client.topic("t", None).unwrap())
    });
    both_orders(|| {
        let client = producer(&mock, Delivery::All, &[]);
        (client.main_queue().unwrap(), client.main_queue().unwrap())
    });
    both_orders(|| {
        let mock = support::mock(2);
        let client = producer(&mock, Delivery::All, &[]);
        client.topic("t", None).unwrap().produce(-1, Some(b"x"), None).unwrap();
        (mock, client)
    });
    both_orders(|| {
        let config = Config::new();
        let copy = config.duplicate();
        (config, copy)
    });
}

#[test]
fn a_queue_outlives_everybody_else() {
    let _alone = alone();
    let queue = {
        let mock = mock(1);
        let client = producer(&mock, Delivery::All, &[]);
        let topic = client.topic("t", None).unwrap();
        topic.produce(0, Some(b"x"), None).unwrap();
        client.main_queue().unwrap()
    };
    assert_eq!(queue.client().kind(), Kind::Producer);
    let _ = queue.poll(Timeout::NONE);
}

#[test]
fn destroying_a_client_with_undelivered_events() {
    let _alone = alone();
    let mock = mock(1);
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0")]);
    let topic = client.topic("t", None).unwrap();
    for _ in 0..100 {
        topic.produce(0, Some(b"x"), None).unwrap();
    }
    let queue = client.main_queue().unwrap();
    wait("report", || (!queue.is_empty()).then_some(()));
}

#[test]
fn a_consumer_in_a_group_dies_without_a_word() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 100);
    for (rebalance, group) in [(false, "f"), (true, "g")] {
        // Groups of their own: a member that died so is waited for until its session ends.
        let client = consumer(&mock, Wants { rebalance, ..quiet() }, &[("group.id", group)]);
        let queue = client.consumer_queue().unwrap();
        client.subscribe(&list(&[("t", -1, None)])).unwrap();
        wait("event", || (!queue.is_empty()).then_some(())); // a rebalance nobody answers, or messages
    }
}

#[test]
fn closing_begun_and_let_go() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 4, 1).unwrap();
    fill(&mock, "t", 0, 100);
    for round in 0..24 {
        let (rebalance, own, reachable, cooperative) = (round & 1 > 0, round & 2 > 0, round & 4 > 0, round & 8 > 0);
        let group = format!("g{round}");
        let strategy = if cooperative { "cooperative-sticky" } else { "range" };
        let settings = [
            ("group.id", group.as_str()),
            ("partition.assignment.strategy", strategy),
            ("session.timeout.ms", "1000"), // how long a commit waits for its coordinator
            ("heartbeat.interval.ms", "100"),
        ];
        let client = consumer(&mock, Wants { rebalance, ..quiet() }, &settings);
        let queue = client.consumer_queue().unwrap();
        client.subscribe(&list(&[("t", -1, None)])).unwrap();
        if round < 16 {
            until("assignment", &queue, |event| {
                if let (EventKind::Rebalance, Some(partitions)) = (event.kind(), event.partitions()) {
                    match cooperative {
                        true => client.incremental_assign(&partitions).unwrap(),
                        false => client.assign(Some(&partitions)).unwrap(),
                    }
                }
                (event.messages().count() > 0).then_some(()) // so there is something to commit
            });
        } else {
            wait("event", || (!queue.is_empty()).then_some(())); // never answered, never read
        }
        if !reachable {
            mock.broker_down(-1).unwrap();
        }
        let last = if own { client.new_queue().unwrap() } else { queue };
        client.close_start(&last).unwrap();
        assert!(matches!(
            code_of(client.close_start(&last)),
            Code::CONFLICT | Code::STATE
        )); // closing or closed
        assert_eq!(code_of(client.subscription()), Code::STATE); // it would hang if it met the end of the close
        if round % 3 == 0 {
            wait("event", || (!last.is_empty() || client.closed()).then_some(()));
        }
        drop(last);
        let start = std::time::Instant::now();
        drop(client); // must return, and soon
        assert!(
            start.elapsed().as_millis() < 2000,
            "round {round}: {:?}",
            start.elapsed()
        );
        mock.broker_up(-1).unwrap();
    }
}

#[test]
fn a_client_that_cannot_be_opened_leaves_nothing() {
    let _alone = alone();
    let bad: &[&[(&str, &str)]] = &[
        &[("security.protocol", "sasl_plaintext"), ("sasl.mechanism", "PLAIN")],
        &[("security.protocol", "ssl"), ("ssl.ca.location", "/does/not/exist")],
        &[("enable.idempotence", "true"), ("acks", "0")],
        &[("enable.idempotence", "true"), ("max.in.flight", "100")],
        &[("session.timeout.ms", "10000"), ("max.poll.interval.ms", "5000")],
        &[
            ("group.protocol", "consumer"),
            ("group.id", "g"),
            ("session.timeout.ms", "10000"),
        ],
        &[("transactional.id", "t"), ("enable.idempotence", "false")],
    ];
    let mut failed = 0;
    for kind in [Kind::Producer, Kind::Consumer] {
        for settings in bad {
            let mut config = Config::new();
            for (name, value) in *settings {
                config.set(name, value).unwrap();
            }
            if let Err(error) = Client::open(kind, config, TopicConfig::new(), quiet()) {
                assert!(!error.text.is_empty() && !error.code.is_ok(), "{error}");
                failed += 1;
            }
        }
    }
    assert!(failed >= 7, "only {failed} failed");
}

#[test]
fn each_live_client_is_found() {
    let _alone = alone();
    let mock = mock(1);
    let count = || {
        let mut kinds = Vec::new();
        for_each_live(&mut |client| kinds.push(client.kind()));
        kinds
    };
    assert_eq!(count(), []);
    let one = producer(&mock, Delivery::None, &[]);
    let two = consumer(&mock, quiet(), &[]);
    assert_eq!(count(), [Kind::Producer, Kind::Consumer]);
    assert!(one.same(&one.clone()) && !one.same(&two));
    drop(one);
    assert_eq!(count(), [Kind::Consumer]);
    for_each_live(&mut |_| drop(producer(&mock, Delivery::None, &[])));
    drop(two);
    assert_eq!(count(), []);
}

#[test]
fn clients_come_and_go_on_many_threads() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let client = producer(&mock, Delivery::All, &[]);
                    let topic = client.topic("t", None).unwrap();
                    topic.produce(0, Some(b"x"), None).unwrap();
                }
            });
        }
    });
}

#[test]
fn a_forked_child_is_refused() {
    let _alone = alone();
    let mock = mock(1);
    let client = producer(&mock, Delivery::All, &[]);
    let topic = client.topic("t", None).unwrap();
    let mut queue = client.main_queue().unwrap();
    queue.on_ready(Box::new(|| {}));
    assert!(!forked());
    // SAFETY: the child makes no call but those under test and ends with _exit.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = |result: rdk::Result<()>| result.is_err_and(|error| error.code == Code::STATE);
        let mut ok = forked()
            && refused(topic.produce(0, Some(b"x"), None))
            && refused(client.flush(Timeout::FOREVER))
            && refused(mock.broker_down(1))
            && client.topic("u", None).is_err()
            && client.out_queue_len() == 0
            && client.effective().is_empty()
            && queue.poll(Timeout::FOREVER).is_none()
            && queue.is_empty();
        let mut found = 0;
        for_each_live(&mut |_| found += 1);
        ok = ok && found == 0;
        drop((queue, topic, client, mock)); // leaked, not destroyed: no hang
        ok = ok && live().is_empty();
        // SAFETY: ends the child at once, without running anything else of the test program.
        unsafe { libc::_exit(if ok { 0 } else { 1 }) };
    }
    let mut status = 0;
    wait("child", || {
        // SAFETY: waits for the child just made, without blocking; the number lives through the call.
        (unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == child).then_some(())
    });
    assert_eq!(status, 0, "the child found something wrong or died");
    topic.produce(0, Some(b"x"), None).unwrap();
    wait("report", || queue.poll(Timeout::NONE));
}

#[test]
fn handles_may_cross_threads() {
    fn both<T: Send + Sync>() {}
    both::<Client>();
    both::<Queue>();
    both::<Topic>();
    both::<Config>();
    both::<TopicConfig>();
    both::<PartitionList>();
    both::<MockCluster>();
    both::<Error>();
}
