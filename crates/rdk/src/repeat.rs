//! The message that a member of a group would get twice, and does not.
//!
//! Before librdkafka sends a rebalance event it pauses the member's partitions, and notes where each goes on: behind the
//! last message that was taken. One that the program polled just before that and takes just after it is not among those;
//! where partitions stay with the member (`COOPERATIVE`) it comes again. So the last message taken before such an event
//! is answered is noted here, and is passed over if it is the first to come of its partition afterwards. It is known by its
//! offset and leader epoch, which no two records of a partition share, and its timestamp, should the topic have been made
//! anew. This file must not pass over anything that was not handed out, nor change what librdkafka fetches: where a
//! partition is read anew, what is noted of it is forgotten.

use std::sync::atomic::{AtomicI32, AtomicI64, AtomicUsize, Ordering::Relaxed};
use std::sync::Mutex;

use crate::client::Client;
use crate::error::Result;
use crate::life::locked;
use crate::message::Message;
use crate::partition::{Offset, PartitionList};

/// A message that was handed out, and may come again.
struct Note {
    topic: String,
    partition: i32,
    offset: i64,
    epoch: i32,
    timestamp: i64,
}

/// So many messages are looked up: a partition that has nothing more to say must not cost others for ever. What comes
/// again is fetched as soon as the rebalance is over.
const LOOKUPS: usize = 100_000;

/// So many partitions of one number are asked for where they stand: librdkafka's time grows with the square of it.
const MOST: usize = 1000;

/// Of one client: what was handed out last, and what may come again.
pub(crate) struct Repeats {
    // Two threads that take messages may mix them up. Then there is no note, for no partition stands behind it.
    partition: AtomicI32,
    offset: AtomicI64,
    timestamp: AtomicI64,
    /// So many messages are still looked up; none if there are no notes.
    lookups: AtomicUsize,
    notes: Mutex<Vec<Note>>,
}

impl Repeats {
    pub(crate) fn new() -> Repeats {
        Repeats {
            partition: AtomicI32::new(-1),
            offset: AtomicI64::new(-1),
            timestamp: AtomicI64::new(-1),
            lookups: AtomicUsize::new(0),
            notes: Mutex::default(),
        }
    }

    /// A message is handed out: did it come before?
    #[inline]
    pub(crate) fn is_second(&self, message: &Message<'_>) -> bool {
        self.partition.store(message.partition(), Relaxed);
        self.offset.store(message.offset(), Relaxed);
        self.timestamp.store(time_of(message), Relaxed);
        self.lookups.load(Relaxed) != 0 && self.is_noted(message)
    }

    #[cold]
    fn is_noted(&self, message: &Message<'_>) -> bool {
        let mut notes = locked(&self.notes);
        let of = |note: &Note| note.partition == message.partition() && note.topic.as_bytes() == message.topic_bytes();
        let found = notes.iter().position(of);
        // Only the first that comes can be that one.
        let note = found.map(|at| notes.swap_remove(at));
        let left = self.lookups.load(Relaxed).saturating_sub(1);
        if left == 0 {
            notes.clear();
        }
        self.lookups.store(if notes.is_empty() { 0 } else { left }, Relaxed);
        note.is_some_and(|note| {
            note.offset == message.offset()
                && Some(note.epoch) == message.leader_epoch()
                && note.timestamp == time_of(message)
        })
    }

    fn add(&self, note: Note) {
        let mut notes = locked(&self.notes);
        notes.retain(|old| old.partition != note.partition || old.topic != note.topic);
        notes.push(note);
        self.lookups.store(LOOKUPS, Relaxed);
    }

    /// These partitions, or all, are given up or read from elsewhere.
    pub(crate) fn forget(&self, partitions: Option<&PartitionList>) {
        // What was handed out last is no longer what the partition goes on from.
        self.offset.store(-1, Relaxed);
        if self.lookups.load(Relaxed) == 0 {
            return;
        }
        let mut notes = locked(&self.notes);
        match partitions {
            Some(list) => {
                for entry in list.iter() {
                    notes.retain(|note| note.partition != entry.partition || note.topic != entry.topic);
                }
            }
            None => notes.clear(),
        }
        if notes.is_empty() {
            self.lookups.store(0, Relaxed);
        }
    }
}

/// Milliseconds since 1970; -1 if the message has no timestamp.
#[inline]
fn time_of(message: &Message<'_>) -> i64 {
    message.timestamp().map_or(-1, |(ms, _)| ms)
}

impl Client {
    /// Note the message that was handed out last: before a rebalance event is answered of a group that rebalances step by
    /// step.
    pub(crate) fn note_last(&self) -> Result<()> {
        let repeats = &self.inner().repeats;
        let (partition, offset) = (repeats.partition.load(Relaxed), repeats.offset.load(Relaxed));
        let timestamp = repeats.timestamp.load(Relaxed);
        // Without a timestamp or an epoch it could not be told from another record.
        let (Some(behind), true) = (offset.checked_add(1), offset >= 0 && timestamp >= 0) else {
            return Ok(());
        };
        // Which topic it was: one whose partition of that number stands behind it.
        let mut list = PartitionList::new();
        for entry in self.assignment()?.iter().filter(|entry| entry.partition == partition) {
            list.add(&entry.topic, partition, None)?;
        }
        if list.is_empty() || list.len() > MOST {
            return Ok(());
        }
        let list = self.position(list)?;
        for (at, entry) in list.iter().enumerate() {
            if let (true, Some(epoch)) = (entry.offset == Offset::At(behind), list.leader_epoch(at)) {
                repeats.add(Note {
                    topic: entry.topic,
                    partition,
                    offset,
                    epoch,
                    timestamp,
                });
            }
        }
        Ok(())
    }
}
