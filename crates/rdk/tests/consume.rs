//! Consuming without a group: start, stop, ends of partitions, rings.

mod support;

use rdk::*;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use support::*;

#[test]
fn start_reads_and_the_end_is_an_event() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    fill(&mock, "t", 1, 100);
    let client = consumer(&mock, quiet(), &[("enable.partition.eof", "true")]);
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.start(1, Offset::At(40), &queue).unwrap();
    let mut offsets = Vec::new();
    until("end of partition", &queue, |event| match event.kind() {
        EventKind::Message => {
            assert_eq!(event.message_count(), 1);
            let message = event.messages().next().unwrap();
            assert!(!message.is_delivery());
            assert_eq!(message.topic_name(), "t");
            assert_eq!(message.partition(), 1);
            assert_eq!(message.latency(), None);
            assert_eq!(message.code(), Code::NO_ERROR);
            assert!(matches!(
                message.timestamp(),
                Some((_, TimestampKind::Create | TimestampKind::LogAppend))
            ));
            assert_eq!(message.payload().unwrap(), message.offset().to_string().as_bytes());
            offsets.push(message.offset());
            assert!(event.messages().next().is_none());
            assert!(event.partition().is_none() && event.statistics().is_none() && event.log().is_none());
            assert!(event.partitions().is_none());
            None
        }
        EventKind::Error => {
            let error = event.error();
            assert_eq!(error.code, Code::PARTITION_EOF);
            assert!(!error.fatal && !error.text.is_empty());
            assert_eq!(event.partition(), Some(("t".to_string(), 1, 100)));
            Some(())
        }
        other => panic!("{other:?}"),
    });
    assert_eq!(offsets, (40..100).collect::<Vec<i64>>());
    assert_eq!(client.cached_watermarks("t", 1).unwrap(), (0, 100));
    topic.stop(1).unwrap();
}

#[test]
fn the_position_moves_when_the_message_is_taken_not_when_it_is_polled() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 3);
    let client = consumer(&mock, quiet(), &[]);
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    let position = || {
        client
            .position(list(&[("t", 0, None)]))
            .unwrap()
            .iter()
            .next()
            .unwrap()
            .offset
    };
    let event = wait("message", || queue.poll(Timeout::NONE));
    assert_eq!(position(), Offset::Invalid);
    assert_eq!(event.messages().next().unwrap().offset(), 0);
    assert_eq!(position(), Offset::At(1));
    drop(event);
    drop(wait("message", || queue.poll(Timeout::NONE))); // polled, never taken
    assert_eq!(position(), Offset::At(1));
}

#[test]
fn a_batch_is_taken_at_once_and_handed_out_one_by_one() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    fill(&mock, "t", 0, 100);
    fill(&mock, "t", 1, 30);
    let client = consumer(
        &mock,
        quiet(),
        &[("enable.partition.eof", "true"), ("enable.auto.offset.store", "false")],
    );
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    topic.start(1, Offset::Beginning, &queue).unwrap();
    let mut fetched = Fetched::new(&client);
    let (mut seen, mut ends) = ([0, 0], 0);
    while seen != [50, 30] {
        if fetched.is_empty() {
            let count = wait("a batch", || Some(fetched.fill(&queue)).filter(|n| *n > 0));
            assert!(count <= Fetched::MOST && count == fetched.len());
            assert_eq!(fetched.fill(&queue), 0); // not before these are handed out
        }
        let received = fetched.pop().unwrap();
        let message = received.message();
        if message.code() == Code::PARTITION_EOF {
            assert_eq!(received.error().code, Code::PARTITION_EOF);
            ends += 1;
            continue;
        }
        let partition = message.partition() as usize;
        assert_eq!(message.offset(), seen[partition]);
        assert_eq!(message.payload().unwrap(), message.offset().to_string().as_bytes());
        seen[partition] += 1;
        if seen[0] == 50 && partition == 0 {
            drop(received);
            topic.stop(0).unwrap();
            fetched.forget("t", 0);
        }
    }
    assert!(ends <= 1);
    // What else comes to other queues would be lost, and a group's rebalances answered unasked.
    assert_eq!(Fetched::new(&client).fill(&client.main_queue().unwrap()), 0);
    let member = consumer(&mock, quiet(), &[("group.id", "g")]);
    assert_eq!(Fetched::new(&member).fill(&member.consumer_queue().unwrap()), 0);
    assert!(live().iter().all(|(kind, _)| *kind != "message") || !fetched.is_empty());
    fetched.clear();
    assert!(live().iter().all(|(kind, _)| *kind != "message"));
}

#[test]
fn start_and_stop_are_checked() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 2, 1).unwrap();
    fill(&mock, "t", 0, 10);
    let client = consumer(&mock, quiet(), &[]);
    let other = consumer(&mock, quiet(), &[]);
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    let foreign = other.new_queue().unwrap();
    assert_eq!(code_of(topic.start(0, Offset::Beginning, &foreign)), Code::INVALID_ARG);
    assert_eq!(
        code_of(topic.start(-1, Offset::Beginning, &queue)),
        Code::UNKNOWN_PARTITION
    );
    assert_eq!(code_of(topic.start(0, Offset::Invalid, &queue)), Code::INVALID_ARG);
    assert_eq!(code_of(topic.start(0, Offset::At(-999), &queue)), Code::INVALID_ARG);
    assert_eq!(code_of(topic.start(0, Offset::Stored, &queue)), Code::INVALID_ARG);
    assert_eq!(code_of(topic.stop(0)), Code::STATE);
    topic.start(0, Offset::Tail(2), &queue).unwrap();
    assert_eq!(code_of(topic.start(0, Offset::Beginning, &queue)), Code::CONFLICT);
    assert_eq!(next_text(&queue), "8");
    topic.stop(0).unwrap();
    assert_eq!(code_of(topic.stop(0)), Code::STATE);
    topic.start(0, Offset::Beginning, &queue).unwrap();
    assert_eq!(next_text(&queue), "0"); // the message "9" of the first start is skipped
    drop(topic); // stops it
    let again = client.topic("t", None).unwrap();
    again.start(0, Offset::At(5), &queue).unwrap();
    assert_eq!(next_text(&queue), "5");
    assert_eq!(code_of(again.produce(0, Some(b"x"), None)), Code::NOT_IMPLEMENTED);
    assert_eq!(code_of(client.flush(Timeout::NONE)), Code::NOT_IMPLEMENTED);
    assert_eq!(code_of(client.consumer_queue()), Code::UNKNOWN_GROUP);
}

#[test]
fn seek_and_pause() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    fill(&mock, "t", 0, 100);
    let client = consumer(&mock, quiet(), &[]);
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    assert_eq!(next_text(&queue), "0");
    let result = client
        .seek(list(&[("t", 0, Some(Offset::At(50)))]), Timeout::ms(10_000))
        .unwrap();
    assert!(result.iter().all(|entry| entry.error.is_ok()));
    assert_eq!(next_text(&queue), "50");
    let paused = client.pause(&list(&[("t", 0, None), ("nope", 0, None)])).unwrap();
    let codes: Vec<_> = paused.iter().map(|entry| entry.error).collect();
    assert_eq!(codes, [Code::NO_ERROR, Code::UNKNOWN_PARTITION]);
    for _ in 0..20 {
        assert!(queue.poll(Timeout::ms(5)).is_none(), "a message of a paused partition");
    }
    client.resume(&list(&[("t", 0, None)])).unwrap();
    assert_eq!(next_text(&queue), "51");
}

#[test]
fn a_ring_per_change_from_empty() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = consumer(&mock, quiet(), &[("fetch.wait.max.ms", "50")]);
    let mut queue = client.new_queue().unwrap();
    let rings = Arc::new(AtomicUsize::new(0));
    let topic = client.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    let count = rings.clone();
    queue.on_ready(Box::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    fill(&mock, "t", 0, 1);
    wait("ring", || (rings.load(Ordering::SeqCst) > 0).then_some(()));
    assert_eq!(next_text(&queue), "0");
    while queue.poll(Timeout::NONE).is_some() {}

    // Not empty already: the new ring is told at once, and only once.
    queue.off();
    assert_eq!(Arc::strong_count(&rings), 1, "off frees the ring");
    fill(&mock, "t", 0, 1);
    wait("message", || (!queue.is_empty()).then_some(()));
    let late = Arc::new(AtomicUsize::new(0));
    let count = late.clone();
    queue.on_ready(Box::new(move || {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    assert!(late.load(Ordering::SeqCst) >= 1);

    // A panic in the ring stays there.
    // It is told to nobody: a reader of a long report would take it for a failure. The ring may come late.
    let others = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload().downcast_ref::<&str>() != Some(&"in the ring") {
            others(panic);
        }
    }));
    queue.on_ready(Box::new(|| panic!("in the ring")));
    assert_eq!(next_text(&queue), "0");
}

#[test]
fn off_waits_for_a_running_ring() {
    let _alone = alone();
    let mock = mock(1);
    let client = producer(&mock, Delivery::All, &[("linger.ms", "0")]);
    let topic = client.topic("t", None).unwrap();
    for _ in 0..300 {
        let mut queue = client.main_queue().unwrap();
        let gone = Arc::new(Mutex::new(false));
        let check = gone.clone();
        queue.on_ready(Box::new(move || assert!(!*check.lock().unwrap(), "rang after off")));
        topic.produce(0, Some(b"x"), None).unwrap();
        std::thread::yield_now();
        queue.off();
        *gone.lock().unwrap() = true;
        while queue.poll(Timeout::NONE).is_some() {}
    }
    let queue = client.main_queue().unwrap();
    wait("end", || {
        drop(queue.poll(Timeout::NONE));
        (client.out_queue_len() == 0).then_some(())
    });
}

#[test]
fn logs_and_statistics_and_errors_come_to_the_main_queue() {
    let _alone = alone();
    let mock = mock(1);
    let wants = Wants {
        errors: true,
        statistics: true,
        log: LogTo::Queue,
        ..Wants::default()
    };
    let settings = [("statistics.interval.ms", "20"), ("debug", "broker")];
    let client = consumer(&mock, wants, &settings);
    let queue = client.main_queue().unwrap();
    let (mut log, mut statistics) = (false, false);
    until("log and statistics", &queue, |event| {
        if let Some(line) = event.log() {
            assert!(!line.message.is_empty() && !line.facility.is_empty() && (0..=7).contains(&line.level));
            log = true;
        }
        if let Some(json) = event.statistics() {
            assert!(json.starts_with(b"{") && json.ends_with(b"}"));
            statistics = true;
        }
        (log && statistics).then_some(())
    });
    mock.broker_down(-1).unwrap();
    until("error", &queue, |event| {
        (event.kind() == EventKind::Error && event.error().code == Code::ALL_BROKERS_DOWN).then(|| {
            assert_eq!(event.partition(), None);
        })
    });
    client.set_log_level(3);
}

#[test]
fn polling_waits_for_the_first_event() {
    let _alone = alone();
    let mock = mock(1);
    mock.create_topic("t", 1, 1).unwrap();
    let client = consumer(&mock, quiet(), &[]);
    let queue = client.new_queue().unwrap();
    let topic = client.topic("t", None).unwrap();
    topic.start(0, Offset::Beginning, &queue).unwrap();
    let start = std::time::Instant::now();
    std::thread::scope(|scope| {
        scope.spawn(|| fill(&mock, "t", 0, 1));
        let event = queue.poll(Timeout::ms(30_000)).unwrap();
        assert_eq!(event.messages().next().unwrap().payload(), Some(&b"0"[..]));
    });
    assert!(start.elapsed().as_secs() < 15);
}

#[test]
fn inquiries_are_answered_together_and_wait_for_nobody() {
    let _alone = alone();
    let mock = mock(1);
    for name in ["a", "b", "held"] {
        mock.create_topic(name, 3, 1).unwrap();
    }
    let client = consumer(&mock, quiet(), &[("fetch.wait.max.ms", "500")]);
    let rings = Arc::new(AtomicUsize::new(0));
    let counted = rings.clone();
    client.on_answer(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let queue = client.new_queue().unwrap();
    let topics: Vec<Topic> = ["a", "b", "held"].map(|name| client.topic(name, None).unwrap()).into();
    topics[2].start(0, Offset::Beginning, &queue).unwrap();
    let first = client.inquire("a").unwrap();
    let (second, third) = (client.inquire("b").unwrap(), client.inquire("a").unwrap());
    assert!(first < second && second < third);
    let mut answers = Vec::new();
    wait("answer to all", || {
        answers.extend(client.answers());
        answers
            .last()
            .is_some_and(|answer: &Answer| answer.upto == third)
            .then_some(())
    });
    // The first one may have been under way already: then there are two.
    assert!(answers.len() <= 2, "{answers:?}");
    wait("ring", || (rings.load(Ordering::SeqCst) == answers.len()).then_some(()));
    let known = answers.last().unwrap().topics.as_ref().unwrap();
    for name in ["a", "b"] {
        let info = known.iter().find(|info| info.name == name).unwrap();
        assert_eq!((info.partitions.len(), info.error), (3, Code::NO_ERROR));
    }
    assert!(known.iter().all(|info| info.name != "held"));
    // The thread has ended and is started anew.
    let again = client.inquire("b").unwrap();
    wait("another answer", || {
        client.answers().iter().any(|answer| answer.upto == again).then_some(())
    });
    // And one that is under way when the client goes.
    client.inquire("b").unwrap();
}

#[test]
fn an_inquiry_that_nobody_answers_ends() {
    let _alone = alone();
    let mut config = Config::new();
    config.set("bootstrap.servers", "127.0.0.1:1").unwrap();
    let client = Client::open(Kind::Consumer, config, TopicConfig::new(), quiet()).unwrap();
    let topic = client.topic("t", None).unwrap();
    let number = client.inquire(topic.name()).unwrap();
    let answers = wait("answer", || {
        let answers = client.answers();
        (!answers.is_empty()).then_some(answers)
    });
    assert_eq!(
        answers,
        [Answer {
            upto: number,
            topics: None
        }]
    );
}
