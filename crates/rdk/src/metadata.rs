//! What the cluster says of itself: brokers, topics, ids, first and next offsets.
//!
//! Answers are decoded at once; the C object does not leave this file.

use std::ptr;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::handle::{Handle, Line, Resource};
use crate::partition::topic_name;
use crate::sys::{self, coded};
use crate::timeout::Timeout;
use crate::topic::Topic;
use crate::wants::Kind;

/// A broker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Broker {
    /// Its id.
    pub id: i32,
    /// The host it advertises.
    pub host: String,
    /// The port it advertises.
    pub port: i32,
}

/// A partition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PartitionInfo {
    /// Its number.
    pub id: i32,
    /// What the broker reports about it.
    pub error: Code,
    /// The id of the leading broker; -1 without one.
    pub leader: i32,
    /// The ids of the brokers that hold it.
    pub replicas: Vec<i32>,
    /// Those of them that are in sync.
    pub isrs: Vec<i32>,
}

/// A topic.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TopicInfo {
    /// Its name.
    pub name: String,
    /// What the broker reports about it.
    pub error: Code,
    /// Its partitions, as the broker lists them.
    pub partitions: Vec<PartitionInfo>,
}

/// Brokers and topics of a cluster (`rd_kafka_metadata_t`).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Metadata {
    /// All brokers.
    pub brokers: Vec<Broker>,
    /// The topics asked for.
    pub topics: Vec<TopicInfo>,
    /// The id of the broker that answered.
    pub origin_id: i32,
    /// Its name, `host:port/id`.
    pub origin_name: String,
}

struct MetadataObject;

impl Resource for MetadataObject {
    type Raw = sys::rd_kafka_metadata;
    const LINE: Line = Line::Metadata;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned metadata object.
        unsafe { sys::rd_kafka_metadata_destroy(raw) }
    }
}

/// The field `$name` of the C struct at `$at`, read without making a reference to the struct.
macro_rules! read {
    ($at:expr, $name:ident) => {
        ptr::addr_of!((*$at).$name).read()
    };
}

/// A count of C; a negative one is none.
fn count(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// # Safety
/// `at` is a partition of a live metadata object.
unsafe fn partition(at: *const sys::rd_kafka_metadata_partition) -> PartitionInfo {
    // SAFETY: fields of a live object; the arrays have the counts beside them.
    unsafe {
        PartitionInfo {
            id: read!(at, id),
            error: sys::code_at(ptr::addr_of!((*at).err)),
            leader: read!(at, leader),
            replicas: sys::slice_at(read!(at, replicas).cast_const(), count(read!(at, replica_cnt))).to_vec(),
            isrs: sys::slice_at(read!(at, isrs).cast_const(), count(read!(at, isr_cnt))).to_vec(),
        }
    }
}

/// # Safety
/// `at` is a topic of a live metadata object.
unsafe fn topic(at: *const sys::rd_kafka_metadata_topic) -> TopicInfo {
    // SAFETY: fields of a live object; the array has the count beside it.
    unsafe {
        let first = read!(at, partitions);
        let partitions = if first.is_null() {
            0
        } else {
            count(read!(at, partition_cnt))
        };
        TopicInfo {
            name: sys::lossy(read!(at, topic)),
            error: sys::code_at(ptr::addr_of!((*at).err)),
            partitions: (0..partitions).map(|i| partition(first.add(i))).collect(),
        }
    }
}

/// # Safety
/// `at` is a live metadata object.
unsafe fn decode(at: *const sys::rd_kafka_metadata) -> Metadata {
    // SAFETY: fields of a live object; the arrays have the counts beside them.
    unsafe {
        let (brokers, topics) = (read!(at, brokers), read!(at, topics));
        let broker_count = if brokers.is_null() {
            0
        } else {
            count(read!(at, broker_cnt))
        };
        let topic_count = if topics.is_null() {
            0
        } else {
            count(read!(at, topic_cnt))
        };
        Metadata {
            brokers: (0..broker_count)
                .map(|i| {
                    let broker = brokers.add(i);
                    Broker {
                        id: read!(broker, id),
                        host: sys::lossy(read!(broker, host)),
                        port: read!(broker, port),
                    }
                })
                .collect(),
            topics: (0..topic_count).map(|i| topic(topics.add(i))).collect(),
            origin_id: read!(at, orig_broker_id),
            origin_name: sys::lossy(read!(at, orig_broker_name)),
        }
    }
}

/// Ask the cluster for all topics, or only for `only`, or (NULL) for those that the client knows.
///
/// # Safety
/// `rk` is a client and `only` NULL or a topic of it; both live through the call.
pub(crate) unsafe fn request(
    rk: *mut sys::rd_kafka_t,
    all: bool,
    only: *mut sys::rd_kafka_topic_t,
    timeout: Timeout,
) -> Result<Metadata> {
    let mut out: *const sys::rd_kafka_metadata = ptr::null();
    // SAFETY: the caller's promise; on success stores a new object.
    let code = unsafe { coded::rd_kafka_metadata(rk, i32::from(all), only, &mut out, timeout.as_ms()) };
    Error::check("metadata", code)?;
    // SAFETY: on success a new object for the caller to destroy.
    let object = unsafe { Handle::<MetadataObject>::need("metadata", out.cast_mut()) }?;
    // SAFETY: alive until the end of this function.
    Ok(unsafe { decode(object.as_ptr()) })
}

impl Client {
    /// Ask the cluster (`rd_kafka_metadata`) for all topics, or for one of this client's. Asking for
    /// a topic that does not exist may create it, if the brokers allow that.
    pub fn metadata(&self, only: Option<&Topic>, timeout: Timeout) -> Result<Metadata> {
        let rk = self.ptr("metadata")?;
        if only.is_some_and(|topic| !topic.client().same(self)) {
            return Err(Error::new(
                "metadata",
                Code::INVALID_ARG,
                "the topic belongs to another client",
            ));
        }
        // SAFETY: a live client, and NULL or a live topic of it.
        unsafe { request(rk, only.is_none(), only.map_or(ptr::null_mut(), Topic::as_ptr), timeout) }
    }

    /// The cluster's id (`rd_kafka_clusterid`). Error `__TIMED_OUT` if no broker told it in time.
    pub fn cluster_id(&self, timeout: Timeout) -> Result<String> {
        let rk = self.ptr("cluster_id")?;
        // SAFETY: a live client; returns a new string or NULL.
        let text = unsafe { sys::rd_kafka_clusterid(rk, timeout.as_ms()) };
        self.copied(rk, text)
            .ok_or_else(|| Error::of("cluster_id", Code::TIMED_OUT))
    }

    /// The id of the broker that is the controller (`rd_kafka_controllerid`). Error `__TIMED_OUT` if
    /// no broker told it in time.
    pub fn controller_id(&self, timeout: Timeout) -> Result<i32> {
        let rk = self.ptr("controller_id")?;
        // SAFETY: a live client and a number.
        match unsafe { sys::rd_kafka_controllerid(rk, timeout.as_ms()) } {
            -1 => Err(Error::of("controller_id", Code::TIMED_OUT)),
            id => Ok(id),
        }
    }

    /// First and next offset of a partition, asked from its leader (`rd_kafka_query_watermark_offsets`).
    pub fn watermarks(&self, topic: &str, partition: i32, timeout: Timeout) -> Result<(i64, i64)> {
        let rk = self.ptr("watermarks")?;
        let topic = topic_name("watermarks", topic)?;
        let (mut low, mut high) = (0, 0);
        // SAFETY: a live client; the string and the two numbers live through the call.
        let code = unsafe {
            coded::rd_kafka_query_watermark_offsets(rk, topic.as_ptr(), partition, &mut low, &mut high, timeout.as_ms())
        };
        Error::check("watermarks", code)?;
        Ok((low, high))
    }

    /// First and next offset as the last fetch told them, without asking a broker
    /// (`rd_kafka_get_watermark_offsets`); -1001 for what is not known yet.
    pub fn cached_watermarks(&self, topic: &str, partition: i32) -> Result<(i64, i64)> {
        let rk = self.ptr_of("cached_watermarks", Kind::Consumer)?;
        let topic = topic_name("cached_watermarks", topic)?;
        let (mut low, mut high) = (0, 0);
        // SAFETY: a live client; the string and the two numbers live through the call.
        let code = unsafe { coded::rd_kafka_get_watermark_offsets(rk, topic.as_ptr(), partition, &mut low, &mut high) };
        Error::check("cached_watermarks", code)?;
        Ok((low, high))
    }
}
