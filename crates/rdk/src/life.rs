//! How a client lives and dies: its C object, the end of a close, the list of all that are open.
//!
//! What can be done with a client is in `client.rs`. Nothing here may block for long: the last
//! owner may be a program that wants to go on.

use std::mem::ManuallyDrop;
use std::ptr;
use std::sync::atomic::AtomicBool;
use std::sync::{mpsc, Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::closing::HEARD;
use crate::error::Code;
use crate::event::EventKind;
use crate::fence::fence;
use crate::fork;
use crate::gate::Gate;
use crate::handle::{Handle, Line, Resource, Shared};
use crate::inquiry::{Asker, Inquiries};
use crate::log;
use crate::partition::PartitionList;
use crate::queue::QueueObject;
use crate::repeat::Repeats;
use crate::sys::{self, coded};
use crate::timeout::Timeout;
use crate::wants::{Kind, Wants};
use crate::wrap::within;

pub(crate) struct ClientObject;

impl Resource for ClientObject {
    type Raw = sys::rd_kafka_t;
    const LINE: Line = Line::Client;
    unsafe fn destroy(raw: *mut Self::Raw) {
        // SAFETY: the object is still alive, and this reads one atomic of it. 0 without a group.
        let closed = unsafe { sys::rd_kafka_consumer_closed(raw) } != 0;
        // The group is left through Client::close_start, whose events somebody serves. Destroying
        // must not do it in passing: it would wait for a rebalance that nobody answers.
        let flags = if closed {
            0
        } else {
            sys::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE
        };
        // SAFETY: the object is still alive, and this reads one field of it.
        let heard = unsafe { sys::rd_kafka_opaque(raw) };
        // SAFETY: the caller gives up the object; queues, topics and events own or borrow a Client,
        // so none of them is left. No librdkafka thread runs our code that could get here.
        unsafe { sys::rd_kafka_destroy_flags(raw, flags) };
        // SAFETY: the client is gone, and its threads with it.
        unsafe { log::end(heard) }
    }
}

// SAFETY: the header says of rd_kafka_t that all functions on it may be called from any thread.
unsafe impl Shared for ClientObject {}

/// What all clones of a [`Client`] share.
pub(crate) struct Inner {
    /// Dropped by hand, because destroying must sometimes wait.
    pub(crate) raw: ManuallyDrop<Handle<ClientObject>>,
    pub(crate) kind: Kind,
    /// [`Wants::commits`].
    pub(crate) commits: bool,
    /// [`Client::close_start`] was called, with this queue.
    pub(crate) closing: Mutex<Option<Arc<Handle<QueueObject>>>>,
    /// The same as a flag, to be looked at by each call.
    pub(crate) is_closing: AtomicBool,
    /// The rebalance event that was polled and not answered yet: what it asks for, and of which partitions.
    pub(crate) unanswered: Mutex<Option<(Code, PartitionList)>>,
    /// One was answered since closing began.
    pub(crate) settled: AtomicBool,
    /// The group rebalanced step by step when closing began.
    pub(crate) cooperative: AtomicBool,
    /// Partitions started with [`crate::Topic::start`], by topic name.
    pub(crate) started: Mutex<Vec<(String, i32)>>,
    /// What may come twice.
    pub(crate) repeats: Repeats,
    /// Who is inside.
    pub(crate) gate: Gate,
    /// What it asks on a thread of its own.
    pub(crate) inquiries: Inquiries,
}

/// How long dropping waits for the end of a close and of the client: enough if the coordinator answers.
const SOON: Duration = Duration::from_millis(200);
/// How long dropping waits for the end of a client that has nothing to close: ever so much longer than that takes.
const PATIENTLY: Duration = Duration::from_secs(10);
/// When a client was last waited for in vain.
static IN_VAIN: Mutex<Option<Instant>> = Mutex::new(None);
/// How long others are waited for no longer than [`SOON`] after that: what holds up one (the resolver) holds up many, and
/// all of a process may be deleted at once.
const WARNED: Duration = Duration::from_secs(60);
/// How long a thread of its own waits. A commit on its way to a coordinator that is gone
/// takes `session.timeout.ms` to fail, a leave 5 seconds.
const EVENTUALLY: Duration = Duration::from_secs(3600);

/// A client to be destroyed.
struct Ended {
    // Before the client: Rust drops fields in this order.
    _asker: Asker,
    _client: Handle<ClientObject>,
}

/// A close that the program began before it let the client go.
struct Closing {
    // Before the client: Rust drops fields in this order.
    _asker: Asker,
    queue: Arc<Handle<QueueObject>>,
    client: Handle<ClientObject>,
    unanswered: bool,
    settled: bool,
}

impl Closing {
    /// Do what is left to do; false if that takes longer than `patience`.
    ///
    /// Destroying at once would hang in three ways. The close posts a revoke event, and nobody is there
    /// to answer it; destroying only asks once more and is told that the group is terminating
    /// (rd_kafka_cgrp_terminate0). The leave request is under way; destroying drops the answer that the
    /// group waits for (rd_kafka_cgrp_handle_LeaveGroup). And once closed, destroying no longer empties
    /// the consumer queue (rd_kafka_consumer_close_q returns before that); but the notes left there hold
    /// on to partitions, those to brokers, and destroying waits for the broker threads.
    fn finish(&mut self, patience: Duration) -> bool {
        let rk = self.client.as_ptr();
        let start = Instant::now();
        // SAFETY: the client lives as long as its handle; reads one atomic.
        while unsafe { sys::rd_kafka_consumer_closed(rk) } == 0 {
            if start.elapsed() >= patience {
                return false;
            }
            if self.unanswered && !self.settled {
                // See Client::answer: the group waits for this, or is about to end. One call answers all there is.
                self.settled = true;
                // SAFETY: as above; NULL means no partitions.
                within(HEARD, || unsafe { coded::rd_kafka_assign(rk, ptr::null()) });
            }
            // SAFETY: the client outlives the event, which is dropped at the end of this round.
            if let Some(event) = unsafe { self.queue.next(Timeout::ms(10)) } {
                self.unanswered |= event.kind() == EventKind::Rebalance;
            }
        }
        // SAFETY: as above; returns a queue reference of this client for the caller to destroy.
        let own = unsafe { Handle::<QueueObject>::own(sys::rd_kafka_queue_get_consumer(rk)) };
        // A poll may give nothing though something is left: librdkafka's own notes end it early.
        while let Some(own) = own.as_ref().filter(|own| own.waiting() > 0) {
            // SAFETY: the client outlives the event, which is dropped at once.
            drop(unsafe { own.next(Timeout::NONE) });
        }
        true
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: taken once, at the end of its owner.
        let client = unsafe { ManuallyDrop::take(&mut self.raw) };
        if fork::inherited(client.made()) {
            self.inquiries.leak();
            return; // its handle knows, and lets it be
        }
        let asker = self.inquiries.end();
        let queue = self.closing.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        let Some(queue) = queue else {
            // Also when the work is dropped undone, the thread that uses the client is waited for first.
            let ended = Ended {
                _asker: asker,
                _client: client,
            };
            return apart(PATIENTLY, move || {
                let _ended = ended; // destroyed at the end
                #[cfg(feature = "plant")]
                plant::point("drop_Inner");
            });
        };
        // By hand: to destroy a client that is not closed hangs, after a panic too.
        let mut closing = ManuallyDrop::new(Closing {
            _asker: asker,
            queue,
            client,
            unanswered: self
                .unanswered
                .get_mut()
                .unwrap_or_else(PoisonError::into_inner)
                .is_some(),
            settled: *self.settled.get_mut(),
        });
        if fence(|| closing.finish(Duration::ZERO)) == Some(true) {
            let closed = ManuallyDrop::into_inner(closing);
            return apart(PATIENTLY, move || drop(closed));
        }
        // Should the thread not start, or the close never end, the client stays, and stays in the ledger.
        apart(SOON, move || {
            let mut patiently = || {
                #[cfg(feature = "plant")]
                plant::point("close_thread");
                closing.finish(EVENTUALLY)
            };
            // After a panic once more: it can be gone on with at any time.
            if fence(&mut patiently).or_else(|| fence(&mut patiently)) == Some(true) {
                drop(ManuallyDrop::into_inner(closing));
            }
        });
    }
}

/// Do the work on a thread of its own and wait for it, but no longer than `patience`: then it goes on without
/// us. Destroying joins librdkafka's threads. One that looks up the name of a host comes back when the resolver does, and
/// what a broker sends can keep one busy for good: a gzip stream that is cut within its header makes rd_gz_decompress
/// of 2.12.1 turn for ever. If no thread can be started the work is dropped, and what it holds with it, here.
fn apart(patience: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel::<()>();
    // Never waits for the lock: a forked child may have inherited it locked.
    let in_vain = IN_VAIN.try_lock().ok().and_then(|at| *at);
    let patience = match in_vain {
        Some(at) if at.elapsed() < WARNED => patience.min(SOON),
        _ => patience,
    };
    // Fenced, here and there, because the last owner may be dropped while a panic unwinds: a second one would end the
    // process.
    fence(move || {
        let thread = std::thread::Builder::new().name("rdk:close".to_string());
        let thread = thread.spawn(move || {
            fence(work);
            drop(done);
        });
        let Ok(thread) = thread else { return };
        if wait.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Disconnected) {
            // It is about to end; a program that counts its threads must not find it.
            let _ = thread.join();
        } else if patience == PATIENTLY {
            if let Ok(mut at) = IN_VAIN.try_lock() {
                *at = Some(Instant::now());
            }
        }
    });
}

/// Every open client of the process.
static OPEN: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The list, or None in a forked child whose parent held the lock at the moment of the fork.
fn open_list() -> Option<MutexGuard<'static, Vec<Weak<Inner>>>> {
    if !fork::forked() {
        return Some(locked(&OPEN));
    }
    for _ in 0..1000 {
        match OPEN.try_lock() {
            Ok(list) => return Some(list),
            Err(TryLockError::Poisoned(poison)) => return Some(poison.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    None
}

/// Call `f` for every open client of this process, for flushing at exit. Clients that a forked child
/// inherited and the hosts of mock clusters are left out. `f` may open, use and drop clients.
pub fn for_each_live(f: &mut dyn FnMut(&Client)) {
    let Some(list) = open_list() else { return };
    let clients: Vec<Client> = list.iter().filter_map(Weak::upgrade).map(Client::from_inner).collect();
    drop(list);
    for client in &clients {
        if !client.inherited() {
            f(client);
        }
    }
}

impl Inner {
    /// A client just made; noted in the list of open ones if `listed`.
    pub(crate) fn new(raw: Handle<ClientObject>, kind: Kind, wants: Wants, listed: bool) -> Arc<Inner> {
        let inner = Arc::new(Inner {
            raw: ManuallyDrop::new(raw),
            kind,
            commits: wants.commits,
            closing: Mutex::default(),
            is_closing: AtomicBool::new(false),
            unanswered: Mutex::default(),
            settled: AtomicBool::new(false),
            cooperative: AtomicBool::new(false),
            started: Mutex::default(),
            repeats: Repeats::new(),
            gate: Gate::default(),
            inquiries: Inquiries::default(),
        });
        if let Some(mut open) = listed.then(open_list).flatten() {
            #[cfg(feature = "plant")]
            plant::point("poison_open");
            open.retain(|client| client.strong_count() > 0);
            open.push(Arc::downgrade(&inner));
        }
        inner
    }
}
