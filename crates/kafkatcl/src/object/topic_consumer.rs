//! Topic consumers: reading partitions of one topic that the script chooses. It must not know groups.

use crate::args::{Array, Body, Callback, Count, Data, FieldNames, Pairs, Partition, Start, Text, Wait};
use crate::checks::Looked;
use crate::fail::{self, OrRaise};
use crate::inlet::{self, Inlet};
use crate::link::{Link, Share};
use crate::object::handle::{gone, Handle};
use crate::object::info;
use crate::object::queue::QueueObject;
use crate::object::topic_producer::{ask_creator, fixed_config};
use crate::pick::Field;
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use rdk::{Code, Offset, Topic, TopicConfig};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};
use tclstubs::{keep, CommandRef, Interp, Obj, Raise, Reply};

/// A topic consumer.
pub struct TopicConsumer {
    open: RefCell<Option<Open>>,
    /// The partitions that are being consumed.
    started: RefCell<BTreeMap<i32, Started>>,
    looked: Looked,
    creator: Weak<Handle>,
    config: TopicConfig,
    command: RefCell<CommandRef>,
}

/// What is released when the command goes: the topic first, then the client.
struct Open {
    topic: Rc<Topic>,
    link: Share,
}

/// Where the messages of a partition go.
enum Started {
    /// To its own queue.
    Own(Rc<Inlet>),
    /// To a queue object, which may be gone.
    Queue(Weak<Inlet>),
}

impl Object for TopicConsumer {
    const KIND: &'static str = "topic_consumer";
    fn rows() -> &'static [Row<TopicConsumer>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let open = self.open.borrow_mut().take();
        let started: Vec<(i32, Started)> = std::mem::take(&mut *self.started.borrow_mut()).into_iter().collect();
        if let Some(Open { topic, link }) = open {
            for (partition, way) in started {
                end(&link, &topic, partition, &way);
            }
            drop(topic);
            link.release(false);
        }
    }
}

/// Makes a topic consumer of a handle.
pub fn create(
    interp: &Interp,
    name: &str,
    topic: &str,
    creator: &Rc<Handle>,
    link: Rc<Link>,
    config: TopicConfig,
) -> Outcome {
    let name = names::fresh(interp, name, &names::TOPIC)?;
    let topic = link.client().topic(topic, Some(config.duplicate())).or_raise()?;
    #[cfg(feature = "plant")]
    plant::point("topic_new");
    let object = Rc::new(TopicConsumer {
        open: RefCell::new(Some(Open {
            topic: Rc::new(topic),
            link: Share::of(link),
        })),
        started: RefCell::new(BTreeMap::new()),
        looked: Looked::default(),
        creator: Rc::downgrade(creator),
        config,
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, object.clone())?;
    *object.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

/// Ends a partition: no callback fires any more, then librdkafka stops fetching.
fn end(link: &Link, topic: &Topic, partition: i32, way: &Started) {
    link.checks().forget(topic.name(), partition);
    if let Started::Own(inlet) = way {
        inlet.close();
    }
    // An error here says that librdkafka does not know the partition any more: then it is stopped.
    let _ = topic.stop(partition);
    if let Started::Queue(queue) = way {
        // Afterwards: librdkafka gives nothing more of it.
        if let Some(inlet) = queue.upgrade() {
            inlet.forget_partition(topic.name(), partition);
        }
    }
}

impl TopicConsumer {
    fn topic(&self) -> Result<Rc<Topic>, Raise> {
        self.open
            .borrow()
            .as_ref()
            .map(|o| o.topic.clone())
            .ok_or_else(|| gone("topic"))
    }
    fn link(&self) -> Result<Rc<Link>, Raise> {
        self.open
            .borrow()
            .as_ref()
            .map(|o| Rc::clone(&o.link))
            .ok_or_else(|| gone("topic"))
    }

    /// Stops a partition if it is started. Says whether it was.
    fn stop(&self, partition: i32) -> Result<bool, Raise> {
        let (topic, link) = (self.topic()?, self.link()?);
        let way = self.started.borrow_mut().remove(&partition);
        if let Some(way) = &way {
            end(&link, &topic, partition, way);
        }
        Ok(way.is_some())
    }

    fn not_started(&self, op: &'static str, partition: i32) -> Raise {
        let name = self.topic().map(|t| t.name().to_string()).unwrap_or_default();
        fail::refuse(
            op,
            Code::UNKNOWN_PARTITION,
            format!("partition {partition} of topic {name} is not started"),
            "start it first",
        )
    }

    /// The inlet of a started partition.
    fn inlet(&self, op: &'static str, partition: i32) -> Result<Rc<Inlet>, Raise> {
        match self.started.borrow().get(&partition) {
            Some(Started::Own(inlet)) => Ok(inlet.clone()),
            Some(Started::Queue(_)) => Err(fail::refuse(
                op,
                Code::STATE,
                format!("partition {partition} goes to a queue; consume from the queue"),
                "",
            )),
            None => Err(self.not_started(op, partition)),
        }
    }
}

subcommands! { TABLE for TopicConsumer {
    /// Consumes one message of *partition* into the array variable *array*: waits up to *timeout* milliseconds (-1: for
    /// ever). Returns 1 when there was one, and 0 at the end of the partition, with the message's elements unset; more can
    /// be consumed afterwards.
    ///
    /// Elements: `payload partition offset topic timestamp`, and `key` if the message has one. A Kafka error is a Tcl
    /// error, and so is a wait in which nothing came: `KAFKA RD_KAFKA_RESP_ERR__TIMED_OUT`.
    "consume" => fn(this, cx, partition: Partition, timeout: Wait, array: Array) {
        let inlet = this.inlet("consume", partition.0)?;
        render::int(i64::from(keep(inlet, |inlet| inlet.consume(timeout.0, array.0))?))
    }

    /// Consumes up to *count* messages of *partition*, or as many as come within *timeout* milliseconds (-1: for ever),
    /// and runs *script* for each one with the array variable *array* filled as `consume` does. At the end of the partition it
    /// does not wait for more. Returns the number of runs.
    ///
    /// For a Kafka error *script* runs with the elements `error code message`. `break`, `continue`, `return` and `yield`
    /// work in *script*; messages that it has not seen stay where they are.
    "consume_batch" => fn(this, cx, partition: Partition, timeout: Wait, count: Count, array: Array, script: Body) {
        let inlet = this.inlet("consume_batch", partition.0)?;
        Ok(Reply::Loop(inlet.batch(timeout.0, count.0, array.0, script.0, true)))
    }

    /// The values of *fields* of up to *count* messages of *partition*, or of as many as come within *timeout*
    /// milliseconds (-1: for ever), one after the other in one list, fit for `foreach`: this is the fastest way to read. At
    /// the end of the partition it does not wait for more.
    ///
    /// *fields* is a list of `payload`, `partition`, `offset`, `topic`, `timestamp`, `key` (default `payload`). A Kafka
    /// error is a Tcl error if it is the first to come; else the messages before it are returned.
    "consume_list" => fn(this, cx, partition: Partition, timeout: Wait, count: Count, fields: Option<FieldNames>) {
        let inlet = this.inlet("consume_list", partition.0)?;
        let fields = fields.map_or_else(|| vec![Field::Payload], |f| f.0);
        render::value(keep(inlet, |inlet| inlet.list(timeout.0, count.0, fields, true))?)
    }

    /// The name of the topic.
    "info name" | "info topic" => fn(this, cx) {
        render::text(this.topic()?.name())
    }

    /// How many partitions the topic has.
    "info partitions" => fn(this, cx) {
        render::count(this.link()?.partitions(this.topic()?.name())?)
    }

    /// The partition that the consistent partitioner gives to *key*; -1 while the topic has no partitions.
    "info consistent_partition" => fn(this, cx, key: Data) {
        info::consistent_partition(&*this.link()?, this.topic()?.name(), &key.0)
    }

    /// How many operations of the whole handle wait.
    "info output_queue_length" => fn(this, cx) {
        render::count(this.link()?.waiting())
    }

    /// Starts consuming *partition* (default 0) at *offset* (default `beginning`): `beginning`, `end`, `stored` (where the
    /// group stopped; needs `group.id`), a number, or a negative number, which is so many messages before the end. A
    /// partition that is started already starts again there.
    ///
    /// With *callback* each message is handed to it from the event loop as one more word: a list `payload partition offset
    /// timestamp topic`, and `key` if there is one, or `error code message`. Without it the script uses `consume`.
    "start" | "consume_start" => fn(this, cx, partition: Option<Partition>, offset: Option<Start>, callback: Option<Callback>) {
        let (topic, link) = (this.topic()?, this.link()?);
        let partition = partition.map_or(0, |p| p.0);
        let offset = offset.map_or(Offset::Beginning, |o| o.0);
        let inlet = inlet::open(cx.interp, &link)?;
        this.stop(partition)?;
        if offset == Offset::Stored {
            inlet.store_offsets();
        }
        inlet.with_queue(|queue| topic.start(partition, offset, queue)).or_raise()?;
        this.started.borrow_mut().insert(partition, Started::Own(inlet.clone()));
        link.checks().begin(cx.interp, &link, &topic, partition, &inlet, &this.looked);
        if let Some(callback) = callback {
            inlet.set_callback(callback.0);
        }
        render::nothing()
    }

    /// Starts consuming *partition* at *offset* (as `start` does) into the queue object *queue*. Many partitions and topics
    /// may go to one queue.
    "start_queue" | "consume_start_queue" => fn(this, cx, partition: Partition, offset: Start, queue: Text) {
        let (topic, link) = (this.topic()?, this.link()?);
        let target = names::find::<QueueObject>(cx.interp, &queue.0)?.inlet()?;
        this.stop(partition.0)?;
        if offset.0 == Offset::Stored {
            target.store_offsets();
        }
        target.with_queue(|queue| topic.start(partition.0, offset.0, queue)).or_raise()?;
        this.started.borrow_mut().insert(partition.0, Started::Queue(Rc::downgrade(&target)));
        link.checks().begin(cx.interp, &link, &topic, partition.0, &target, &this.looked);
        render::nothing()
    }

    /// Stops consuming *partition*. Messages of it that wait in this process are dropped.
    "stop" | "consume_stop" => fn(this, cx, partition: Partition) {
        this.link()?.client().check_process("stop").or_raise()?;
        if this.stop(partition.0)? {
            render::nothing()
        } else {
            Err(this.not_started("stop", partition.0))
        }
    }

    /// The settings of the topic, as a list of properties and values. They were fixed when the topic was made: with pairs
    /// of *key* and *value* it is an error.
    "config" => fn(this, cx, pairs: Pairs) {
        fixed_config(&this.config, &pairs)
    }

    /// Runs *words* as a subcommand of the handle that made this topic.
    "creator" => fn(this, cx, words: crate::args::Rest<Data>) {
        let words: Vec<Obj> = words.0.into_iter().map(|w| w.0).collect();
        ask_creator(&this.creator, cx.interp, &words)
    }

    /// Stops all partitions and deletes the topic object and its command.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }
