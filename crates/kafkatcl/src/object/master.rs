//! The master: settings and callbacks that future clients inherit. It must not talk to brokers.

use crate::args::{Callback, Count, Given, List, NewName, PairList, Pairs, Text};
use crate::fail::refuse;
use crate::link::{Link, Logger, Routes, Stores};
use crate::object::{handle, subscriber};
use crate::settings::{Role, Settings};
use crate::table::{Object, Outcome, Row};
use crate::{args, exit, names, render, subcommands};
use rdk::{Client, Code, Delivery, Kind, LogTo, Partitioner, Wants};
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use tclstubs::{CommandRef, Interp, Prefix, Raise};

/// A master.
pub struct Master {
    /// What clients inherit.
    pub settings: Settings,
    routes: Rc<Routes>,
    clients: RefCell<Vec<Weak<Link>>>,
    command: RefCell<CommandRef>,
}

impl Object for Master {
    const KIND: &'static str = "master";
    fn rows() -> &'static [Row<Master>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {}
}

/// Makes a master.
pub fn create(interp: &Interp, name: &str) -> Result<(), Raise> {
    let master = Rc::new(Master {
        settings: Settings::new(),
        routes: Rc::new(Routes::new()),
        clients: RefCell::new(Vec::new()),
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, name, master.clone())?;
    *master.command.borrow_mut() = command;
    Ok(())
}

impl Master {
    /// Opens a client with these settings and the callbacks as they are now.
    pub fn open(&self, interp: &Interp, role: Role, settings: &Settings) -> Result<Rc<Link>, Raise> {
        use crate::fail::OrRaise;
        let kind = if role == Role::Producer {
            Kind::Producer
        } else {
            Kind::Consumer
        };
        let (config, topic_config) = settings.for_client(role)?;
        check_token_source(settings)?;
        let reports = self.routes.delivery.borrow().is_some();
        let wants_statistics = self.routes.statistics.borrow().is_some();
        let wants = Wants {
            delivery: match (role, reports) {
                (Role::Producer, true) => Delivery::All,
                // Failures are counted even when nobody asks for reports.
                (Role::Producer, false) => Delivery::FailuresOnly,
                _ => Delivery::None,
            },
            errors: self.routes.error.borrow().is_some() || role == Role::Subscriber,
            statistics: wants_statistics,
            rebalance: role == Role::Subscriber,
            // Leaving a group waits for the answer to its last commit.
            commits: role == Role::Subscriber,
            log: match &*self.routes.logger.borrow() {
                Logger::Stderr => LogTo::Stderr,
                Logger::Syslog => LogTo::Syslog,
                Logger::None => LogTo::None,
                Logger::Callback(_) => LogTo::Queue,
            },
        };
        let client = Client::open(kind, config, topic_config, wants).or_raise()?;
        if role == Role::Producer {
            exit::producing();
        }
        let stores = match (settings.stores_offsets(), wants_statistics) {
            (false, _) => Stores::Nothing,
            (true, false) => Stores::Committed,
            (true, true) => Stores::All,
        };
        let link = Link::new(interp, client, &self.routes, stores)?;
        let mut clients = self.clients.borrow_mut();
        clients.retain(|c| c.strong_count() > 0);
        clients.push(Rc::downgrade(&link));
        Ok(link)
    }

    fn set_logger(&self, logger: Logger) -> Outcome {
        *self.routes.logger.borrow_mut() = logger;
        render::nothing()
    }
}

/// librdkafka would wait for a token in silence, for ever.
fn check_token_source(settings: &Settings) -> Result<(), Raise> {
    let get = |name| settings.get(name).unwrap_or_default();
    let wanted = get("security.protocol").starts_with("sasl") && get("sasl.mechanisms") == "OAUTHBEARER";
    if wanted && get("sasl.oauthbearer.method") != "oidc" && get("enable.sasl.oauthbearer.unsecure.jwt") != "true" {
        return Err(refuse(
            "open",
            Code::INVALID_ARG,
            "OAUTHBEARER has no source of tokens: set sasl.oauthbearer.method to oidc, or for tests \
             enable.sasl.oauthbearer.unsecure.jwt to true",
            "",
        ));
    }
    Ok(())
}

fn set_route(route: &RefCell<Option<Prefix>>, callback: Callback) -> Outcome {
    *route.borrow_mut() = callback.0;
    render::nothing()
}

subcommands! { TABLE for Master {
    /// The settings of future clients.
    ///
    /// Without arguments: a list of all properties and values, fit for `array set`; passwords and keys show as
    /// `[redacted]`. With pairs: sets each *key* to its *value*; when one pair is refused, none is set. Any property of
    /// librdkafka works; a topic property goes to the topic settings.
    ///
    /// Handles and subscribers take a copy when they are made: later changes do not reach them.
    "config" => fn(this, cx, pairs: Pairs) {
        if pairs.0.is_empty() {
            return render::value(render::pairs(this.settings.list()));
        }
        this.settings.set(&pairs.0)?;
        render::nothing()
    }

    /// Makes a producer handle: a client that sends, with the settings and callbacks as they are now. *name* is the name
    /// of its command, or `#auto`. Returns the full name of the command.
    "producer_creator" | "create_producer" => fn(this, cx, name: NewName) {
        handle::create(cx.interp, &name.0, this, Role::Producer)
    }

    /// Makes a consumer handle: a client whose topic consumers and queues read partitions that the script chooses. *name*
    /// is the name of its command, or `#auto`. Returns the full name of the command.
    "consumer_creator" | "create_consumer" => fn(this, cx, name: NewName) {
        handle::create(cx.interp, &name.0, this, Role::Consumer)
    }

    /// Makes a subscriber: a member of a consumer group, which reads the partitions that the group gives it. *name* is
    /// the name of its command, or `#auto`. Set `group.id` and `bootstrap.servers` with `config` first. Returns the full
    /// name of the command.
    ///
    /// Where the script has set nothing else, a new group begins at the earliest message. *config* is a list of properties
    /// and values for this subscriber alone, over those of the master.
    "subscriber" => fn(this, cx, name: NewName, config: Given<PairList>) {
        let settings = this.settings.with(&config.0.map(|c| c.0).unwrap_or_default())?;
        subscriber::create(cx.interp, &name.0, this, &settings)
    }

    /// The topic settings of future handles.
    ///
    /// Without arguments: a list of all topic properties and values. With pairs: sets each *key* to its *value*; when one
    /// pair is refused, none is set.
    "topic_config" => fn(this, cx, pairs: Pairs) {
        if pairs.0.is_empty() {
            return render::value(render::pairs(this.settings.list_topic()));
        }
        this.settings.set_topic(&pairs.0)?;
        render::nothing()
    }

    /// Adds *brokers* to the list that clients begin with: a Tcl list, or text with commas, of `host` or `host:port`. Clients
    /// that this master has made already get them, too.
    "add_brokers" => fn(this, cx, brokers: List) {
        let list = handle::checked_brokers(&brokers.0)?;
        this.settings.add_brokers(&list)?;
        let clients: Vec<Rc<Link>> = this.clients.borrow().iter().filter_map(Weak::upgrade).collect();
        for link in clients {
            handle::add_brokers(&link, &list)?;
        }
        render::nothing()
    }

    /// Selects how a message without a given partition finds one, for topics of handles that are made from now on.
    ///
    /// *partitioner* is `random` (any partition), `consistent` (CRC32 of the key; no key counts as an empty one),
    /// `consistent_random` (librdkafka's default: as consistent, random without a key), `murmur2` (as Java clients do, no
    /// key counts as an empty one), `murmur2_random` (as Java clients do), `fnv1a` or `fnv1a_random`.
    "partitioner" => fn(this, cx, partitioner: Text) {
        this.settings.set_topic(&[partitioner_pair(&partitioner.0)?])?;
        render::nothing()
    }

    /// Calls *command* with one more word for delivery reports: a list of names and values.
    ///
    /// For a delivered message: `payload partition offset timestamp topic`, and `key` if there is one. For one that could
    /// not be delivered: `error code message topic partition offset`, `key` if there is one, and `payload`. Failures are
    /// always reported, whatever `every` says. Reports come in order, once each.
    ///
    /// It holds for producer handles that are made from now on. An empty *command* turns the callback off.
    "delivery_report callback" | "delivery_report_callback" => fn(this, cx, command: Callback) {
        set_route(&this.routes.delivery, command)
    }

    /// Shows the next delivery report, whatever `every` says: to learn an offset now and then.
    "delivery_report sample" => fn(this, cx) {
        this.routes.sampling.sample();
        render::nothing()
    }

    /// Shows only the first and then each *count*th delivery report; 0 shows none but sampled ones and failures. Default 1:
    /// all. Without *count*: returns the setting.
    "delivery_report every" => fn(this, cx, count: Option<Count>) {
        match count {
            Some(count) => { this.routes.sampling.set_every(count.0 as u64); render::nothing() }
            None => render::int(i64::try_from(this.routes.sampling.every()).unwrap_or(i64::MAX)),
        }
    }

    /// Calls *command* with one more word when a client meets an error (brokers down, authentication failed): a list `err
    /// number reason text error text code name message text`.
    ///
    /// It holds for clients that are made from now on. An empty *command* turns the callback off.
    "error_callback" => fn(this, cx, command: Callback) {
        set_route(&this.routes.error, command)
    }

    /// Calls *command* with one more word, the statistics as JSON, every `statistics.interval.ms` (set it with `config`).
    ///
    /// It holds for clients that are made from now on. An empty *command* turns the callback off.
    "statistics_callback" => fn(this, cx, command: Callback) {
        set_route(&this.routes.statistics, command)
    }

    /// Sends the log lines of clients that are made from now on to the system log.
    "logger syslog" => fn(this, cx) {
        this.set_logger(Logger::Syslog)
    }

    /// Sends the log lines of clients that are made from now on to stderr. This is the default.
    "logger stderr" => fn(this, cx) {
        this.set_logger(Logger::Stderr)
    }

    /// Drops the log lines of clients that are made from now on.
    "logger none" => fn(this, cx) {
        this.set_logger(Logger::None)
    }

    /// Calls *command* with one more word for each log line: a list `level number facility name message text`. The level
    /// goes from 0 (emergency) to 7 (debug). An empty *command* is the same as `logger none`.
    ///
    /// It holds for clients that are made from now on, and replaces the callback of those that log to one already.
    "logger callback" => fn(this, cx, command: Callback) {
        this.set_logger(command.0.map_or(Logger::None, Logger::Callback))
    }

    /// Deletes the master and its command. Handles and subscribers that it has made live on.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }

/// The topic property of a partitioner's name.
pub fn partitioner_pair(name: &str) -> Result<(String, String), Raise> {
    let name = args::choose("suboption", name, &Partitioner::NAMES)?;
    Ok(("partitioner".to_string(), name.to_string()))
}
