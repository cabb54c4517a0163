//! Topic producers: sending to one topic. It must not read anything of the cluster but what `info` asks for.

use crate::args::{Data, List, Pairs, Target};
use crate::fail::{self, OrRaise};
use crate::link::{Link, Share};
use crate::object::handle::{gone, Handle};
use crate::object::info;
use crate::table::{Object, Outcome, Row};
use crate::{names, render, subcommands};
use rdk::{Topic, TopicConfig};
use std::cell::RefCell;
use std::rc::{Rc, Weak};
use tclstubs::{Bytes, CommandRef, Interp, Obj, Raise};

/// A topic producer.
pub struct TopicProducer {
    open: RefCell<Option<Open>>,
    creator: Weak<Handle>,
    config: TopicConfig,
    command: RefCell<CommandRef>,
}

/// What is released when the command goes: the topic first, then the client.
struct Open {
    topic: Rc<Topic>,
    link: Share,
}

impl Object for TopicProducer {
    const KIND: &'static str = "topic_producer";
    fn rows() -> &'static [Row<TopicProducer>] {
        TABLE
    }
    fn deleted(self: &Rc<Self>, _interp: &Interp) {
        let open = self.open.borrow_mut().take();
        if let Some(Open { topic, link }) = open {
            drop(topic);
            link.release(false);
        }
    }
}

/// Makes a topic producer of a handle.
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
    let object = Rc::new(TopicProducer {
        open: RefCell::new(Some(Open {
            topic: Rc::new(topic),
            link: Share::of(link),
        })),
        creator: Rc::downgrade(creator),
        config,
        command: RefCell::new(CommandRef::none()),
    });
    let command = names::install(interp, &name, object.clone())?;
    *object.command.borrow_mut() = command.clone();
    render::value(command.full_name().unwrap_or_else(Obj::empty))
}

impl TopicProducer {
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
}

/// Runs words on the handle that made an object.
pub fn ask_creator(creator: &Weak<Handle>, interp: &Interp, words: &[Obj]) -> Outcome {
    let handle = creator
        .upgrade()
        .filter(|h| h.link().is_ok())
        .ok_or_else(|| gone("creator"))?;
    let mut all = vec![Obj::text_of("creator")];
    all.extend_from_slice(words);
    crate::table::dispatch(&handle, interp, &all)
}

/// The settings that a topic was made with; they cannot be changed.
pub fn fixed_config(config: &TopicConfig, pairs: &Pairs) -> Outcome {
    if pairs.0.is_empty() {
        return render::value(render::pairs(config.dump()));
    }
    Err(fail::refuse(
        "config",
        rdk::Code::STATE,
        "the settings of a topic are fixed when it is made; set them with the handle's config before new_topic",
        "",
    ))
}

subcommands! { TABLE for TopicProducer {
    /// Queues one message for *partition* (-1: the partitioner chooses) with these bytes as *payload* and *key*. It is sent
    /// in the background.
    ///
    /// Without *key* the message has none. An error here (`RD_KAFKA_RESP_ERR__QUEUE_FULL`: too many messages wait) means
    /// that the message is not queued; what happens later is told by the delivery report.
    "produce" => fn(this, cx, partition: Target, payload: Data, key: Option<Data>) {
        let topic = this.topic()?;
        let payload = payload.0.bytes()?;
        let key = match &key {
            Some(key) => Some(key.0.bytes()?),
            None => None,
        };
        topic.produce(partition.0, Some(&payload), key.as_deref()).or_raise()?;
        render::nothing()
    }

    /// Queues many messages for *partition* (-1: the partitioner chooses). *rows* is a list; each row is a list of a payload
    /// and, if wanted, a key.
    ///
    /// If a row is malformed, nothing is queued. If librdkafka refuses some, the rest is queued and the error says which
    /// were refused and why: its message names the rows, counted from 0, and the fifth word of `errorCode` is a list of
    /// rows and codes.
    "produce_batch" => fn(this, cx, partition: Target, rows: List) {
        let topic = this.topic()?;
        // All lists are taken apart before any bytes are borrowed: one value may be both, a row and a payload.
        let mut taken: Vec<(Obj, Option<Obj>)> = Vec::new();
        for (i, row) in rows.0.elements()?.iter().enumerate() {
            let mut words = row.elements()?.into_iter();
            match (words.next(), words.next(), words.next()) {
                (Some(payload), key, None) => taken.push((payload, key)),
                _ => return Err(Raise::new(
                    format!("row {i} must be a list of a payload and an optional key"),
                    ["TCL", "VALUE", "LIST"],
                )),
            }
        }
        let named = |i: usize, mut error: Raise| {
            error.message = format!("row {i}: {}", error.message);
            error
        };
        let mut borrowed: Vec<(Bytes<'_>, Option<Bytes<'_>>)> = Vec::with_capacity(taken.len());
        for (i, (payload, key)) in taken.iter().enumerate() {
            let payload = payload.bytes().map_err(|e| named(i, e))?;
            let key = match key {
                Some(key) => Some(key.bytes().map_err(|e| named(i, e))?),
                None => None,
            };
            borrowed.push((payload, key));
        }
        let rows: Vec<rdk::Row<'_>> =
            borrowed.iter().map(|(p, k)| rdk::Row { payload: p, key: k.as_deref() }).collect();
        let refused = topic.produce_batch(partition.0, &rows).or_raise()?;
        drop(rows);
        drop(borrowed);
        batch_error(&refused, taken.len())
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

    /// How many messages of the whole handle wait to be sent, acknowledged or reported.
    "info output_queue_length" => fn(this, cx) {
        render::count(this.link()?.waiting())
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

    /// Deletes the topic object and its command. Messages that it has queued are still sent.
    "delete" => fn(this, cx) {
        let command = this.command.borrow().clone();
        command.delete();
        render::nothing()
    }
} }

/// The answer to a batch: nothing when all rows were taken.
fn batch_error(refused: &[(usize, rdk::Error)], rows: usize) -> Outcome {
    let Some((_, first)) = refused.first() else {
        return render::nothing();
    };
    let shown: Vec<String> = refused.iter().take(20).map(|(i, _)| i.to_string()).collect();
    let more = if refused.len() > shown.len() { " ..." } else { "" };
    let detail = format!(
        "{} of {rows} messages were not queued: rows {}{more}",
        refused.len(),
        shown.join(" ")
    );
    let mut raised = fail::refuse("produce_batch", first.code, detail, first.code.advice());
    let list: Vec<String> = refused.iter().map(|(i, e)| format!("{i} {}", e.code.name())).collect();
    raised.code.insert(4, list.join(" "));
    Err(raised)
}
