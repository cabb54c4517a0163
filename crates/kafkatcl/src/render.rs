//! Rust values to Tcl values: messages, errors, reports, partitions, metadata. The only place that decides how they
//! look to a script. It must not call scripts or wait. It is long because one message is shown as a list, as a dictionary,
//! in an array and in the value of the message before, and all must say the same.

use crate::fail;
use rdk::{Code, Error, Message, Metadata, Offset, PartitionList};
use std::cell::{Cell, RefCell};
use std::mem::{swap, ManuallyDrop};
use std::rc::Rc;
use tclstubs::{Filler, Form, Interp, Obj, Raise, Reply};

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
    /// Values of the last message that nobody holds any more, for the next one.
    spare_payload: Cell<Option<Obj>>,
    spare_key: Cell<Option<Obj>>,
    spare_offset: Cell<Option<Obj>>,
    /// How often an array was filled or cleared.
    fills: Cell<u64>,
    /// So many times the size of an array is not asked for: the last one was large, and Tcl counts one by one.
    uncounted: Cell<u32>,
}

/// An array of more elements is large; and how long that is remembered.
const LARGE: i64 = 64;
const UNCOUNTED: u32 = 1000;

/// A spare byte array has at most so many bytes: the memory of a large message must not stay.
const SPARE_BYTES: usize = 4096;

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
        spare_payload: Cell::new(None),
        spare_key: Cell::new(None),
        spare_offset: Cell::new(None),
        fills: Cell::new(0),
        uncounted: Cell::new(0),
    });
    WORDS.with(|w| *w.borrow_mut() = Some(made.clone()));
    tclstubs::at_thread_exit(|| {
        let words = WORDS.with(|w| w.borrow_mut().take());
        drop(words);
    });
    made
}

impl Words {
    /// May the size of an array be asked for?
    fn counts(&self) -> bool {
        let left = self.uncounted.get();
        self.uncounted.set(left.saturating_sub(1));
        left == 0
    }
    fn counted(&self, size: Option<i64>) {
        if size.is_some_and(|size| size > LARGE) {
            self.uncounted.set(UNCOUNTED);
        }
    }
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

    /// The topic of a message.
    pub fn topic_value(&self, message: &Message<'_>) -> Obj {
        let mut last = self.last_topic.borrow_mut();
        let name = message.topic_bytes();
        if last.0 != name {
            *last = (name.to_vec(), Obj::text_of(&message.topic_name()));
        }
        last.1.clone()
    }
    /// A partition.
    pub fn partition_value(&self, partition: i32) -> Obj {
        let mut last = self.last_partition.borrow_mut();
        if last.0 != partition {
            *last = (partition, Obj::int(i64::from(partition)));
        }
        last.1.clone()
    }
    #[inline(always)]
    fn payload_value(&self, bytes: &[u8]) -> Obj {
        bytes_value(self.spare_payload.take(), bytes)
    }
    #[inline(always)]
    fn key_value(&self, bytes: &[u8]) -> Obj {
        bytes_value(self.spare_key.take(), bytes)
    }
    /// The offset of a message. A report of a message that the broker gave none has `invalid`.
    #[inline]
    fn offset_value(&self, raw: i64) -> Obj {
        if raw < 0 {
            return offset(Offset::from_raw(raw));
        }
        let spare = self.spare_offset.take();
        spare
            .and_then(|mut spare| spare.set_int(raw).then_some(spare))
            .unwrap_or_else(|| Obj::int(raw))
    }
    /// A timestamp.
    pub fn timestamp_value(&self, ms: i64) -> Obj {
        let mut last = self.last_timestamp.borrow_mut();
        if last.0 != ms {
            *last = (ms, Obj::int(ms));
        }
        last.1.clone()
    }
}

/// Bytes as a value: the spare one, if there is one and nobody else holds it.
#[inline(always)]
fn bytes_value(spare: Option<Obj>, bytes: &[u8]) -> Obj {
    match spare {
        None => Obj::bytes_of(bytes),
        // Apart from where there never is one.
        Some(spare) => bytes_again(spare, bytes),
    }
}

#[inline(never)]
fn bytes_again(mut spare: Obj, bytes: &[u8]) -> Obj {
    if bytes.len() <= SPARE_BYTES && spare.set_bytes(bytes) {
        spare
    } else {
        Obj::bytes_of(bytes)
    }
}

/// Can the bytes of a message before serve for another one?
#[inline]
fn is_spare(value: &Obj) -> bool {
    !value.is_shared() && value.byte_len().is_some_and(|len| len <= SPARE_BYTES)
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
            payload: w.payload_value(message.payload().unwrap_or_default()),
            partition: w.partition_value(message.partition()),
            offset: w.offset_value(message.offset()),
            topic: w.topic_value(message),
            timestamp: w.timestamp_value(message.timestamp().map_or(-1, |t| t.0)),
            key: message.key().map(|key| w.key_value(key)),
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

    /// As a value for a callback: the same text in this form. (An error is always a list.)
    pub fn value(&self, w: &Words, form: Form) -> Obj {
        match (self, form) {
            (
                Fields::Message {
                    payload,
                    partition,
                    offset,
                    topic,
                    timestamp,
                    key,
                },
                Form::Dict,
            ) => {
                let a = [(&w.payload, payload), (&w.partition, partition), (&w.offset, offset)];
                let b = [(&w.timestamp, timestamp), (&w.topic, topic)];
                match key {
                    Some(key) => Obj::dict_of_refs([a[0], a[1], a[2], b[0], b[1], (&w.key, key)]),
                    None => Obj::dict_of_refs([a[0], a[1], a[2], b[0], b[1]]),
                }
            }
            _ => self.list(w),
        }
    }

    /// What has to be known to fill `value`, which was made of this message, anew. None for an error.
    pub fn shown(self, value: &Obj) -> Option<Shown> {
        match self {
            Fields::Message {
                payload,
                partition,
                offset,
                topic,
                timestamp,
                key,
            } => Some(Shown {
                value: value.clone(),
                payload,
                partition,
                offset,
                topic,
                timestamp,
                key,
            }),
            Fields::Error { .. } => None,
        }
    }

    /// The end of it: what nobody else holds serves for the next message.
    #[inline]
    pub fn recycle(self, w: &Words) {
        if let Fields::Message {
            payload, offset, key, ..
        } = self
        {
            if is_spare(&payload) {
                w.spare_payload.set(Some(payload));
            }
            if let Some(key) = key.filter(is_spare) {
                w.spare_key.set(Some(key));
            }
            // Looked at when it is used: whoever holds it now may have let it go by then.
            w.spare_offset.set(Some(offset));
        }
    }

    /// Into an array; elements of an earlier message or error never remain. `before` says what this array holds of the
    /// last one, and is brought up to date.
    pub fn fill(&self, w: &Words, interp: &Interp, array: &Obj, before: &mut Before) -> Result<(), Raise> {
        // Until all is set, anything may be there.
        let mut was = std::mem::replace(&mut before.held, Held::Unknown);
        // Somebody else has filled an array since, and it may be this one.
        if w.fills.replace(w.fills.get().wrapping_add(1)) != before.fills {
            was = Held::Unknown;
        }
        before.fills = w.fills.get();
        match self {
            Fields::Message {
                payload,
                partition,
                offset,
                topic,
                timestamp,
                key,
            } => {
                let mut mine = 5;
                let mut all = [
                    (&w.payload, payload),
                    (&w.partition, partition),
                    (&w.offset, offset),
                    (&w.topic, topic),
                    (&w.timestamp, timestamp),
                    // Only if there is one.
                    (&w.key, payload),
                ];
                if let Some(key) = key {
                    all[5].1 = key;
                    mine = 6;
                }
                let elements = &all[..mine];
                match &mut before.filler {
                    Some(filler) => filler.fill(interp, array, elements)?,
                    None => interp.set_elements(array, elements)?,
                }
                // To look for each one that is not there costs more than all the rest, but to count a large array more still.
                let alone = was == Held::Unknown && w.counts() && {
                    let size = interp.array_size(array);
                    w.counted(size);
                    size == i64::try_from(mine).ok()
                };
                if key.is_none() && was != Held::Keyless && !alone {
                    interp.unset_elements(array, &[&w.key])?;
                }
                if was == Held::Unknown && !alone {
                    interp.unset_elements(array, &w.errors())?;
                }
                before.held = if key.is_some() { Held::Keyed } else { Held::Keyless };
            }
            Fields::Error { error, code, message } => {
                interp.set_elements(array, &[(&w.error, error), (&w.code, code), (&w.message, message)])?;
                interp.unset_elements(array, &w.messages())?;
            }
        }
        Ok(())
    }

    /// Is it a message of this partition?
    pub fn is_of(&self, name: &str, number: i32) -> bool {
        match self {
            Fields::Message { topic, partition, .. } => {
                partition.as_int().is_ok_and(|p| p == i64::from(number)) && topic.is(name)
            }
            Fields::Error { .. } => false,
        }
    }

    /// Removes the fields of an earlier message or error from an array.
    pub fn clear(w: &Words, interp: &Interp, array: &Obj) -> Result<(), Raise> {
        w.fills.set(w.fills.get().wrapping_add(1));
        interp.unset_elements(array, &w.messages())?;
        interp.unset_elements(array, &w.errors())
    }
}

/// A message as a value for a callback, with the values in it.
pub struct Shown {
    value: Obj,
    payload: Obj,
    partition: Obj,
    offset: Obj,
    topic: Obj,
    timestamp: Obj,
    key: Option<Obj>,
}

impl Shown {
    /// The value.
    pub fn value(&self) -> &Obj {
        &self.value
    }

    /// Fills the value anew with a message; only what differs is changed. The values before are in `fields` then. False, and
    /// `fields` as they were, if they do not fit or somebody else holds the value; it must not be shown then.
    #[inline]
    pub fn refill(&mut self, w: &Words, fields: &mut Fields) -> bool {
        let Fields::Message {
            payload,
            partition,
            offset,
            topic,
            timestamp,
            key,
        } = fields
        else {
            return false;
        };
        if self.key.is_some() != key.is_some() {
            return false;
        }
        let Some(mut to) = self.value.refill() else {
            return false;
        };
        let mut done = to.put(0, &w.payload, payload) && to.put(2, &w.offset, offset);
        // Values that repeat are the same ones, see `Words`.
        if !self.partition.is_same(partition) {
            done &= to.put(1, &w.partition, partition);
        }
        if !self.timestamp.is_same(timestamp) {
            done &= to.put(3, &w.timestamp, timestamp);
        }
        if !self.topic.is_same(topic) {
            done &= to.put(4, &w.topic, topic);
        }
        if let Some(key) = key {
            done &= to.put(5, &w.key, key);
        }
        if done {
            swap(&mut self.payload, payload);
            swap(&mut self.partition, partition);
            swap(&mut self.offset, offset);
            swap(&mut self.topic, topic);
            swap(&mut self.timestamp, timestamp);
            swap(&mut self.key, key);
        }
        done
    }
}

/// What is known of the array that a message or an error is put into.
pub struct Before {
    held: Held,
    /// The number of the fill that knows it.
    fills: u64,
    /// Only for a loop: leaves alone what has not changed since the last turn.
    filler: Option<Filler<3>>,
}

impl Before {
    /// Nothing is known.
    pub fn unknown() -> Before {
        Before {
            held: Held::Unknown,
            fills: 0,
            filler: None,
        }
    }

    /// A loop fills one array again and again. From message to message these hardly ever change: partition, topic,
    /// timestamp.
    pub fn of_loop() -> Before {
        Before {
            held: Held::Unknown,
            fills: 0,
            filler: Some(Filler::new([1, 3, 4])),
        }
    }
}

/// What a loop has last put into its array, so that what cannot be there need not be looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Anything may be there.
    Unknown,
    /// A message without a key.
    Keyless,
    /// A message with a key.
    Keyed,
}

/// What delivered messages have as key and payload, one after the other: thousands of reports come at once, and most of
/// their values would be made long before they are shown.
pub type Store = Rc<RefCell<Vec<u8>>>;

/// A store that has so many bytes gets no more, so that the first can be freed long before the last report is shown.
const STORE: usize = 64 * 1024;

/// A delivery report, drawn.
pub enum Report {
    /// The message was delivered.
    Delivered {
        /// Where key and payload are.
        store: Store,
        /// Where in it they begin.
        at: usize,
        /// How long the key is, if there is one.
        key: Option<usize>,
        /// How long the payload is.
        payload: usize,
        /// The offset, as librdkafka has it.
        offset: i64,
        /// The partition.
        partition: i32,
        /// The topic.
        topic: Obj,
        /// Milliseconds since 1970; -1 when the broker keeps none.
        timestamp: i64,
    },
    /// It was not: the list for the callback, `error code message topic partition offset ?key? payload`.
    Failed(Obj),
}

impl Report {
    /// Draws a report; what comes next goes into the store that is there afterwards.
    pub fn of(w: &Words, store: &mut Store, message: &Message<'_>) -> Report {
        if message.code() != Code::NO_ERROR {
            return Report::Failed(failed(w, message));
        }
        let (key, payload) = (message.key(), message.payload().unwrap_or_default());
        if store.borrow().len() >= STORE {
            *store = Rc::new(RefCell::new(Vec::with_capacity(STORE)));
        }
        let mut bytes = store.borrow_mut();
        let at = bytes.len();
        bytes.extend_from_slice(key.unwrap_or_default());
        bytes.extend_from_slice(payload);
        Report::Delivered {
            store: store.clone(),
            at,
            key: key.map(<[u8]>::len),
            payload: payload.len(),
            offset: message.offset(),
            partition: message.partition(),
            topic: w.topic_value(message),
            timestamp: message.timestamp().map_or(-1, |t| t.0),
        }
    }

    /// What is shown: of a delivered message the same as of one that was read.
    ///
    /// # Errors
    /// The list of a failure.
    #[inline]
    pub fn fields(self, w: &Words) -> Result<Fields, Obj> {
        match self {
            Report::Delivered {
                store,
                at,
                key,
                payload,
                offset,
                partition,
                topic,
                timestamp,
            } => {
                let bytes = store.borrow();
                let (first, rest) = bytes[at..].split_at(key.unwrap_or(0));
                Ok(Fields::Message {
                    payload: w.payload_value(&rest[..payload]),
                    partition: w.partition_value(partition),
                    offset: w.offset_value(offset),
                    topic,
                    timestamp: w.timestamp_value(timestamp),
                    key: key.map(|_| w.key_value(first)),
                })
            }
            Report::Failed(list) => Err(list),
        }
    }
}

#[cold]
fn failed(w: &Words, message: &Message<'_>) -> Obj {
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
