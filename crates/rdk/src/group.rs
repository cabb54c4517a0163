//! What only consumers can do: subscribe, commit, seek, pause. Assigning and closing are in `closing.rs`.
//!
//! Each call here first checks that the client is a consumer, of this process, and not closed;
//! librdkafka would accept some of them on others and do nothing.

use std::ffi::c_int;
use std::ptr;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::event::EventKind;
use crate::partition::PartitionList;
use crate::regex;
use crate::sys::{self, coded};
use crate::timeout::Timeout;
use crate::wants::Kind;

type List = sys::rd_kafka_topic_partition_list_t;

impl Client {
    /// The pointer, if this is a consumer that is not closed.
    pub(crate) fn consumer(&self, op: &'static str) -> Result<*mut sys::rd_kafka_t> {
        let rk = self.ptr_of(op, Kind::Consumer)?;
        // SAFETY: a live client; reads one atomic.
        if unsafe { sys::rd_kafka_consumer_closed(rk) } != 0 {
            return Err(Error::new(op, Code::STATE, "this consumer is closed"));
        }
        if self.is_closing() {
            return Err(Error::new(op, Code::STATE, "this consumer is closing"));
        }
        Ok(rk)
    }

    /// Run a call that fills in a list.
    fn filled(
        &self,
        op: &'static str,
        list: PartitionList,
        call: impl FnOnce(*mut sys::rd_kafka_t, *mut List) -> c_int,
    ) -> Result<PartitionList> {
        let rk = self.consumer(op)?;
        Error::check(op, call(rk, list.as_ptr()))?;
        Ok(list)
    }

    /// Run a call that returns a new list.
    fn listed(
        &self,
        op: &'static str,
        call: impl FnOnce(*mut sys::rd_kafka_t, *mut *mut List) -> c_int,
    ) -> Result<PartitionList> {
        let rk = self.consumer(op)?;
        let mut list = ptr::null_mut();
        Error::check(op, call(rk, &mut list))?;
        // SAFETY: on success the call stored a new list for the caller to destroy.
        unsafe { PartitionList::adopt(op, list) }
    }

    /// Join the group for these topics (`rd_kafka_subscribe`); a name that begins with `^` is a
    /// regular expression. Partitions and offsets in the list do not matter. Replaces the last
    /// subscription.
    ///
    /// Errors: `__UNKNOWN_GROUP` without `group.id`; `__INVALID_ARG` for an empty list, the same
    /// topic twice, or a regular expression that is wrong, longer than 1,024 bytes (as it stands, or
    /// with its repetitions written out), nested deeper than 64, has back references, repeats what can
    /// be empty, or has long rows of anchors: they would take librdkafka's memory, stack or time; `__FATAL` after a fatal error.
    pub fn subscribe(&self, topics: &PartitionList) -> Result<()> {
        let rk = self.consumer("subscribe")?;
        for entry in topics.iter().filter(|entry| entry.topic.starts_with('^')) {
            if let Some(fault) = regex::fault(&entry.topic) {
                let start: String = entry.topic.chars().take(40).collect();
                let text = format!("the expression {start} is refused: {fault}");
                return Err(Error::new("subscribe", Code::INVALID_ARG, text));
            }
        }
        // SAFETY: a live consumer and a live list, which is copied.
        Error::check("subscribe", unsafe { coded::rd_kafka_subscribe(rk, topics.as_ptr()) })
    }

    /// Leave the group's topics (`rd_kafka_unsubscribe`).
    pub fn unsubscribe(&self) -> Result<()> {
        let rk = self.consumer("unsubscribe")?;
        // SAFETY: a live consumer.
        Error::check("unsubscribe", unsafe { coded::rd_kafka_unsubscribe(rk) })
    }

    /// The topics subscribed to (`rd_kafka_subscription`).
    pub fn subscription(&self) -> Result<PartitionList> {
        // SAFETY: a live consumer; on success stores a new list.
        self.listed("subscription", |rk, out| unsafe {
            coded::rd_kafka_subscription(rk, out)
        })
    }

    /// The partitions being read (`rd_kafka_assignment`).
    pub fn assignment(&self) -> Result<PartitionList> {
        // SAFETY: a live consumer; on success stores a new list.
        self.listed("assignment", |rk, out| unsafe { coded::rd_kafka_assignment(rk, out) })
    }

    /// How the group rebalances: `NONE` (no group or not joined), `EAGER` or `COOPERATIVE`
    /// (`rd_kafka_rebalance_protocol`). Of a closing client: `COOPERATIVE` if it did so when
    /// closing began, else `EAGER`.
    pub fn rebalance_protocol(&self) -> String {
        if self.is_closing() && !self.closed() {
            return self.closing_protocol().to_string();
        }
        match self.consumer("rebalance_protocol") {
            // SAFETY: a live consumer; returns a constant string or NULL, copied at once.
            Ok(rk) => match unsafe { sys::lossy(sys::rd_kafka_rebalance_protocol(rk)) } {
                none if none.is_empty() => "NONE".to_string(),
                name => name,
            },
            Err(_) => "NONE".to_string(),
        }
    }

    /// Whether the partitions now being revoked are lost already, so that a commit would fail
    /// (`rd_kafka_assignment_lost`).
    pub fn assignment_lost(&self) -> bool {
        match self.ptr_of("assignment_lost", Kind::Consumer) {
            // SAFETY: a live consumer, closing or not; reads one flag.
            Ok(rk) => unsafe { sys::rd_kafka_assignment_lost(rk) != 0 },
            Err(_) => false,
        }
    }

    /// Commit these offsets, or the stored ones of all assigned partitions (`rd_kafka_commit`,
    /// `rd_kafka_commit_queue`). An offset is that of the next message to read.
    ///
    /// Asynchronous: returns at once, and with [`crate::Wants::commits`] the answer is an event on the main queue.
    /// Otherwise waits for the answer; the first partition that was refused becomes the error and
    /// its text names it. Error `__NO_OFFSET` if there was nothing to commit.
    pub fn commit(&self, offsets: Option<&PartitionList>, asynchronous: bool) -> Result<()> {
        self.commit_while(offsets, asynchronous, &mut || true)
    }

    /// As [`Client::commit`]; while it waits for the answer, it asks `go_on` five times a second and gives up
    /// with `__TIMED_OUT` when that says no (the commit may still happen).
    pub fn commit_while(
        &self,
        offsets: Option<&PartitionList>,
        asynchronous: bool,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        let rk = self.consumer("commit")?;
        let list = offsets.map_or(ptr::null_mut(), PartitionList::as_ptr);
        if asynchronous && !self.reports_commits() {
            // SAFETY: a live consumer, and NULL or a live list, which is copied.
            return Error::check("commit", unsafe { coded::rd_kafka_commit(rk, list, 1) });
        }
        // rd_kafka_commit makes no event of its answer; only automatic commits have one by themselves.
        let answers = if asynchronous {
            self.main_queue()?
        } else {
            self.new_queue()?
        };
        // SAFETY: as above; the queue lives until its answer was read, and librdkafka holds its own
        // reference for later. Without a callback the answer is an event.
        let code = unsafe { coded::rd_kafka_commit_queue(rk, list, answers.as_ptr(), None, ptr::null_mut()) };
        Error::check("commit", code)?;
        if asynchronous {
            return Ok(());
        }
        loop {
            // In slices: an answer that says "the client is being closed" never becomes an event.
            let Some(event) = answers.poll(Timeout::ms(200)) else {
                self.consumer("commit")?;
                if !go_on() {
                    return Err(Error::new(
                        "commit",
                        Code::TIMED_OUT,
                        "the wait for the broker's answer was ended",
                    ));
                }
                continue;
            };
            if event.kind() != EventKind::Commit {
                continue;
            }
            if let Some(partitions) = event.partitions() {
                partitions.first_error("commit", Code::NO_ERROR)?;
            }
            let answer = event.error();
            return if answer.code.is_ok() {
                Ok(())
            } else {
                Err(Error { op: "commit", ..answer })
            };
        }
    }

    /// The committed offsets of these partitions (`rd_kafka_committed`); [`crate::Offset::Invalid`]
    /// where there is none.
    pub fn committed(&self, partitions: PartitionList, timeout: Timeout) -> Result<PartitionList> {
        // SAFETY: a live consumer and our list, which the call has alone.
        self.filled("committed", partitions, |rk, list| unsafe {
            coded::rd_kafka_committed(rk, list, timeout.as_ms())
        })
    }

    /// The offset after the last message handed out, per partition (`rd_kafka_position`);
    /// [`crate::Offset::Invalid`] if none was.
    pub fn position(&self, partitions: PartitionList) -> Result<PartitionList> {
        // SAFETY: a live consumer and our list, which the call has alone.
        self.filled("position", partitions, |rk, list| unsafe {
            coded::rd_kafka_position(rk, list)
        })
    }

    /// Store these offsets for the next commit (`rd_kafka_offsets_store`); needs
    /// `enable.auto.offset.store=false`. The first partition refused becomes the error (`__STATE`
    /// if it is not assigned); the others are stored.
    pub fn store_offsets(&self, offsets: &PartitionList) -> Result<()> {
        let rk = self.consumer("store_offsets")?;
        let list = offsets.clone();
        // SAFETY: a live consumer and our own copy of the list.
        let code = unsafe { coded::rd_kafka_offsets_store(rk, list.as_ptr()) };
        list.first_error("store_offsets", Code::NO_ERROR)?;
        Error::check("store_offsets", code)
    }

    /// Fetch no more from these partitions (`rd_kafka_pause_partitions`). The list returned tells
    /// per partition whether it worked. Messages of them that wait in the queue are skipped, and
    /// fetched again after [`Client::resume`].
    pub fn pause(&self, partitions: &PartitionList) -> Result<PartitionList> {
        // SAFETY: a live consumer and our own copy of the list.
        self.filled("pause", partitions.clone(), |rk, list| unsafe {
            coded::rd_kafka_pause_partitions(rk, list)
        })
    }

    /// Fetch from these partitions again (`rd_kafka_resume_partitions`). The list returned tells per
    /// partition whether it worked.
    pub fn resume(&self, partitions: &PartitionList) -> Result<PartitionList> {
        // SAFETY: a live consumer and our own copy of the list.
        self.filled("resume", partitions.clone(), |rk, list| unsafe {
            coded::rd_kafka_resume_partitions(rk, list)
        })
    }

    /// Go on reading elsewhere (`rd_kafka_seek_partitions`); for partitions that are being read. The
    /// list returned tells per partition whether it worked; with [`Timeout::NONE`] it does not wait
    /// and tells nothing.
    pub fn seek(&self, partitions: PartitionList, timeout: Timeout) -> Result<PartitionList> {
        let rk = self.consumer("seek")?;
        self.inner().repeats.forget(Some(&partitions));
        // SAFETY: a live consumer and our list, which the call has alone; returns an error or NULL.
        unsafe {
            let error = sys::rd_kafka_seek_partitions(rk, partitions.as_ptr(), timeout.as_ms());
            Error::take("seek", error)?;
        }
        Ok(partitions)
    }

    /// The first offset at or after a time, per partition (`rd_kafka_offsets_for_times`): the list's
    /// offsets are milliseconds since 1970. [`crate::Offset::End`] if there is none so late.
    pub fn offsets_for_times(&self, times: PartitionList, timeout: Timeout) -> Result<PartitionList> {
        // SAFETY: a live consumer and our list, which the call has alone.
        self.filled("offsets_for_times", times, |rk, list| unsafe {
            coded::rd_kafka_offsets_for_times(rk, list, timeout.as_ms())
        })
    }
}
