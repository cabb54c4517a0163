//! The panic fence: whatever librdkafka's threads or threads of our own call runs through here, so that a panic never
//! unwinds into C (which would abort the process), and so does a `Drop` that might panic while another panic unwinds. The
//! text of a panic goes to whom [`tell_panics`] names. It must not do anything else.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::OnceLock;

/// Is told of a panic: its payload.
pub type Teller = fn(Box<dyn Any + Send>);

static TELL: OnceLock<Teller> = OnceLock::new();

/// Names who is told of panics that nobody else can be told of, on whatever thread they happen, perhaps with a lock of
/// librdkafka held or in a forked child. The first call counts. Without it there is only what the panic hook does, which
/// prints them unless the program has another one.
pub fn tell_panics(tell: Teller) {
    let _ = TELL.set(tell);
}

/// Runs `work`; none after a panic, which has been told.
pub(crate) fn fence<T>(work: impl FnOnce() -> T) -> Option<T> {
    // What a panic may leave half done is state of ours behind locks and atomics, which stays valid memory.
    catch_unwind(AssertUnwindSafe(work)).map_err(told).ok()
}

/// Tells of a panic. The payload is never dropped here: that could panic again.
fn told(payload: Box<dyn Any + Send>) {
    match TELL.get() {
        Some(tell) => {
            if let Err(again) = catch_unwind(AssertUnwindSafe(move || tell(payload))) {
                std::mem::forget(again);
            }
        }
        None => std::mem::forget(payload),
    }
}
