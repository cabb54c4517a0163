//! Knows whether this process was forked from one that had clients.
//!
//! A forked child has the memory of its parent but none of librdkafka's threads, and locks may be
//! held forever: any call could hang, and so could destroying anything. So each handle remembers
//! the generation it was made in, and a handle of an older generation is refused and leaked.
//! This file must not call into librdkafka.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::Once;

use crate::error::{Code, Error, Result};
use crate::fence::fence;

static GENERATION: AtomicU32 = AtomicU32::new(0);

extern "C" fn in_child() {
    fence(|| {
        // First: nothing may keep it from being known.
        GENERATION.fetch_add(1, Ordering::Relaxed);
        #[cfg(feature = "plant")]
        plant::point("in_child");
    });
}

/// Install the fork handler, once per process. It is never removed, so this code must stay mapped.
pub(crate) fn watch() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler only bumps an atomic, which is allowed in a forked child.
        let _ = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// How often this line of processes was forked since the first client was opened.
#[inline]
pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// Whether something made in generation `made` belongs to a parent process.
#[inline]
pub(crate) fn inherited(made: u32) -> bool {
    made != generation()
}

/// The error for each call on a client of a parent process.
pub(crate) fn check(op: &'static str, made: u32) -> Result<()> {
    if inherited(made) {
        return Err(Error::new(
            op,
            Code::STATE,
            "this client was made by another process (before fork)",
        ));
    }
    Ok(())
}

/// Whether this process is a forked child of a process that had opened a client before the fork.
///
/// Clients of the parent refuse every call here; new ones may be opened.
pub fn forked() -> bool {
    generation() != 0
}
