//! The gate: what goes in and out of clients must stand still while the process ends.
//!
//! Whoever ends the process closes the gate, waits for the threads that are inside, and only then flushes and counts.
//! Without it this would go wrong: a thread looks and sees that all goes on; another finds nothing left to flush and
//! says so; the first one's message is taken, and is lost with the process, counted by nobody. The same with a
//! consumer: its position is committed, and the message before it has not reached the script.
//!
//! So a thread that comes to a closed gate is sent away with an error, or, if the process is about to be killed, held
//! there: its script has no business with an error that nobody asked for. This file must not call into librdkafka.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::error::{Code, Error, Result};
use crate::fork;

/// 0: open. Else one more than the generation of the process that has closed it: in a forked child it is open.
static CLOSED: AtomicU32 = AtomicU32::new(0);
/// Those who come to the closed gate are held.
static HOLDING: AtomicBool = AtomicBool::new(false);

/// Close the gate, for good: the process ends. With `holding` whoever comes from now on is held until it is gone.
pub fn close_gate(holding: bool) {
    if holding {
        HOLDING.store(true, Ordering::SeqCst);
    }
    CLOSED.store(fork::generation().wrapping_add(1), Ordering::SeqCst);
}

/// Whether the process is ending: [`close_gate`] was called.
pub fn gate_closed() -> bool {
    CLOSED.load(Ordering::SeqCst) == fork::generation().wrapping_add(1)
}

/// Hold the calling thread until the process is gone, if the gate was closed so.
pub fn hold_if_closed() {
    while gate_closed() && HOLDING.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

/// How many threads are inside a client.
#[derive(Default)]
pub(crate) struct Gate(AtomicUsize);

/// The right to be inside; dropping it is leaving.
pub struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    #[inline]
    fn drop(&mut self) {
        self.0 .0.fetch_sub(1, Ordering::Release);
    }
}

impl Gate {
    #[inline]
    fn enter(&self, op: &'static str) -> Result<Pass<'_>> {
        // Counted first, looked second; the one who closes does it the other way round. So either it sees us inside, or
        // we see the gate closed.
        self.0.fetch_add(1, Ordering::SeqCst);
        let pass = Pass(self);
        if CLOSED.load(Ordering::SeqCst) == 0 {
            return Ok(pass);
        }
        self.closed(op, pass)
    }

    #[cold]
    fn closed<'a>(&'a self, op: &'static str, pass: Pass<'a>) -> Result<Pass<'a>> {
        if !gate_closed() {
            return Ok(pass); // by a parent process
        }
        drop(pass);
        hold_if_closed();
        Err(Error::new(op, Code::STATE, "the process is ending"))
    }
}

impl Client {
    /// Enter the client, to produce, or to take something from its queues and hand it on. As long as the pass lives, a
    /// thread that ends the process waits (see [`Client::empty_by`]); it must not run a script. Once the process is
    /// ending: error `__STATE`, or the call does not return (see [`close_gate`]).
    #[inline]
    pub fn enter(&self, op: &'static str) -> Result<Pass<'_>> {
        self.inner().gate.enter(op)
    }

    /// After [`close_gate`]: wait until no thread is inside this client. False if one still is at that time.
    pub fn empty_by(&self, until: Instant) -> bool {
        // Nobody rings when the last one leaves: that would cost each message. It is a matter of microseconds.
        while self.inner().gate.0.load(Ordering::SeqCst) > 0 {
            if Instant::now() >= until {
                return false;
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        true
    }
}
