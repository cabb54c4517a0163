//! Picked fields of messages as one flat list, fit for `foreach`: no array, no body, nothing drawn that was not asked
//! for. It must not take messages from anywhere; inlets do (see `inlet`).

use crate::inlet::Mark;
use crate::render::{Fields, Words};
use rdk::{Message, Offset, PartitionList};
use tclstubs::{Obj, Raise};

/// A field of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The bytes of the message.
    Payload,
    /// Its partition.
    Partition,
    /// Its offset.
    Offset,
    /// Its topic.
    Topic,
    /// Milliseconds since 1970; -1 when the broker keeps none.
    Timestamp,
    /// Its key; empty if it has none.
    Key,
}

const NAMES: [(&str, Field); 6] = [
    ("payload", Field::Payload),
    ("partition", Field::Partition),
    ("offset", Field::Offset),
    ("topic", Field::Topic),
    ("timestamp", Field::Timestamp),
    ("key", Field::Key),
];

/// Reads a list of names of fields.
///
/// # Errors
/// No list, no name at all, or one that is not known.
pub fn fields(word: &Obj) -> Result<Vec<Field>, Raise> {
    let names = word.elements()?;
    if names.is_empty() {
        return Err(Raise::new(
            "fields must be a list of at least one name of a field",
            ["TCL", "VALUE", "FIELDS"],
        ));
    }
    let find = |name: &Obj| {
        let found = NAMES.iter().find(|(known, _)| name.is(known));
        found
            .map(|(_, field)| *field)
            .ok_or_else(|| Raise::bad_choice("field", &name.text(), &NAMES.map(|(known, _)| known)))
    };
    names.iter().map(find).collect()
}

/// The list that grows.
pub struct Picked {
    fields: Vec<Field>,
    values: Vec<Obj>,
    count: usize,
    /// Whether it is to be known how far it goes; the last message of each partition, the newest partition last; and which
    /// topic that is, as a number to compare.
    marks: bool,
    last: Vec<Mark>,
    topic: usize,
}

impl Picked {
    /// Nothing yet. With `marks` [`Picked::seen`] tells how far it went.
    pub fn new(fields: Vec<Field>, marks: bool) -> Picked {
        Picked {
            fields,
            values: Vec::new(),
            count: 0,
            marks,
            last: Vec::new(),
            topic: 0,
        }
    }

    /// Notes how far a partition goes.
    fn mark(&mut self, mark: Mark) {
        self.last
            .retain(|m| m.partition != mark.partition || m.topic != mark.topic);
        self.last.push(mark);
    }

    /// The offsets to be read next, if that was asked for and there are any.
    pub fn seen(&self) -> Option<PartitionList> {
        let mut list = PartitionList::new();
        for mark in &self.last {
            list.add(&mark.topic, mark.partition, Some(Offset::At(mark.offset + 1)))
                .ok()?;
        }
        (!list.is_empty()).then_some(list)
    }

    /// How many messages are in it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a message.
    #[inline]
    pub fn add(&mut self, w: &Words, message: &Message<'_>) {
        for field in &self.fields {
            self.values.push(match field {
                Field::Payload => Obj::bytes_of(message.payload().unwrap_or_default()),
                Field::Partition => w.partition_value(message.partition()),
                Field::Offset => Obj::int(message.offset()),
                Field::Topic => w.topic_value(message),
                Field::Timestamp => w.timestamp_value(message.timestamp().map_or(-1, |t| t.0)),
                Field::Key => message.key().map_or_else(Obj::empty, Obj::bytes_of),
            });
        }
        self.count += 1;
        if self.marks {
            // All messages of one list that have one number are of one topic, for the client keeps its topics meanwhile.
            match self.last.last_mut() {
                Some(last) if self.topic == message.topic_ptr_key() && last.partition == message.partition() => {
                    last.offset = message.offset();
                }
                _ => {
                    self.mark(Mark::of(message));
                    self.topic = message.topic_ptr_key();
                }
            }
        }
    }

    /// Adds a message that is drawn already, and that is to be marked. False for an error.
    pub fn add_drawn(&mut self, drawn: &Fields, mark: Option<Mark>) -> bool {
        let Fields::Message {
            payload,
            partition,
            offset,
            topic,
            timestamp,
            key,
        } = drawn
        else {
            return false;
        };
        for field in &self.fields {
            self.values.push(match field {
                Field::Payload => payload.clone(),
                Field::Partition => partition.clone(),
                Field::Offset => offset.clone(),
                Field::Topic => topic.clone(),
                Field::Timestamp => timestamp.clone(),
                Field::Key => key.clone().unwrap_or_else(Obj::empty),
            });
        }
        self.count += 1;
        if let Some(mark) = mark.filter(|_| self.marks) {
            self.mark(mark);
            self.topic = 0;
        }
        true
    }

    /// The list.
    pub fn list(self) -> Obj {
        Obj::list_of(&self.values)
    }
}
