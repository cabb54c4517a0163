//! The only `Drop` of C objects, and the ledger that counts the live ones by kind.
//!
//! Every pointer that must be given back to librdkafka sits in a [`Handle`]. Nothing else in this
//! crate may call a C destroy function. A handle inherited through `fork` is leaked (see `fork.rs`).

use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::{Code, Error, Result};
use crate::fork;

/// A line of the ledger.
#[derive(Clone, Copy)]
pub(crate) enum Line {
    Config,
    TopicConfig,
    Client,
    Topic,
    Queue,
    Event,
    Message,
    PartitionList,
    Partition,
    Metadata,
    Mock,
    MockRequests,
    Error,
}

const NAMES: [&str; 13] = [
    "config",
    "topic_config",
    "client",
    "topic",
    "queue",
    "event",
    "message",
    "partition_list",
    "partition",
    "metadata",
    "mock",
    "mock_requests",
    "error",
];

/// A counter alone on its cache line: events are counted by many threads at once.
#[repr(align(64))]
struct Counter(AtomicUsize);

static LIVE: [Counter; NAMES.len()] = {
    // Each use of the constant is a counter of its own, which is what an array of counters needs.
    #[allow(clippy::declare_interior_mutable_const)]
    const ZERO: Counter = Counter(AtomicUsize::new(0));
    [ZERO; NAMES.len()]
};

/// The C objects alive in this process, by kind; kinds with a count of zero are left out.
///
/// Kinds are `config`, `topic_config`, `client`, `topic`, `queue`, `event`, `message`,
/// `partition_list`, `partition`, `metadata`, `mock`, `mock_requests` and `error`. A mock cluster also counts one
/// `client`, its own.
pub fn live() -> Vec<(&'static str, usize)> {
    NAMES
        .iter()
        .zip(LIVE.iter())
        .map(|(name, counter)| (*name, counter.0.load(Ordering::Relaxed)))
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// A kind of C object that has an owner.
pub(crate) trait Resource {
    /// The C type.
    type Raw;
    /// Where the ledger counts it.
    const LINE: Line;
    /// Give it back to librdkafka.
    ///
    /// # Safety
    /// `raw` came from librdkafka as an owned object of this kind and is not used again.
    unsafe fn destroy(raw: *mut Self::Raw);
}

/// Resources whose C functions may be called from several threads at once.
///
/// # Safety
/// Every C call that this crate makes through a shared handle of this kind is thread-safe.
pub(crate) unsafe trait Shared: Resource {}

/// An owned C object: never NULL, destroyed exactly once.
pub(crate) struct Handle<T: Resource> {
    raw: NonNull<T::Raw>,
    made: u32,
    kind: PhantomData<T>,
}

// SAFETY: Shared says that librdkafka does its own locking for this kind, so the owner may move.
unsafe impl<T: Shared> Send for Handle<T> {}
// SAFETY: as above, and through a shared handle only thread-safe calls are made.
unsafe impl<T: Shared> Sync for Handle<T> {}

impl<T: Resource> Handle<T> {
    /// Take ownership of `raw`; None when it is NULL.
    ///
    /// # Safety
    /// `raw` is NULL, or an object of this kind that nobody else will destroy.
    #[inline]
    pub(crate) unsafe fn own(raw: *mut T::Raw) -> Option<Self> {
        let raw = NonNull::new(raw)?;
        LIVE[T::LINE as usize].0.fetch_add(1, Ordering::Relaxed);
        Some(Handle {
            raw,
            made: fork::generation(),
            kind: PhantomData,
        })
    }

    /// Like [`Handle::own`], for C functions that return NULL only when they fail without a word.
    ///
    /// # Safety
    /// As for [`Handle::own`].
    pub(crate) unsafe fn need(op: &'static str, raw: *mut T::Raw) -> Result<Self> {
        // SAFETY: the caller's promise is the same.
        unsafe { Self::own(raw) }.ok_or_else(|| Error::new(op, Code::FAIL, "librdkafka returned nothing"))
    }

    /// The pointer, for C calls while `self` lives.
    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut T::Raw {
        self.raw.as_ptr()
    }

    /// The fork generation this was made in.
    #[inline]
    pub(crate) fn made(&self) -> u32 {
        self.made
    }

    /// Give the object away to a C function that takes ownership.
    pub(crate) fn into_raw(self) -> *mut T::Raw {
        let this = ManuallyDrop::new(self);
        LIVE[T::LINE as usize].0.fetch_sub(1, Ordering::Relaxed);
        this.raw.as_ptr()
    }
}

impl<T: Resource> Drop for Handle<T> {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "plant")]
        if plant::hit(&format!("leak_{}", NAMES[T::LINE as usize])) {
            return;
        }
        // One that belongs to the parent process stays: destroying it here could hang.
        if !fork::inherited(self.made) {
            // SAFETY: own() was promised an object of this kind that is ours alone, and this is its end.
            unsafe { T::destroy(self.raw.as_ptr()) }
        }
        // Afterwards: what never ends is alive.
        LIVE[T::LINE as usize].0.fetch_sub(1, Ordering::Relaxed);
    }
}
