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
/// After how much work in a row we rest until idle handlers (a redraw) had their turn.
const REST_AFTER: Duration = Duration::from_millis(10);
/// A rest is given up when other events have kept idle handlers away for so long, or so many times in a row: where
/// there is always one they never run, with us or without.
const REST_FOR: Duration = Duration::from_millis(10);
/// See [`REST_FOR`].
const REST_PASSES: u32 = 8;

/// Where a rest is. Tcl runs idle handlers in a pass of its loop that finds no event, and a pass without ours may find
/// somebody else's: a timer of 10 ms is due in nearly each of them. So a rest lasts until a handler of our own tells
/// that their turn has come.
#[derive(Clone, Copy)]
enum Rest {
    /// We work.
    No,
    /// Since then, for so many passes.
    Since(Instant, u32),
    /// Idle handlers have run. They count as something done, so `update` comes back for more: it ends in a pass in
    /// which nothing is done, and gets one.
    Last,
}

/// So many turns may run inside each other, by loops in callbacks, before each second pass of the innermost loop is a rest.
const DEEP: u32 = 16;

/// How often one is let in that does not wait: each turn is short, so they do not add up.
const LET_IN: Duration = Duration::from_secs(1);

/// What all doors of a thread share: is there work at any of them?
struct Hall {
    any: Arc<AtomicBool>,
    thread: usize,
    doors: RefCell<Vec<Rc<DoorInner>>>,
    next: Cell<usize>,
    event_queued: Cell<bool>,
    worked: Cell<Duration>,
    /// When the outermost of the turns that run began, and how many run inside each other: a callback may enter the event
    /// loop, and what it calls there may as well.
    began: Cell<Option<Instant>>,
    depth: Cell<u32>,
    /// Deep down each second pass is a rest: was the last one?
    rested: Cell<bool>,
    /// When a pass was let in there although it waits for nothing.
    let_in: Cell<Option<Instant>>,
    rest: Cell<Rest>,
    /// Our idle handler waits for its turn.
    idle_asked: Cell<bool>,
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

    /// Was its bell rung since the flag was lowered? For who cannot wait for the event loop.
    #[inline]
    pub fn rung(&self) -> bool {
        self.0.flag.rung.load(Ordering::Acquire)
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
        began: Cell::new(None),
        depth: Cell::new(0),
        rested: Cell::new(false),
        let_in: Cell::new(None),
        rest: Cell::new(Rest::No),
        idle_asked: Cell::new(false),
    });
    HALL.with(|h| *h.borrow_mut() = Some(hall.clone()));
    // SAFETY: both procedures live as long as the library, which is never unloaded, and use no data.
    unsafe { sys::Tcl_CreateEventSource(setup, check, ptr::null_mut()) };
    package::at_thread_exit(|| {
        // SAFETY: the same three arguments as at creation, on the same thread.
        unsafe { sys::Tcl_DeleteEventSource(setup, check, ptr::null_mut()) };
        // SAFETY: the two arguments of `ask_idle`, on the same thread; one that does not wait is ignored.
        unsafe { sys::Tcl_CancelIdleCall(idle, ptr::null_mut()) };
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
        told(None, || look_after(flags));
    }
}

/// One event when there is work and we do not rest.
fn look_after(flags: c_int) {
    #[cfg(feature = "plant")]
    plant::point("check");
    let Some(hall) = HALL.with(|h| h.borrow().clone()) else {
        return;
    };
    if !hall.any.load(Ordering::Acquire) {
        hall.worked.set(Duration::ZERO);
        hall.rest.set(Rest::No);
        return;
    }
    if hall.rests(flags) {
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

impl Hall {
    /// Is this pass of the loop one without us?
    fn rests(&self, flags: c_int) -> bool {
        if self.depth.get() >= DEEP {
            if flags & sys::DONT_WAIT == 0 {
                // A loop that waits for a message gets it in the next pass.
                return !self.rested.replace(!self.rested.get());
            }
            // An `update` in each callback would go deeper with each message, until the stack is used up: what is due is
            // served by the turns around it. But a script that does nothing else than `update` waits for something.
            let now = Instant::now();
            let due = self.let_in.get().map(|last| now - last >= LET_IN);
            if due != Some(false) {
                self.let_in.set(Some(now));
            }
            return due != Some(true);
        }
        let now = self.began.get().map_or(Duration::ZERO, |began| began.elapsed());
        let (next, rests) = match self.rest.get() {
            Rest::No if self.worked.get() + now < REST_AFTER => return false,
            Rest::No => {
                self.worked.set(Duration::ZERO);
                // The turns around this loop count from here on.
                self.began.set(self.began.get().map(|_| Instant::now()));
                // Who does not want idle handlers gets the pass in which nothing is done, for a loop that waits for one.
                if flags & sys::IDLE_EVENTS == 0 {
                    return true;
                }
                self.ask_idle();
                (Rest::Since(Instant::now(), 1), true)
            }
            Rest::Since(begun, passes) if passes < REST_PASSES && begun.elapsed() < REST_FOR => {
                (Rest::Since(begun, passes + 1), true)
            }
            Rest::Since(..) => (Rest::No, false),
            Rest::Last => (Rest::No, true),
        };
        self.rest.set(next);
        rests
    }

    /// Puts a handler of ours behind all idle handlers that wait, unless it waits already.
    fn ask_idle(&self) {
        if !self.idle_asked.replace(true) {
            // SAFETY: the procedure lives as long as the library, which is never unloaded, and uses no data.
            unsafe { sys::Tcl_DoWhenIdle(idle, ptr::null_mut()) };
        }
    }
}

/// Our idle handler: the turn of all idle handlers has come.
unsafe extern "C" fn idle(_data: *mut c_void) {
    told(None, || {
        let Some(hall) = HALL.with(|h| h.borrow().clone()) else {
            return;
        };
        hall.idle_asked.set(false);
        if matches!(hall.rest.get(), Rest::Since(..)) {
            hall.rest.set(Rest::Last);
        }
        #[cfg(feature = "plant")]
        plant::point("idle");
    });
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
    if hall.depth.replace(hall.depth.get() + 1) == 0 {
        hall.began.set(Some(start));
    }
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
    // No panic comes this far: each piece of work has its own fence.
    hall.depth.set(hall.depth.get() - 1);
    if hall.depth.get() == 0 {
        if let Some(began) = hall.began.take() {
            hall.worked.set(hall.worked.get() + began.elapsed());
        }
    }
}
