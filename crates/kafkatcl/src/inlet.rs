//! An inlet: one queue of messages and what is done with them, taken one by one by a script that waits, or handed
//! to a callback from the event loop. Messages stay in librdkafka's bounded queue until they are wanted; what waits here
//! is one message whose variable could not be set, or the few that a silent subscriber has to take. It must not know
//! clients' other events (see `link`). It is long because waiting, loops over bodies and callbacks take from one place.

use crate::fail::{self, OrRaise};
use crate::link::{Link, Stores};
use crate::pick::{Field, Picked};
use crate::recycle::Recycler;
use crate::render::{self, Before, Fields, Words};
use rdk::{Code, Error, Event, EventKind, Fetched, Message, PartitionList, Queue, Received, Timeout};
use std::cell::{Cell, RefCell, RefMut};
use std::collections::VecDeque;
use std::mem;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use tclstubs::{keep, Door, Interp, Loop, Obj, Prefix, Raise, Turn};

/// So many values one list has at most: longer ones Tcl 8.6 could not hold.
const MOST_VALUES: usize = 100_000_000;
/// One wait of librdkafka lasts at most so long, so that a cancelled script ends soon.
const SLICE: Duration = Duration::from_millis(100);

/// What came out of a queue.
pub enum Taken {
    /// A message or an error.
    Fields(Fields),
    /// The end of a partition was reached.
    EndOfPartition,
    /// These partitions belong to another member now (none: all of them); what waits here of them must not be shown.
    Revoked(Option<PartitionList>),
}

/// Which message it is, for counting it as seen later.
pub struct Mark {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
}

impl Mark {
    /// That of a message.
    pub fn of(message: &Message<'_>) -> Mark {
        Mark {
            topic: message.topic_name().into_owned(),
            partition: message.partition(),
            offset: message.offset(),
        }
    }
}

/// What the owner of an inlet does with events.
pub trait Sieve {
    /// Draws what is for the script; none for what is not. A message goes to the script at once, so it counts as seen.
    fn draw(&self, words: &Words, event: Event<'_>) -> Option<Taken>;

    /// Draws an event that will wait here: a message in it does not count as seen yet, and is marked if it must be
    /// counted later.
    fn draw_waiting(&self, words: &Words, event: Event<'_>) -> (Option<Taken>, Option<Mark>) {
        (self.draw(words, event), None)
    }

    /// A message that has waited here goes to the script now.
    fn seen(&self, _mark: &Mark) {}

    /// May messages be taken from the queue by the batch? Not where a group's rebalances come between them.
    fn reads_ahead(&self) -> bool {
        false
    }

    /// Is the offset of a message stored when it goes to the script?
    fn stores(&self) -> bool;

    /// A message goes to the script at once: it counts as seen.
    fn hand_out(&self, message: &Message<'_>);

    /// Draws a message of a batch that goes to the script at once.
    fn draw_message(&self, words: &Words, message: &Message<'_>) -> Taken {
        self.hand_out(message);
        Taken::Fields(Fields::of_message(words, message))
    }

    /// From now on the offset of each message is stored when it goes to the script.
    fn store_offsets(&self) {}
}

/// The sieve of topics and queues: messages, errors and ends of partitions.
struct Plain {
    /// Is the offset of each message stored when it goes to the script?
    stores: Cell<bool>,
}

impl Sieve for Plain {
    fn draw(&self, words: &Words, event: Event<'_>) -> Option<Taken> {
        match event.kind() {
            EventKind::Message => event.messages().next().map(|m| self.draw_message(words, &m)),
            _ => draw_plain(words, &event),
        }
    }

    fn reads_ahead(&self) -> bool {
        true
    }

    fn stores(&self) -> bool {
        self.stores.get()
    }

    fn hand_out(&self, message: &Message<'_>) {
        if self.stores.get() {
            // It fails only for a partition that was stopped on the way.
            let _ = message.store_offset();
        }
    }

    fn store_offsets(&self) {
        self.stores.set(true);
    }
}

/// An error, or the end of a partition.
fn draw_error(error: &Error) -> Taken {
    if error.code == Code::PARTITION_EOF {
        Taken::EndOfPartition
    } else {
        Taken::Fields(Fields::of_error(error))
    }
}

/// Messages, errors and ends of partitions.
#[inline(always)]
pub fn draw_plain(words: &Words, event: &Event<'_>) -> Option<Taken> {
    match event.kind() {
        EventKind::Message => event
            .messages()
            .next()
            .map(|m| Taken::Fields(Fields::of_message(words, &m))),
        EventKind::Error => Some(draw_error(&event.error())),
        _ => None,
    }
}

/// When a wait ends.
#[derive(Clone, Copy)]
pub struct Deadline(Option<Instant>);

impl Deadline {
    /// So long from now.
    pub fn after(timeout: Timeout) -> Deadline {
        let ms = timeout.as_ms();
        Deadline((ms >= 0).then(|| Instant::now() + Duration::from_millis(u64::from(ms.unsigned_abs()))))
    }

    /// Is the time up?
    pub fn is_over(&self) -> bool {
        self.0.is_some_and(|until| Instant::now() >= until)
    }

    /// What is left of it, at most one slice.
    fn slice(&self) -> Duration {
        match self.0 {
            Some(until) => until.saturating_duration_since(Instant::now()).min(SLICE),
            None => SLICE,
        }
    }
}

/// Who has told that a partition does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Teller {
    Nobody,
    Us,
    Librdkafka,
}

/// What to do when a queue has something and there is no callback.
pub type Idle = Box<dyn Fn(&Inlet)>;

/// A queue with its callback.
pub struct Inlet {
    queue: RefCell<Queue>,
    door: RefCell<Option<Door>>,
    callback: RefCell<Option<Prefix>>,
    held: RefCell<VecDeque<(Fields, Option<Mark>)>>,
    closed: Cell<bool>,
    /// Partitions whose topic is being asked for, and those of which the script was told that they do not exist.
    unknown: RefCell<Vec<(String, i32, Teller)>>,
    interp: Interp,
    sieve: Box<dyn Sieve>,
    words: Rc<Words>,
    recycler: Recycler,
    /// What to do when the queue has something and there is no callback.
    idle: Option<Idle>,
    me: Weak<Inlet>,
    /// Messages of topics and queues are taken from librdkafka by the batch. Those that no script has asked for yet wait
    /// here, and do not count as seen. None for a subscriber, and once this is closed.
    ahead: RefCell<Option<Fetched>>,
    /// Keeps the client; declared after the queue and its messages, which must go first.
    link: Rc<Link>,
}

impl Inlet {
    /// An inlet for a queue.
    pub fn new(interp: &Interp, link: &Rc<Link>, queue: Queue, sieve: Box<dyn Sieve>, idle: Option<Idle>) -> Rc<Inlet> {
        let ahead = RefCell::new(sieve.reads_ahead().then(|| Fetched::new(link.client())));
        Rc::new_cyclic(|me| Inlet {
            queue: RefCell::new(queue),
            door: RefCell::new(None),
            callback: RefCell::new(None),
            held: RefCell::new(VecDeque::new()),
            closed: Cell::new(false),
            unknown: RefCell::default(),
            interp: interp.clone(),
            sieve,
            words: render::words(),
            recycler: Recycler::new(),
            idle,
            me: me.clone(),
            ahead,
            link: link.clone(),
        })
    }

    /// A partition leads here whose offsets are committed: from now on they are stored, unless the script does that.
    pub fn store_offsets(&self) {
        if self.link.stores() != Stores::Nothing {
            self.sieve.store_offsets();
        }
    }

    /// A partition was stopped: what waits here of it is not shown any more.
    pub fn forget_partition(&self, topic: &str, partition: i32) {
        if let Some(ahead) = self.ahead.borrow_mut().as_mut() {
            ahead.forget(topic, partition);
        }
        self.held
            .borrow_mut()
            .retain(|(fields, _)| !fields.is_of(topic, partition));
    }

    /// Lets `f` use the queue.
    pub fn with_queue<T>(&self, f: impl FnOnce(&Queue) -> T) -> T {
        f(&self.queue.borrow())
    }

    /// The callback, as the script gave it.
    pub fn callback(&self) -> Option<Prefix> {
        self.callback.borrow().clone()
    }

    /// Sets or ends the callback. What waits in the queue is handed to a new one at once.
    pub fn set_callback(&self, callback: Option<Prefix>) {
        let wanted = callback.is_some();
        *self.callback.borrow_mut() = callback;
        if wanted {
            self.listen();
        }
    }

    /// Begins to be woken for this queue, if it is not already, and looks at what waits.
    pub fn listen(&self) {
        if self.closed.get() {
            return;
        }
        let mut door = self.door.borrow_mut();
        if door.is_none() {
            let me = self.me.clone();
            let hung = Door::hang(&self.interp, move |turn| {
                if let Some(inlet) = me.upgrade() {
                    keep(inlet, |inlet| inlet.serve(turn));
                }
            });
            let bell = hung.bell();
            self.queue.borrow_mut().on_ready(Box::new(move || bell.ring()));
            *door = Some(hung);
        }
        if let Some(door) = door.as_ref() {
            // librdkafka rings only when an empty queue gets something: what is there already is ours to find.
            door.bell().ring();
        }
    }

    /// The inlet's object is gone: no callback and no wait goes on.
    pub fn close(&self) {
        self.closed.set(true);
        *self.callback.borrow_mut() = None;
        self.recycler.rest();
        if let Ok(mut ahead) = self.ahead.try_borrow_mut() {
            *ahead = None;
        }
        if let Ok(mut queue) = self.queue.try_borrow_mut() {
            queue.off();
        }
        let door = self.door.borrow_mut().take();
        drop(door);
        let held = std::mem::take(&mut *self.held.borrow_mut());
        drop(held);
    }

    /// Is the inlet's object gone?
    pub fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// What waits at the head of the queue, drawn; the event itself is given back before this returns, so a script
    /// that runs afterwards finds nothing held.
    #[inline(always)]
    fn poll(&self, timeout: Timeout) -> Option<Option<Taken>> {
        let Ok(_inside) = self.link.client().enter("consume") else {
            // The process is ending: what comes now is not seen any more.
            std::thread::sleep(Duration::from_millis(u64::try_from(timeout.as_ms()).unwrap_or(0)));
            return None;
        };
        let queue = self.queue.borrow();
        if let Some(taken) = self.poll_ahead(&queue) {
            return Some(taken);
        }
        let event = queue.poll(timeout)?;
        if event.kind() == EventKind::Error && self.is_second(event.error().code, || event.partition()) {
            return Some(None);
        }
        #[cfg(feature = "plant")]
        if event.kind() == EventKind::Message && plant::hit("message_skipped") {
            return Some(None);
        }
        let taken = self.sieve.draw(&self.words, event);
        Some(self.settle(taken))
    }

    /// The next one of a batch, drawn. When none is left a new batch is taken, if one is ready.
    #[inline(always)]
    fn poll_ahead(&self, queue: &Queue) -> Option<Option<Taken>> {
        let mut ahead = self.ahead.borrow_mut();
        let fetched = ahead.as_mut()?;
        if fetched.is_empty() && fetched.fill(queue) == 0 {
            return None;
        }
        let received = fetched.pop()?;
        let message = received.message();
        if message.code() != Code::NO_ERROR {
            return Some(self.draw_error_once(&received));
        }
        #[cfg(feature = "plant")]
        if plant::hit("message_skipped") {
            return Some(None);
        }
        Some(Some(self.sieve.draw_message(&self.words, &message)))
    }

    /// An error that came with a batch, unless the script was told of it already.
    fn draw_error_once(&self, received: &Received<'_>) -> Option<Taken> {
        let message = received.message();
        let place = || Some((message.topic_name().into_owned(), message.partition(), message.offset()));
        let second = self.is_second(message.code(), place);
        (!second).then(|| draw_error(&received.error()))
    }

    /// Do messages wait here that were taken from librdkafka already?
    fn has_ahead(&self) -> bool {
        self.ahead.borrow().as_ref().is_some_and(|ahead| !ahead.is_empty())
    }

    /// The topic of a partition that was just started is being asked for: should the partition not exist, librdkafka may
    /// tell it as well, before or after us, if the answer is news to it. The script is told once.
    pub fn expect_unknown(&self, topic: &str, partition: i32) {
        self.expect_no_unknown(topic, partition);
        let mut unknown = self.unknown.borrow_mut();
        unknown.push((topic.to_string(), partition, Teller::Nobody));
    }

    /// The partition exists, or nothing is known of it, or it was stopped.
    pub fn expect_no_unknown(&self, topic: &str, partition: i32) {
        let mut unknown = self.unknown.borrow_mut();
        unknown.retain(|(name, number, _)| *number != partition || name != topic);
    }

    /// Tells that a partition does not exist, unless librdkafka has told it.
    pub fn tell_unknown(&self, topic: &str, partition: i32, fields: Fields) {
        let first = match self.teller(topic, partition) {
            Some(teller) => *teller != Teller::Librdkafka,
            None => false,
        };
        self.expect_no_unknown(topic, partition);
        if first {
            let mut unknown = self.unknown.borrow_mut();
            unknown.push((topic.to_string(), partition, Teller::Us));
            drop(unknown);
            self.tell(fields);
        }
    }

    /// Is this error of librdkafka about a partition of which the script was told already?
    #[cold]
    fn is_second(&self, code: Code, place: impl FnOnce() -> Option<(String, i32, i64)>) -> bool {
        if code != Code::UNKNOWN_PARTITION || self.unknown.borrow().is_empty() {
            return false;
        }
        let Some((topic, partition, _)) = place() else {
            return false;
        };
        let second = match self.teller(&topic, partition) {
            Some(mut teller) => mem::replace(&mut *teller, Teller::Librdkafka) == Teller::Us,
            None => false,
        };
        if second {
            self.expect_no_unknown(&topic, partition);
        }
        second
    }

    fn teller(&self, topic: &str, partition: i32) -> Option<RefMut<'_, Teller>> {
        RefMut::filter_map(self.unknown.borrow_mut(), |unknown| {
            let one = unknown.iter_mut().find(|one| one.1 == partition && one.0 == topic)?;
            Some(&mut one.2)
        })
        .ok()
    }

    /// Forgets what waits here of partitions that were taken away.
    #[inline(always)]
    fn settle(&self, taken: Option<Taken>) -> Option<Taken> {
        match taken {
            Some(Taken::Revoked(list)) => self.forget_revoked(list),
            other => other,
        }
    }

    #[cold]
    fn forget_revoked(&self, list: Option<PartitionList>) -> Option<Taken> {
        self.held.borrow_mut().retain(|(_, mark)| match (mark, &list) {
            (Some(mark), Some(list)) => !list
                .iter()
                .any(|e| e.topic == mark.topic && e.partition == mark.partition),
            (Some(_), None) => false,
            (None, _) => true,
        });
        None
    }

    /// Takes events from the queue although nobody wants messages now, so that a group sees its member alive and its
    /// rebalances answered. At most `limit` messages wait here; they count as seen only when a script gets them.
    pub fn stock(&self, limit: usize) {
        self.take_stock(limit);
        if self.callback.borrow().is_some() {
            // It was lowered; what waits here, and what is left in the queue, is for the callback.
            self.raise();
        }
    }

    fn take_stock(&self, limit: usize) {
        while !self.closed.get() && self.held.borrow().len() < limit {
            self.lower();
            let drawn = {
                let Ok(_inside) = self.link.client().enter("consume") else {
                    return;
                };
                let queue = self.queue.borrow();
                let Some(event) = queue.poll(Timeout::NONE) else { return };
                self.sieve.draw_waiting(&self.words, event)
            };
            if let (Some(Taken::Fields(fields)), mark) = (self.settle(drawn.0), drawn.1) {
                self.held.borrow_mut().push_back((fields, mark));
            }
        }
    }

    /// Forgets the messages that wait here: the partitions are read from elsewhere now.
    pub fn forget(&self) {
        self.held.borrow_mut().retain(|(_, mark)| mark.is_none());
    }

    /// The offset of the first message of a partition that waits here.
    pub fn first_held(&self, topic: &str, partition: i32) -> Option<i64> {
        let held = self.held.borrow();
        let mut marks = held.iter().filter_map(|(_, mark)| mark.as_ref());
        marks
            .find(|m| m.topic == topic && m.partition == partition)
            .map(|m| m.offset)
    }

    /// The first error that waits here and says that the user may not do something: code and text.
    pub fn refusal(&self) -> Option<(Code, String)> {
        self.held.borrow().iter().find_map(|(fields, _)| match fields {
            Fields::Error { code, message, .. } => {
                let name = code.text();
                let code = Code::from_name(&name).filter(|_| name.ends_with("_AUTHORIZATION_FAILED"))?;
                Some((code, message.text()))
            }
            Fields::Message { .. } => None,
        })
    }

    /// How many messages wait here.
    pub fn held(&self) -> usize {
        self.held.borrow().len()
    }

    #[inline(always)]
    fn next_held(&self) -> Option<Fields> {
        if self.held.borrow().is_empty() {
            return None;
        }
        self.pop_held()
    }

    #[cold]
    fn pop_held(&self) -> Option<Fields> {
        let (fields, mark) = self.held.borrow_mut().pop_front()?;
        if let Some(mark) = mark {
            self.sieve.seen(&mark);
        }
        Some(fields)
    }

    /// A turn of the event loop.
    fn serve(&self, turn: &Turn) {
        // Once for the turn instead of once for each callback.
        let _hold = self.interp.hold();
        loop {
            // In an interpreter that is being deleted nobody would see what is taken.
            if self.closed.get() || !self.interp.usable() {
                return;
            }
            if self.callback.borrow().is_none() {
                self.lower();
                self.recycler.rest();
                if let Some(idle) = &self.idle {
                    idle(self);
                }
                return;
            }
            let fields = match self.next_held() {
                Some(fields) => Some(fields),
                None => {
                    // Lowered before the look: what comes after the look rings again. What waits here needs no look.
                    let looks = !self.has_ahead();
                    if looks {
                        self.lower();
                    }
                    match self.poll(Timeout::NONE) {
                        None => {
                            if !looks {
                                // The process is ending, or is a forked child: nothing comes out any more.
                                self.lower();
                            }
                            self.recycler.rest();
                            return;
                        }
                        Some(Some(Taken::Fields(fields))) => Some(fields),
                        // The end of a partition is no news for a callback.
                        Some(_) => None,
                    }
                }
            };
            // Raised before the script runs: an event loop inside it goes on with the rest.
            self.raise();
            #[cfg(feature = "plant")]
            if plant::hit("never_raised") {
                self.lower();
            }
            if let Some(fields) = fields {
                let callback = self.callback.borrow().clone();
                if let Some(callback) = callback {
                    self.recycler.call(&self.words, &self.interp, &callback, fields);
                }
            }
            if turn.over() {
                return;
            }
        }
    }

    fn lower(&self) {
        if let Some(door) = self.door.borrow().as_ref() {
            door.lower();
        }
    }

    fn raise(&self) {
        if let Some(door) = self.door.borrow().as_ref() {
            door.raise();
        }
    }

    /// What is there for the script already; that needs no clock.
    #[inline(always)]
    fn take_ready(&self) -> Result<Option<Taken>, Raise> {
        // In a forked child nothing ever comes, and the queue does not wait.
        self.link.client().check_process("consume").or_raise()?;
        self.look();
        if let Some(fields) = self.next_held() {
            return Ok(Some(Taken::Fields(fields)));
        }
        if self.closed.get() {
            return Ok(None);
        }
        Ok(self.poll(Timeout::NONE).flatten())
    }

    /// What has been answered about started partitions, for a script that does not let the event loop do it.
    #[inline(always)]
    fn look(&self) {
        if self.link.checks().due() {
            self.link.checks().serve(self.link.client());
        }
    }

    /// Waits for the next thing for the script, so long.
    ///
    /// # Errors
    /// As of [`Inlet::take`].
    pub fn take_within(&self, timeout: Timeout) -> Result<Option<Taken>, Raise> {
        match self.take_ready()? {
            None => self.wait(Deadline::after(timeout)),
            some => Ok(some),
        }
    }

    /// Waits for the next thing for the script.
    ///
    /// # Errors
    /// The script was cancelled or hit a limit; the object was deleted meanwhile.
    #[inline]
    pub fn take(&self, deadline: Deadline) -> Result<Option<Taken>, Raise> {
        match self.take_ready()? {
            None => self.wait(deadline),
            some => Ok(some),
        }
    }

    #[cold]
    fn wait(&self, deadline: Deadline) -> Result<Option<Taken>, Raise> {
        loop {
            if self.closed.get() {
                return Ok(None);
            }
            let slice = deadline.slice();
            // Rounded up: a rest of less than a millisecond must not become a loop of waits of none.
            let ms = slice.as_micros().div_ceil(1000);
            let polled = self.poll(Timeout::ms(i64::try_from(ms).unwrap_or(100)));
            if let Some(Some(taken)) = polled {
                return Ok(Some(taken));
            }
            self.look();
            if let Some(fields) = self.next_held() {
                return Ok(Some(Taken::Fields(fields)));
            }
            match polled {
                Some(_) => {}
                None if slice.is_zero() => return Ok(None),
                None => self.interp.check_cancel()?,
            }
        }
    }

    /// Puts something back that could not be given to the script; it comes first next time.
    pub fn put_back(&self, fields: Fields) {
        self.held.borrow_mut().push_front((fields, None));
    }

    /// Shows something before all that waits in the queue, to a callback as well.
    pub fn tell(&self, fields: Fields) {
        self.put_back(fields);
        if self.callback.borrow().is_some() {
            self.listen();
        }
    }

    /// The `consume` of topics and queues: 1 with the array filled, 0 at the end of a partition.
    ///
    /// # Errors
    /// A Kafka error; nothing came in time (`_TIMED_OUT`); the array could not be set, and the message is kept.
    pub fn consume(&self, timeout: Timeout, array: Obj) -> Result<bool, Raise> {
        match self.take_within(timeout)? {
            Some(Taken::EndOfPartition | Taken::Revoked(_)) => {
                Fields::clear(&self.words, &self.interp, &array)?;
                Ok(false)
            }
            Some(Taken::Fields(fields @ Fields::Message { .. })) => {
                if let Err(error) = fields.fill(&self.words, &self.interp, &array, &mut Before::unknown()) {
                    self.put_back(fields);
                    return Err(error);
                }
                Ok(true)
            }
            Some(Taken::Fields(Fields::Error { code, message, .. })) => {
                let code = Code::from_name(&code.text()).unwrap_or(Code::STATE);
                Err(fail::refuse("consume", code, message.text(), code.advice()))
            }
            None => Err(fail::refuse(
                "consume",
                Code::TIMED_OUT,
                "no message came in time",
                Code::TIMED_OUT.advice(),
            )),
        }
    }

    /// The `consume_list`: picked fields of up to `count` messages, or of as many as come within the time; when that is
    /// over, of those that are there already. They count as seen when the list is there, not before.
    ///
    /// # Errors
    /// Nothing has come yet, and: a Kafka error is next; the script was cancelled or hit a limit; the object was deleted.
    pub fn list(&self, timeout: Timeout, count: usize, fields: Vec<Field>, stop_at_end: bool) -> Result<Obj, Raise> {
        self.link.client().check_process("consume_list").or_raise()?;
        let deadline = Deadline::after(timeout);
        let mut count = count.min(MOST_VALUES / fields.len().max(1));
        let mut over = false;
        let mut picked = Picked::new(fields, self.sieve.stores());
        while picked.count() < count && !self.closed.get() {
            if !over && deadline.is_over() {
                over = true;
                count = count.min(picked.count() + self.waiting());
                continue;
            }
            self.look();
            let before = picked.count();
            let step = match self.pick(&mut picked, count, Timeout::NONE) {
                None if over => break,
                None => {
                    let ms = deadline.slice().as_micros().div_ceil(1000);
                    self.pick(&mut picked, count, Timeout::ms(i64::try_from(ms).unwrap_or(100)))
                }
                some => some,
            };
            match step {
                Some(Some(Taken::EndOfPartition | Taken::Revoked(_))) if stop_at_end => break,
                Some(Some(Taken::Fields(drawn))) => {
                    if before > 0 {
                        // What came before it goes to the script first.
                        self.put_back(drawn);
                        break;
                    }
                    let Fields::Error { code, message, .. } = drawn else {
                        break;
                    };
                    let code = Code::from_name(&code.text()).unwrap_or(Code::STATE);
                    return Err(fail::refuse("consume_list", code, message.text(), code.advice()));
                }
                _ => {}
            }
            match self.interp.check_cancel() {
                // A cancelled script is told again at its next command; what was taken for it is not kept from it.
                Err(_) if picked.count() > 0 => break,
                Err(raise) => return Err(raise),
                Ok(()) => {}
            }
        }
        if let Some(seen) = picked.seen() {
            // It fails only for partitions that were stopped or taken away meanwhile.
            let _ = self.link.client().store_offsets(&seen);
        }
        Ok(picked.list())
    }

    /// How many messages there are at the moment, at the most.
    fn waiting(&self) -> usize {
        let ahead = self.ahead.borrow().as_ref().map_or(0, Fetched::len);
        self.held.borrow().len() + ahead + self.queue.borrow().len()
    }

    /// Picks one message, or what is left of a batch. None: nothing came in time; something else: it was no message.
    fn pick(&self, picked: &mut Picked, count: usize, timeout: Timeout) -> Option<Option<Taken>> {
        let held = self.held.borrow_mut().pop_front();
        if let Some((drawn, mark)) = held {
            return Some(if picked.add_drawn(&drawn, mark) {
                None
            } else {
                Some(Taken::Fields(drawn))
            });
        }
        let Ok(_inside) = self.link.client().enter("consume_list") else {
            // The process is ending: what comes now is not seen any more.
            std::thread::sleep(Duration::from_millis(u64::try_from(timeout.as_ms()).unwrap_or(0)));
            return None;
        };
        let queue = self.queue.borrow();
        if let Some(fetched) = self.ahead.borrow_mut().as_mut() {
            if fetched.is_empty() {
                fetched.fill(&queue);
            }
            let before = picked.count();
            while picked.count() < count {
                let Some(received) = fetched.pop_message() else { break };
                #[cfg(feature = "plant")]
                if plant::hit("message_skipped") {
                    continue;
                }
                picked.add(&self.words, &received.message());
            }
            if picked.count() > before {
                return Some(None);
            }
            if let Some(received) = fetched.pop() {
                return Some(self.draw_error_once(&received));
            }
        }
        let event = queue.poll(timeout)?;
        if event.kind() == EventKind::Error && self.is_second(event.error().code, || event.partition()) {
            return Some(None);
        }
        if event.kind() == EventKind::Message {
            #[cfg(feature = "plant")]
            if plant::hit("message_skipped") {
                return Some(None);
            }
            if let Some(message) = event.messages().next() {
                picked.add(&self.words, &message);
            }
            return Some(None);
        }
        let taken = self.sieve.draw(&self.words, event);
        Some(self.settle(taken))
    }

    /// The `consume_batch` of topics and queues, as a loop over the body.
    pub fn batch(
        self: &Rc<Self>,
        timeout: Timeout,
        count: usize,
        array: Obj,
        body: Obj,
        stop_at_end: bool,
    ) -> Box<dyn Loop> {
        Box::new(Batch {
            inlet: self.clone(),
            deadline: Deadline::after(timeout),
            left: count,
            done: 0,
            array,
            before: Before::of_loop(),
            body,
            stop_at_end,
        })
    }
}

/// A batch: messages are taken from the queue one at a time, so a `break` leaves the rest where it is.
struct Batch {
    inlet: Rc<Inlet>,
    deadline: Deadline,
    left: usize,
    done: i64,
    array: Obj,
    before: Before,
    body: Obj,
    stop_at_end: bool,
}

impl Loop for Batch {
    fn next(&mut self, interp: &Interp) -> Result<Option<Obj>, Raise> {
        while self.left > 0 && !self.inlet.is_closed() {
            match self.inlet.take(self.deadline)? {
                None => return Ok(None),
                Some(Taken::EndOfPartition | Taken::Revoked(_)) => {
                    if self.stop_at_end {
                        return Ok(None);
                    }
                }
                Some(Taken::Fields(fields)) => {
                    if let Err(error) = fields.fill(&self.inlet.words, interp, &self.array, &mut self.before) {
                        self.inlet.put_back(fields);
                        return Err(error);
                    }
                    self.left -= 1;
                    self.done += 1;
                    return Ok(Some(self.body.clone()));
                }
            }
        }
        Ok(None)
    }

    fn result(&mut self) -> Obj {
        Obj::int(self.done)
    }

    fn name(&self) -> &str {
        "consume_batch"
    }
}

/// A new queue of this client as an inlet.
pub fn open(interp: &Interp, link: &Rc<Link>) -> Result<Rc<Inlet>, Raise> {
    let queue = link.client().new_queue().or_raise()?;
    let sieve = Plain {
        stores: Cell::new(link.stores() == Stores::All),
    };
    Ok(Inlet::new(interp, link, queue, Box::new(sieve), None))
}
