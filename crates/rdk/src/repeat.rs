//! The message that a member of a group would get twice, and does not.
//!
//! Before librdkafka sends a rebalance event it pauses the member's partitions, and notes where each goes on: behind the
//! last message that was taken. One that the program polled just before that and takes just after it is not among those;
//! where partitions stay with the member (`COOPERATIVE`) it comes again. So the last message taken before such an event
//! is answered is noted here, and is passed over if it is the first to come of its partition afterwards. It is known by its
//! offset and leader epoch, which no two records share. This file must not pass over anything that was not handed
//! out, nor change what librdkafka fetches: where a partition is read anew, what is noted of it is forgotten.

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
}

/// Of one client: what was handed out last, and what may come again.
pub(crate) struct Repeats {
    // Two threads that take messages may mix them up. Then there is no note, for no partition stands behind it.
    partition: AtomicI32,
    offset: AtomicI64,
    /// How many notes there are, so that a message is looked up only if there are some.
    count: AtomicUsize,
    notes: Mutex<Vec<Note>>,
}

impl Repeats {
    pub(crate) fn new() -> Repeats {
        Repeats {
            partition: AtomicI32::new(-1),
            offset: AtomicI64::new(-1),
            count: AtomicUsize::new(0),
            notes: Mutex::default(),
        }
    }

    /// A message is handed out: did it come before?
    #[inline]
    pub(crate) fn is_second(&self, message: &Message<'_>) -> bool {
        self.partition.store(message.partition(), Relaxed);
        self.offset.store(message.offset(), Relaxed);
        self.count.load(Relaxed) != 0 && self.is_noted(message)
    }

    #[cold]
    fn is_noted(&self, message: &Message<'_>) -> bool {
        let mut notes = locked(&self.notes);
        let of = |note: &Note| note.partition == message.partition() && note.topic.as_bytes() == message.topic_bytes();
        let Some(at) = notes.iter().position(of) else {
            return false;
        };
        // Only the first that comes can be that one.
        let note = notes.swap_remove(at);
        self.count.store(notes.len(), Relaxed);
        note.offset == message.offset() && Some(note.epoch) == message.leader_epoch()
    }

    fn add(&self, note: Note) {
        let mut notes = locked(&self.notes);
        notes.retain(|old| old.partition != note.partition || old.topic != note.topic);
        notes.push(note);
        self.count.store(notes.len(), Relaxed);
    }

    /// These partitions, or all, are given up or read from elsewhere.
    pub(crate) fn forget(&self, partitions: Option<&PartitionList>) {
        if self.count.load(Relaxed) == 0 {
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
        self.count.store(notes.len(), Relaxed);
    }
}

impl Client {
    /// Note the message that was handed out last: before a rebalance event is answered of a group that rebalances step by
    /// step.
    pub(crate) fn note_last(&self) -> Result<()> {
        let repeats = &self.inner().repeats;
        let (partition, offset) = (repeats.partition.load(Relaxed), repeats.offset.load(Relaxed));
        if offset < 0 {
            return Ok(());
        }
        // Which topic it was: one whose partition of that number stands behind it.
        let mut list = PartitionList::new();
        for entry in self.assignment()?.iter().filter(|entry| entry.partition == partition) {
            list.add(&entry.topic, partition, None)?;
        }
        if list.is_empty() {
            return Ok(());
        }
        let list = self.position(list)?;
        for (at, entry) in list.iter().enumerate() {
            let epoch = list.leader_epoch(at);
            // Without an epoch another record may have this offset.
            if let (true, Some(epoch)) = (entry.offset == Offset::At(offset + 1), epoch) {
                repeats.add(Note {
                    topic: entry.topic,
                    partition,
                    offset,
                    epoch,
                });
            }
        }
        Ok(())
    }
}
