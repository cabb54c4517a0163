//! Queues of events, and the one hook that librdkafka's threads may call: ring.
//!
//! No user code but the ring runs on a foreign thread, and it must only wake somebody up.

use std::ffi::c_void;
use std::sync::atomic::AtomicPtr;
use std::sync::Arc;

use crate::client::Client;
use crate::error::Result;
use crate::event::{Event, EventKind};
use crate::fence::fence;
use crate::fork;
use crate::handle::{Handle, Line, Resource, Shared};
use crate::sys;
use crate::timeout::Timeout;

pub(crate) struct QueueObject;

impl Resource for QueueObject {
    type Raw = sys::rd_kafka_queue_t;
    const LINE: Line = Line::Queue;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the caller gives up an owned queue reference, before its client.
        unsafe { sys::rd_kafka_queue_destroy(raw) }
    }
}

// SAFETY: every rd_kafka_queue_* function takes the queue's own lock.
unsafe impl Shared for QueueObject {}

type Ring = Box<dyn Fn() + Send + Sync>;

unsafe extern "C" fn ring(_: *mut sys::rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: opaque is the Ring that on_ready registered. librdkafka calls this with the queue's
    // lock held, and off() unregisters under that lock before it frees the Ring.
    let ring = unsafe { &*opaque.cast::<Ring>() };
    let ring = || {
        #[cfg(feature = "plant")]
        {
            if plant::hit("mute_ring") {
                return;
            }
            plant::point("ring");
        }
        ring();
    };
    // There is no second call until the queue has been empty: after a panic it is tried once more.
    if fence(ring).is_none() {
        fence(ring);
    }
}

impl Handle<QueueObject> {
    /// The next event; see [`Queue::poll`].
    ///
    /// # Safety
    /// The queue's client lives for `'q`, on which the event depends.
    #[inline]
    pub(crate) unsafe fn next<'q>(&self, timeout: Timeout) -> Option<Event<'q>> {
        // SAFETY: a live queue; returns an event for the caller to destroy, or NULL.
        let raw = unsafe { sys::rd_kafka_queue_poll(self.as_ptr(), timeout.as_ms()) };
        // SAFETY: straight from the call; the caller promises the rest.
        unsafe { Event::adopt(raw) }
    }

    /// How much is waiting; see [`Queue::len`].
    pub(crate) fn waiting(&self) -> usize {
        // SAFETY: a live queue; counts under its lock.
        unsafe { sys::rd_kafka_queue_length(self.as_ptr()) }
    }
}

/// A queue of events (`rd_kafka_queue_t`). Owns its client.
pub struct Queue {
    /// The registered ring, if any. First: it is unregistered while the queue still lives.
    ring: AtomicPtr<Ring>,
    /// Shared with a client that closes onto this queue. Before the client: Rust drops fields in this
    /// order.
    raw: Arc<Handle<QueueObject>>,
    /// Made by the program, so that only partitions which it starts lead here.
    plain: bool,
    client: Client,
}

impl Queue {
    /// Own a queue reference.
    ///
    /// # Safety
    /// `raw` is NULL or a queue reference of `client` for the caller to destroy.
    pub(crate) unsafe fn adopt(op: &'static str, raw: *mut sys::rd_kafka_queue_t, client: &Client) -> Result<Queue> {
        // SAFETY: the caller's promise is the same.
        let raw = Arc::new(unsafe { Handle::need(op, raw) }?);
        Ok(Queue {
            ring: AtomicPtr::new(std::ptr::null_mut()),
            raw,
            plain: false,
            client: client.clone(),
        })
    }

    /// A queue of the program's own: see [`Client::new_queue`].
    pub(crate) fn into_plain(mut self) -> Queue {
        self.plain = true;
        self
    }

    /// Is it one of the program's own?
    pub(crate) fn is_plain(&self) -> bool {
        self.plain
    }

    /// The fork generation it was made in.
    #[inline]
    pub(crate) fn made(&self) -> u32 {
        self.raw.made()
    }

    /// Call `ring` whenever the queue goes from empty to not empty
    /// (`rd_kafka_queue_cb_event_enable`), and once now if it is not empty already (the C function
    /// would stay silent).
    ///
    /// `ring` runs on a foreign thread **with the queue's lock held**: it may wake a thread and
    /// nothing else. A call into this crate from it deadlocks, and it must not drop the last
    /// [`Client`]. A panic in it is told ([`crate::tell_panics`]), and `ring` called once more.
    ///
    /// There is no second ring until the queue has been empty: whoever is woken must drain until
    /// [`Queue::poll`] gives nothing, or remember to come back. A ring without an event is possible.
    /// The C queue has one ring, shared by all [`Queue`]s that name it; the last one set wins, and
    /// switching off any switches it off. A queue that [`Client::close_start`] forwards rings no more.
    pub fn on_ready(&mut self, ring: Box<dyn Fn() + Send + Sync>) {
        self.off();
        if fork::inherited(self.raw.made()) {
            return;
        }
        let opaque: *mut Ring = Box::into_raw(Box::new(ring));
        *self.ring.get_mut() = opaque;
        // SAFETY: a live queue; the Ring stays allocated until off() has unregistered it.
        unsafe { sys::rd_kafka_queue_cb_event_enable(self.raw.as_ptr(), Some(self::ring), opaque.cast()) };
        if !self.is_empty() {
            // SAFETY: the same call that librdkafka makes; the Ring is Sync, so both may run at once.
            unsafe { self::ring(std::ptr::null_mut(), opaque.cast()) };
        }
    }

    /// Switch the ring off. When this returns, no ring is running and none will.
    pub fn off(&mut self) {
        let opaque = std::mem::replace(self.ring.get_mut(), std::ptr::null_mut());
        if opaque.is_null() || fork::inherited(self.raw.made()) {
            return; // in a forked child the queue's lock may be held forever: the ring is leaked
        }
        // SAFETY: a live queue; NULL switches the hook off.
        unsafe { sys::rd_kafka_queue_cb_event_enable(self.raw.as_ptr(), None, std::ptr::null_mut()) };
        // SAFETY: from Box::into_raw in on_ready. rd_kafka_q_io_event calls the hook only with
        // rkq_lock held ("Queue MUST be locked"), and rd_kafka_q_cb_event_enable removes it under
        // rkq_lock: so a call that was running has returned, and no later one finds this pointer.
        drop(unsafe { Box::from_raw(opaque) });
    }

    /// The next event, waiting for it (`rd_kafka_queue_poll`). None if nothing came in time; it may
    /// also be None earlier, for librdkafka wakes its readers now and then.
    ///
    /// Polling the consumer queue, even with [`Timeout::NONE`] and even if nothing comes, counts as
    /// the application's poll for `max.poll.interval.ms`; the time spent waiting here does not count
    /// against it. Polling the main queue or a queue of [`Client::new_queue`] does not (unless a
    /// partition was started on it, or the consumer is closing onto it).
    #[inline]
    pub fn poll(&self, timeout: Timeout) -> Option<Event<'_>> {
        if fork::inherited(self.raw.made()) {
            return None;
        }
        // SAFETY: the borrow of self keeps queue and client alive.
        let mut event = unsafe { self.raw.next(timeout) }?;
        match event.kind() {
            // Of a queue of the program's own no group takes partitions.
            EventKind::Message if !self.plain => event.once(&self.client),
            EventKind::Rebalance => self.client.rebalance_seen(&event),
            _ => {}
        }
        Some(event)
    }

    /// Events and internal notes waiting (`rd_kafka_queue_length`). Messages of partitions that were
    /// taken away meanwhile count until they are skipped.
    pub fn len(&self) -> usize {
        if fork::inherited(self.raw.made()) {
            return 0;
        }
        self.raw.waiting()
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The client it belongs to.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Another owner of the C queue, for a client that closes onto it. It must go before the client.
    pub(crate) fn share(&self) -> Arc<Handle<QueueObject>> {
        self.raw.clone()
    }

    /// The pointer, for C calls while `self` lives.
    pub(crate) fn as_ptr(&self) -> *mut sys::rd_kafka_queue_t {
        self.raw.as_ptr()
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        fence(|| {
            self.off();
            #[cfg(feature = "plant")]
            plant::point("drop_Queue");
        });
    }
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}
