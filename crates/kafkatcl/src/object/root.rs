//! `::kafka::kafka`, the root command: what is not about one client. It must not hold state.

use crate::args::{Flag, Given, Millis, NewName, Number, Text};
use crate::object::{master, mock};
use crate::table::{Object, Row};
use crate::{exit, fail, names, render, subcommands};
use rdk::Code;
use std::rc::Rc;
use tclstubs::{CommandRef, Interp, Obj, Raise};

/// The root command.
pub struct Root;

impl Object for Root {
    const KIND: &'static str = "kafka";
    fn rows() -> &'static [Row<Root>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {}
}

/// Makes `::kafka::kafka`.
pub fn create(interp: &Interp) -> Result<CommandRef, Raise> {
    names::install(interp, "::kafka::kafka", Rc::new(Root))
}

subcommands! { TABLE for Root {
    /// The version of librdkafka inside this package, such as `2.12.1`.
    "version" => fn(this, cx) {
        render::text(rdk::version())
    }

    /// Makes a kafka object: a master, which holds settings and callbacks and makes handles and subscribers.
    ///
    /// With `#auto` as *name* the command gets a unique name such as `kafka_object0`. Returns the name as given.
    "create" => fn(this, cx, name: NewName) {
        let name = names::fresh(cx.interp, &name.0, &names::OBJECT)?;
        master::create(cx.interp, &name)?;
        render::text(&name)
    }

    /// Starts an embedded cluster of *brokers* brokers (1 to 16, default 1) in this process and makes a command *name*
    /// that controls it. Clients reach it through the addresses that its `bootstrap_servers` returns.
    ///
    /// It speaks Kafka's protocol and needs nothing else, but it is no storage: it keeps at most 100,000 messages or
    /// 5 MiB per partition. After the last member has left a group, the next one waits as long as its
    /// `session.timeout.ms`: set that low (6000) in tests that come back to a group. Returns the full name of the command.
    "mock create" => fn(this, cx, name: NewName, brokers: Given<Number>) {
        mock::create(cx.interp, &name.0, brokers.0.map_or(1, |n| n.0))
    }

    /// Starts an embedded cluster of *brokers* brokers under a unique name and returns that name, as `mock create #auto`
    /// does.
    "mock new" => fn(this, cx, brokers: Given<Number>) {
        mock::create(cx.interp, "#auto", brokers.0.map_or(1, |n| n.0))
    }

    /// How long, in milliseconds, `delete` of a producer handle and the end of the process may wait until messages are
    /// delivered. Default 10000. With *timeout* the setting is changed, for the whole process.
    ///
    /// What is not delivered by then is counted in a line on stderr.
    "flush_timeout" => fn(this, cx, timeout: Option<Millis>) {
        match timeout {
            Some(timeout) => { exit::set_bound(timeout.0); render::nothing() }
            None => render::int(i64::try_from(exit::bound().as_millis()).unwrap_or(i64::MAX)),
        }
    }

    /// Does a signal that ends the process wait for producers, as `exit` does? With *boolean* the setting is changed, for the
    /// whole process; default 1.
    ///
    /// It is about SIGTERM, SIGINT and SIGHUP, from the first producer handle on, and only where they would kill the
    /// process: a signal that is ignored (`nohup`) or that an extension handles stays as it is. Messages are flushed and
    /// groups left within `flush_timeout`, whatever the script is doing; `produce` does not return meanwhile, and no callback
    /// is told. What was not delivered is counted on stderr, and then the signal kills. A second signal, half a
    /// second later or more, kills at once.
    /// What Tcl's channels still hold is lost, as with any signal.
    "flush_on_signal" => fn(this, cx, boolean: Option<Flag>) {
        match boolean {
            Some(flag) => {
                exit::set_on_signal(flag.0).map_err(|e| {
                    fail::refuse("flush_on_signal", Code::CRIT_SYS_RESOURCE, format!("no thread to wait for signals: {e}"), Code::CRIT_SYS_RESOURCE.advice())
                })?;
                render::nothing()
            }
            None => render::int(i64::from(exit::on_signal())),
        }
    }

    /// All error codes that librdkafka knows, as a list of `{name number text advice retriable}`. The name is the second
    /// word of `errorCode` and the element `code` of error lists.
    ///
    /// `advice` is what to do next; messages of Tcl errors end with it. `retriable` is `yes` if the same call, or sending the
    /// same message, can succeed later without a change: for brokers' answers as Apache Kafka says it, for the others as
    /// librdkafka treats them.
    "errors" => fn(this, cx) {
        render::value(Obj::list(Code::all().iter().map(|row| {
            let number = row.code.0.to_string();
            let retriable = if row.retriable { "yes" } else { "no" };
            Obj::texts([row.name.as_str(), &number, &row.text, row.advice, retriable])
        })))
    }

    /// The librdkafka objects that are alive in this process, as a list of kinds and counts. Empty when everything has
    /// been deleted. For tests.
    "live" => fn(this, cx) {
        render::value(Obj::list(rdk::live().into_iter().flat_map(|(kind, count)| {
            [Obj::text_of(kind), Obj::int(i64::try_from(count).unwrap_or(i64::MAX))]
        })))
    }

    /// The tables of subcommands: a dictionary from the kind of object (*kind* names one) to a list of dictionaries with
    /// the keys `name usage aliases doc params`. The reference pages are made from it.
    "describe" => fn(this, cx, kind: Option<Text>) {
        let tables = crate::object::tables();
        match kind {
            None => render::value(Obj::list(tables.into_iter().flat_map(|(k, t)| [Obj::text_of(k), t]))),
            Some(kind) => {
                let kinds: Vec<&str> = tables.iter().map(|t| t.0).collect();
                let kind = crate::args::choose("kind", &kind.0, &kinds)?;
                let found = tables.into_iter().find(|t| t.0 == kind).map(|t| t.1);
                render::value(found.unwrap_or_else(Obj::empty))
            }
        }
    }
} }
