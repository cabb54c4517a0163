//! A look at one message inside an event: no copy, no allocation, fields read in place.
//!
//! Nothing here may keep a pointer longer than the event lives; the lifetime sees to it.

use std::borrow::Cow;
use std::ffi::{c_void, CStr};
use std::marker::PhantomData;
use std::ptr;

use crate::error::{Code, Error, Result};
use crate::sys::{self, coded};

/// Who stamped a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TimestampKind {
    /// The producer, when it made the message.
    Create,
    /// The broker, when it appended the message to its log.
    LogAppend,
}

/// What became of a message that was produced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    /// It was never sent, or certainly not written.
    NotPersisted,
    /// It was sent, but no answer came: it may or may not be there.
    PossiblyPersisted,
    /// The broker has it.
    Persisted,
}

/// One message of an event or of [`crate::Fetched`]: received, or reported as delivered or failed.
#[derive(Clone, Copy)]
pub struct Message<'e> {
    raw: *const sys::rd_kafka_message_t,
    delivery: bool,
    event: PhantomData<&'e ()>,
}

/// A field of the message that `$message` looks at.
macro_rules! field {
    ($message:expr, $name:ident) => {{
        // SAFETY: view() was promised a live message for the lifetime of `self`; one plain field is read.
        unsafe { ptr::addr_of!((*$message.raw).$name).read() }
    }};
}

impl<'e> Message<'e> {
    /// Look at a message; None for NULL.
    ///
    /// # Safety
    /// `raw` is NULL or a message that lives unchanged for `'e`.
    #[inline]
    pub(crate) unsafe fn view(raw: *const sys::rd_kafka_message_t, delivery: bool) -> Option<Message<'e>> {
        // SAFETY: not NULL, and the caller promises the rest.
        (!raw.is_null()).then(|| unsafe { Message::of(raw, delivery) })
    }

    /// Look at a message that is there.
    ///
    /// # Safety
    /// `raw` is a message that lives unchanged for `'e`.
    #[inline]
    pub(crate) unsafe fn of(raw: *const sys::rd_kafka_message_t, delivery: bool) -> Message<'e> {
        Message {
            raw,
            delivery,
            event: PhantomData,
        }
    }

    /// Whether this is a delivery report (else an incoming message).
    #[inline]
    pub fn is_delivery(&self) -> bool {
        self.delivery
    }

    /// `NO_ERROR`, or why it was not delivered or cannot be read.
    #[inline]
    pub fn code(&self) -> Code {
        // SAFETY: the error field of a live message.
        unsafe { sys::code_at(ptr::addr_of!((*self.raw).err)) }
    }

    /// The text for [`Message::code`] (`rd_kafka_message_produce_errstr` for delivery reports,
    /// `rd_kafka_message_errstr` for incoming messages); empty without an error.
    pub fn error_text(&self) -> String {
        let code = self.code();
        if code.is_ok() {
            return String::new();
        }
        let text = if self.delivery {
            // SAFETY: a produced message with an error: this reads its own field, NULL or a string.
            unsafe { sys::lossy(sys::rd_kafka_message_produce_errstr(self.raw)) }
        } else {
            // SAFETY: an incoming message with an error has its text as payload, NUL-terminated. (A
            // delivery report has the user's bytes there, so it must not come this way.)
            unsafe { sys::lossy(sys::rd_kafka_message_errstr(self.raw)) }
        };
        if text.is_empty() {
            code.text()
        } else {
            text
        }
    }

    /// The topic's name (`rd_kafka_topic_name`).
    pub fn topic_name(&self) -> Cow<'e, str> {
        String::from_utf8_lossy(self.topic_bytes())
    }

    /// The topic's name as librdkafka has it, to be compared (`rd_kafka_topic_name`).
    #[inline]
    pub fn topic_bytes(&self) -> &'e [u8] {
        let topic = field!(self, rkt);
        if topic.is_null() {
            return b"";
        }
        // SAFETY: the message holds a reference to its topic, and the name is constant while it lives.
        unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(topic)) }.to_bytes()
    }

    /// A number that is the same for two live messages of a client exactly if their topic is the
    /// same, to keep one name per topic. Compare it, nothing else; a client that drops its last
    /// [`crate::Topic`] of a name may use the number again for another topic.
    #[inline]
    pub fn topic_ptr_key(&self) -> usize {
        field!(self, rkt) as usize
    }

    /// The partition; -1 if it was never decided.
    #[inline]
    pub fn partition(&self) -> i32 {
        field!(self, partition)
    }

    /// The offset; -1001 in the report of a failed message.
    #[inline]
    pub fn offset(&self) -> i64 {
        field!(self, offset)
    }

    /// Bytes at `start`; None for NULL, which is not the same as empty.
    #[inline]
    fn bytes(&self, start: *const c_void, len: usize) -> Option<&'e [u8]> {
        if start.is_null() {
            return None;
        }
        // SAFETY: payload and key with their lengths belong to the message, which lives unchanged for 'e.
        Some(unsafe { sys::slice_at(start.cast::<u8>(), len) })
    }

    /// The value; None if it is null (and for an incoming message with an error).
    #[inline]
    pub fn payload(&self) -> Option<&'e [u8]> {
        if !self.delivery && !self.code().is_ok() {
            return None; // the C field holds the error's text
        }
        self.bytes(field!(self, payload), field!(self, len))
    }

    /// The key; None if it is null.
    #[inline]
    pub fn key(&self) -> Option<&'e [u8]> {
        self.bytes(field!(self, key), field!(self, key_len))
    }

    /// Milliseconds since 1970 and who stamped it (`rd_kafka_message_timestamp`); None if unknown.
    #[inline]
    pub fn timestamp(&self) -> Option<(i64, TimestampKind)> {
        let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: a live message; the number lives through the call and gets one of three values.
        let ms = unsafe { sys::rd_kafka_message_timestamp(self.raw, &mut kind) };
        match kind {
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE => None,
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_CREATE_TIME => Some((ms, TimestampKind::Create)),
            sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME => Some((ms, TimestampKind::LogAppend)),
        }
    }

    /// The leader epoch the message was written in (`rd_kafka_message_leader_epoch`); None if
    /// unknown and in delivery reports.
    pub fn leader_epoch(&self) -> Option<i32> {
        // SAFETY: a live message.
        let epoch = unsafe { sys::rd_kafka_message_leader_epoch(self.raw) };
        (epoch >= 0).then_some(epoch)
    }

    /// The broker it came from or went to (`rd_kafka_message_broker_id`); None if it did neither.
    pub fn broker_id(&self) -> Option<i32> {
        // SAFETY: a live message.
        let id = unsafe { sys::rd_kafka_message_broker_id(self.raw) };
        (id >= 0).then_some(id)
    }

    /// Microseconds since `produce` was called (`rd_kafka_message_latency`); delivery reports only.
    pub fn latency(&self) -> Option<i64> {
        if !self.delivery {
            return None; // an incoming message has something else in that field
        }
        // SAFETY: a live message that was produced.
        let us = unsafe { sys::rd_kafka_message_latency(self.raw) };
        (us >= 0).then_some(us)
    }

    /// What became of it (`rd_kafka_message_status`); meaningful in delivery reports.
    pub fn status(&self) -> Status {
        // SAFETY: a live message; the field holds one of the three values of the enum.
        match unsafe { sys::rd_kafka_message_status(self.raw) } {
            sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Status::NotPersisted,
            sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED => Status::PossiblyPersisted,
            sys::rd_kafka_msg_status_t::RD_KAFKA_MSG_STATUS_PERSISTED => Status::Persisted,
        }
    }

    /// The headers in order, duplicates and null values kept (`rd_kafka_message_headers`,
    /// `rd_kafka_header_get_all`). Empty if there are none or they cannot be read.
    pub fn headers(&self) -> Vec<(String, Option<Vec<u8>>)> {
        let mut list = ptr::null_mut();
        // SAFETY: a live message; stores a list that belongs to the message. Incoming headers are
        // parsed at the first call, on this thread: Message is neither Send nor Sync.
        if unsafe { coded::rd_kafka_message_headers(self.raw, &mut list) } != 0 || list.is_null() {
            return Vec::new();
        }
        let mut headers = Vec::new();
        loop {
            let (mut name, mut value, mut size) = (ptr::null(), ptr::null(), 0);
            // SAFETY: the list lives with the message; an index past the end is an error code.
            let code = unsafe { coded::rd_kafka_header_get_all(list, headers.len(), &mut name, &mut value, &mut size) };
            if code != 0 {
                return headers;
            }
            // SAFETY: a NUL-terminated name of the list, copied at once.
            let name = unsafe { sys::lossy(name) };
            headers.push((name, self.bytes(value, size).map(<[u8]>::to_vec)));
        }
    }

    /// Store its offset plus one, for the next commit (`rd_kafka_offset_store_message`); for
    /// consumers with `enable.auto.offset.store=false`. Errors: `__STATE` if the partition is not
    /// assigned any more, `__INVALID_ARG` for delivery reports and messages with an error.
    pub fn store_offset(&self) -> Result<()> {
        if self.delivery {
            return Err(Error::new("store_offset", Code::INVALID_ARG, "not a received message"));
        }
        // SAFETY: a live incoming message, which the function only reads.
        let error = unsafe { sys::rd_kafka_offset_store_message(self.raw.cast_mut()) };
        // SAFETY: straight from the call.
        unsafe { Error::take("store_offset", error) }
    }
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("code", &self.code())
            .field("topic", &self.topic_name())
            .field("partition", &self.partition())
            .field("offset", &self.offset())
            .field("payload_bytes", &self.payload().map(<[u8]>::len))
            .finish()
    }
}
