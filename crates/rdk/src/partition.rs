//! Offsets, and lists of topic partitions with what is known or wanted of each.
//!
//! A list here is always a C list, so nothing of it (leader epochs, commit metadata) is lost on
//! the way from one call to the next.

use std::ffi::{c_int, CString};
use std::ptr;

use crate::config::solid;
use crate::error::{Code, Error, Result};
use crate::handle::{Handle, Line, Resource, Shared};
use crate::sys::{self, cstring};

/// A place in a partition, or a time for [`crate::Client::offsets_for_times`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Offset {
    /// The first message there is.
    Beginning,
    /// Behind the last message there is.
    End,
    /// What the group committed last.
    Stored,
    /// No offset.
    Invalid,
    /// This message; or, where a time is meant, milliseconds since 1970.
    At(i64),
    /// So many messages before the end.
    Tail(i64),
}

const TAIL_BASE: i64 = sys::RD_KAFKA_OFFSET_TAIL_BASE as i64;

impl Offset {
    /// The number librdkafka uses (`RD_KAFKA_OFFSET_*`); a negative tail counts as 0.
    pub fn raw(self) -> i64 {
        match self {
            Offset::Beginning => i64::from(sys::RD_KAFKA_OFFSET_BEGINNING),
            Offset::End => i64::from(sys::RD_KAFKA_OFFSET_END),
            Offset::Stored => i64::from(sys::RD_KAFKA_OFFSET_STORED),
            Offset::Invalid => i64::from(sys::RD_KAFKA_OFFSET_INVALID),
            Offset::At(at) => at,
            Offset::Tail(count) => TAIL_BASE.saturating_sub(count.max(0)),
        }
    }

    /// What a number of librdkafka means.
    pub fn from_raw(raw: i64) -> Offset {
        match raw {
            -2 => Offset::Beginning,
            -1 => Offset::End,
            -1000 => Offset::Stored,
            -1001 => Offset::Invalid,
            tail if tail <= TAIL_BASE => Offset::Tail(TAIL_BASE.saturating_sub(tail)),
            at => Offset::At(at),
        }
    }
}

/// One element of a [`PartitionList`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The topic.
    pub topic: String,
    /// The partition; -1 where only the topic matters.
    pub partition: i32,
    /// The offset, if the call that made the list knows one.
    pub offset: Offset,
    /// What went wrong with this partition.
    pub error: Code,
    /// The text that was committed with the offset.
    pub metadata: Option<Vec<u8>>,
}

struct ListObject;

impl Resource for ListObject {
    type Raw = sys::rd_kafka_topic_partition_list_t;
    const LINE: Line = Line::PartitionList;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned list.
        unsafe { sys::rd_kafka_topic_partition_list_destroy(raw) }
    }
}

// SAFETY: plain data; written only through `&mut` or by the C call that has it alone. The toppar
// references inside are counted atomically.
unsafe impl Shared for ListObject {}

/// The most elements of a list that a caller makes. librdkafka's time grows with the square of it, in calls that nothing
/// can end: at this number a subscription or an assignment takes about four seconds to give up, at five times as many
/// two minutes.
const MOST: usize = 20_000;

/// The longest name of a topic, and the longest expression: brokers take no longer names, and librdkafka makes no topic
/// of a name that is too long for a request, but uses what it has not made.
const LONGEST_NAME: usize = 249;
const LONGEST_EXPRESSION: usize = 1024;

/// A name of a topic, or an expression that begins with `^`, for C.
pub(crate) fn topic_name(op: &'static str, name: &str) -> Result<CString> {
    if name.is_empty() {
        return Err(Error::new(op, Code::INVALID_ARG, "the topic name is empty"));
    }
    let most = if name.starts_with('^') {
        LONGEST_EXPRESSION
    } else {
        LONGEST_NAME
    };
    if name.len() > most {
        let text = format!("the topic name has {} bytes; {most} are allowed", name.len());
        return Err(Error::new(op, Code::INVALID_ARG, text));
    }
    cstring(op, "a topic name", name)
}

/// A list of topic partitions (`rd_kafka_topic_partition_list_t`).
pub struct PartitionList {
    raw: Handle<ListObject>,
}

impl PartitionList {
    /// An empty list (`rd_kafka_topic_partition_list_new`).
    #[allow(clippy::new_without_default)] // librdkafka allocates; `default()` would hide that
    pub fn new() -> PartitionList {
        // SAFETY: returns a new list for the caller to destroy; librdkafka aborts rather than return NULL.
        let raw = unsafe { Handle::own(sys::rd_kafka_topic_partition_list_new(0)) };
        PartitionList { raw: solid(raw) }
    }

    /// Own a list that librdkafka made.
    ///
    /// # Safety
    /// `raw` is NULL or a list for the caller to destroy.
    pub(crate) unsafe fn adopt(op: &'static str, raw: *mut sys::rd_kafka_topic_partition_list_t) -> Result<Self> {
        // SAFETY: the caller's promise is the same.
        let raw = unsafe { Handle::need(op, raw) }?;
        Ok(PartitionList { raw })
    }

    /// A copy of someone else's list; None for NULL.
    ///
    /// # Safety
    /// `list` is NULL or a list that lives unchanged through this call.
    pub(crate) unsafe fn copy_of(list: *const sys::rd_kafka_topic_partition_list_t) -> Option<Self> {
        if list.is_null() {
            return None;
        }
        // SAFETY: the caller promises the list; returns a new one for the caller to destroy.
        let raw = unsafe { Handle::own(sys::rd_kafka_topic_partition_list_copy(list)) }?;
        Some(PartitionList { raw })
    }

    /// Add a partition at the end (`rd_kafka_topic_partition_list_add`); partition -1 means none in
    /// particular, as for subscriptions. Without an offset it is [`Offset::Invalid`].
    ///
    /// Errors (`__INVALID_ARG`): an empty topic name, one with a NUL or longer than 249 bytes (1,024 for an
    /// expression), a partition below -1, more than 20,000 elements.
    pub fn add(&mut self, topic: &str, partition: i32, offset: Option<Offset>) -> Result<()> {
        if self.len() >= MOST {
            let text = format!("a list of topics or partitions may have {MOST} elements");
            return Err(Error::new("list", Code::INVALID_ARG, text));
        }
        if partition < -1 {
            let text = format!("invalid partition {partition}");
            return Err(Error::new("partition_list", Code::INVALID_ARG, text));
        }
        let topic = topic_name("partition_list", topic)?;
        // SAFETY: the list is ours and mutably borrowed; the string is copied.
        let entry = unsafe { sys::rd_kafka_topic_partition_list_add(self.raw.as_ptr(), topic.as_ptr(), partition) };
        if let (Some(offset), false) = (offset, entry.is_null()) {
            // SAFETY: the new element of our list; nothing was added since.
            unsafe { ptr::addr_of_mut!((*entry).offset).write(offset.raw()) }
        }
        Ok(())
    }

    /// How many elements it has.
    pub fn len(&self) -> usize {
        // SAFETY: a plain field of a live list.
        let count: c_int = unsafe { ptr::addr_of!((*self.raw.as_ptr()).cnt).read() };
        usize::try_from(count).unwrap_or(0)
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of element `at`, which is below `len()`.
    fn element(&self, at: usize) -> *mut sys::rd_kafka_topic_partition_t {
        // SAFETY: a plain field of a live list; the array has len() elements.
        unsafe { ptr::addr_of!((*self.raw.as_ptr()).elems).read().add(at) }
    }

    /// Its elements, decoded one by one.
    pub fn iter(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.len()).map(|at| {
            let element = self.element(at);
            // SAFETY: fields of a live element; topic is a NUL-terminated string that is copied.
            let (topic, partition, offset) = unsafe {
                (
                    sys::lossy(ptr::addr_of!((*element).topic).read()),
                    ptr::addr_of!((*element).partition).read(),
                    ptr::addr_of!((*element).offset).read(),
                )
            };
            // SAFETY: the error field of a live element.
            let error = unsafe { sys::code_at(ptr::addr_of!((*element).err)) };
            // SAFETY: metadata is NULL or metadata_size bytes that the list owns; they are copied.
            let metadata = unsafe {
                let start = ptr::addr_of!((*element).metadata).read().cast::<u8>();
                let size = ptr::addr_of!((*element).metadata_size).read();
                (!start.is_null()).then(|| sys::slice_at(start.cast_const(), size).to_vec())
            };
            Entry {
                topic,
                partition,
                offset: Offset::from_raw(offset),
                error,
                metadata,
            }
        })
    }

    /// The leader epoch of an element (`rd_kafka_topic_partition_get_leader_epoch`); None if it is not known.
    pub(crate) fn leader_epoch(&self, at: usize) -> Option<i32> {
        // SAFETY: reads a field of a live element.
        let epoch = unsafe { sys::rd_kafka_topic_partition_get_leader_epoch(self.element(at)) };
        (epoch >= 0).then_some(epoch)
    }

    /// Give every element this offset.
    pub fn set_all_offsets(&mut self, offset: Offset) {
        for at in 0..self.len() {
            // SAFETY: a field of a live element; the list is mutably borrowed.
            unsafe { ptr::addr_of_mut!((*self.element(at)).offset).write(offset.raw()) }
        }
    }

    /// The error of the first element that has one, naming it. `ok` is a code that does not count.
    pub(crate) fn first_error(&self, op: &'static str, ok: Code) -> Result<()> {
        match self.iter().find(|entry| !entry.error.is_ok() && entry.error != ok) {
            None => Ok(()),
            Some(bad) => {
                let text = format!("{} [{}]: {}", bad.topic, bad.partition, bad.error.text());
                Err(Error::new(op, bad.error, text))
            }
        }
    }

    /// The pointer, for C calls while `self` lives.
    pub(crate) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_partition_list_t {
        self.raw.as_ptr()
    }
}

impl Clone for PartitionList {
    /// A deep copy (`rd_kafka_topic_partition_list_copy`).
    fn clone(&self) -> PartitionList {
        // SAFETY: our live list.
        solid(unsafe { PartitionList::copy_of(self.as_ptr()) })
    }
}

impl std::fmt::Debug for PartitionList {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
