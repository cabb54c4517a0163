//! What all test files share: one test at a time, an empty ledger at the end of each, and waiting
//! with a deadline instead of sleeping for a fixed time.
#![allow(dead_code)] // each test file uses its own part

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdk::*;

static ALONE: Mutex<()> = Mutex::new(());

/// Held through a test, as its first variable: it is dropped last and then checks the ledger.
pub struct Alone {
    _lock: MutexGuard<'static, ()>,
}

pub fn alone() -> Alone {
    let lock = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Alone { _lock: lock }
}

impl Drop for Alone {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A client dropped while it closes may still be finishing that on a thread of its own.
            let closing =
                |ledger: &[(&str, usize)]| ledger.iter().all(|(kind, _)| *kind == "client" || *kind == "queue");
            let start = Instant::now();
            while !live().is_empty() && closing(&live()) && start.elapsed() < Duration::from_secs(20) {
                std::thread::sleep(Duration::from_millis(10));
            }
            assert_eq!(live(), [], "C objects left behind");
        }
    }
}

/// Try until `ask` gives something; panic after 20 seconds.
pub fn wait<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = ask() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(20), "no {what} within 20 s");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn mock(brokers: usize) -> MockCluster {
    let mock = MockCluster::create(brokers).unwrap();
    mock.group_initial_rebalance_delay(0).unwrap();
    mock
}

pub fn config(mock: &MockCluster, settings: &[(&str, &str)]) -> Config {
    let mut config = Config::new();
    config.set("bootstrap.servers", &mock.bootstrap_servers()).unwrap();
    for (name, value) in settings {
        config.set(name, value).unwrap();
    }
    config
}

pub fn quiet() -> Wants {
    Wants {
        log: LogTo::None,
        ..Wants::default()
    }
}

pub fn producer(mock: &MockCluster, delivery: Delivery, settings: &[(&str, &str)]) -> Client {
    let wants = Wants { delivery, ..quiet() };
    Client::open(Kind::Producer, config(mock, settings), TopicConfig::new(), wants).unwrap()
}

pub fn consumer(mock: &MockCluster, wants: Wants, settings: &[(&str, &str)]) -> Client {
    let mut config = config(mock, settings);
    if !config.was_set("auto.offset.reset") {
        config.set("auto.offset.reset", "earliest").unwrap();
    }
    Client::open(Kind::Consumer, config, TopicConfig::new(), wants).unwrap()
}

/// Produce `count` numbered messages to a partition and wait until all are delivered.
pub fn fill(mock: &MockCluster, topic: &str, partition: i32, count: usize) {
    let client = producer(mock, Delivery::None, &[("linger.ms", "0")]);
    let topic = client.topic(topic, None).unwrap();
    for number in 0..count {
        topic
            .produce(partition, Some(number.to_string().as_bytes()), None)
            .unwrap();
    }
    client.flush(Timeout::ms(20_000)).unwrap();
}

/// Poll until `take` gives something for an event.
pub fn until<T>(what: &str, queue: &Queue, mut take: impl FnMut(&Event<'_>) -> Option<T>) -> T {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(event) = queue.poll(Timeout::ms(50)) {
            if let Some(found) = take(&event) {
                return found;
            }
        }
    }
    panic!("no {what} within 20 s");
}

/// The payload of the next message, as text.
pub fn next_text(queue: &Queue) -> String {
    until("message", queue, |event| {
        (event.kind() == EventKind::Message).then(|| text_of(event)).flatten()
    })
}

/// The payload of an event's message, which is taken, as text; None if it is not handed out.
pub fn text_of(event: &Event<'_>) -> Option<String> {
    let message = event.messages().next()?;
    Some(String::from_utf8_lossy(message.payload().unwrap()).into_owned())
}

pub fn list(entries: &[(&str, i32, Option<Offset>)]) -> PartitionList {
    let mut list = PartitionList::new();
    for (topic, partition, offset) in entries {
        list.add(topic, *partition, *offset).unwrap();
    }
    list
}

pub fn code_of<T: std::fmt::Debug>(result: rdk::Result<T>) -> Code {
    result.expect_err("an error was expected").code
}
