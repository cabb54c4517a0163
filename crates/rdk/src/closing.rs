//! How a consumer leaves its group: the rebalance events on the way, and which calls are still safe.
//!
//! librdkafka does not answer a call about the group that meets the end of a close
//! (`rd_kafka_cgrp_op_serve` drops it), and the caller hangs. This file sees to it that none is made, or, where that cannot
//! be known, that it is not waited for long.
//! What happens when the program lets go of a closing client is in `life.rs`.

use std::ptr;
use std::sync::atomic::Ordering;
use std::time::Duration;

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
use crate::wrap;

/// How long the answer to a rebalance event of a closing client waits to be heard. librdkafka's own thread hears it at
/// once, or, if the group was gone before, never.
pub(crate) const HEARD: Duration = Duration::from_millis(100);

/// The name of librdkafka for groups that rebalance step by step.
const COOPERATIVE: &str = "COOPERATIVE";

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
    /// `__STATE`), except the answer to a rebalance event.
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
        // Held until the end has begun: who closes from another thread, or answers meanwhile, waits for that.
        let inner = self.inner();
        let mut closing = locked(&inner.closing);
        if closing.is_some() {
            return Err(closing_already());
        }
        // Asking later could meet the end of the close.
        let protocol = wrap::within(HEARD, || self.rebalance_protocol());
        inner.cooperative.store(protocol == COOPERATIVE, Ordering::SeqCst);
        self.answer_all(rk);
        *closing = Some(queue.share());
        inner.is_closing.store(true, Ordering::SeqCst);
        // SAFETY: a live consumer and a live queue of it, which librdkafka refers to on its own.
        let error = unsafe { sys::rd_kafka_consumer_close_queue(rk, queue.as_ptr()) };
        // SAFETY: straight from the call.
        let begun = unsafe { Error::take("close", error) };
        if begun.is_err() {
            inner.is_closing.store(false, Ordering::SeqCst);
            *closing = None;
        }
        drop(closing);
        if begun.is_ok() && locked(&inner.unanswered).is_some() {
            // The answer has failed, and the group still waits for one.
            let _ = self.assign(None);
        }
        begun
    }

    /// Whether the consumer is closed (`rd_kafka_consumer_closed`); false without a group.
    pub fn closed(&self) -> bool {
        match self.ptr_of("closed", Kind::Consumer) {
            // SAFETY: a live client; reads one atomic.
            Ok(rk) => unsafe { sys::rd_kafka_consumer_closed(rk) != 0 },
            Err(_) => false,
        }
    }

    /// Whether calls about the group are over.
    pub(crate) fn is_closing(&self) -> bool {
        self.inner().is_closing.load(Ordering::SeqCst)
    }

    /// The protocol that it had when closing began; `EAGER` if it had none.
    pub(crate) fn closing_protocol(&self) -> &'static str {
        match self.inner().cooperative.load(Ordering::SeqCst) {
            true => COOPERATIVE,
            false => "EAGER",
        }
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
    /// the same queue). So there must be one, and no second: that could meet the end of the close. The first may meet it
    /// too: an eager group no longer waits for the answer to an event that came just before the request to terminate
    /// (rd_kafka_cgrp_revoke_all_rejoin), and nobody can tell such an event from one that it waits for.
    pub(crate) fn answer(&self, op: &'static str, call: impl FnOnce(*mut sys::rd_kafka_t) -> Result<()>) -> Result<()> {
        let inner = self.inner();
        if !self.is_closing() || locked(&inner.unanswered).is_none() {
            call(self.consumer(op)?)?;
            *locked(&inner.unanswered) = None;
            return Ok(());
        }
        let rk = self.ptr_of(op, Kind::Consumer)?;
        // An answer before the request to terminate would not be the one that the group waits for.
        drop(locked(&inner.closing));
        locked(&inner.unanswered).take();
        if self.closed() || inner.settled.swap(true, Ordering::SeqCst) {
            return Ok(()); // there is nothing to answer, or it was answered together with the one before it
        }
        let heard = wrap::within(HEARD, || {
            #[cfg(feature = "plant")]
            if plant::hit("unheard_answer") {
                self.wait_in_vain();
            }
            call(rk)
        });
        match heard {
            Err(error) if error.code == Code::TIMED_OUT => Ok(()),
            heard => heard,
        }
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
        let cooperative = self.rebalance_protocol() == COOPERATIVE;
        let answered = match (code == Code::ASSIGN_PARTITIONS, cooperative) {
            (true, true) => self.incremental_assign(&partitions),
            (true, false) => self.assign(Some(&partitions)),
            (false, true) => self.incremental_unassign(&partitions),
            (false, false) => self.assign(None),
        };
        if answered.is_err() {
            *locked(&self.inner().unanswered) = Some((code, partitions));
        }
    }

    /// A fault: librdkafka waits for something on an empty queue, for ever.
    #[cfg(feature = "plant")]
    fn wait_in_vain(&self) {
        if let Ok(empty) = self.new_queue() {
            drop(empty.poll(Timeout::FOREVER));
        }
    }
}

impl Client {
    /// What comes before the answer to a rebalance event of a cooperative group.
    fn before_a_step(&self) {
        if !self.is_closing() {
            // It fails only for a client that reads no more, or if nobody knows what it reads.
            let _ = self.note_last();
        }
    }

    /// Read exactly these partitions, or none (`rd_kafka_assign`). The answer to a rebalance event
    /// of an eager group, or the start of reading without one. [`crate::Offset::Invalid`] means the
    /// committed offset.
    pub fn assign(&self, partitions: Option<&PartitionList>) -> Result<()> {
        let list = partitions.map_or(ptr::null_mut(), PartitionList::as_ptr);
        self.answer("assign", |rk| {
            self.inner().repeats.forget(None);
            // SAFETY: a live consumer, and NULL or a live list, which is copied.
            Error::check("assign", unsafe { coded::rd_kafka_assign(rk, list) })
        })
    }

    /// Read these partitions as well (`rd_kafka_incremental_assign`): the answer to an assign event
    /// of a cooperative group.
    pub fn incremental_assign(&self, partitions: &PartitionList) -> Result<()> {
        self.before_a_step();
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
        self.before_a_step();
        self.answer("incremental_unassign", |rk| {
            self.inner().repeats.forget(Some(partitions));
            // SAFETY: a live consumer and a live list, which is copied; returns an error object or NULL.
            unsafe {
                let error = sys::rd_kafka_incremental_unassign(rk, partitions.as_ptr());
                Error::take("incremental_unassign", error)
            }
        })
    }
}
