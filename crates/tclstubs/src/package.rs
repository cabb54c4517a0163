//! Loading: the entry points that Tcl calls, the package's version, and what happens when the process or a thread
//! ends. It must not know the commands that a package makes.

use crate::fence::{self, install_hook, told};
use crate::raise::set_bug_word;
use crate::{sys, Interp, Raise};
use std::ffi::{c_int, c_void, CString};
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a package does not load.
pub type LoadError = Raise;

static EXITING: AtomicBool = AtomicBool::new(false);
static UNTHREADED: AtomicBool = AtomicBool::new(false);

/// Has the process come to its end? Set after the exit handlers of [`at_exit`] have run; nothing may alert Tcl then.
pub fn exiting() -> bool {
    EXITING.load(Ordering::Acquire)
}

/// Is this a Tcl that was built without threads?
pub(crate) fn unthreaded() -> bool {
    UNTHREADED.load(Ordering::Relaxed)
}

/// Makes the exported functions of a package.
///
/// `package!(Thing_Init = start, Thing_SafeInit = "why not", bugs = "THING")` exports `Thing_Init`, which calls
/// `start(&Interp) -> Result<(), LoadError>`, and `Thing_SafeInit`, which refuses a safe interpreter with a message.
/// This is the only exported macro of this crate that expands to unsafe code.
#[macro_export]
macro_rules! package {
    ($init:ident = $start:path, $safe:ident = $why:literal, bugs = $word:literal) => {
        /// Called by Tcl's `load`.
        ///
        /// # Safety
        /// `interp` is the interpreter that Tcl passes to a load function.
        #[no_mangle]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $init(interp: *mut ::std::ffi::c_void) -> ::std::ffi::c_int {
            // SAFETY: passes on what Tcl has passed.
            unsafe { $crate::entry::enter(interp, $word, $start) }
        }
        /// Called by Tcl's `load` in a safe interpreter.
        ///
        /// # Safety
        /// `interp` is the interpreter that Tcl passes to a load function.
        #[no_mangle]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $safe(interp: *mut ::std::ffi::c_void) -> ::std::ffi::c_int {
            // SAFETY: passes on what Tcl has passed.
            unsafe { $crate::entry::refuse(interp, $word, $why) }
        }
    };
}

/// The body of an `Init` function. See [`package!`](crate::package!).
///
/// # Safety
/// `interp` is the interpreter that Tcl passes to a load function.
pub unsafe fn enter(interp: *mut c_void, word: &'static str, start: fn(&Interp) -> Result<(), LoadError>) -> c_int {
    let raw = interp.cast::<sys::TclInterp>();
    // SAFETY: the caller's contract.
    if unsafe { sys::attach(raw) }.is_err() {
        // Without a stub table there is no function to leave a message with.
        return sys::ERROR;
    }
    set_bug_word(word);
    install_hook();
    // SAFETY: the caller's contract.
    let interp = unsafe { Interp::from_raw(raw) };
    fence::command(&interp, || {
        #[cfg(feature = "plant")]
        {
            plant::arm_from_environment();
            plant::point("enter");
        }
        // SAFETY: the table is attached; the strings are NUL-terminated; Tcl leaves its own message on failure.
        let tcl = unsafe { sys::Tcl_PkgRequireEx(raw, c"Tcl".as_ptr(), c"8.6-10".as_ptr(), 0, ptr::null_mut()) };
        if tcl.is_null() {
            return sys::ERROR;
        }
        watch_exit();
        UNTHREADED.store(
            !sys::nine() && interp.global("tcl_platform(threaded)").is_none(),
            Ordering::Relaxed,
        );
        match start(&interp) {
            Ok(()) => sys::OK,
            Err(error) => {
                interp.put_error(&error);
                sys::ERROR
            }
        }
    })
}

/// The body of a `SafeInit` function: refuses, with a message.
///
/// # Safety
/// `interp` is the interpreter that Tcl passes to a load function.
pub unsafe fn refuse(interp: *mut c_void, word: &'static str, why: &'static str) -> c_int {
    let raw = interp.cast::<sys::TclInterp>();
    // SAFETY: the caller's contract.
    if unsafe { sys::attach(raw) }.is_ok() {
        set_bug_word(word);
        install_hook();
        // SAFETY: the caller's contract.
        let interp = unsafe { Interp::from_raw(raw) };
        fence::command(&interp, || {
            #[cfg(feature = "plant")]
            {
                plant::arm_from_environment();
                plant::point("refuse");
            }
            interp.put_error(&Raise::new(why, [word, "SAFE"]));
            sys::ERROR
        });
    }
    sys::ERROR
}

/// Provides the package in this interpreter (`Tcl_PkgProvideEx`).
///
/// # Errors
/// Another version is provided already.
pub fn provide(interp: &Interp, name: &str, version: &str) -> Result<(), LoadError> {
    let (Ok(name), Ok(version)) = (CString::new(name), CString::new(version)) else {
        return Err(Raise::bug("NUL in a package name"));
    };
    if interp.raw().is_null() {
        return Err(Raise::bug("the interpreter is gone"));
    }
    // SAFETY: a live interpreter and NUL-terminated strings; no client data is offered.
    let code = unsafe { sys::Tcl_PkgProvideEx(interp.raw(), name.as_ptr(), version.as_ptr(), ptr::null()) };
    if code == sys::OK {
        Ok(())
    } else {
        Err(Raise::from_interp())
    }
}

/// Has Tcl's notifier make its own descriptors now, while low numbers are free: Tcl 8.6 watches them with `select`, and
/// aborts when the first wait comes after a script has opened many clients, which need descriptors as well. Looks for file
/// events without waiting; what it finds stays queued for the event loop.
///
/// Tcl 8.6 may start a thread for that, which keeps the signal mask of the caller.
pub fn wake_notifier() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // SAFETY: the notifier of this thread works since its first interpreter was made; the time lives through the call.
        unsafe { sys::Tcl_WaitForEvent(&sys::TclTime { sec: 0, usec: 0 }) };
    });
}

static WATCHED: AtomicBool = AtomicBool::new(false);

/// Once per process: know when it ends.
fn watch_exit() {
    if !WATCHED.swap(true, Ordering::AcqRel) {
        unsafe extern "C" fn note_exit(_data: *mut c_void) {
            // First: nothing may keep it from being known.
            EXITING.store(true, Ordering::Release);
            #[cfg(feature = "plant")]
            told(None, || plant::point("note_exit"));
        }
        // SAFETY: the procedure lives as long as the library, which is never unloaded.
        unsafe { sys::Tcl_CreateExitHandler(note_exit, ptr::null_mut()) };
    }
}

/// Calls `run` when the process exits (`Tcl_CreateExitHandler`), on the thread that exits, before Tcl is torn down.
/// After a panic it is called once more: what is left to do then may be what others wait for.
pub fn at_exit(run: fn()) {
    unsafe extern "C" fn leave_process(data: *mut c_void) {
        // SAFETY: the function pointer that `at_exit` has passed as data.
        let run = unsafe { std::mem::transmute::<*mut c_void, fn()>(data) };
        twice(|| {
            #[cfg(feature = "plant")]
            plant::point("leave_process");
            run();
        });
    }
    // SAFETY: the procedure lives as long as the library; a function pointer fits into a data pointer.
    unsafe { sys::Tcl_CreateExitHandler(leave_process, run as *mut c_void) };
}

/// Calls `run` when this thread's Tcl is finalized (`Tcl_CreateThreadExitHandler`): after its interpreters are gone.
/// After a panic it is called once more.
pub fn at_thread_exit(run: fn()) {
    unsafe extern "C" fn leave_thread(data: *mut c_void) {
        // SAFETY: the function pointer that `at_thread_exit` has passed as data.
        let run = unsafe { std::mem::transmute::<*mut c_void, fn()>(data) };
        twice(|| {
            #[cfg(feature = "plant")]
            plant::point("leave_thread");
            run();
        });
    }
    // SAFETY: the procedure lives as long as the library; a function pointer fits into a data pointer.
    unsafe { sys::Tcl_CreateThreadExitHandler(leave_thread, run as *mut c_void) };
}

/// Runs what must be done at an end, and once more if it panicked. No interpreter can be told any more.
fn twice(run: impl Fn()) {
    if told(None, &run).is_none() {
        told(None, &run);
    }
}
