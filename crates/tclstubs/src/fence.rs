//! The panic fence: every function that Tcl or another thread calls runs its Rust through here, so that a panic
//! is turned into a value and never unwinds into C (which would abort the process). It must not do anything else.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

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
