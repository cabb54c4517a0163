//! The bell and the door: how another thread wakes this thread's event loop. A foreign thread may do exactly one
//! thing, [`Bell::ring`]: set a flag and alert the Tcl thread. The work itself is done here, by the [`Door`], on
//! the Tcl thread, in bounded turns. It must not know what the work is.
//!
//! No wake-up is lost: a door lowers its flag *before* it looks for work, so what comes after the look rings again.
//! Nothing is allocated by the foreign thread, and rings that come close together are one.

use crate::fence::told;
use crate::{package, sys, Interp};
use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often in a row the work at a door is tried again after a panic. What it was about stays until somebody rings.
const STUMBLES: u32 = 3;
/// How long one turn may last before other events get theirs.
const TURN: Duration = Duration::from_millis(4);
/// After how much work in a row the loop is given one pass without us, so that idle handlers (a redraw) run.
const REST_AFTER: Duration = Duration::from_millis(10);

/// What all doors of a thread share: is there work at any of them?
struct Hall {
    any: Arc<AtomicBool>,
    thread: usize,
    doors: RefCell<Vec<Rc<DoorInner>>>,
    next: Cell<usize>,
    event_queued: Cell<bool>,
    worked: Cell<Duration>,
}

thread_local! {
    static HALL: RefCell<Option<Rc<Hall>>> = const { RefCell::new(None) };
}

struct Flag {
    rung: AtomicBool,
    any: Arc<AtomicBool>,
    thread: usize,
}

/// What another thread holds: it can ring, nothing else.
#[derive(Clone)]
pub struct Bell(Arc<Flag>);

impl Bell {
    /// Rings: the door's work will be called soon on its own thread. May be called from any thread, at any time,
    /// also after the door or its thread is gone; it takes no lock of ours and allocates nothing.
    pub fn ring(&self) {
        #[cfg(feature = "plant")]
        if plant::hit("mute_bell") {
            return;
        }
        if !self.0.rung.swap(true, Ordering::AcqRel) {
            self.0.any.store(true, Ordering::Release);
            #[cfg(feature = "plant")]
            if plant::hit("mute_alert") {
                return;
            }
            if !package::exiting() {
                // SAFETY: Tcl_ThreadAlert may be called from any thread and ignores a thread id that it does not know.
                unsafe { sys::Tcl_ThreadAlert(self.0.thread as sys::Token) };
            }
        }
    }
}

/// The bounds of one turn.
pub struct Turn {
    until: Instant,
}

impl Turn {
    /// Is it time to let others work? The rest is done in the next turn.
    pub fn over(&self) -> bool {
        Instant::now() >= self.until
    }
}

type Work = dyn Fn(&Turn);

struct DoorInner {
    flag: Arc<Flag>,
    interp: Interp,
    work: Box<Work>,
    /// How many times in a row the work has panicked.
    stumbles: Cell<u32>,
    open: Cell<bool>,
}

/// A place on this thread where work arrives. Dropping it ends that; a bell that is still rung then does nothing.
pub struct Door(Rc<DoorInner>);

impl Door {
    /// Hangs a door on this thread: `work` is called from the event loop after its bell was rung.
    ///
    /// `work` takes one piece of work at a time: it calls [`Door::lower`] before each look, and [`Door::raise`]
    /// before it runs a script, so that an event loop inside that script goes on with the rest. A panic in it is told in
    /// the background of `interp`.
    pub fn hang(interp: &Interp, work: impl Fn(&Turn) + 'static) -> Door {
        let hall = hall();
        let flag = Arc::new(Flag {
            rung: AtomicBool::new(false),
            any: hall.any.clone(),
            thread: hall.thread,
        });
        let inner = Rc::new(DoorInner {
            flag,
            interp: interp.clone(),
            work: Box::new(work),
            stumbles: Cell::new(0),
            open: Cell::new(true),
        });
        hall.doors.borrow_mut().push(inner.clone());
        Door(inner)
    }

    /// The bell of this door.
    pub fn bell(&self) -> Bell {
        Bell(self.0.flag.clone())
    }

    /// Lowers the flag: whatever arrives from now on rings again.
    pub fn lower(&self) {
        self.0.flag.rung.store(false, Ordering::Release);
    }

    /// Raises the flag from inside: there may be more work.
    pub fn raise(&self) {
        self.0.flag.rung.store(true, Ordering::Release);
        self.0.flag.any.store(true, Ordering::Release);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.0.open.set(false);
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process.
        told(Some(&self.0.interp), || {
            if let Some(hall) = HALL.with(|h| h.borrow().clone()) {
                hall.doors.borrow_mut().retain(|d| !Rc::ptr_eq(d, &self.0));
            }
            #[cfg(feature = "plant")]
            plant::point("drop_Door");
        });
    }
}

/// This thread's hall, made with its event source on first use.
fn hall() -> Rc<Hall> {
    if let Some(hall) = HALL.with(|h| h.borrow().clone()) {
        return hall;
    }
    // SAFETY: no arguments; the id of the running thread.
    let thread = unsafe { sys::Tcl_GetCurrentThread() } as usize;
    let hall = Rc::new(Hall {
        any: Arc::new(AtomicBool::new(false)),
        thread,
        doors: RefCell::new(Vec::new()),
        next: Cell::new(0),
        event_queued: Cell::new(false),
        worked: Cell::new(Duration::ZERO),
    });
    HALL.with(|h| *h.borrow_mut() = Some(hall.clone()));
    // SAFETY: both procedures live as long as the library, which is never unloaded, and use no data.
    unsafe { sys::Tcl_CreateEventSource(setup, check, ptr::null_mut()) };
    package::at_thread_exit(|| {
        // SAFETY: the same three arguments as at creation, on the same thread.
        unsafe { sys::Tcl_DeleteEventSource(setup, check, ptr::null_mut()) };
        if let Some(hall) = HALL.with(|h| h.borrow_mut().take()) {
            let doors = std::mem::take(&mut *hall.doors.borrow_mut());
            drop(doors);
        }
    });
    hall
}

/// Before the loop sleeps.
unsafe extern "C" fn setup(_data: *mut c_void, flags: c_int) {
    if flags & sys::FILE_EVENTS != 0 && told(None, look_before).is_none() {
        // Not to sleep is never wrong.
        // SAFETY: Tcl copies the time.
        unsafe { sys::Tcl_SetMaxBlockTime(&sys::TclTime { sec: 0, usec: 0 }) };
    }
}

/// Not to sleep at all when there is work.
fn look_before() {
    #[cfg(feature = "plant")]
    plant::point("setup");
    let Some(hall) = HALL.with(|h| h.borrow().clone()) else {
        return;
    };
    let block = if hall.any.load(Ordering::Acquire) {
        Some(0)
    } else if package::unthreaded() && !hall.doors.borrow().is_empty() {
        // A Tcl without threads cannot be woken by one: look now and then.
        Some(20_000)
    } else {
        None
    };
    if let Some(usec) = block {
        // SAFETY: Tcl copies the time.
        unsafe { sys::Tcl_SetMaxBlockTime(&sys::TclTime { sec: 0, usec }) };
    }
}

/// After the sleep. What a panic keeps from being queued is still due, and found next time.
unsafe extern "C" fn check(_data: *mut c_void, flags: c_int) {
    if flags & sys::FILE_EVENTS != 0 {
        told(None, look_after);
    }
}

/// One event when there is work, and sometimes none, so that idle handlers have their turn.
fn look_after() {
    #[cfg(feature = "plant")]
    plant::point("check");
    let Some(hall) = HALL.with(|h| h.borrow().clone()) else {
        return;
    };
    if !hall.any.load(Ordering::Acquire) {
        hall.worked.set(Duration::ZERO);
        return;
    }
    if hall.worked.get() >= REST_AFTER {
        hall.worked.set(Duration::ZERO);
        return;
    }
    if hall.event_queued.replace(true) {
        return;
    }
    // SAFETY: the event is Tcl_Alloc'ed as Tcl demands (Tcl frees it), is written whole before it is queued, and
    // owns nothing, so nothing is lost when Tcl drops it unserved.
    unsafe {
        let event = sys::Tcl_Alloc(size_of::<sys::TclEvent>()).cast::<sys::TclEvent>();
        event.write(sys::TclEvent {
            run: Some(serve),
            next: ptr::null_mut(),
        });
        sys::Tcl_QueueEvent(event, sys::QUEUE_TAIL);
    }
}

/// Our event: one turn.
unsafe extern "C" fn serve(_event: *mut sys::TclEvent, flags: c_int) -> c_int {
    if flags & sys::FILE_EVENTS == 0 {
        // Not what the caller of the loop waits for: keep the event for later.
        return 0;
    }
    if told(None, turn).is_none() {
        told(None, || {
            // The event is served all the same, and what was due still is.
            if let Some(hall) = HALL.with(|h| h.borrow().clone()) {
                hall.event_queued.set(false);
                hall.any.store(true, Ordering::Release);
            }
        });
    }
    1
}

/// The doors whose bells were rung work until the time is up.
fn turn() {
    #[cfg(feature = "plant")]
    plant::point("serve");
    let Some(hall) = HALL.with(|h| h.borrow().clone()) else {
        return;
    };
    hall.event_queued.set(false);
    hall.any.store(false, Ordering::Release);
    let start = Instant::now();
    let turn = Turn { until: start + TURN };
    let count = hall.doors.borrow().len();
    let first = hall.next.get();
    for i in 0..count {
        // Work may hang and drop doors, so each one is looked up anew.
        let door = {
            let doors = hall.doors.borrow();
            match doors.len() {
                0 => break,
                n => doors[(first + i) % n].clone(),
            }
        };
        if !door.flag.rung.load(Ordering::Acquire) || !door.open.get() {
            continue;
        }
        let done = told(Some(&door.interp), || {
            #[cfg(feature = "plant")]
            plant::point("work");
            (door.work)(&turn);
        });
        door.stumbles
            .set(if done.is_some() { 0 } else { door.stumbles.get() + 1 });
        if done.is_none() && door.stumbles.get() < STUMBLES {
            // There may be more work behind the piece that failed, and nobody would ring for it.
            door.flag.rung.store(true, Ordering::Release);
        }
        if door.flag.rung.load(Ordering::Acquire) {
            hall.any.store(true, Ordering::Release);
        }
        if turn.over() {
            // The others first, next time; they may have been rung before we lowered the common flag.
            hall.next.set((first + i + 1) % count.max(1));
            hall.any.store(true, Ordering::Release);
            break;
        }
    }
    hall.worked.set(hall.worked.get() + start.elapsed());
}
