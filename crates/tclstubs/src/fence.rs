//! The panic fence: every function that Tcl calls runs its Rust through here, so that a panic becomes a Tcl error and
//! never unwinds into C (which would abort the process). Its text is never dropped: it is the error of the command that
//! runs; or else it goes to the background error handler; or else, where no script is left to tell, it is a line on
//! stderr. It must not do anything else.

use crate::raise::bug_word;
use crate::{package, sys, Interp, Raise};
use std::any::Any;
use std::cell::RefCell;
use std::ffi::c_int;
use std::fs::File;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::os::fd::FromRawFd as _;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Once;

/// How many characters of a panic's text are written on stderr.
const LINE: usize = 500;

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Notes the place of a panic instead of printing it: the fence gives it to the script.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let place = info
                .location()
                .map(|l| format!("{}:{}", l.file(), l.line()))
                .unwrap_or_default();
            let _ = PLACE.try_with(|p| {
                if let Ok(mut p) = p.try_borrow_mut() {
                    *p = place;
                }
            });
        }));
    });
}

/// Runs `work`; a panic becomes `Err` with its text and place.
pub(crate) fn fence<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // What a panic may leave half done is state of ours behind Cell and RefCell, which stays valid memory.
    match panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(value) => Ok(value),
        Err(payload) => {
            let text = describe(payload.as_ref());
            // A payload may panic when it is dropped. What it panics with then is forgotten, so that this comes to an end.
            if let Err(again) = panic::catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(again);
            }
            Err(text)
        }
    }
}

/// The work of a function that answers Tcl with a completion code: a panic becomes the error of the command.
pub(crate) fn command(interp: &Interp, work: impl FnOnce() -> c_int) -> c_int {
    fence(work).unwrap_or_else(|text| {
        if interp.raw().is_null() {
            tell(None, &text);
        } else {
            told(None, || interp.put_error(&Raise::bug(&text)));
        }
        sys::ERROR
    })
}

/// Work that no script waits for. A panic is told in the background of `interp`, or on stderr; then the result is none.
pub(crate) fn told<T>(interp: Option<&Interp>, work: impl FnOnce() -> T) -> Option<T> {
    fence(work).map_err(|text| tell(interp, &text)).ok()
}

/// Tells of a panic whoever can still be told.
fn tell(interp: Option<&Interp>, text: &str) {
    let error = Raise::bug(text);
    let heard = fence(|| interp.is_some_and(|i| !package::exiting() && i.background_error(&error)));
    if heard != Ok(true) {
        say(&error.message);
    }
}

/// Runs what a `Drop` does: a panic in it is told on stderr, and never meets one that unwinds already (two of them end the
/// process).
pub fn fenced(work: impl FnOnce()) {
    told(None, work);
}

/// Tells, on stderr, of a panic that was caught in another crate or on another thread.
pub fn say_panic(payload: Box<dyn Any + Send>) {
    let text = describe(payload.as_ref());
    std::mem::forget(payload);
    tell(None, &text);
}

/// A line on stderr: of many only the first ten, then the hundredth, the thousandth and so on, so that a panic that comes
/// again and again does not fill a disk.
fn say(message: &str) {
    static SAID: AtomicU64 = AtomicU64::new(0);
    let count = SAID.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    if count > 10 && count != 10u64.pow(count.ilog10()) {
        return;
    }
    let text: String = message
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LINE)
        .collect();
    let line = format!("{}: {text}\n", bug_word().to_lowercase());
    // SAFETY: descriptor 2 is borrowed, not owned: it is never closed here. If it is closed, writing fails. The standard
    // library's own stderr has a lock, which a forked child could find held for ever.
    let mut stderr = ManuallyDrop::new(unsafe { File::from_raw_fd(2) });
    // If that cannot be written, there is nobody to tell.
    let _ = stderr.write_all(line.as_bytes());
}

fn describe(payload: &(dyn Any + Send)) -> String {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        (*text).to_string()
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.clone()
    } else {
        "panic".to_string()
    };
    let place = PLACE
        .try_with(|p| p.try_borrow().map(|p| p.clone()).unwrap_or_default())
        .unwrap_or_default();
    format!("{text} at {place}")
}

#[cfg(test)]
mod tests {
    use super::fence;

    #[test]
    fn every_kind_of_panic_becomes_a_text() {
        /// Panics again when it is dropped.
        struct Twice;
        impl Drop for Twice {
            fn drop(&mut self) {
                std::panic::panic_any(()); // takes no memory, so Miri sees no leak when it is forgotten
            }
        }
        assert_eq!(fence(|| 7), Ok(7));
        let text = |work: fn()| fence(work).expect_err("a panic");
        assert!(text(|| panic!("plain")).starts_with("plain at"));
        assert!(text(|| panic!("number {}", 7)).starts_with("number 7 at"));
        assert!(text(|| std::panic::panic_any(7)).starts_with("panic at"));
        assert!(text(|| std::panic::panic_any(Twice)).starts_with("panic at"));
    }
}
