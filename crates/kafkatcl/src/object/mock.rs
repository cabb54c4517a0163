//! The embedded cluster as a command: for demos, first steps, and users' own tests. It must not be needed by any other
//! object: they only see its addresses.

use crate::args::{Count, Millis, Number, Rest, Text};
use crate::fail::OrRaise;
use crate::object::handle::gone;
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use rdk::{Code, MockCluster};
use std::cell::RefCell;
use std::rc::Rc;
use tclstubs::{CommandRef, Interp, Obj, Raise};

/// An embedded cluster.
pub struct Mock {
    cluster: RefCell<Option<Rc<MockCluster>>>,
    command: RefCell<CommandRef>,
}

impl Object for Mock {
    const KIND: &'static str = "mock";
    fn rows() -> &'static [Row<Mock>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let cluster = self.cluster.borrow_mut().take();
        drop(cluster);
    }
}

/// Starts a cluster.
pub fn create(interp: &Interp, name: &str, brokers: i32) -> Outcome {
    let name = names::fresh(interp, name, &names::MOCK)?;
    if !(1..=16).contains(&brokers) {
        return Err(Raise::new(
            format!("brokers must be between 1 and 16, not {brokers}"),
            ["TCL", "VALUE", "NUMBER"],
        ));
    }
    let cluster = MockCluster::create(brokers as usize).or_raise()?;
    // librdkafka's three seconds are for data centres; here a group should be there at once.
    cluster.group_initial_rebalance_delay(100).or_raise()?;
    let mock = Rc::new(Mock {
        cluster: RefCell::new(Some(Rc::new(cluster))),
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, mock.clone())?;
    *mock.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

impl Mock {
    fn cluster(&self) -> Result<Rc<MockCluster>, Raise> {
        self.cluster.borrow().clone().ok_or_else(|| gone("mock"))
    }
}

/// The number of a request type: its name in Kafka's protocol, or the number itself.
fn request(word: &str) -> Result<i16, Raise> {
    match rdk::api_key(word).or_else(|| word.parse::<i16>().ok().filter(|n| *n >= 0)) {
        Some(key) => Ok(key),
        None => {
            let names: Vec<&str> = rdk::api_names().iter().map(|n| n.0).collect();
            Err(Raise::bad_choice("request", word, &names))
        }
    }
}

/// An error code by name, with or without librdkafka's prefix, or by number.
fn code(word: &str) -> Result<Code, Raise> {
    let by_name = Code::from_name(word).or_else(|| Code::from_name(&format!("RD_KAFKA_RESP_ERR_{word}")));
    by_name.or_else(|| word.parse::<i32>().ok().map(Code)).ok_or_else(|| {
        Raise::new(
            format!("bad error code \"{word}\": must be a name of \"kafka::kafka errors\" or a number"),
            ["TCL", "LOOKUP", "INDEX", "error", word],
        )
    })
}

subcommands! { TABLE for Mock {
    /// The addresses of the brokers, `host:port` separated by commas: for `bootstrap.servers` or `add_brokers`.
    "bootstrap_servers" => fn(this, cx) {
        render::text(&this.cluster()?.bootstrap_servers())
    }

    /// Makes the topic *topic* with *partitions* partitions (1 to 10000), each on *replication* brokers (default 1). A topic
    /// that nobody has made appears with 4 partitions when it is first used.
    "create_topic" => fn(this, cx, topic: Text, partitions: Number, replication: Option<Number>) {
        this.cluster()?.create_topic(&topic.0, partitions.0, replication.map_or(1, |r| r.0)).or_raise()?;
        render::nothing()
    }

    /// Sets the broker *id* (1 and up; -1: all) down: its connections are closed and new ones refused.
    "broker_set_down" => fn(this, cx, id: Number) {
        this.cluster()?.broker_down(id.0).or_raise()?;
        render::nothing()
    }

    /// Sets the broker *id* (1 and up; -1: all) up again.
    "broker_set_up" => fn(this, cx, id: Number) {
        this.cluster()?.broker_up(id.0).or_raise()?;
        render::nothing()
    }

    /// Delays every answer of the broker *id* (1 and up; -1: all) by *rtt* milliseconds; 0 ends that.
    "broker_set_rtt" => fn(this, cx, id: Number, rtt: Millis) {
        this.cluster()?.set_rtt(id.0, rtt.0).or_raise()?;
        render::nothing()
    }

    /// Says that the broker *id* stands in the rack *rack*.
    "broker_set_rack" => fn(this, cx, id: Number, rack: Text) {
        this.cluster()?.set_rack(id.0, &rack.0).or_raise()?;
        render::nothing()
    }

    /// Lets the broker *id* (1 and up) name *host* and *port* (1 to 65535) as its address when a client asks where the brokers
    /// are: a proxy or a TLS terminator of yours stands there.
    ///
    /// The broker itself stays where it was, and `bootstrap_servers` still says where: that is what the proxy connects to.
    "broker_set_host_port" => fn(this, cx, id: Number, host: Text, port: Number) {
        this.cluster()?.set_host_port(id.0, &host.0, port.0).or_raise()?;
        render::nothing()
    }

    /// Answers the next requests of type *request* with these *errors*, one each, whatever broker gets them.
    ///
    /// *request* is a name of Kafka's protocol, such as `Produce`, `Fetch` or `JoinGroup`, or its number; an error is a name
    /// such as `RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION` (its prefix may be left out), or a number.
    /// `RD_KAFKA_RESP_ERR__TRANSPORT` closes the connection. Answers of type `Metadata` have no error of their own: see
    /// `topic_set_error`.
    "push_request_errors" => fn(this, cx, request: Text, errors: Rest<Text>) {
        let key = self::request(&request.0)?;
        let codes = errors.0.iter().map(|e| code(&e.0)).collect::<Result<Vec<Code>, Raise>>()?;
        this.cluster()?.push_errors(key, &codes).or_raise()?;
        render::nothing()
    }

    /// Forgets the errors that were pushed for requests of type *request*.
    "clear_request_errors" => fn(this, cx, request: Text) {
        this.cluster()?.clear_errors(self::request(&request.0)?).or_raise()?;
        render::nothing()
    }

    /// Makes the broker *id* (1 and up) the leader of *partition* of *topic*.
    "partition_set_leader" => fn(this, cx, topic: Text, partition: Count, id: Number) {
        let partition = i32::try_from(partition.0).unwrap_or(i32::MAX);
        this.cluster()?.set_leader(&topic.0, partition, id.0).or_raise()?;
        render::nothing()
    }

    /// Makes the broker *id* the coordinator of *key*: a group (*kind* `group`) or a transactional id (`transaction`).
    "coordinator_set" => fn(this, cx, kind: Text, key: Text, id: Number) {
        crate::args::choose("kind", &kind.0, &["group", "transaction"])?;
        this.cluster()?.set_coordinator(&kind.0, &key.0, id.0).or_raise()?;
        render::nothing()
    }

    /// Every use of *topic* is answered with the error *code* from now on; `NO_ERROR` ends that.
    "topic_set_error" => fn(this, cx, topic: Text, code: Text) {
        this.cluster()?.set_topic_error(&topic.0, self::code(&code.0)?).or_raise()?;
        render::nothing()
    }

    /// How long a new group waits for more members: *delay* milliseconds. The default is 100.
    "group_initial_rebalance_delay_ms" => fn(this, cx, delay: Millis) {
        this.cluster()?.group_initial_rebalance_delay(delay.0).or_raise()?;
        render::nothing()
    }

    /// Begins to keep a list of the requests that the brokers get, from now on.
    "start_request_tracking" => fn(this, cx) {
        this.cluster()?.start_tracking().or_raise()?;
        render::nothing()
    }

    /// Ends the list of requests.
    "stop_request_tracking" => fn(this, cx) {
        this.cluster()?.stop_tracking().or_raise()?;
        render::nothing()
    }

    /// The requests that were got since tracking began: a list of `{broker request}`, with the names of Kafka's protocol.
    "get_requests" => fn(this, cx) {
        let requests = this.cluster()?.requests().or_raise()?;
        render::value(Obj::list(requests.iter().map(|r| {
            let name = rdk::api_names().iter().find(|n| n.1 == r.api_key).map_or_else(|| r.api_key.to_string(), |n| n.0.to_string());
            Obj::list([Obj::int(i64::from(r.broker)), Obj::text_of(&name)])
        })))
    }

    /// Stops the brokers and deletes the command. Clients that are still connected see their brokers go down.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }
