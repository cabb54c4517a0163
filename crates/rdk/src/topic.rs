//! A topic of one client: produce to it, or start and stop its partitions without a group.
//!
//! Names, partitions and offsets are checked here, since librdkafka accepts many that can only fail
//! later or never.

use std::ffi::c_void;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use crate::client::Client;
use crate::config::TopicConfig;
use crate::error::{Code, Error, Result};
use crate::fence::fence;
use crate::handle::{Handle, Line, Resource, Shared};
use crate::life::locked;
use crate::partition::Offset;
use crate::queue::Queue;
use crate::sys::{self, cstring, RawMessage};
use crate::wants::Kind;

pub(crate) struct TopicObject;

impl Resource for TopicObject {
    type Raw = sys::rd_kafka_topic_t;
    const LINE: Line = Line::Topic;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned topic reference, before its client.
        unsafe { sys::rd_kafka_topic_destroy(raw) }
    }
}

// SAFETY: the header says that topic functions may be called from any thread.
unsafe impl Shared for TopicObject {}

/// A message to be, for [`Topic::produce_batch`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The value.
    pub payload: &'a [u8],
    /// The key, or none.
    pub key: Option<&'a [u8]>,
}

/// A topic of a client (`rd_kafka_topic_t`). Owns its client.
///
/// librdkafka has one topic object per name and client: settings given for a name count only while
/// no other [`Topic`] of that name (nor anything inside librdkafka) is alive.
pub struct Topic {
    // Before the client: Rust drops fields in this order.
    raw: Handle<TopicObject>,
    client: Client,
    name: String,
    config: Option<TopicConfig>,
    /// Partitions that this very object started.
    started: Mutex<Vec<i32>>,
}

/// 1 to 249 characters of `a-zA-Z0-9._-`, and not `.` or `..`: what a broker accepts.
fn check_name(name: &str) -> Result<()> {
    let ok = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let text = if name.is_empty() {
        "the topic name is empty".to_string()
    } else if name.len() > 249 {
        format!("the topic name has {} bytes; 249 are allowed", name.len())
    } else if name == "." || name == ".." {
        format!("\"{name}\" cannot be a topic name")
    } else if !name.bytes().all(ok) {
        format!("the topic name {name:?} has characters other than a-z, A-Z, 0-9, \".\", \"_\" and \"-\"")
    } else {
        return Ok(());
    };
    Err(Error::new("topic", Code::INVALID_ARG, text))
}

/// Address and length for C; None is NULL, which is not the same as empty.
fn parts(bytes: Option<&[u8]>) -> (*mut c_void, usize) {
    match bytes {
        Some(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
        None => (ptr::null_mut(), 0),
    }
}

impl Topic {
    pub(crate) fn open(client: &Client, name: &str, config: Option<TopicConfig>) -> Result<Topic> {
        let rk = client.ptr("topic")?;
        check_name(name)?;
        let c_name = cstring("topic", "a topic name", name)?;
        let taken = config
            .as_ref()
            .map_or(ptr::null_mut(), |config| config.duplicate().into_raw());
        // SAFETY: a live client; the name is copied; the settings, NULL or ours, are taken over in
        // every case (rd_kafka_topic_new0 destroys them when it fails or the topic exists).
        let raw = unsafe { sys::rd_kafka_topic_new(rk, c_name.as_ptr(), taken) };
        // SAFETY: a topic reference for the caller to destroy, or NULL.
        let Some(raw) = (unsafe { Handle::own(raw) }) else {
            return Err(Error::last("topic"));
        };
        Ok(Topic {
            raw,
            client: client.clone(),
            name: name.to_string(),
            config,
            started: Mutex::default(),
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The client it belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The topic's settings: those it was opened with, else the client's defaults.
    pub fn settings(&self) -> TopicConfig {
        match &self.config {
            Some(config) => config.duplicate(),
            None => self.client.topic_defaults(),
        }
    }

    /// The pointer, for C calls while `self` lives.
    pub(crate) fn as_ptr(&self) -> *mut sys::rd_kafka_topic_t {
        self.raw.as_ptr()
    }

    /// The errors that producing has before librdkafka is asked.
    fn check_produce(&self, op: &'static str, partition: i32) -> Result<()> {
        self.client.ptr_of(op, Kind::Producer)?;
        if partition < -1 {
            let text = format!("invalid partition {partition}: it must be -1 (any) or more");
            return Err(Error::new(op, Code::UNKNOWN_PARTITION, text));
        }
        Ok(())
    }

    /// Send a message to a partition, or with -1 to the one the partitioner chooses
    /// (`rd_kafka_produce` with `RD_KAFKA_MSG_F_COPY`). Returns as soon as it is queued; what
    /// becomes of it is told by a delivery report. None as payload is Kafka's null (a tombstone).
    ///
    /// Errors: `__QUEUE_FULL` (try again later), `MSG_SIZE_TOO_LARGE`, `__UNKNOWN_PARTITION`,
    /// `__UNKNOWN_TOPIC`, `__FATAL`. Once the process is ending `__STATE`, or it does not
    /// return ([`crate::close_gate`]).
    #[inline]
    pub fn produce(&self, partition: i32, payload: Option<&[u8]>, key: Option<&[u8]>) -> Result<()> {
        self.check_produce("produce", partition)?;
        let _inside = self.client.enter("produce")?;
        let (payload, payload_len) = parts(payload);
        let (key, key_len) = parts(key);
        // SAFETY: a live topic; both slices live through the call and are copied before it returns
        // (F_COPY for the payload, keys always).
        let answer = unsafe {
            sys::rd_kafka_produce(
                self.as_ptr(),
                partition,
                sys::RD_KAFKA_MSG_F_COPY,
                payload,
                payload_len,
                key,
                key_len,
                ptr::null_mut(),
            )
        };
        if answer == 0 {
            Ok(())
        } else {
            Err(Error::last("produce"))
        }
    }

    /// Send many messages, in order (`rd_kafka_produce_batch` with `RD_KAFKA_MSG_F_COPY`). Returns
    /// the rows that were refused, each with its index and why; empty when all were taken. Once the
    /// queue is full, all later rows are refused as well.
    pub fn produce_batch(&self, partition: i32, rows: &[Row<'_>]) -> Result<Vec<(usize, Error)>> {
        self.check_produce("produce_batch", partition)?;
        let Ok(count) = i32::try_from(rows.len()) else {
            return Err(Error::new(
                "produce_batch",
                Code::INVALID_ARG,
                "more than 2^31-1 messages",
            ));
        };
        let mut raw: Vec<RawMessage> = rows
            .iter()
            .map(|row| {
                let (payload, len) = parts(Some(row.payload));
                let (key, key_len) = parts(row.key);
                RawMessage {
                    err: 0,
                    rkt: ptr::null_mut(),
                    partition,
                    payload,
                    len,
                    key,
                    key_len,
                    offset: 0,
                    private: ptr::null_mut(),
                }
            })
            .collect();
        let _inside = self.client.enter("produce_batch")?;
        // SAFETY: a live topic; `count` elements with the layout of rd_kafka_message_t (asserted in
        // sys.rs), whose slices live through the call and are copied (F_COPY, keys always).
        let taken = unsafe {
            sys::rd_kafka_produce_batch(
                self.as_ptr(),
                partition,
                sys::RD_KAFKA_MSG_F_COPY,
                raw.as_mut_ptr().cast(),
                count,
            )
        };
        if taken == count {
            return Ok(Vec::new());
        }
        let refused = raw.iter().enumerate().filter(|(_, row)| row.err != 0);
        Ok(refused
            .map(|(at, row)| (at, Error::of("produce_batch", Code(row.err))))
            .collect())
    }

    /// Read a partition from `offset` on into `queue`, without a group
    /// (`rd_kafka_consume_start_queue`). `queue` must belong to the same client. With
    /// `enable.partition.eof` the end of the partition comes there as an error event.
    ///
    /// Errors: `__UNKNOWN_PARTITION` for a negative partition, `__CONFLICT` if it is started
    /// already, `__INVALID_ARG` for [`Offset::Invalid`], a negative offset, or [`Offset::Stored`]
    /// without a `group.id`, or if the client has subscribed.
    pub fn start(&self, partition: i32, offset: Offset, queue: &Queue) -> Result<()> {
        self.client.consumer("start")?;
        if partition < 0 {
            let text = format!("invalid partition {partition}");
            return Err(Error::new("start", Code::UNKNOWN_PARTITION, text));
        }
        if !queue.client().same(&self.client) {
            return Err(Error::new(
                "start",
                Code::INVALID_ARG,
                "the queue belongs to another client",
            ));
        }
        let mut all = self.client.started();
        let it = (self.name.clone(), partition);
        if all.contains(&it) {
            let text = format!("{} [{partition}] is started already", self.name);
            return Err(Error::new("start", Code::CONFLICT, text));
        }
        // SAFETY: a live topic and a live queue of the same client, which librdkafka refers to on its own.
        let answer =
            unsafe { sys::rd_kafka_consume_start_queue(self.as_ptr(), partition, offset.raw(), queue.as_ptr()) };
        if answer != 0 {
            return Err(Error::last("start"));
        }
        all.push(it);
        locked(&self.started).push(partition);
        Ok(())
    }

    /// Stop reading a partition (`rd_kafka_consume_stop`); waits for librdkafka's own thread, not for
    /// a broker, except for the last commit where it was started at the stored offset. Messages of it that wait in the queue
    /// are skipped. Error `__STATE` if it is not started; the error of that commit, and it is stopped all the same.
    /// Dropping a [`Topic`] stops what it started.
    pub fn stop(&self, partition: i32) -> Result<()> {
        self.client.consumer("stop")?;
        let it = (self.name.clone(), partition);
        let mut all = self.client.started();
        let Some(at) = all.iter().position(|known| *known == it) else {
            let text = format!("{} [{partition}] is not started", self.name);
            return Err(Error::new("stop", Code::STATE, text));
        };
        // SAFETY: a live topic and a number.
        let answer = unsafe { sys::rd_kafka_consume_stop(self.as_ptr(), partition) };
        let failed = (answer != 0).then(|| Error::last("stop"));
        // Stopped in any case: an error is that of the last commit, or says that there is no such partition. To stop it
        // again would end the process (rd_kafka_offset_broker_commit asserts that it has a group).
        all.swap_remove(at);
        locked(&self.started).retain(|known| *known != partition);
        failed.map_or(Ok(()), Err)
    }
}

impl Drop for Topic {
    fn drop(&mut self) {
        let mine = std::mem::take(self.started.get_mut().unwrap_or_else(PoisonError::into_inner));
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        fence(|| {
            for partition in mine {
                // Another Topic of this name may have stopped it, or the client is a parent process's.
                let _ = self.stop(partition);
            }
            #[cfg(feature = "plant")]
            plant::point("drop_Topic");
        });
    }
}

impl std::fmt::Debug for Topic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topic")
            .field("name", &self.name)
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
