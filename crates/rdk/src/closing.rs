//! How a consumer leaves its group: the rebalance events on the way, and which calls are still safe.
//!
//! librdkafka does not answer a call about the group that meets the end of a close
//! (`rd_kafka_cgrp_op_serve` drops it), and the caller hangs. This file sees to it that none is made.
//! What happens when the program lets go of a closing client is in `life.rs`.

use std::ptr;
use std::sync::atomic::Ordering;

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::event::{Event, EventKind};
use crate::handle::Handle;
use crate::life::locked;
use crate::partition::PartitionList;
use crate::queue::{Queue, QueueObject};
use crate::sys::{self, coded};
use crate::timeout::Timeout;
use crate::wants::Kind;

fn closing_already() -> Error {
    Error::new("close", Code::CONFLICT, "this consumer is closing already")
}

impl Client {
    /// Begin to leave the group and close (`rd_kafka_consumer_close_queue`): offsets are committed
    /// (with `enable.auto.commit`) and partitions given back. A rebalance event not answered yet is
    /// answered as it asks, and messages that wait on the consumer queue are dropped unseen.
    ///
    /// From now on all events of the consumer come to `queue`, a queue of this client (the consumer
    /// queue itself will do); with [`crate::Wants::rebalance`] the program must answer the last revoke
    /// event. Poll `queue` until [`Client::closed`] is true: some milliseconds, but up to
    /// `session.timeout.ms` if a commit is on its way to a coordinator that is gone. The last
    /// [`Client`] may be dropped before that: a thread then finishes the close and destroys the
    /// client, which stays in the ledger until then. Meanwhile calls about the group are errors (code
    /// `__STATE`), except between polling a rebalance event and answering it.
    ///
    /// Errors: `__UNKNOWN_GROUP` without a group, `__CONFLICT` if it was called before, the fatal
    /// error if there was one (then just drop the client).
    pub fn close_start(&self, queue: &Queue) -> Result<()> {
        let rk = match self.consumer("close") {
            Err(_) if self.is_closing() && !self.closed() => return Err(closing_already()),
            checked => checked?,
        };
        if !queue.client().same(self) {
            return Err(Error::new(
                "close",
                Code::INVALID_ARG,
                "the queue belongs to another client",
            ));
        }
        self.answer_all(rk);
        {
            let mut closing = locked(&self.inner().closing);
            if closing.is_some() {
                return Err(closing_already());
            }
            *closing = Some(queue.share());
            self.inner().is_closing.store(true, Ordering::SeqCst);
        }
        // SAFETY: a live consumer and a live queue of it, which librdkafka refers to on its own.
        let error = unsafe { sys::rd_kafka_consumer_close_queue(rk, queue.as_ptr()) };
        // SAFETY: straight from the call.
        unsafe { Error::take("close", error) }.inspect_err(|_| {
            self.inner().is_closing.store(false, Ordering::SeqCst);
            *locked(&self.inner().closing) = None;
        })
    }

    /// Whether the consumer is closed (`rd_kafka_consumer_closed`); false without a group.
    pub fn closed(&self) -> bool {
        match self.ptr_of("closed", Kind::Consumer) {
            // SAFETY: a live client; reads one atomic.
            Ok(rk) => unsafe { sys::rd_kafka_consumer_closed(rk) != 0 },
            Err(_) => false,
        }
    }

    /// Whether calls about the group are over. While a rebalance event waits for its answer they are
    /// not, for the close cannot end before.
    pub(crate) fn is_closing(&self) -> bool {
        let inner = self.inner();
        inner.is_closing.load(Ordering::SeqCst)
            && (inner.settled.load(Ordering::SeqCst) || locked(&inner.unanswered).is_none())
    }

    /// Note that a rebalance event was polled.
    pub(crate) fn rebalance_seen(&self, event: &Event<'_>) {
        let partitions = event.partitions().unwrap_or_else(PartitionList::new);
        *locked(&self.inner().unanswered) = Some((event.error().code, partitions));
    }

    /// Answer a rebalance event, or change the assignment, with `call`.
    ///
    /// While a group terminates, any such call means "no partitions", whatever the protocol, and answers
    /// all events there are (rd_kafka_cgrp_handle_assign_op; the request to terminate went before it on
    /// the same queue). So there must be one, and no second: that could meet the end of the close.
    pub(crate) fn answer(&self, op: &'static str, call: impl FnOnce(*mut sys::rd_kafka_t) -> Result<()>) -> Result<()> {
        let inner = self.inner();
        let rk = match self.consumer(op) {
            Err(_) if !self.closed() && self.is_closing() && locked(&inner.unanswered).take().is_some() => {
                return Ok(()); // answered already, together with the one before it
            }
            checked => checked?,
        };
        if inner.is_closing.load(Ordering::SeqCst) {
            inner.settled.store(true, Ordering::SeqCst);
        }
        call(rk)?;
        *locked(&inner.unanswered) = None;
        Ok(())
    }

    /// Answer the rebalance event that was polled, if any, and those that wait on the consumer queue.
    ///
    /// Asking a group to terminate while it waits for an answer may end the wait by itself
    /// (rd_kafka_cgrp_revoke_all_rejoin), and then the answer, coming late, could meet the end of the close.
    fn answer_all(&self, rk: *mut sys::rd_kafka_t) {
        self.answer_as_asked();
        // SAFETY: a live client; returns a reference for the caller to destroy, or NULL.
        let own = unsafe { Handle::<QueueObject>::own(sys::rd_kafka_queue_get_consumer(rk)) };
        let Some(own) = own else { return };
        for _ in 0..own.waiting() {
            // SAFETY: self keeps the client alive for longer than the event.
            let event = unsafe { own.next(Timeout::NONE) };
            if let Some(event) = event.filter(|event| event.kind() == EventKind::Rebalance) {
                self.rebalance_seen(&event);
                self.answer_as_asked();
            }
        }
    }

    /// Do what the rebalance event asks for that was polled last.
    fn answer_as_asked(&self) {
        let Some((code, partitions)) = locked(&self.inner().unanswered).take() else {
            return;
        };
        let cooperative = self.rebalance_protocol() == "COOPERATIVE";
        // What goes wrong here goes wrong again when the group terminates, which does not need it.
        let _ = match (code == Code::ASSIGN_PARTITIONS, cooperative) {
            (true, true) => self.incremental_assign(&partitions),
            (true, false) => self.assign(Some(&partitions)),
            (false, true) => self.incremental_unassign(&partitions),
            (false, false) => self.assign(None),
        };
    }
}

impl Client {
    /// Read exactly these partitions, or none (`rd_kafka_assign`). The answer to a rebalance event
    /// of an eager group, or the start of reading without one. [`crate::Offset::Invalid`] means the
    /// committed offset.
    pub fn assign(&self, partitions: Option<&PartitionList>) -> Result<()> {
        let list = partitions.map_or(ptr::null_mut(), PartitionList::as_ptr);
        self.answer("assign", |rk| {
            // SAFETY: a live consumer, and NULL or a live list, which is copied.
            Error::check("assign", unsafe { coded::rd_kafka_assign(rk, list) })
        })
    }

    /// Read these partitions as well (`rd_kafka_incremental_assign`): the answer to an assign event
    /// of a cooperative group.
    pub fn incremental_assign(&self, partitions: &PartitionList) -> Result<()> {
        // SAFETY: a live consumer and a live list, which is copied; returns an error object or NULL.
        self.answer("incremental_assign", |rk| unsafe {
            Error::take(
                "incremental_assign",
                sys::rd_kafka_incremental_assign(rk, partitions.as_ptr()),
            )
        })
    }

    /// Read these partitions no more (`rd_kafka_incremental_unassign`): the answer to a revoke
    /// event of a cooperative group.
    pub fn incremental_unassign(&self, partitions: &PartitionList) -> Result<()> {
        // SAFETY: a live consumer and a live list, which is copied; returns an error object or NULL.
        self.answer("incremental_unassign", |rk| unsafe {
            Error::take(
                "incremental_unassign",
                sys::rd_kafka_incremental_unassign(rk, partitions.as_ptr()),
            )
        })
    }
}
