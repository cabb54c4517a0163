//! Events: what librdkafka has to tell, one at a time.
//!
//! An event borrows its queue, so it cannot outlive the client: destroying a client while an event
//! of it is alive would hang. Accessors check the type first, because the C ones do not.

use std::ffi::CStr;
use std::marker::PhantomData;
use std::ptr;

use crate::client::Client;
use crate::error::{Code, Error};
use crate::handle::{Handle, Line, Resource};
use crate::message::Message;
use crate::partition::PartitionList;
use crate::queue::Queue;
use crate::sys::{self, coded};

struct EventObject;

impl Resource for EventObject {
    type Raw = sys::rd_kafka_event_t;
    const LINE: Line = Line::Event;
    #[inline]
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned event; its messages borrow the Event and are gone.
        unsafe { sys::rd_kafka_event_destroy(raw) }
    }
}

struct PartitionObject;

impl Resource for PartitionObject {
    type Raw = sys::rd_kafka_topic_partition_t;
    const LINE: Line = Line::Partition;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned topic partition.
        unsafe { sys::rd_kafka_topic_partition_destroy(raw) }
    }
}

/// What an event is about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EventKind {
    /// A message came in (`RD_KAFKA_EVENT_FETCH`).
    Message,
    /// Messages were delivered or failed (`RD_KAFKA_EVENT_DR`).
    Delivery,
    /// An error of the client, or of a partition, or the end of a partition (`RD_KAFKA_EVENT_ERROR`).
    Error,
    /// Statistics (`RD_KAFKA_EVENT_STATS`).
    Statistics,
    /// A log line (`RD_KAFKA_EVENT_LOG`).
    Log,
    /// Partitions are to be assigned or given up (`RD_KAFKA_EVENT_REBALANCE`); [`Event::error`] tells
    /// which, by code.
    Rebalance,
    /// A commit was answered (`RD_KAFKA_EVENT_OFFSET_COMMIT`).
    Commit,
    /// A token is about to expire (`RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH`).
    TokenRefresh,
    /// Anything else.
    Other,
}

/// A log line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LogLine {
    /// 0 (emergency) to 7 (debug), as for syslog.
    pub level: i32,
    /// librdkafka's word for what it is about, such as `FAIL` or `REQTMOUT`.
    pub facility: String,
    /// The text.
    pub message: String,
}

/// One event (`rd_kafka_event_t`); freed when dropped.
pub struct Event<'q> {
    raw: Handle<EventObject>,
    kind: EventKind,
    /// The client whose messages come once, if that is looked after.
    once: Option<&'q Client>,
    queue: PhantomData<&'q Queue>,
}

impl<'q> Event<'q> {
    /// Own an event; None for NULL.
    ///
    /// # Safety
    /// `raw` is NULL or an event for the caller to destroy, of a queue borrowed for `'q`.
    #[inline]
    pub(crate) unsafe fn adopt(raw: *mut sys::rd_kafka_event_t) -> Option<Event<'q>> {
        // SAFETY: the caller's promise is the same.
        let raw = unsafe { Handle::<EventObject>::own(raw) }?;
        // SAFETY: reads a field of the live event.
        let kind = match unsafe { sys::rd_kafka_event_type(raw.as_ptr()) } {
            sys::RD_KAFKA_EVENT_FETCH => EventKind::Message,
            sys::RD_KAFKA_EVENT_DR => EventKind::Delivery,
            sys::RD_KAFKA_EVENT_ERROR => EventKind::Error,
            sys::RD_KAFKA_EVENT_STATS => EventKind::Statistics,
            sys::RD_KAFKA_EVENT_LOG => EventKind::Log,
            sys::RD_KAFKA_EVENT_REBALANCE => EventKind::Rebalance,
            sys::RD_KAFKA_EVENT_OFFSET_COMMIT => EventKind::Commit,
            sys::RD_KAFKA_EVENT_OAUTHBEARER_TOKEN_REFRESH => EventKind::TokenRefresh,
            _ => EventKind::Other,
        };
        Some(Event {
            raw,
            kind,
            once: None,
            queue: PhantomData,
        })
    }

    /// Its message is not handed out if it came before: see `repeat.rs`.
    #[inline]
    pub(crate) fn once(&mut self, client: &'q Client) {
        self.once = Some(client);
    }

    /// What it is about (`rd_kafka_event_type`, asked once).
    #[inline]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// Its messages, each once (`rd_kafka_event_message_next`): one for [`EventKind::Message`] (none if the group has just
    /// rebalanced, and it was handed out before that), one or more for [`EventKind::Delivery`], none for the rest. A second
    /// iterator goes on where the first one stopped.
    ///
    /// Taking an incoming message here, not polling its event, marks it as handed to the program:
    /// the position moves past it and, with `enable.auto.offset.store`, its offset is stored for the
    /// next automatic commit. An event dropped untouched does neither.
    #[inline]
    pub fn messages(&self) -> Messages<'_> {
        Messages { event: self }
    }

    /// How many messages [`Event::messages`] has left to give (`rd_kafka_event_message_count`);
    /// for [`EventKind::Message`] always 1, also for one that is not handed out a second time.
    pub fn message_count(&self) -> usize {
        // SAFETY: reads the live event; the C function looks at its type.
        unsafe { sys::rd_kafka_event_message_count(self.raw.as_ptr()) }
    }

    /// Code and text (`rd_kafka_event_error`, `rd_kafka_event_error_string`). The code is
    /// `NO_ERROR` if the event reports none.
    pub fn error(&self) -> Error {
        let raw = self.raw.as_ptr();
        // SAFETY: reads a field of the live event.
        let code = Code(unsafe { coded::rd_kafka_event_error(raw) });
        // SAFETY: the string belongs to the event or is constant; it is copied at once.
        let text = unsafe { sys::lossy(sys::rd_kafka_event_error_string(raw)) };
        let mut error = Error::new("event", code, crate::log::scrub(&text).into_owned());
        if self.kind == EventKind::Error {
            // SAFETY: reads a field that an event of this type has (others have another there).
            error.fatal = unsafe { sys::rd_kafka_event_error_is_fatal(raw) } != 0;
        }
        error
    }

    /// Topic, partition and offset that an [`EventKind::Error`] is about
    /// (`rd_kafka_event_topic_partition`): for `__PARTITION_EOF` the offset of the next message to
    /// come, else that of the message in question, or -1001. None for errors of the whole client.
    pub fn partition(&self) -> Option<(String, i32, i64)> {
        if self.kind != EventKind::Error {
            return None;
        }
        // SAFETY: a live event; returns a new object for the caller to destroy, or NULL.
        let object = unsafe { Handle::<PartitionObject>::own(sys::rd_kafka_event_topic_partition(self.raw.as_ptr())) }?;
        let raw = object.as_ptr();
        // SAFETY: three fields of the object that lives to the end of this function; the string is copied.
        Some(unsafe {
            (
                sys::lossy(ptr::addr_of!((*raw).topic).read()),
                ptr::addr_of!((*raw).partition).read(),
                ptr::addr_of!((*raw).offset).read(),
            )
        })
    }

    /// The statistics, a JSON text (`rd_kafka_event_stats`).
    pub fn statistics(&self) -> Option<&[u8]> {
        if self.kind != EventKind::Statistics {
            return None;
        }
        // SAFETY: an event of this type; the string belongs to it.
        let text = unsafe { sys::rd_kafka_event_stats(self.raw.as_ptr()) };
        if text.is_null() {
            return None;
        }
        // SAFETY: NUL-terminated, unchanged, and alive as long as the event, which is borrowed.
        Some(unsafe { CStr::from_ptr(text) }.to_bytes())
    }

    /// The log line (`rd_kafka_event_log`); none for a line that says nothing.
    pub fn log(&self) -> Option<LogLine> {
        if self.kind != EventKind::Log {
            return None;
        }
        let (mut facility, mut message, mut level) = (ptr::null(), ptr::null(), 0);
        // SAFETY: an event of this type; stores two strings of the event and a number.
        let answer = unsafe { sys::rd_kafka_event_log(self.raw.as_ptr(), &mut facility, &mut message, &mut level) };
        if answer != 0 {
            return None;
        }
        // SAFETY: both strings belong to the live event and are copied at once.
        let (facility, message) = unsafe { (sys::lossy(facility), sys::lossy(message)) };
        if crate::log::is_noise(facility.as_bytes(), message.as_bytes()) {
            return None;
        }
        let message = crate::log::scrub(&message).into_owned();
        Some(LogLine {
            level,
            facility,
            message,
        })
    }

    /// A copy of the partitions of an [`EventKind::Rebalance`] or [`EventKind::Commit`]
    /// (`rd_kafka_event_topic_partition_list`).
    pub fn partitions(&self) -> Option<PartitionList> {
        if !matches!(self.kind, EventKind::Rebalance | EventKind::Commit) {
            return None;
        }
        // SAFETY: an event of this type; the list belongs to it.
        let list = unsafe { sys::rd_kafka_event_topic_partition_list(self.raw.as_ptr()) };
        // SAFETY: NULL or a list that lives as long as the event, which is borrowed.
        unsafe { PartitionList::copy_of(list) }
    }
}

impl std::fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// The messages of an event; see [`Event::messages`].
pub struct Messages<'e> {
    event: &'e Event<'e>,
}

impl<'e> Iterator for Messages<'e> {
    type Item = Message<'e>;

    #[inline]
    fn next(&mut self) -> Option<Message<'e>> {
        let delivery = match self.event.kind {
            EventKind::Message => false,
            EventKind::Delivery => true,
            _ => return None,
        };
        // SAFETY: a live event that only this thread can use (Event is not Sync).
        let raw = unsafe { sys::rd_kafka_event_message_next(self.event.raw.as_ptr()) };
        // SAFETY: NULL or a message that lives until the event is destroyed; the event is borrowed
        // for 'e. Messages of a delivery report move to a second list of the same event.
        let message = unsafe { Message::view(raw, delivery) }?;
        match self.event.once {
            Some(client) if !delivery && client.inner().repeats.is_second(&message) => None,
            _ => Some(message),
        }
    }
}
