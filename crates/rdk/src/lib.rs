//! librdkafka, safely: owned handles, plain errors, and one hook ("ring") instead of callbacks.
//!
//! This crate knows Kafka and nothing else; the program on top decides what to do with an event.
//! It must not run user code on a foreign thread (except [`Queue::on_ready`]'s ring), must not
//! hand out raw pointers, and must not panic on any input.
//!
//! | C function | here |
//! |---|---|
//! | `rd_kafka_conf_*`, `rd_kafka_topic_conf_*` | [`Config`], [`TopicConfig`], [`scope`], [`refused`], [`is_secret`] |
//! | `rd_kafka_msg_partitioner_*` | [`Partitioner`] |
//! | `rd_kafka_new`, `rd_kafka_destroy_flags`, `rd_kafka_flush`, `rd_kafka_metadata`, ... | [`Client`] |
//! | `rd_kafka_subscribe`, `rd_kafka_assign`, `rd_kafka_commit`, `rd_kafka_seek_partitions`, ... | [`Client`] (files `group.rs`, `closing.rs`) |
//! | `rd_kafka_topic_new`, `rd_kafka_produce*`, `rd_kafka_consume_start_queue` | [`Topic`] |
//! | `rd_kafka_queue_*` | [`Queue`] |
//! | `rd_kafka_event_*` | [`Event`] |
//! | `rd_kafka_consume_batch_queue` | [`Fetched`] |
//! | `rd_kafka_message_*`, `rd_kafka_header_get_all` | [`Message`] |
//! | `rd_kafka_topic_partition_list_*` | [`PartitionList`], [`Offset`] |
//! | `rd_kafka_metadata` | [`Metadata`] |
//! | `rd_kafka_mock_*` | [`MockCluster`] |
//! | `rd_kafka_err2str`, `rd_kafka_get_err_descs`, `rd_kafka_error_*` | [`Code`], [`Error`] |
//!
//! A message cannot outlive its event, nor an event its queue:
//!
//! ```compile_fail
//! fn keep(queue: &rdk::Queue) -> rdk::Message<'_> {
//!     let event = queue.poll(rdk::Timeout::NONE).unwrap();
//!     event.messages().next().unwrap() // the event dies here
//! }
//! ```

mod advice;
mod client;
mod closing;
mod config;
mod error;
mod event;
mod fence;
mod fetched;
mod fork;
mod gate;
mod group;
mod handle;
mod inquiry;
mod life;
mod log;
mod message;
mod metadata;
mod mock;
mod partition;
mod partitioner;
mod property;
mod queue;
// Where its functions are linked in place of librdkafka's, as in wrap.rs.
#[cfg(all(
    target_os = "linux",
    target_env = "gnu",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod refetch;
mod regex;
mod repeat;
mod signal;
mod sys;
mod timeout;
mod topic;
mod wants;
mod wrap;

pub use client::Client;
pub use config::{Config, TopicConfig};
pub use error::{Code, Error, Result, Row as ErrorRow};
pub use event::{Event, EventKind, LogLine, Messages};
pub use fence::{tell_panics, Teller};
pub use fetched::{Fetched, Received};
pub use fork::forked;
pub use gate::{close_gate, gate_closed, hold_if_closed, Pass};
pub use handle::live;
pub use inquiry::Answer;
pub use life::for_each_live;
pub use message::{Message, Status, TimestampKind};
pub use metadata::{Broker, Metadata, PartitionInfo, TopicInfo};
pub use mock::{api_key, api_names, MockCluster, MockRequest};
pub use partition::{Entry, Offset, PartitionList};
pub use partitioner::Partitioner;
pub use property::{is_secret, refused, scope, Scope};
pub use queue::Queue;
pub use signal::{unsignalled, unwatch_signals, watch_signals, Ending};
pub use timeout::Timeout;
pub use topic::{Row, Topic};
pub use wants::{Delivery, Kind, LogTo, Wants};

use std::sync::OnceLock;

/// The version of the librdkafka linked in, for example `2.12.1` (`rd_kafka_version_str`).
pub fn version() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        // SAFETY: the header promises a NUL-terminated constant string; lossy copies it at once.
        unsafe { sys::lossy(sys::rd_kafka_version_str()) }
    })
}

/// The words that the property `debug` takes, separated by commas (`rd_kafka_get_debug_contexts`).
pub fn debug_contexts() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        // SAFETY: the header promises a NUL-terminated constant string; lossy copies it at once.
        unsafe { sys::lossy(sys::rd_kafka_get_debug_contexts()) }
    })
}
