//! `Timer`: a repeating timer of the Tcl event loop, cancelled when it is dropped. It must not be used to look
//! for work that somebody could ring for.

use crate::fence::told;
use crate::{sys, Interp};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::rc::{Rc, Weak};

struct Inner {
    interp: Interp,
    token: Cell<sys::Token>,
    next_ms: Cell<i32>,
    tick: Box<dyn Fn() -> i32>,
}

/// A repeating timer. It ticks only while the event loop turns.
pub struct Timer(Rc<Inner>);

impl Timer {
    /// Calls `tick` after `first_ms` milliseconds, and again after as many as it returns each time (at least 1), until
    /// the timer is dropped (`Tcl_CreateTimerHandler`). A panic in it is told in the background of `interp`, and the
    /// timer goes on.
    pub fn start(interp: &Interp, first_ms: i32, tick: impl Fn() -> i32 + 'static) -> Timer {
        let inner = Rc::new(Inner {
            interp: interp.clone(),
            token: Cell::new(ptr::null_mut()),
            next_ms: Cell::new(first_ms),
            tick: Box::new(tick),
        });
        arm(&inner);
        Timer(inner)
    }
}

fn arm(inner: &Rc<Inner>) {
    let data = Rc::downgrade(inner).into_raw().cast_mut().cast::<c_void>();
    // SAFETY: `on_tick` takes the weak reference back; when the timer is cancelled first, `Drop` does.
    let token = unsafe { sys::Tcl_CreateTimerHandler(inner.next_ms.get().max(1), on_tick, data) };
    inner.token.set(token);
}

unsafe extern "C" fn on_tick(data: *mut c_void) {
    // SAFETY: the weak reference that `arm` has given away; Tcl calls a timer handler once.
    let weak = unsafe { Weak::from_raw(data.cast::<Inner>().cast_const()) };
    let Some(inner) = weak.upgrade() else { return };
    inner.token.set(ptr::null_mut());
    told(Some(&inner.interp), || {
        #[cfg(feature = "plant")]
        plant::point("on_tick");
        inner.next_ms.set((inner.tick)());
    });
    // Dropped inside its own tick: the last reference is ours, so it is not armed again.
    if Rc::strong_count(&inner) > 1 {
        arm(&inner);
    }
    // The last owner of what the tick has held.
    let interp = inner.interp.clone();
    told(Some(&interp), move || drop(inner));
}

impl Drop for Timer {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        told(Some(&self.0.interp), || {
            let token = self.0.token.replace(ptr::null_mut());
            if !token.is_null() {
                // SAFETY: a token that has not fired yet (firing clears it).
                unsafe { sys::Tcl_DeleteTimerHandler(token) };
                // SAFETY: the cancelled handler will never take its weak reference back, so it is given back here:
                // `arm` made it from this very allocation.
                drop(unsafe { Weak::from_raw(Rc::as_ptr(&self.0)) });
            }
            #[cfg(feature = "plant")]
            plant::point("drop_Timer");
        });
    }
}
