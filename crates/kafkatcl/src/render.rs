//! Rust values to Tcl values: messages, errors, reports, partitions, metadata. The only place that decides how they
//! look to a script. It must not call scripts or wait.

use crate::fail;
use rdk::{Code, Error, Message, Metadata, Offset, PartitionList};
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use tclstubs::{Interp, Obj, Raise, Reply};

/// An empty result.
pub fn nothing() -> Result<Reply, Raise> {
    Ok(Reply::Nothing)
}
/// A number.
pub fn int(value: i64) -> Result<Reply, Raise> {
    Ok(Reply::Value(Obj::int(value)))
}
/// A count.
pub fn count(value: usize) -> Result<Reply, Raise> {
    int(i64::try_from(value).unwrap_or(i64::MAX))
}
/// A text.
pub fn text(value: &str) -> Result<Reply, Raise> {
    Ok(Reply::Value(Obj::text_of(value)))
}
/// A value.
pub fn value(value: Obj) -> Result<Reply, Raise> {
    Ok(Reply::Value(value))
}

/// The names of message and error fields as values, and the values that repeat from message to message. Made once
/// for each thread, because values belong to their thread.
pub struct Words {
    payload: Obj,
    partition: Obj,
    offset: Obj,
    topic: Obj,
    timestamp: Obj,
    key: Obj,
    error: Obj,
    code: Obj,
    message: Obj,
    last_topic: RefCell<(Vec<u8>, Obj)>,
    last_partition: RefCell<(i32, Obj)>,
    last_timestamp: RefCell<(i64, Obj)>,
}

thread_local! {
    // Values must go before Tcl does, so they are dropped by Tcl's thread exit and not by Rust's.
    static WORDS: ManuallyDrop<RefCell<Option<Rc<Words>>>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// The words of this thread.
pub fn words() -> Rc<Words> {
    if let Some(words) = WORDS.with(|w| w.borrow().clone()) {
        return words;
    }
    let made = Rc::new(Words {
        payload: Obj::text_of("payload"),
        partition: Obj::text_of("partition"),
        offset: Obj::text_of("offset"),
        topic: Obj::text_of("topic"),
        timestamp: Obj::text_of("timestamp"),
        key: Obj::text_of("key"),
        error: Obj::text_of("error"),
        code: Obj::text_of("code"),
        message: Obj::text_of("message"),
        last_topic: RefCell::new((Vec::new(), Obj::empty())),
        last_partition: RefCell::new((0, Obj::int(0))),
        last_timestamp: RefCell::new((0, Obj::int(0))),
    });
    WORDS.with(|w| *w.borrow_mut() = Some(made.clone()));
    tclstubs::at_thread_exit(|| {
        let words = WORDS.with(|w| w.borrow_mut().take());
        drop(words);
    });
    made
}

impl Words {
    fn errors(&self) -> [&Obj; 3] {
        [&self.error, &self.code, &self.message]
    }
    fn messages(&self) -> [&Obj; 6] {
        [
            &self.payload,
            &self.partition,
            &self.offset,
            &self.topic,
            &self.timestamp,
            &self.key,
        ]
    }

    fn topic_value(&self, message: &Message<'_>) -> Obj {
        let mut last = self.last_topic.borrow_mut();
        let name = message.topic_bytes();
        if last.0 != name {
            *last = (name.to_vec(), Obj::text_of(&message.topic_name()));
        }
        last.1.clone()
    }
    fn partition_value(&self, partition: i32) -> Obj {
        let mut last = self.last_partition.borrow_mut();
        if last.0 != partition {
            *last = (partition, Obj::int(i64::from(partition)));
        }
        last.1.clone()
    }
    fn timestamp_value(&self, ms: i64) -> Obj {
        let mut last = self.last_timestamp.borrow_mut();
        if last.0 != ms {
            *last = (ms, Obj::int(ms));
        }
        last.1.clone()
    }
}

/// What a consumer gives to a script: a message or an error, drawn once, to be shown as a list or in an array.
pub enum Fields {
    /// A message. A null payload shows as an empty one.
    Message {
        /// The bytes of the message.
        payload: Obj,
        /// Its partition.
        partition: Obj,
        /// Its offset.
        offset: Obj,
        /// Its topic.
        topic: Obj,
        /// Milliseconds since 1970; -1 when the broker keeps none.
        timestamp: Obj,
        /// The key, if it has one.
        key: Option<Obj>,
    },
    /// An error: `error code message`.
    Error {
        /// librdkafka's text of the code.
        error: Obj,
        /// The name of the code.
        code: Obj,
        /// What happened.
        message: Obj,
    },
}

impl Fields {
    /// Draws a message.
    #[inline(always)]
    pub fn of_message(w: &Words, message: &Message<'_>) -> Fields {
        Fields::Message {
            payload: Obj::bytes_of(message.payload().unwrap_or_default()),
            partition: w.partition_value(message.partition()),
            offset: position(message.offset()),
            topic: w.topic_value(message),
            timestamp: w.timestamp_value(message.timestamp().map_or(-1, |t| t.0)),
            key: message.key().map(Obj::bytes_of),
        }
    }

    /// Draws an error.
    pub fn of_error(error: &Error) -> Fields {
        let text = error.code.text();
        let detail = if error.text.is_empty() {
            text.as_str()
        } else {
            error.text.as_str()
        };
        Fields::Error {
            error: Obj::text_of(&text),
            code: Obj::text_of(&error.code.name()),
            message: Obj::text_of(detail),
        }
    }

    /// As a list of names and values: `payload partition offset timestamp topic ?key?` or `error code message`.
    #[inline]
    pub fn list(&self, w: &Words) -> Obj {
        match self {
            Fields::Message {
                payload,
                partition,
                offset,
                topic,
                timestamp,
                key,
            } => {
                let p = [&w.payload, payload, &w.partition, partition, &w.offset, offset];
                let q = [&w.timestamp, timestamp, &w.topic, topic];
                match key {
                    Some(key) => {
                        Obj::list_of_refs([p[0], p[1], p[2], p[3], p[4], p[5], q[0], q[1], q[2], q[3], &w.key, key])
                    }
                    None => Obj::list_of_refs([p[0], p[1], p[2], p[3], p[4], p[5], q[0], q[1], q[2], q[3]]),
                }
            }
            Fields::Error { error, code, message } => {
                Obj::list_of_refs([&w.error, error, &w.code, code, &w.message, message])
            }
        }
    }

    /// Into an array; elements of an earlier message or error never remain. `before` says what this array holds of the
    /// last one, and is brought up to date.
    pub fn fill(&self, w: &Words, interp: &Interp, array: &Obj, before: &mut Before) -> Result<(), Raise> {
        // Until all is set, anything may be there.
        let was = std::mem::replace(before, Before::Unknown);
        match self {
            Fields::Message {
                payload,
                partition,
                offset,
                topic,
                timestamp,
                key,
            } => {
                let fixed = [
                    (&w.payload, payload),
                    (&w.partition, partition),
                    (&w.offset, offset),
                    (&w.topic, topic),
                    (&w.timestamp, timestamp),
                ];
                match key {
                    Some(key) => {
                        let [a, b, c, d, e] = fixed;
                        interp.set_elements(array, &[a, b, c, d, e, (&w.key, key)])?;
                    }
                    None => interp.set_elements(array, &fixed)?,
                }
                let mine = fixed.len() + usize::from(key.is_some());
                // To look for each one that is not there costs more than all the rest.
                let alone = was == Before::Unknown && interp.array_size(array) == i64::try_from(mine).ok();
                if key.is_none() && was != Before::Keyless && !alone {
                    interp.unset_elements(array, &[&w.key])?;
                }
                if was == Before::Unknown && !alone {
                    interp.unset_elements(array, &w.errors())?;
                }
                *before = if key.is_some() { Before::Keyed } else { Before::Keyless };
            }
            Fields::Error { error, code, message } => {
                interp.set_elements(array, &[(&w.error, error), (&w.code, code), (&w.message, message)])?;
                interp.unset_elements(array, &w.messages())?;
            }
        }
        Ok(())
    }

    /// Removes the fields of an earlier message or error from an array.
    pub fn clear(w: &Words, interp: &Interp, array: &Obj) -> Result<(), Raise> {
        interp.unset_elements(array, &w.messages())?;
        interp.unset_elements(array, &w.errors())
    }
}

/// What a loop has last put into its array, so that what cannot be there need not be looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Before {
    /// Anything may be there.
    Unknown,
    /// A message without a key.
    Keyless,
    /// A message with a key.
    Keyed,
}

/// A delivery report: like a message when it was delivered; else `error code message topic partition offset ?key? payload`.
pub fn report(w: &Words, message: &Message<'_>) -> Obj {
    if message.code() == Code::NO_ERROR {
        return Fields::of_message(w, message).list(w);
    }
    let detail = message.error_text();
    let mut items = vec![
        w.error.clone(),
        Obj::text_of(&message.code().text()),
        w.code.clone(),
        Obj::text_of(&message.code().name()),
        w.message.clone(),
        Obj::text_of(&detail),
        w.topic.clone(),
        w.topic_value(message),
        w.partition.clone(),
        w.partition_value(message.partition()),
        w.offset.clone(),
        offset(Offset::from_raw(message.offset())),
    ];
    if let Some(key) = message.key() {
        items.extend([w.key.clone(), Obj::bytes_of(key)]);
    }
    items.extend([w.payload.clone(), Obj::bytes_of(message.payload().unwrap_or_default())]);
    Obj::list_of(&items)
}

/// A client's error for the error callback: `err reason` (the number and the text, as in version 1), then
/// `error code message`. As in all lists and arrays that tell of errors, the message is the word of librdkafka or of the
/// broker alone: programs compare it, and what to do next can be looked up by the name (`kafka::kafka errors`).
pub fn client_error(error: &Error) -> Obj {
    let number = error.code.0.to_string();
    let text = error.code.text();
    let name = error.code.name();
    let reason = if error.text.is_empty() { &text } else { &error.text };
    Obj::texts([
        "err", &number, "reason", reason, "error", &text, "code", &name, "message", reason,
    ])
}

/// A log line: `level facility message`.
pub fn log_line(line: &rdk::LogLine) -> Obj {
    Obj::list([
        Obj::text_of("level"),
        Obj::int(i64::from(line.level)),
        Obj::text_of("facility"),
        Obj::text_of(&line.facility),
        Obj::text_of("message"),
        Obj::text_of(&line.message),
    ])
}

/// The offset of a message. A report of a message that the broker gave none has `invalid`.
fn position(raw: i64) -> Obj {
    if raw >= 0 {
        Obj::int(raw)
    } else {
        offset(Offset::from_raw(raw))
    }
}

/// An offset: a number, or `beginning`, `end`, `stored`, `invalid`.
pub fn offset(offset: Offset) -> Obj {
    match offset {
        Offset::Beginning => Obj::text_of("beginning"),
        Offset::End => Obj::text_of("end"),
        Offset::Stored => Obj::text_of("stored"),
        Offset::Invalid => Obj::text_of("invalid"),
        Offset::At(n) => Obj::int(n),
        Offset::Tail(n) => Obj::int(-n),
    }
}

/// Partitions with offsets: a list of `{topic partition offset}`.
pub fn tuples(list: &PartitionList) -> Obj {
    Obj::list(list.iter().map(|e| {
        Obj::list([
            Obj::text_of(&e.topic),
            Obj::int(i64::from(e.partition)),
            offset(e.offset),
        ])
    }))
}

/// Only the topics' names, each once.
pub fn topic_names(list: &PartitionList) -> Obj {
    let mut names: Vec<String> = Vec::new();
    for e in list.iter() {
        if !names.contains(&e.topic) {
            names.push(e.topic);
        }
    }
    Obj::texts(names)
}

/// The first error that stands at an entry of a list of partitions, as a Tcl error that names the partition.
pub fn entry_error(op: &'static str, list: &PartitionList) -> Result<(), Raise> {
    for e in list.iter() {
        if e.error != Code::NO_ERROR {
            return Err(fail::refuse(
                op,
                e.error,
                format!("topic {} partition {}", e.topic, e.partition),
                e.error.advice(),
            ));
        }
    }
    Ok(())
}

/// Names and values as one flat list.
pub fn pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Obj {
    Obj::list(
        pairs
            .into_iter()
            .flat_map(|(k, v)| [Obj::text_of(&k), Obj::text_of(&v)]),
    )
}

/// The metadata as text for people.
pub fn metadata_text(metadata: &Metadata) -> String {
    use std::fmt::Write as _;
    let mut out = format!(
        "Metadata from broker {} ({}):\n",
        metadata.origin_id, metadata.origin_name
    );
    let ids = |ids: &[i32]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let _ = writeln!(out, " {} brokers:", metadata.brokers.len());
    for b in &metadata.brokers {
        let _ = writeln!(out, "  broker {} at {}:{}", b.id, b.host, b.port);
    }
    let _ = writeln!(out, " {} topics:", metadata.topics.len());
    for t in &metadata.topics {
        let trouble = if t.error == Code::NO_ERROR {
            String::new()
        } else {
            format!(" {}", t.error.text())
        };
        let _ = writeln!(
            out,
            "  topic \"{}\" with {} partitions:{trouble}",
            t.name,
            t.partitions.len()
        );
        for p in &t.partitions {
            let trouble = if p.error == Code::NO_ERROR {
                String::new()
            } else {
                format!(", {}", p.error.text())
            };
            let _ = writeln!(
                out,
                "    partition {}, leader {}, replicas: {}, isrs: {}{trouble}",
                p.id,
                p.leader,
                ids(&p.replicas),
                ids(&p.isrs)
            );
        }
    }
    out.truncate(out.trim_end().len());
    out
}
