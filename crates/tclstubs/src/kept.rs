//! What running calls hold. A script may end its thread in the middle of a callback, and the frames behind the callback
//! are then never resumed (see `wall`): what they own would stay for ever. So the owner of something heavy waits in a list
//! of the thread while the frame works with a reference, and the end of the thread empties the list. It must not keep
//! anything longer than the call.

use crate::fence::fenced;
use crate::Command;
use std::any::Any;
use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;

/// An owner that waits.
enum Owner {
    #[allow(dead_code)] // it is there to be dropped
    Any(Rc<dyn Any>),
    #[allow(dead_code)] // it is there to be dropped
    Command(Rc<dyn Command>),
}

thread_local! {
    /// Never dropped with the thread: when the process exits inside a call Tcl is gone by then.
    static KEPT: ManuallyDrop<RefCell<Vec<Owner>>> = const { ManuallyDrop::new(RefCell::new(Vec::new())) };
}

/// Takes the last owner off the list, also when a panic passes.
struct Last;

impl Drop for Last {
    fn drop(&mut self) {
        // Fenced, because a panic may be passing: a second one would end the process.
        fenced(|| {
            let last = KEPT.with(|k| k.borrow_mut().pop());
            #[cfg(feature = "plant")]
            plant::point("drop_Last");
            drop(last);
        });
    }
}

/// Runs `work`, in which scripts may run, on what `owner` owns; the ownership ends with the call, or with the thread if a
/// script ends that.
pub fn keep<T: 'static, R>(owner: Rc<T>, work: impl FnOnce(&T) -> R) -> R {
    let place = Rc::as_ptr(&owner);
    KEPT.with(|k| k.borrow_mut().push(Owner::Any(owner)));
    let _last = Last;
    // SAFETY: the list owns what `place` points to until `_last` is dropped, for calls of one thread are nested in each
    // other: later ones have ended by then. The list is emptied earlier only by the end of the thread, inside `work`, and
    // then this frame is never resumed.
    work(unsafe { &*place })
}

/// The same for a command that runs.
pub(crate) fn keep_command<R>(command: Rc<dyn Command>, work: impl FnOnce(&dyn Command) -> R) -> R {
    let place = Rc::as_ptr(&command);
    KEPT.with(|k| k.borrow_mut().push(Owner::Command(command)));
    let _last = Last;
    // SAFETY: as in `keep`.
    work(unsafe { &*place })
}

/// The thread ends: no frame of it is resumed.
pub(crate) fn let_go() {
    // One after the other, the newest first; what is dropped may look at the list.
    while let Some(owner) = KEPT.with(|k| k.borrow_mut().pop()) {
        drop(owner);
    }
    let empty = KEPT.with(|k| k.take());
    drop(empty);
}
