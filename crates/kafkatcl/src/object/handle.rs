//! Handles: a producer or a consumer client, which makes topics and queues. It must not produce or consume itself.

use crate::args::{self, List, NewName, Number, Pairs, Text, Wait};
use crate::fail::{self, OrRaise};
use crate::link::{Link, Share};
use crate::object::master::{self, Master};
use crate::object::{info, queue, topic_consumer, topic_producer};
use crate::settings::{self, Role};
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use rdk::{Code, Kind, Timeout, TopicConfig};
use std::cell::RefCell;
use std::rc::Rc;
use tclstubs::{keep, CommandRef, Interp, Obj, Raise};

/// A producer or consumer handle.
pub struct Handle {
    link: RefCell<Option<Share>>,
    topic_config: RefCell<TopicConfig>,
    command: RefCell<CommandRef>,
}

impl Object for Handle {
    const KIND: &'static str = "handle";
    fn rows() -> &'static [Row<Handle>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let link = self.link.borrow_mut().take();
        if let Some(link) = link {
            link.release(true);
        }
    }
}

/// Makes a handle of a master.
pub fn create(interp: &Interp, name: &str, master: &Master, role: Role) -> Outcome {
    let name = names::fresh(interp, name, &names::HANDLE)?;
    let link = master.open(interp, role, &master.settings)?;
    let handle = Rc::new(Handle {
        link: RefCell::new(Some(Share::of(link))),
        topic_config: RefCell::new(master.settings.topic_config()),
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, handle.clone())?;
    *handle.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

/// Brokers as librdkafka wants them; an empty list is an error.
pub fn checked_brokers(word: &Obj) -> Result<String, Raise> {
    let list = settings::broker_list(word)?;
    if list.is_empty() {
        return Err(Raise::new(
            "Broker list must contain at least one element",
            ["TCL", "VALUE", "BROKERS"],
        ));
    }
    Ok(list)
}

/// Adds brokers to a running client.
pub fn add_brokers(link: &Link, list: &str) -> Result<(), Raise> {
    if link.client().add_brokers(list).or_raise()? > 0 {
        return Ok(());
    }
    let mut raised = fail::refuse("add_brokers", Code::INVALID_ARG, "no valid broker", "");
    raised.message = format!("No valid brokers specified: \"{list}\"; write host:port, with commas between several");
    Err(raised)
}

/// The names of the log levels, 0 to 7.
pub const LOG_LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];

/// Sets a client's log level by name.
pub fn set_log_level(link: &Link, level: &str) -> Outcome {
    let level = args::choose("logLevel", level, &LOG_LEVELS)?;
    let number = LOG_LEVELS.iter().position(|l| *l == level).unwrap_or(6);
    link.client().set_log_level(i32::try_from(number).unwrap_or(6));
    render::nothing()
}

/// The error of a call on an object whose client is gone.
pub fn gone(what: &'static str) -> Raise {
    fail::refuse(what, Code::STATE, "the object has been deleted", "make a new one")
}

impl Handle {
    /// The running client.
    pub fn link(&self) -> Result<Rc<Link>, Raise> {
        self.link
            .borrow()
            .as_ref()
            .map(|share| Rc::clone(share))
            .ok_or_else(|| gone("handle"))
    }

    fn producer(&self, op: &'static str) -> Result<Rc<Link>, Raise> {
        let link = self.link()?;
        if link.client().kind() == Kind::Producer {
            Ok(link)
        } else {
            Err(fail::refuse(
                op,
                Code::INVALID_ARG,
                format!("{op} is for producer handles; this is a consumer handle"),
                "make one with the master's producer_creator",
            ))
        }
    }
}

subcommands! { TABLE for Handle {
    /// librdkafka's name of the client, such as `rdkafka#producer-1`.
    "name" => fn(this, cx) {
        render::text(&this.link()?.client().name())
    }

    /// Makes a topic object *name* (or `#auto`) for the topic *topic*: a topic producer from a producer handle, a topic
    /// consumer from a consumer handle. Its topic settings are those of this handle now. The cluster is not asked. Returns
    /// the full name of the command.
    "new_topic" => fn(this, cx, name: NewName, topic: Text) {
        let link = this.link()?;
        let config = this.topic_config.borrow().duplicate();
        match link.client().kind() {
            Kind::Producer => topic_producer::create(cx.interp, &name.0, &topic.0, this, link, config),
            Kind::Consumer => topic_consumer::create(cx.interp, &name.0, &topic.0, this, link, config),
        }
    }

    /// Sets the lowest *level* of log lines: `emerg`, `alert`, `crit`, `err`, `warning`, `notice`, `info` or `debug`.
    "log_level" => fn(this, cx, level: Text) {
        let link = this.link()?;
        set_log_level(&link, &level.0)
    }

    /// Adds brokers to those that the client knows: *brokers* is a Tcl list, or text with commas, of `host` or `host:port`
    /// (default port 9092).
    "add_brokers" => fn(this, cx, brokers: List) {
        let link = this.link()?;
        add_brokers(&link, &checked_brokers(&brokers.0)?)?;
        render::nothing()
    }

    /// Makes a queue object *name* (or `#auto`), into which topic consumers of this handle can lead any number of
    /// partitions. Returns the full name of the command.
    "create_queue" => fn(this, cx, name: NewName) {
        queue::create(cx.interp, &name.0, this, this.link()?)
    }

    /// How many messages wait to be sent, to be acknowledged by a broker, or to be reported.
    "output_queue_length" => fn(this, cx) {
        render::count(this.link()?.waiting())
    }

    /// Asks the cluster for its metadata again.
    "meta refresh" => fn(this, cx) {
        info::refresh(&*this.link()?)
    }

    /// Prints the cluster's metadata on the Tcl channel stdout: brokers, topics, partitions, leaders, replicas.
    "meta print" => fn(this, cx) {
        info::print(cx.interp, &*this.link()?)
    }

    /// A list of the topics of the cluster. Asked once and kept for a second, as all `info` and `meta` do; waits at most
    /// 5 seconds for an answer.
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

    /// The topic settings of topics that this handle will make, copied from the master when the handle was made.
    ///
    /// Without arguments: a list of all topic properties and values. With pairs: sets each *key* to its *value*; when one
    /// pair is refused, none is set.
    "config" => fn(this, cx, pairs: Pairs) {
        if pairs.0.is_empty() {
            return render::value(render::pairs(this.topic_config.borrow().dump()));
        }
        let changed = settings::changed(&this.topic_config.borrow(), &pairs.0)?;
        *this.topic_config.borrow_mut() = changed;
        render::nothing()
    }

    /// Selects how a message without a given partition finds one, for topics that this handle will make. The choices of
    /// *partitioner* are those of the master's `partitioner`.
    "partitioner" => fn(this, cx, partitioner: Text) {
        let pair = master::partitioner_pair(&partitioner.0)?;
        let changed = settings::changed(&this.topic_config.borrow(), &[pair])?;
        *this.topic_config.borrow_mut() = changed;
        render::nothing()
    }

    /// Serves what waits for the callbacks of this client (reports, errors, statistics, log lines): for scripts that do not
    /// enter the event loop. Returns how many events were served.
    ///
    /// Waits up to *timeout* milliseconds for the first one; without *timeout*, or with 0, not at all; with -1 for ever.
    "poll" => fn(this, cx, timeout: Option<Wait>) {
        render::count(keep(this.link()?, |link| link.poll(timeout.map_or(Timeout::NONE, |t| t.0)))?)
    }

    /// Waits until every message that was produced is delivered or has failed, at most *timeout* milliseconds (-1: for
    /// ever; default: `kafka::kafka flush_timeout`). Delivery reports are called back meanwhile. Returns how many messages
    /// are left: 0 when all is done.
    "flush" => fn(this, cx, timeout: Option<Wait>) {
        let bound = i64::try_from(crate::exit::bound().as_millis()).unwrap_or(i64::MAX);
        let timeout = timeout.map_or(Timeout::ms(bound), |t| t.0);
        render::count(keep(this.producer("flush")?, |link| link.flush(timeout))?)
    }

    /// Raises a fatal error in the client, as a broker's refusal would: for tests of error handling. *code* is the number
    /// of the error, *reason* its text.
    "test_fatal_error" => fn(this, cx, code: Number, reason: Text) {
        this.link()?.client().test_fatal_error(Code(code.0), &reason.0).or_raise()?;
        render::nothing()
    }

    /// Deletes the handle and its command. A producer's messages are flushed first, within `kafka::kafka flush_timeout`;
    /// what could not be delivered is counted on stderr. Topics and queues that it has made keep the client alive.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }
