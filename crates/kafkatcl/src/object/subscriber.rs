//! Subscribers: members of a consumer group. It must not choose partitions by itself; the group or the script does. It is
//! long because a subscriber has no objects below it: what handles, topics and queues share out is here.

use crate::args::{self, Count, Data, FieldNames, Given, List, Number, Partition, Rest, Switch, Text, Wait};
use crate::exit;
use crate::fail::{self, OrRaise};
use crate::inlet::{draw_plain, Deadline, Inlet, Mark, Sieve, Taken};
use crate::link::{Link, Share};
use crate::object::handle::{add_brokers, checked_brokers, gone, set_log_level};
use crate::object::info;
use crate::object::master::Master;
use crate::pick::Field;
use crate::render::{Fields, Words};
use crate::settings::{Role, Settings};
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use rdk::{Code, Error, Event, EventKind, Message, Offset, PartitionList, Timeout};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;
use tclstubs::{keep, CommandRef, Interp, Obj, Raise, Timer};

/// How many messages may wait in a subscriber that has no callback and that nobody asks.
const STOCK: usize = 64;
/// How many it takes at the most, one a second, while it only shows the group that it is alive.
const STOCK_MOST: usize = 10_000;

/// A subscriber.
pub struct Subscriber {
    open: RefCell<Option<Open>>,
    command: RefCell<CommandRef>,
}

/// What is released when the command goes, in this order.
struct Open {
    /// Shows the group that the member is alive while nothing else happens.
    alive: Timer,
    inlet: Rc<Inlet>,
    link: Share,
}

impl Object for Subscriber {
    const KIND: &'static str = "subscriber";
    fn rows() -> &'static [Row<Subscriber>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let open = self.open.borrow_mut().take();
        if let Some(Open { alive, inlet, link }) = open {
            drop(alive);
            // What waits there is not shown any more, and as it does not count as seen, it is not committed either.
            inlet.close();
            drop(inlet);
            if !link.client().inherited() {
                // A thread that ends the process waits for this, or else leaves the group itself. No script runs meanwhile.
                if let Ok(_inside) = link.client().enter("delete") {
                    exit::close_group(link.client(), Instant::now() + exit::bound());
                }
            }
            link.release(false);
        }
    }
}

/// The sieve of a group: answers rebalances, and counts a message as seen when it goes to the script.
struct Group {
    client: rdk::Client,
    /// Do we store offsets (the script has not taken that over)?
    store: bool,
}

impl Group {
    fn revoked(&self, list: PartitionList) -> Taken {
        let cooperative = self.client.rebalance_protocol() == "COOPERATIVE";
        Taken::Revoked(cooperative.then_some(list))
    }

    fn draw_event(&self, words: &Words, event: &Event<'_>) -> Option<Taken> {
        match event.kind() {
            EventKind::Rebalance => {
                let revoked = exit::answer_rebalance(&self.client, event)?;
                Some(self.revoked(revoked))
            }
            _ => draw_plain(words, event),
        }
    }
}

impl Sieve for Group {
    fn draw(&self, words: &Words, event: Event<'_>) -> Option<Taken> {
        if event.kind() == EventKind::Message {
            return event.messages().next().map(|m| self.draw_message(words, &m));
        }
        self.draw_event(words, &event)
    }

    fn stores(&self) -> bool {
        self.store
    }

    fn hand_out(&self, message: &Message<'_>) {
        if self.store {
            // It fails only for a partition that has just been taken away; its new owner counts for itself.
            let _ = message.store_offset();
        }
    }

    fn draw_waiting(&self, words: &Words, event: Event<'_>) -> (Option<Taken>, Option<Mark>) {
        if event.kind() == EventKind::Message {
            if let Some(message) = event.messages().next() {
                let mark = Mark::of(&message);
                return (Some(Taken::Fields(Fields::of_message(words, &message))), Some(mark));
            }
        }
        (self.draw_event(words, &event), None)
    }

    fn seen(&self, mark: &Mark) {
        if self.store {
            let mut list = PartitionList::new();
            // The offset that is stored is the one to read next.
            if list
                .add(&mark.topic, mark.partition, Some(Offset::At(mark.offset + 1)))
                .is_ok()
            {
                let _ = self.client.store_offsets(&list);
            }
        }
    }
}

/// Makes a subscriber of a master.
pub fn create(interp: &Interp, name: &str, master: &Master, settings: &Settings) -> Outcome {
    let name = names::fresh(interp, name, &names::HANDLE)?;
    if settings.get("group.id").unwrap_or_default().is_empty() {
        return Err(fail::refuse(
            "subscriber",
            Code::UNKNOWN_GROUP,
            "a subscriber needs a group: set group.id with the master's config first",
            "",
        ));
    }
    let link = master.open(interp, Role::Subscriber, settings)?;
    let store = settings.stores_offsets();
    let most_ms = settings
        .get("max.poll.interval.ms")
        .and_then(|v| v.parse::<i32>().ok())
        .unwrap_or(300_000);
    let queue = link.client().consumer_queue().or_raise()?;
    let sieve = Group {
        client: link.client().clone(),
        store,
    };
    let idle = |inlet: &Inlet| inlet.stock(STOCK);
    let inlet = Inlet::new(interp, &link, queue, Box::new(sieve), Some(Box::new(idle)));
    inlet.listen();
    let alive = keep_alive(interp, &inlet, most_ms);
    #[cfg(feature = "plant")]
    plant::point("subscriber_new");
    let object = Rc::new(Subscriber {
        open: RefCell::new(Some(Open {
            alive,
            inlet,
            link: Share::of(link),
        })),
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, object.clone())?;
    *object.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

/// A look at the queue well below `max.poll.interval.ms`: a member whose topics are idle would be expelled otherwise.
/// The look comes from the event loop, so a script that is stuck is still found out.
fn keep_alive(interp: &Interp, inlet: &Rc<Inlet>, most_ms: i32) -> Timer {
    let weak = Rc::downgrade(inlet);
    let every = (most_ms / 4).clamp(10, 10_000);
    // Without a callback messages pile up and hide a rebalance behind them: one more is taken each second.
    let silent = every.min(1000);
    Timer::start(interp, silent, move || {
        let Some(inlet) = weak.upgrade() else { return every };
        let held = inlet.held();
        if inlet.callback().is_some() {
            inlet.listen();
            return every;
        }
        inlet.stock((held + 1).clamp(STOCK, STOCK_MOST));
        silent
    })
}

impl Subscriber {
    fn link(&self) -> Result<Rc<Link>, Raise> {
        self.open
            .borrow()
            .as_ref()
            .map(|o| Rc::clone(&o.link))
            .ok_or_else(|| gone("subscriber"))
    }
    fn inlet(&self) -> Result<Rc<Inlet>, Raise> {
        self.open
            .borrow()
            .as_ref()
            .map(|o| o.inlet.clone())
            .ok_or_else(|| gone("subscriber"))
    }
}

/// What a tuple must have, and what it may have.
#[derive(Clone, Copy, PartialEq)]
enum Need {
    Topic,
    Partition,
    Offset,
}

/// Is this word a regular expression alone? It is not taken apart: as a list it would lose its backslashes.
fn is_expression(word: &Obj) -> bool {
    word.starts_with(b'^') && word.elements().map_or(true, |parts| parts.len() == 1)
}

/// Reads tuples `topic ?partition? ?offset?`: one per word, or one word that is a list of them.
fn tuples(words: &[Obj], need: Need) -> Result<PartitionList, Raise> {
    let mut list = PartitionList::new();
    let single = match words {
        [word] if need == Need::Topic && is_expression(word) => None,
        [word] => {
            let parts = word.elements()?;
            // `{t 0 5}` is one tuple, `{t u}` and `{{t 0 5} {u 1 7}}` are lists of tuples: a tuple's second element is
            // a number, and its first is one word unless there is only that.
            let one = parts.len() > 1
                && parts.len() <= 3
                && parts[1].as_int().is_ok()
                && parts[0].elements().is_ok_and(|p| p.len() == 1);
            if one {
                None
            } else {
                Some(parts)
            }
        }
        _ => None,
    };
    for tuple in single.as_deref().unwrap_or(words) {
        if need == Need::Topic && is_expression(tuple) {
            list.add(&tuple.text(), -1, None).or_raise()?;
            continue;
        }
        let parts = tuple.elements()?;
        let bad = |why: &str| {
            Raise::new(
                format!(
                    "bad tuple \"{}\": {why}",
                    tuple.text().chars().take(150).collect::<String>()
                ),
                ["TCL", "VALUE", "TUPLE"],
            )
        };
        let topic = match parts.first() {
            Some(topic) if parts.len() <= 3 => topic.text(),
            _ => return Err(bad("must be a list of a topic, a partition and an offset")),
        };
        if topic.is_empty() {
            return Err(bad("the topic is empty"));
        }
        let partition = match parts.get(1) {
            Some(word) => {
                let least = if need == Need::Topic { -1 } else { 0 };
                let number = word.as_int()?;
                i32::try_from(number)
                    .ok()
                    .filter(|p| *p >= least)
                    .ok_or_else(|| bad("the partition is out of range"))?
            }
            None if need == Need::Topic => -1,
            None => return Err(bad("the partition is missing")),
        };
        let offset = match parts.get(2) {
            Some(word) => Some(args::offset(word)?),
            None if need == Need::Offset => return Err(bad("the offset is missing")),
            None => None,
        };
        let partition = if need == Need::Topic { -1 } else { partition };
        list.add(&topic, partition, offset).or_raise()?;
    }
    Ok(list)
}

fn plain(words: Rest<Data>) -> Vec<Obj> {
    words.0.into_iter().map(|w| w.0).collect()
}

const FIVE_SECONDS: Timeout = Timeout::ms(5000);

subcommands! { TABLE for Subscriber {
    /// Subscribes to topics: the group gives this member partitions of them. A topic that begins with `^` is a regular
    /// expression. The new subscription replaces the old one.
    ///
    /// *topics* are names, one per word or one list of them, at most 20,000; a tuple `{topic partition}` counts as its topic.
    /// An expression may be 1,024 bytes long, also when its repetitions are written out, has no back references, repeats
    /// nothing that can be empty (`(a*)*`), and has no long rows of anchors: others could take librdkafka's memory, stack or
    /// time. Without *topics*: returns the present subscription, a list of names.
    "subscribe" => fn(this, cx, topics: Rest<Data>) {
        let link = this.link()?;
        let words = plain(topics);
        if words.is_empty() {
            return render::value(render::topic_names(&link.client().subscription().or_raise()?));
        }
        let list = tuples(&words, Need::Topic)?;
        if list.is_empty() {
            return Err(fail::refuse("subscribe", Code::INVALID_ARG, "the list of topics is empty; use unsubscribe", ""));
        }
        link.client().subscribe(&list).or_raise()?;
        render::nothing()
    }

    /// Ends the subscription and leaves the group.
    "unsubscribe" => fn(this, cx) {
        let link = this.link()?;
        link.client().unsubscribe().or_raise()?;
        // Partitions that were assigned by hand stay, and go on behind what waits here. Those of a group are taken away by
        // an event, which has what waits forgotten.
        if link.client().assignment().map_or(true, |list| list.is_empty()) {
            this.inlet()?.forget();
        }
        render::nothing()
    }

    /// Assigns partitions by hand, without the group: tuples `{topic partition ?offset?}`, one per word or one list of
    /// them. Without an offset the member begins where the group stopped. Without *tuples*: clears the assignment.
    "assign" => fn(this, cx, tuples: Rest<Data>) {
        let link = this.link()?;
        let words = plain(tuples);
        let list = self::tuples(&words, Need::Partition)?;
        link.client().assign(if list.is_empty() { None } else { Some(&list) }).or_raise()?;
        this.inlet()?.forget();
        render::nothing()
    }

    /// The partitions that this member has now: a list of `{topic partition offset}`.
    "assignment" => fn(this, cx) {
        render::value(render::tuples(&this.link()?.client().assignment().or_raise()?))
    }

    /// Commits offsets: tuples `{topic partition offset}`, one per word or one list of them; the offset is the one to read
    /// next. Without *tuples*: what this member has seen of all its partitions.
    ///
    /// With `-async` it does not wait for the broker's answer; else *timeout* bounds the wait (default 8000 ms; the commit
    /// may still happen after it, `RD_KAFKA_RESP_ERR__TIMED_OUT`). Without `-async`
    /// it is an error if there is nothing to commit (`RD_KAFKA_RESP_ERR__NO_OFFSET`).
    "commit" => fn(this, cx, r#async: Switch, timeout: Given<Wait>, tuples: Rest<Data>) {
        let link = this.link()?;
        let words = plain(tuples);
        let list = if words.is_empty() { None } else { Some(self::tuples(&words, Need::Offset)?) };
        let deadline = Deadline::after(timeout.0.map_or(Timeout::ms(8000), |t| t.0));
        let inlet = this.inlet()?;
        let mut stopped = None;
        let done = link.client().commit_while(list.as_ref(), r#async.0, &mut || {
            stopped = cx.interp.check_cancel().err();
            // Where the group may not be used, only an event says so, and the broker's answer never comes.
            inlet.stock((inlet.held() + 1).min(STOCK_MOST));
            if let Some((code, text)) = inlet.refusal() {
                stopped = Some(fail::refuse("commit", code, text, code.advice()));
            }
            stopped.is_none() && !deadline.is_over()
        });
        match stopped {
            Some(stopped) => Err(stopped),
            None => { done.or_raise()?; render::nothing() }
        }
    }

    /// The next message as a list `payload partition offset timestamp topic`, and `key` if there is one; or an error as a
    /// list `error code message`. Waits up to *timeout* milliseconds (default 0; -1: for ever); empty when nothing came, or
    /// when the end of a partition was reached.
    "consume" => fn(this, cx, timeout: Option<Wait>) {
        let inlet = this.inlet()?;
        match inlet.take_within(timeout.map_or(Timeout::NONE, |t| t.0))? {
            Some(Taken::Fields(fields)) => render::value(fields.list(&render::words())),
            _ => render::nothing(),
        }
    }

    /// The values of *fields* of up to *count* messages, or of as many as come within *timeout* milliseconds (-1: for
    /// ever), one after the other in one list, fit for `foreach`: this is the fastest way to read.
    ///
    /// *fields* is a list of `payload`, `partition`, `offset`, `topic`, `timestamp`, `key` (default `payload`). What is
    /// returned counts as seen. A Kafka error is a Tcl error if it is the first to come; else the messages before it
    /// are returned.
    "consume_list" => fn(this, cx, timeout: Wait, count: Count, fields: Option<FieldNames>) {
        let fields = fields.map_or_else(|| vec![Field::Payload], |f| f.0);
        render::value(keep(this.inlet()?, |inlet| inlet.list(timeout.0, count.0, fields, false))?)
    }

    /// Hands each message to *callback* from the event loop, as one more word: a list as `consume` returns it.
    ///
    /// An empty *callback*, or `#none`, turns that off. Without *callback*: returns the present one, empty if there is none.
    "callback" => fn(this, cx, callback: Option<Data>) {
        let inlet = this.inlet()?;
        match callback {
            None => render::value(inlet.callback().map_or_else(Obj::empty, |c| c.source())),
            Some(word) => {
                let callback = if word.0.is("#none") { None } else { tclstubs::Prefix::take(&word.0)? };
                inlet.set_callback(callback);
                render::nothing()
            }
        }
    }

    /// The offsets of partitions: *tuples* `{topic partition}`, one per word or one list of them. Returns a list of `{topic
    /// partition offset}`: where this member stands, or with `-committed` what the group has committed; `invalid` where there
    /// is none.
    ///
    /// *timeout* bounds the wait for committed offsets (default 5000 ms).
    "offsets" => fn(this, cx, committed: Switch, timeout: Given<Wait>, tuples: Rest<Data>) {
        let link = this.link()?;
        let words = plain(tuples);
        if words.is_empty() {
            return Err(crate::table::arity());
        }
        let list = self::tuples(&words, Need::Partition)?;
        if committed.0 {
            let timeout = timeout.0.map_or(FIVE_SECONDS, |t| t.0);
            let found = link.patient(timeout, |slice| link.client().committed(list.clone(), slice))?;
            render::entry_error("committed", &found)?;
            render::value(render::tuples(&found))
        } else {
            let found = link.client().position(list).or_raise()?;
            // What waits here has been taken from librdkafka, but no script has seen it.
            let inlet = this.inlet()?;
            let mut shown = PartitionList::new();
            for e in found.iter() {
                let offset = inlet.first_held(&e.topic, e.partition).map_or(e.offset, Offset::At);
                shown.add(&e.topic, e.partition, Some(offset)).or_raise()?;
            }
            render::value(render::tuples(&shown))
        }
    }

    /// The first offset and the next one to be written of *partition* of *topic*: a list of two numbers.
    ///
    /// With `-cached` no broker is asked: what the last fetch said. *timeout* bounds the wait for the broker's answer
    /// (default 5000 ms).
    "watermarks" => fn(this, cx, cached: Switch, timeout: Given<Wait>, topic: Text, partition: Partition) {
        let link = this.link()?;
        let (low, high) = if cached.0 {
            link.client().cached_watermarks(&topic.0, partition.0).or_raise()?
        } else {
            let timeout = timeout.0.map_or(FIVE_SECONDS, |t| t.0);
            link.patient(timeout, |slice| link.client().watermarks(&topic.0, partition.0, slice))?
        };
        render::value(Obj::list([Obj::int(low), Obj::int(high)]))
    }

    /// Asks the cluster for its metadata again.
    "meta refresh" => fn(this, cx) {
        info::refresh(&*this.link()?)
    }

    /// Prints the cluster's metadata on the Tcl channel stdout.
    "meta print" => fn(this, cx) {
        info::print(cx.interp, &*this.link()?)
    }

    /// A list of the topics of the cluster.
    "info topics" => fn(this, cx) {
        info::topics(&*this.link()?)
    }

    /// A list of the brokers of the cluster, each as `host:port`.
    "info brokers" => fn(this, cx) {
        info::brokers(&*this.link()?)
    }

    /// How many partitions *topic* has. An unknown topic is an error.
    "info partitions" => fn(this, cx, topic: Text) {
        render::count(this.link()?.partitions(&topic.0)?)
    }

    /// librdkafka's name of the client, such as `rdkafka#consumer-1`.
    "name" => fn(this, cx) {
        render::text(&this.link()?.client().name())
    }

    /// Adds brokers to those that the client knows: *brokers* is a Tcl list, or text with commas, of `host` or `host:port`.
    "add_brokers" => fn(this, cx, brokers: List) {
        let link = this.link()?;
        add_brokers(&link, &checked_brokers(&brokers.0)?)?;
        render::nothing()
    }

    /// Sets the lowest *level* of log lines: `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info` or `debug`.
    "log_level" => fn(this, cx, level: Text) {
        let link = this.link()?;
        set_log_level(&link, &level.0)
    }

    /// Serves what waits for the error, statistics and log callbacks of this client, for scripts that do not enter the event
    /// loop, as a handle's `poll` does: waits up to *timeout* milliseconds (default 0) and returns how many were served.
    "poll" => fn(this, cx, timeout: Option<Wait>) {
        render::count(keep(this.link()?, |link| link.poll(timeout.map_or(Timeout::NONE, |t| t.0)))?)
    }

    /// Calls the master's error callback as if the client had met the error *code* (a number) with the text *reason*: for
    /// tests of error handling.
    "error" => fn(this, cx, code: Number, reason: Text) {
        let link = this.link()?;
        if !link.has_error_callback() {
            return Err(fail::refuse("error", Code::STATE, "the master has no error_callback", "set one before this subscriber is made"));
        }
        let error = Error {
            op: "error", code: Code(code.0), text: reason.0, fatal: false, retriable: false, abort: false,
        };
        keep(link, |link| link.inject_error(&error));
        render::nothing()
    }

    /// Leaves the group and deletes the subscriber and its command. What this member has seen is committed; messages that
    /// it has not handed to the script are not.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }
