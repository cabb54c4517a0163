//! Messages that were taken from a queue together, and wait to be handed out one by one.
//!
//! To take them one by one costs a look at the clock and several locks for each; a batch shares
//! them. Only queues of partitions that were started by hand may be read so. In a group's queue the C
//! function answers rebalances by itself; and it moves the position behind an error, which a rebalance
//! then goes on from: a message would be missing. This file must not decide what becomes of a message.

use std::collections::VecDeque;
use std::ptr;

use crate::client::Client;
use crate::error::Error;
use crate::fork;
use crate::handle::{Handle, Line, Resource};
use crate::message::Message;
use crate::queue::Queue;
use crate::sys;

struct MessageObject;

impl Resource for MessageObject {
    type Raw = sys::rd_kafka_message_t;
    const LINE: Line = Line::Message;
    #[inline]
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned message; what looks at it borrows its Received and is gone.
        unsafe { sys::rd_kafka_message_destroy(raw) }
    }
}

/// One message, or one error of a partition, that was taken; freed when dropped.
pub struct Received<'f> {
    raw: Handle<MessageObject>,
    /// Before its client: the borrow is of what keeps that.
    fetched: std::marker::PhantomData<&'f Fetched>,
}

impl Received<'_> {
    /// A look at it. With an error ([`Message::code`]) only its topic, partition, offset and text mean something.
    #[inline]
    pub fn message(&self) -> Message<'_> {
        // SAFETY: a handle is never NULL; a live message that is ours alone, as long as `self`, which is borrowed.
        unsafe { Message::of(self.raw.as_ptr(), false) }
    }

    /// Code and text, as an event about a partition has them ([`crate::Event::error`]).
    pub fn error(&self) -> Error {
        let message = self.message();
        let text = message.error_text();
        Error::new("event", message.code(), crate::log::scrub(&text).into_owned())
    }
}

/// Messages on their way from a queue to the program, in their order. They count as taken: librdkafka forgets none of
/// them when their partition is stopped, so [`Fetched::forget`] them then.
pub struct Fetched {
    /// Before the client: destroying that would wait for them.
    waiting: VecDeque<Handle<MessageObject>>,
    client: Client,
}

impl Fetched {
    /// The most that wait here.
    pub const MOST: usize = 64;

    /// None yet, of this client.
    pub fn new(client: &Client) -> Fetched {
        Fetched {
            waiting: VecDeque::with_capacity(Self::MOST),
            client: client.clone(),
        }
    }

    /// Takes what is ready in a queue of this client, at most [`Fetched::MOST`] messages and errors, without waiting
    /// (`rd_kafka_consume_batch_queue`). Returns how many there were. Nothing is taken while some wait here, or from a
    /// queue that is not the program's own ([`Client::new_queue`]).
    ///
    /// Their offsets are not stored, if `enable.auto.offset.store` is off, which the caller sees to: see
    /// [`Message::store_offset`]. (If it is on, the end of a partition is stored as if it were a message.)
    pub fn fill(&mut self, queue: &Queue) -> usize {
        if !self.waiting.is_empty() || fork::inherited(queue.made()) || !queue.is_plain() {
            return 0;
        }
        let mut places = [ptr::null_mut(); Self::MOST];
        // SAFETY: a live queue and room for so many pointers, of which the returned number is filled with messages for us
        // to destroy. The timeout of 0 waits for nothing.
        let count = unsafe { sys::rd_kafka_consume_batch_queue(queue.as_ptr(), 0, places.as_mut_ptr(), places.len()) };
        // Less than nothing is an error of the whole queue: then it is as if nothing were there.
        let count = usize::try_from(count).unwrap_or(0).min(places.len());
        // SAFETY: each is a message that nobody else destroys.
        let taken = places[..count].iter().filter_map(|raw| unsafe { Handle::own(*raw) });
        self.waiting.extend(taken);
        self.waiting.len()
    }

    /// The next one. None in a forked child.
    #[inline]
    pub fn pop(&mut self) -> Option<Received<'_>> {
        let raw = self.waiting.pop_front()?;
        if fork::inherited(raw.made()) {
            return None;
        }
        Some(Received {
            raw,
            fetched: std::marker::PhantomData,
        })
    }

    /// The next one, if it is a message and no error.
    #[inline]
    pub fn pop_message(&mut self) -> Option<Received<'_>> {
        if !Self::message(self.waiting.front()?).code().is_ok() {
            return None;
        }
        self.pop()
    }

    /// How many wait.
    #[inline]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn message(raw: &Handle<MessageObject>) -> Message<'_> {
        // SAFETY: a live message, as long as its handle is borrowed.
        unsafe { Message::of(raw.as_ptr(), false) }
    }

    fn is_of(raw: &Handle<MessageObject>, topic: &str, partition: i32) -> bool {
        let message = Self::message(raw);
        message.partition() == partition && message.topic_bytes() == topic.as_bytes()
    }

    /// Drops those of a partition that was stopped.
    pub fn forget(&mut self, topic: &str, partition: i32) {
        self.waiting.retain(|raw| !Self::is_of(raw, topic, partition));
    }

    /// Drops all.
    pub fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The client they are of.
    pub fn client(&self) -> &Client {
        &self.client
    }
}
