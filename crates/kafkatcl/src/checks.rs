//! Checks: does a partition that was started exist, and may it be read? librdkafka tells of a partition that does not exist
//! only when it hears of the topic anew, and of a topic that may not be read never. So the topic is asked for, and
//! nobody waits for the answer: it comes to the inlet. It must not start or stop partitions.

use crate::inlet::Inlet;
use crate::link::Link;
use crate::render::Fields;
use rdk::{Client, Code, Error, Timeout, Topic, TopicInfo};
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use tclstubs::{keep, Door, Interp};

/// When a topic was last asked for, and how many partitions it had then (0: no answer).
pub type Looked = Rc<Cell<Option<(Instant, i32)>>>;

/// So many questions without an answer, of a second each or so, are put once more. What librdkafka learns of a topic only
/// after a minute is news to it, and it tells of the partition itself.
const ROUNDS: u32 = 60;

/// A partition whose topic is being asked for.
struct Check {
    /// The question.
    number: u64,
    /// So often it may be put once more.
    left: u32,
    begun: Instant,
    topic: String,
    partition: i32,
    inlet: Weak<Inlet>,
    looked: Looked,
}

/// The checks of a client that are under way.
#[derive(Default)]
pub struct Checks {
    door: RefCell<Option<Door>>,
    open: RefCell<Vec<Check>>,
    /// Is `open` not empty? Looked at for each message.
    any: Cell<bool>,
}

/// Need a topic not be asked for again, for this partition?
fn is_fresh(looked: &Looked, partition: i32) -> bool {
    looked.get().is_some_and(|(at, count)| {
        partition < count && at.elapsed() < Duration::from_secs(1)
            || count == 0 && at.elapsed() < Duration::from_secs(5)
    })
}

impl Checks {
    /// Checks a partition that has just been started.
    pub fn begin(
        &self,
        interp: &Interp,
        link: &Rc<Link>,
        topic: &Topic,
        partition: i32,
        inlet: &Rc<Inlet>,
        looked: &Looked,
    ) {
        if is_fresh(looked, partition) {
            return;
        }
        self.listen(interp, link);
        inlet.expect_unknown(topic.name(), partition);
        let mut check = Check {
            number: 0,
            left: ROUNDS,
            begun: Instant::now(),
            topic: topic.name().to_string(),
            partition,
            inlet: Rc::downgrade(inlet),
            looked: looked.clone(),
        };
        match link.client().inquire(topic.name()) {
            Ok(number) => {
                check.number = number;
                self.open.borrow_mut().push(check);
                self.any.set(true);
            }
            Err(_) => {
                // No thread is to be had: a short wait, then.
                let metadata = link.client().metadata(Some(topic), Timeout::ms(300));
                check.end(metadata.ok().map(|m| m.topics).as_deref());
            }
        }
    }

    /// Begins to be woken for answers.
    fn listen(&self, interp: &Interp, link: &Rc<Link>) {
        let mut door = self.door.borrow_mut();
        if door.is_none() {
            let weak = Rc::downgrade(link);
            let hung = Door::hang(interp, move |_| {
                if let Some(link) = weak.upgrade() {
                    keep(link, |link| link.checks().serve(link.client()));
                }
            });
            let bell = hung.bell();
            link.client().on_answer(move || bell.ring());
            *door = Some(hung);
        }
    }

    /// A partition is stopped: of it nothing is told any more.
    pub fn forget(&self, topic: &str, partition: i32) {
        if !self.any.get() {
            return;
        }
        self.take(|check| check.partition == partition && check.topic == topic)
            .iter()
            .filter_map(|check| check.inlet.upgrade())
            .for_each(|inlet| inlet.expect_no_unknown(topic, partition));
    }

    /// Takes those out that are over.
    fn take(&self, is_over: impl Fn(&Check) -> bool) -> Vec<Check> {
        let mut open = self.open.borrow_mut();
        let (over, left) = std::mem::take(&mut *open).into_iter().partition(is_over);
        *open = left;
        self.any.set(!open.is_empty());
        over
    }

    /// No broker has answered: busy ones would, and librdkafka does not tell of a partition if it knows the topic already.
    #[cold]
    fn again(&self, client: &Client, mut check: Check) {
        let wanted = check.left > 0 && check.inlet.upgrade().is_some_and(|inlet| !inlet.is_closed());
        let number = wanted.then(|| client.inquire(&check.topic).ok()).flatten();
        match number {
            Some(number) => {
                check.number = number;
                check.left -= 1;
                self.open.borrow_mut().push(check);
                self.any.set(true);
            }
            None => check.end(None),
        }
    }

    /// Is there an answer? For a script that waits without an event loop.
    #[inline(always)]
    pub fn due(&self) -> bool {
        self.any.get() && self.door.borrow().as_ref().is_some_and(Door::rung)
    }

    /// Tells the inlets what has been answered.
    #[cold]
    pub fn serve(&self, client: &Client) {
        if let Some(door) = self.door.borrow().as_ref() {
            door.lower();
        }
        for answer in client.answers() {
            for check in self.take(|check| check.number <= answer.upto) {
                if answer.topics.is_some() {
                    check.end(answer.topics.as_deref());
                } else {
                    self.again(client, check);
                }
            }
        }
    }
}

impl Check {
    /// The answer is there, if there is one.
    fn end(self, topics: Option<&[TopicInfo]>) {
        let info = topics.and_then(|topics| topics.iter().find(|t| t.name == self.topic));
        let count = info.map_or(0, |info| i32::try_from(info.partitions.len()).unwrap_or(i32::MAX));
        self.looked.set(Some((self.begun, count)));
        let Some(inlet) = self.inlet.upgrade().filter(|inlet| !inlet.is_closed()) else {
            return;
        };
        let told = |code, text| {
            Fields::of_error(&Error {
                op: "start",
                code,
                text,
                fatal: false,
                retriable: false,
                abort: false,
            })
        };
        match info {
            Some(info) if info.error == Code::TOPIC_AUTHORIZATION_FAILED => {
                inlet.expect_no_unknown(&self.topic, self.partition);
                let text = format!("topic {}: {}", info.name, info.error.text());
                inlet.tell(told(info.error, text));
            }
            Some(_) if count > 0 && self.partition >= count => {
                let text = format!(
                    "topic {} has {count} partitions, and none is {}",
                    self.topic, self.partition
                );
                let fields = told(Code::UNKNOWN_PARTITION, text);
                inlet.tell_unknown(&self.topic, self.partition, fields);
            }
            _ => inlet.expect_no_unknown(&self.topic, self.partition),
        }
    }
}
