//! A link: one running client with its main queue, shared by the handle and everything made from it. It routes the
//! client's events (delivery reports, errors, statistics, logs) to callbacks, flushes, and keeps metadata for a
//! moment. It must not hold messages of consumers (see `inlet`). It is long because failures that no callback hears of are
//! counted where reports are drawn, shown and flushed.

use crate::checks::Checks;
use crate::exit::{self, Lost};
use crate::fail::{self, OrRaise};
use crate::recycle::Recycler;
use crate::render::{self, Report, Store};
use rdk::{Client, Code, Event, EventKind, Metadata, Queue, Timeout};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::ops::Deref;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};
use tclstubs::{keep, Door, Interp, Obj, Prefix, Raise, Timer, Turn};

/// A long wait for brokers is cut into calls of this length: shorter, a slow broker could never answer one.
const SLICE_MS: i64 = 5000;
/// The end of the line that tells of failed deliveries.
const WHY: &str = "; set a delivery_report callback to see why";

/// Where a master's log lines go.
#[derive(Clone)]
pub enum Logger {
    /// To stderr, by librdkafka itself: the default.
    Stderr,
    /// To the system log, by librdkafka itself.
    Syslog,
    /// Nowhere.
    None,
    /// To a callback.
    Callback(Prefix),
}

/// The callbacks of a master, shared with its clients: a client asks librdkafka for those kinds of events that had a
/// callback when it was made; which words are called is looked up when an event comes.
pub struct Routes {
    /// Delivery reports.
    pub delivery: RefCell<Option<Prefix>>,
    /// Errors of the client itself.
    pub error: RefCell<Option<Prefix>>,
    /// Statistics.
    pub statistics: RefCell<Option<Prefix>>,
    /// Log lines.
    pub logger: RefCell<Logger>,
    /// Which of the successful delivery reports reach the callback.
    pub sampling: Sampling,
}

impl Routes {
    /// No callbacks.
    pub fn new() -> Routes {
        Routes {
            delivery: RefCell::new(None),
            error: RefCell::new(None),
            statistics: RefCell::new(None),
            logger: RefCell::new(Logger::Stderr),
            sampling: Sampling {
                every: Cell::new(1),
                seen: Cell::new(0),
                next: Cell::new(false),
            },
        }
    }
}

/// `delivery_report every` and `sample`.
pub struct Sampling {
    every: Cell<u64>,
    seen: Cell<u64>,
    next: Cell<bool>,
}

impl Sampling {
    /// How many reports there are for one that is shown; 0 shows none.
    pub fn every(&self) -> u64 {
        self.every.get()
    }
    /// Shows the next report, then each `every`th after it.
    pub fn set_every(&self, every: u64) {
        self.every.set(every);
        self.seen.set(0);
    }
    /// Shows the next report whatever `every` says.
    pub fn sample(&self) {
        self.next.set(true);
    }
    /// Is this report shown?
    fn shows(&self) -> bool {
        if self.next.replace(false) {
            return true;
        }
        let every = self.every.get();
        if every == 0 {
            return false;
        }
        let seen = self.seen.get();
        self.seen.set(seen.wrapping_add(1));
        seen % every == 0
    }
}

/// What is ready for a callback, drawn, with the event already given back.
enum Drawn {
    /// With what it says was not delivered.
    Report(Report, Lost),
    Error(Obj),
    Statistics(Obj),
    Log(Obj, rdk::LogLine),
}

/// Is this an answer that a broker gives while a partition changes its leader?
fn is_passing(code: Code) -> bool {
    code == Code::NOT_LEADER_FOR_PARTITION || code == Code::LEADER_NOT_AVAILABLE
}

/// Which offsets of messages from partitions that the script has started are stored when it gets them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stores {
    /// None: the script does it.
    Nothing,
    /// Those of partitions that go on where the group stopped, for they are committed.
    Committed,
    /// All: the statistics show them.
    All,
}

/// A running client.
pub struct Link {
    // The order is the order of dropping: the door, the queue, then the client.
    door: RefCell<Option<Door>>,
    main: RefCell<Queue>,
    client: Client,
    interp: Interp,
    routes: Rc<Routes>,
    words: Rc<render::Words>,
    recycler: Recycler,
    drawn: RefCell<VecDeque<Drawn>>,
    /// The pause before more failed deliveries are told that no callback is told of.
    saying: RefCell<Option<Timer>>,
    /// A flush of the deleted handle ended with messages left.
    gave_up: Cell<bool>,
    /// The client is on its way out: failures are counted there.
    closing: Cell<bool>,
    /// The last object that held this is gone: nobody is called back any more.
    gone: Cell<bool>,
    /// When the deletion that is flushing gives up.
    until: Cell<Option<Instant>>,
    /// One reference here, and one in each [`Share`].
    shares: Rc<()>,
    metadata: RefCell<Option<(Instant, Rc<Metadata>)>>,
    stores: Stores,
    checks: Checks,
    me: Weak<Link>,
}

/// An object's part in a link. (Calls that run hold the link as well, but do not count.)
pub struct Share {
    link: Rc<Link>,
    one: Rc<()>,
}

impl Share {
    /// One more object holds this link.
    pub fn of(link: Rc<Link>) -> Share {
        let one = link.shares.clone();
        Share { link, one }
    }

    /// The object is deleted. A producer's messages are flushed within the bound when the handle goes (`whole`) or when
    /// nobody else is left, and what could not be delivered is counted on stderr.
    pub fn release(self, whole: bool) {
        let Share { link, one } = self;
        drop(one);
        keep(link, |link| link.let_go(whole));
    }
}

impl Deref for Share {
    type Target = Rc<Link>;
    fn deref(&self) -> &Rc<Link> {
        &self.link
    }
}

impl Link {
    /// Wraps a client that has just been opened.
    pub fn new(interp: &Interp, client: Client, routes: &Rc<Routes>, stores: Stores) -> Result<Rc<Link>, Raise> {
        let mut main = client.main_queue().or_raise()?;
        Ok(Rc::new_cyclic(|me: &Weak<Link>| {
            let weak = me.clone();
            let door = Door::hang(interp, move |turn| {
                if let Some(link) = weak.upgrade() {
                    keep(link, |link| link.serve(Some(turn)));
                }
            });
            let bell = door.bell();
            main.on_ready(Box::new(move || bell.ring()));
            // What came before the hook was there is ours to find.
            door.bell().ring();
            #[cfg(feature = "plant")]
            plant::point("link_new");
            Link {
                door: RefCell::new(Some(door)),
                main: RefCell::new(main),
                client,
                interp: interp.clone(),
                routes: routes.clone(),
                words: render::words(),
                recycler: Recycler::new(),
                drawn: RefCell::new(VecDeque::new()),
                saying: RefCell::new(None),
                gave_up: Cell::new(false),
                closing: Cell::new(false),
                gone: Cell::new(false),
                until: Cell::new(None),
                shares: Rc::new(()),
                metadata: RefCell::new(None),
                stores,
                checks: Checks::default(),
                me: me.clone(),
            }
        }))
    }

    /// Which offsets are ours to store.
    pub fn stores(&self) -> Stores {
        self.stores
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the partitions that were started exist.
    #[inline(always)]
    pub fn checks(&self) -> &Checks {
        &self.checks
    }

    /// Takes events from the main queue and calls back, until the queue is empty or the turn is over. Returns how many
    /// events were served.
    pub fn serve(&self, turn: Option<&Turn>) -> usize {
        // Once for the turn instead of once for each callback.
        let _hold = self.interp.hold();
        let mut served = 0;
        loop {
            // A callback may have deleted all that held this.
            if self.gone.get() {
                self.discard();
                return served;
            }
            let next = self.drawn.borrow_mut().pop_front();
            let Some(next) = next else {
                self.lower();
                if !self.draw_next(Timeout::NONE) {
                    self.recycler.rest();
                    return served;
                }
                self.raise();
                served += 1;
                if turn.is_some_and(Turn::over) {
                    return served;
                }
                continue;
            };
            // Raised before the script runs: an event loop inside it goes on with the rest.
            self.raise();
            self.show(next);
            // What an earlier turn has drawn counts as well.
            served = served.max(1);
            if turn.is_some_and(Turn::over) {
                return served;
            }
        }
    }

    /// Waits for events and serves them; for scripts without an event loop. Returns how many were served.
    ///
    /// # Errors
    /// The script was cancelled or hit a limit.
    pub fn poll(&self, timeout: Timeout) -> Result<usize, Raise> {
        self.client.check_process("poll").or_raise()?;
        let ms = timeout.as_ms();
        let until = (ms >= 0).then(|| Instant::now() + Duration::from_millis(u64::from(ms.unsigned_abs())));
        loop {
            let mut served = self.serve(None);
            if served > 0 || self.gone.get() {
                return Ok(served);
            }
            let left = until.map_or(Duration::from_millis(100), |u| {
                u.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return Ok(0);
            }
            let slice = left.min(Duration::from_millis(100)).as_micros().div_ceil(1000);
            if self.draw_next(Timeout::ms(i64::try_from(slice).unwrap_or(100))) {
                served = 1 + self.serve(None);
                return Ok(served);
            }
            self.interp.check_cancel()?;
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

    /// Takes one event and draws what is for callbacks. False when there was none.
    fn draw_next(&self, timeout: Timeout) -> bool {
        let main = self.main.borrow();
        match main.poll(timeout) {
            Some(event) => {
                self.draw(&event);
                true
            }
            None => false,
        }
    }

    /// Draws what is for callbacks out of an event. Used for the main queue, and for what other queues carry of it.
    pub fn draw(&self, event: &Event<'_>) {
        let mut drawn = self.drawn.borrow_mut();
        #[cfg(feature = "plant")]
        plant::point("draw_borrowed");
        match event.kind() {
            EventKind::Delivery => {
                let wanted = self.routes.delivery.borrow().is_some() && self.interp.usable();
                let mut store = Store::default();
                let (mut to_say, mut to_call) = (Lost::default(), Lost::default());
                for message in event.messages() {
                    let lost = Lost::of(&message);
                    // What is given up when its client goes is counted, whether a callback hears of it or not.
                    if !wanted || self.closing.get() {
                        to_say += lost;
                    }
                    if wanted && (!lost.is_none() || self.routes.sampling.shows()) {
                        let waits = if self.closing.get() { Lost::default() } else { lost };
                        to_call += waits;
                        #[cfg(feature = "plant")]
                        if lost.is_none() {
                            if plant::hit("report_skipped") {
                                continue;
                            }
                            if plant::hit("report_doubled") {
                                drawn.push_back(Drawn::Report(Report::of(&self.words, &mut store, &message), waits));
                            }
                            if plant::hit("report_early") {
                                drawn.push_front(Drawn::Report(Report::of(&self.words, &mut store, &message), waits));
                                continue;
                            }
                        }
                        drawn.push_back(Drawn::Report(Report::of(&self.words, &mut store, &message), waits));
                    }
                }
                drop(drawn);
                if !to_call.is_none() {
                    exit::will_call(&self.client.name(), to_call);
                }
                self.say_lost(to_say);
            }
            EventKind::Error => {
                let mut error = event.error();
                // librdkafka says that brokers are down, or that a certificate is wrong, and not why.
                let why = match error.code {
                    Code::ALL_BROKERS_DOWN => self.client.last_failure(),
                    Code::SSL => self.client.last_certificate(),
                    _ => String::new(),
                };
                if !why.is_empty() {
                    error.text = format!("{} (last failure: {why})", error.text);
                }
                drawn.push_back(Drawn::Error(render::client_error(&error)));
            }
            EventKind::Statistics => {
                if let Some(json) = event.statistics() {
                    drawn.push_back(Drawn::Statistics(Obj::text_of(&String::from_utf8_lossy(json))));
                }
            }
            EventKind::Log => {
                if let Some(line) = event.log() {
                    self.client.heard(&line);
                    drawn.push_back(Drawn::Log(render::log_line(&line), line));
                }
            }
            _ => {}
        }
    }

    /// Calls back what has been drawn.
    fn show(&self, drawn: Drawn) {
        let (route, argument) = match drawn {
            Drawn::Report(report, lost) => {
                if !lost.is_none() {
                    let heard = self.routes.delivery.borrow().is_some() && self.interp.usable();
                    exit::calls(&self.client.name(), lost, !heard);
                }
                let prefix = self.routes.delivery.borrow().clone();
                let Some(prefix) = prefix else { return };
                match report.fields(&self.words) {
                    Ok(fields) => self.recycler.call(&self.words, &self.interp, &prefix, fields),
                    Err(list) => prefix.call(&self.interp, list),
                }
                return;
            }
            Drawn::Error(list) => (&self.routes.error, list),
            Drawn::Statistics(json) => (&self.routes.statistics, json),
            Drawn::Log(list, line) => {
                let logger = self.routes.logger.borrow().clone();
                match logger {
                    Logger::Callback(prefix) => prefix.call(&self.interp, list),
                    // The callback was replaced by another logger after this client had been made.
                    Logger::Stderr | Logger::Syslog => {
                        let name = self.client.name();
                        exit::say(&format!("%{}|{}|{name}| {}", line.level, line.facility, line.message));
                    }
                    Logger::None => {}
                }
                return;
            }
        };
        let prefix = route.borrow().clone();
        if let Some(prefix) = prefix {
            prefix.call(&self.interp, argument);
        }
    }

    /// Gives the error callback an error that did not come from librdkafka.
    pub fn inject_error(&self, error: &rdk::Error) {
        self.show(Drawn::Error(render::client_error(error)));
    }

    /// Is there an error callback?
    pub fn has_error_callback(&self) -> bool {
        self.routes.error.borrow().is_some()
    }

    /// Says on stderr, at most once a second, how many deliveries failed that no callback was told of.
    fn say_lost(&self, lost: Lost) {
        if lost.is_none() {
            return;
        }
        let name = self.client.name();
        exit::keep_untold(&name, lost);
        // Who ends the client or the process says it.
        if self.closing.get() || rdk::gate_closed() || self.saying.borrow().is_some() {
            return;
        }
        exit::say_untold(&name, Lost::default(), WHY);
        let me = self.me.clone();
        // What fails in the next second is told together, when it is over.
        *self.saying.borrow_mut() = Some(Timer::start(&self.interp, 1000, move || {
            if let Some(link) = me.upgrade() {
                let timer = link.saying.borrow_mut().take();
                drop(timer);
                exit::say_untold(&link.client.name(), Lost::default(), WHY);
            }
            1000
        }));
    }

    /// Waits until everything has been delivered or the time is up; reports are called back meanwhile. Returns how many
    /// messages are left.
    ///
    /// # Errors
    /// The script was cancelled or hit a limit.
    pub fn flush(&self, timeout: Timeout) -> Result<usize, Raise> {
        self.client.check_process("flush").or_raise()?;
        let ms = timeout.as_ms();
        let until = (ms >= 0).then(|| Instant::now() + Duration::from_millis(u64::from(ms.unsigned_abs())));
        loop {
            self.serve(None);
            if self.gone.get() {
                // A callback has deleted all that held this, which has flushed as long as it may, and told what is left.
                return Ok(self.waiting());
            }
            // The call knows for certain whether a message is left, and tells librdkafka not to wait for fuller batches; a
            // report ends the wait that follows.
            if self.client.flush(Timeout::ms(1)).is_ok() {
                return Ok(0);
            }
            if until.is_some_and(|u| Instant::now() >= u) {
                return Ok(self.waiting().max(1));
            }
            if self.interp.usable() && !self.closing.get() {
                self.interp.check_cancel()?;
            }
            self.draw_next(Timeout::ms(20));
        }
    }

    /// How many messages wait to be delivered or reported.
    pub fn waiting(&self) -> usize {
        self.client.messages_waiting(&self.main.borrow()) + self.drawn_reports()
    }

    /// How many reports are drawn and not called back yet.
    fn drawn_reports(&self) -> usize {
        self.drawn
            .borrow()
            .iter()
            .filter(|d| matches!(d, Drawn::Report(..)))
            .count()
    }

    /// Runs a call that waits for brokers in slices, so that a cancelled script ends soon.
    ///
    /// # Errors
    /// What the call says when the time is up, or at once if it is not about time; the cancellation.
    pub fn patient<T>(&self, timeout: Timeout, mut call: impl FnMut(Timeout) -> rdk::Result<T>) -> Result<T, Raise> {
        let ms = timeout.as_ms();
        let until = (ms >= 0).then(|| Instant::now() + Duration::from_millis(u64::from(ms.unsigned_abs())));
        loop {
            let left = until.map_or(SLICE_MS, |u| {
                i64::try_from(u.saturating_duration_since(Instant::now()).as_millis()).unwrap_or(SLICE_MS)
            });
            match call(Timeout::ms(left.min(SLICE_MS))) {
                Err(error) if is_passing(error.code) && left > 50 => {
                    // A leader is on its way: asking again at once would get the same answer.
                    std::thread::sleep(Duration::from_millis(50));
                    self.interp.check_cancel()?;
                }
                Err(error) if error.code == Code::TIMED_OUT && (left > SLICE_MS || until.is_none()) => {
                    self.interp.check_cancel()?;
                }
                other => return other.or_raise(),
            }
        }
    }

    fn let_go(&self, whole: bool) {
        if whole || self.is_last() {
            self.flush_out();
        }
        if self.is_last() {
            self.gone.set(true);
            self.discard();
        }
    }

    /// A call that is under way may keep a client for long that is gone: what still comes from it is for nobody. (Reports of
    /// messages that were given up are among it; those were counted.)
    fn discard(&self) {
        self.lower();
        self.recycler.rest();
        if self.client.inherited() {
            return; // its queue may be locked for ever
        }
        let main = self.main.borrow();
        while main.poll(Timeout::NONE).is_some() {}
    }

    /// Is no object left that holds this?
    fn is_last(&self) -> bool {
        Rc::strong_count(&self.shares) == 1
    }

    fn flush_out(&self) {
        if self.client.kind() != rdk::Kind::Producer || self.client.inherited() {
            return;
        }
        // The handle's deletion has waited already, in vain: the last topic's need not wait as long again. A deletion inside
        // a callback of one that is flushing has what is left of its time.
        let (outer, now) = (self.until.get(), Instant::now());
        let bound = match outer {
            Some(until) => until.saturating_duration_since(now),
            None if self.gave_up.get() => Duration::from_millis(100),
            None => exit::bound(),
        };
        self.until.set(outer.or_else(|| now.checked_add(bound)));
        let done = self
            .flush(Timeout::ms(i64::try_from(bound.as_millis()).unwrap_or(i64::MAX)))
            .is_ok_and(|left| left == 0);
        self.until.set(outer);
        if self.gone.get() {
            return; // a callback has deleted the last object, and told what was left
        }
        if !self.is_last() {
            // What is left is not lost: a topic still holds the client.
            self.gave_up.set(!done);
            return;
        }
        let mut left = 0;
        if !done {
            // Another thread may be ending the process, and counts all that is left.
            rdk::hold_if_closed();
            // Each of them still gets its report, which says that it was purged, if it does not arrive just now.
            self.closing.set(true);
            let _ = self.client.purge(true, true);
            left = self.flush(Timeout::ms(1000)).unwrap_or_else(|_| self.waiting());
        }
        exit::say_untold(&self.client.name(), Lost::unreported(left), " when it was deleted");
    }

    /// The cluster's metadata: asked once, kept for a second. With `fresh` it is asked in any case.
    pub fn metadata(&self, fresh: bool) -> Result<Rc<Metadata>, Raise> {
        if let Some((at, metadata)) = self.metadata.borrow().as_ref() {
            if !fresh && at.elapsed() < Duration::from_secs(1) {
                return Ok(metadata.clone());
            }
        }
        let metadata = Rc::new(self.patient(Timeout::ms(5000), |slice| self.client.metadata(None, slice))?);
        *self.metadata.borrow_mut() = Some((Instant::now(), metadata.clone()));
        Ok(metadata)
    }

    /// How many partitions a topic has; asked again if the topic is not in what is kept.
    ///
    /// # Errors
    /// No broker answers; the cluster has no such topic.
    pub fn partitions(&self, topic: &str) -> Result<usize, Raise> {
        for fresh in [false, true] {
            let metadata = self.metadata(fresh)?;
            if let Some(info) = metadata.topics.iter().find(|t| t.name == topic) {
                return Ok(info.partitions.len());
            }
        }
        let (code, detail) = (Code::UNKNOWN_TOPIC, format!("topic '{topic}' not found"));
        let message = fail::advised(&format!("kafka error: {detail}"), code.advice());
        let mut error = fail::refuse("metadata", code, detail, "");
        error.message = message;
        Err(error)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        tclstubs::fenced(|| {
            // What was drawn and never shown.
            for drawn in self.drawn.take() {
                if let Drawn::Report(_, lost) = drawn {
                    exit::calls(&self.client.name(), lost, true);
                }
            }
            #[cfg(feature = "plant")]
            plant::point("drop_Link");
        });
    }
}
