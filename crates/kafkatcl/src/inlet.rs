//! An inlet: one queue of messages and what is done with them, taken one by one by a script that waits, or handed
//! to a callback from the event loop. Messages stay in librdkafka's bounded queue until they are wanted; what waits here
//! is one message whose variable could not be set, or the few that a silent subscriber has to take. It must not know
//! clients' other events (see `link`). It is long because waiting, loops over bodies and callbacks take from one place.

use crate::fail::{self, OrRaise};
use crate::link::Link;
use crate::render::{self, Before, Fields, Words};
use rdk::{Code, Event, EventKind, PartitionList, Queue, Timeout};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use tclstubs::{keep, Door, Interp, Loop, Obj, Prefix, Raise, Turn};

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
}

/// The sieve of topics and queues: messages, errors and ends of partitions.
pub struct Plain;

impl Sieve for Plain {
    fn draw(&self, words: &Words, event: Event<'_>) -> Option<Taken> {
        draw_plain(words, &event)
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
        EventKind::Error => {
            let error = event.error();
            Some(if error.code == Code::PARTITION_EOF {
                Taken::EndOfPartition
            } else {
                Taken::Fields(Fields::of_error(&error))
            })
        }
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

/// What to do when a queue has something and there is no callback.
pub type Idle = Box<dyn Fn(&Inlet)>;

/// A queue with its callback.
pub struct Inlet {
    queue: RefCell<Queue>,
    door: RefCell<Option<Door>>,
    callback: RefCell<Option<Prefix>>,
    held: RefCell<VecDeque<(Fields, Option<Mark>)>>,
    closed: Cell<bool>,
    /// How many errors about unknown partitions have been told already, before librdkafka does.
    told: Cell<usize>,
    interp: Interp,
    sieve: Box<dyn Sieve>,
    words: Rc<Words>,
    /// What to do when the queue has something and there is no callback.
    idle: Option<Idle>,
    me: Weak<Inlet>,
    /// Keeps the client; declared after the queue, which must go first.
    link: Rc<Link>,
}

impl Inlet {
    /// An inlet for a queue.
    pub fn new(interp: &Interp, link: &Rc<Link>, queue: Queue, sieve: Box<dyn Sieve>, idle: Option<Idle>) -> Rc<Inlet> {
        Rc::new_cyclic(|me| Inlet {
            queue: RefCell::new(queue),
            door: RefCell::new(None),
            callback: RefCell::new(None),
            held: RefCell::new(VecDeque::new()),
            closed: Cell::new(false),
            told: Cell::new(0),
            interp: interp.clone(),
            sieve,
            words: render::words(),
            idle,
            me: me.clone(),
            link: link.clone(),
        })
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
        let event = queue.poll(timeout)?;
        let unknown =
            event.kind() == EventKind::Error && self.told.get() > 0 && event.error().code == Code::UNKNOWN_PARTITION;
        if unknown {
            self.told.set(self.told.get() - 1);
            return Some(None);
        }
        #[cfg(feature = "plant")]
        if event.kind() == EventKind::Message && plant::hit("message_skipped") {
            return Some(None);
        }
        let taken = self.sieve.draw(&self.words, event);
        Some(self.settle(taken))
    }

    /// The script is told of an unknown partition now; the same from librdkafka would be the second time.
    pub fn expect_unknown_partition(&self) {
        self.told.set(self.told.get() + 1);
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
                if let Some(idle) = &self.idle {
                    idle(self);
                }
                return;
            }
            let fields = match self.next_held() {
                Some(fields) => Some(fields),
                None => {
                    // Lowered before the look: what comes after the look rings again.
                    self.lower();
                    match self.poll(Timeout::NONE) {
                        None => return,
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
                    callback.call(&self.interp, fields.list(&self.words));
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
        if let Some(fields) = self.next_held() {
            return Ok(Some(Taken::Fields(fields)));
        }
        if self.closed.get() {
            return Ok(None);
        }
        Ok(self.poll(Timeout::NONE).flatten())
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
            match self.poll(Timeout::ms(i64::try_from(ms).unwrap_or(100))) {
                Some(Some(taken)) => return Ok(Some(taken)),
                Some(None) => {}
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
                if let Err(error) = fields.fill(&self.words, &self.interp, &array, &mut Before::Unknown) {
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
            before: Before::Unknown,
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
    Ok(Inlet::new(interp, link, queue, Box::new(Plain), None))
}
