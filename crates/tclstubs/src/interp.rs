//! `Interp`: an interpreter of this thread, harmless after it is gone. Variables, results and background errors
//! go through here. It must not know commands (see `command`) nor the event loop (see `bell`).

use crate::bytes::no_borrows;
use crate::fence::told;
use crate::wall::behind;
use crate::{sys, utf, Obj, Raise};
use std::cell::Cell;
use std::ffi::{c_void, CStr, CString};
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::OnceLock;

struct Inner {
    raw: NonNull<sys::TclInterp>,
    /// False once Tcl has torn the interpreter down; its memory may be gone then.
    alive: Rc<Cell<bool>>,
    /// How many [`Hold`]s there are.
    holds: Cell<usize>,
}

/// Keeps the memory of an interpreter during many evaluations; a deletion meanwhile is completed when this goes.
pub struct Hold(Interp);

impl Drop for Hold {
    fn drop(&mut self) {
        let inner = &self.0 .0;
        inner.holds.set(inner.holds.get() - 1);
        if inner.holds.get() == 0 {
            // SAFETY: undoes the one Tcl_Preserve that `hold` has made; the memory was kept by it until now.
            unsafe { sys::Tcl_Release(inner.raw.as_ptr().cast()) };
        }
    }
}

/// A handle of an interpreter. Clones stand for the same one. Belongs to its thread.
#[derive(Clone)]
pub struct Interp(Rc<Inner>);

impl Interp {
    /// A handle for an interpreter that Tcl has handed out, told when it goes.
    ///
    /// # Safety
    /// `raw` is a live interpreter of this thread.
    pub(crate) unsafe fn from_raw(raw: *mut sys::TclInterp) -> Interp {
        let alive = Rc::new(Cell::new(true));
        let told = Rc::into_raw(alive.clone()).cast_mut().cast::<c_void>();
        // SAFETY: the caller's contract; `gone` takes the one reference that `told` stands for, exactly once,
        // because Tcl calls it once.
        unsafe {
            sys::Tcl_CallWhenDeleted(raw, gone, told);
            Interp(Rc::new(Inner {
                raw: NonNull::new_unchecked(raw),
                alive,
                holds: Cell::new(0),
            }))
        }
    }

    /// The raw pointer, or null when the interpreter is gone.
    pub(crate) fn raw(&self) -> *mut sys::TclInterp {
        if self.0.alive.get() {
            self.0.raw.as_ptr()
        } else {
            ptr::null_mut()
        }
    }

    /// Can scripts still be evaluated here? False while and after the interpreter is deleted.
    pub fn usable(&self) -> bool {
        let raw = self.raw();
        // SAFETY: a non-null `raw` is an interpreter that Tcl has not torn down yet.
        !raw.is_null() && unsafe { sys::Tcl_InterpDeleted(raw) } == 0
    }

    #[inline]
    pub(crate) fn live(&self) -> Result<*mut sys::TclInterp, Raise> {
        no_borrows();
        let raw = self.raw();
        if raw.is_null() {
            Err(Raise::new("the interpreter is deleted", ["TCL", "IDELETE"]))
        } else {
            Ok(raw)
        }
    }

    /// Sets elements of the array variable `array` in the running procedure (`Tcl_ObjSetVar2`), in this order, each
    /// given as its name and its value.
    ///
    /// # Errors
    /// What Tcl says: the variable is no array, a trace failed, its namespace does not exist. Elements before the one
    /// that failed are set.
    #[inline]
    pub fn set_elements(&self, array: &Obj, elements: &[(&Obj, &Obj)]) -> Result<(), Raise> {
        self.live()?;
        let set = behind(|| {
            for (name, value) in elements {
                // Looked at anew for each element: a trace on the variable may delete the interpreter.
                let raw = self.raw();
                if raw.is_null() {
                    return false;
                }
                // SAFETY: a live interpreter and three values that our references keep.
                let set = unsafe { sys::Tcl_ObjSetVar2(raw, array.raw(), name.raw(), value.raw(), sys::LEAVE_ERR_MSG) };
                if set.is_null() {
                    return false;
                }
            }
            true
        });
        if set {
            return Ok(());
        }
        self.live()?;
        Err(Raise::from_interp())
    }

    /// How many elements the array variable `array` has, as `array size` counts them, in the running procedure. None
    /// where that cannot be told. What the interpreter has as its result is lost.
    pub fn array_size(&self, array: &Obj) -> Option<i64> {
        let raw = self.live().ok()?;
        static SIZE: Native = Native::new(c"::tcl::array::size");
        let size = SIZE.find(raw)?;
        let words = [array.raw(), array.raw()];
        // SAFETY: a live interpreter and a command procedure of Tcl's own that uses no data of its own; it gets what it gets
        // for `array size`, whose first word it does not look at. Our reference keeps the value.
        let code = behind(|| unsafe { size(ptr::null_mut(), raw, 2, words.as_ptr()) });
        // An array trace may have run.
        let raw = self.live().ok()?;
        let mut count = 0i64;
        // SAFETY: a live interpreter has a result, which is only looked at; a null interpreter means: leave no message.
        let told = code == sys::OK
            && unsafe { sys::Tcl_GetWideIntFromObj(ptr::null_mut(), sys::Tcl_GetObjResult(raw), &mut count) }
                == sys::OK;
        if !told {
            // SAFETY: a live interpreter.
            unsafe { sys::Tcl_ResetResult(raw) };
        }
        told.then_some(count)
    }

    /// Does the name `array` lead to one variable until that is unset, and to one that no script traces? So it is for a
    /// variable of the running procedure itself, and for a global one where a name means a global one; not for a link, which
    /// can be led elsewhere, nor where a variable of the namespace may come before the global one. False where that cannot
    /// be told. What the interpreter has as its result is lost. The words are of [`trace_words`].
    pub(crate) fn is_plain(&self, words: &[Obj; 2], array: &Obj) -> bool {
        static LOCALS: Native = Native::new(c"::tcl::info::locals");
        // The name serves as a pattern.
        let word = array.with_text_bytes(|name| name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_'));
        // Links are not among them.
        let local = || self.ask(&LOCALS, &[array, array]) == Some(true);
        word && (local() || self.is_global(array)) && !self.is_traced(words, array)
    }

    /// Is `array`, where the script runs, a variable of the global namespace and no link? False in other namespaces.
    fn is_global(&self, array: &Obj) -> bool {
        let raw = self.raw();
        // SAFETY: a live interpreter, which is only looked at.
        if raw.is_null() || unsafe { sys::Tcl_GetCurrentNamespace(raw) != sys::Tcl_GetGlobalNamespace(raw) } {
            return false;
        }
        let mut itself = false;
        self.keeping_state(|| {
            // SAFETY: a live interpreter; the text is NUL-terminated by Tcl and stays as long as its value. To make a
            // variable a link to what its name leads to changes nothing: a link is that already, and any other is refused.
            // No new one is made, because in the global namespace there is no second place to look for it.
            unsafe {
                let name = sys::Tcl_GetString(array.raw());
                if sys::Tcl_UpVar2(raw, c"0".as_ptr(), name, ptr::null(), name, 0) != sys::OK {
                    let (at, len) = sys::string_bytes(sys::Tcl_GetObjResult(raw));
                    itself = std::slice::from_raw_parts(at, len) == b"can't upvar from variable to itself";
                }
            }
        });
        itself
    }

    /// Has a script put a trace on the variable of this name, which may be one of an element? True where that cannot be
    /// told. What the interpreter has as its result is lost. The words are of [`trace_words`].
    pub(crate) fn is_traced(&self, words: &[Obj; 2], name: &Obj) -> bool {
        static TRACE: Native = Native::new(c"::trace");
        let [info, variable] = words;
        self.ask(&TRACE, &[info, info, variable, name]) != Some(false)
    }

    /// Calls a command procedure of Tcl's own that runs no script: does it give back anything? None where that cannot be
    /// told. The result is empty afterwards.
    fn ask<const N: usize>(&self, command: &Native, words: &[&Obj; N]) -> Option<bool> {
        let raw = self.live().ok()?;
        let run = command.find(raw)?;
        let words = words.map(Obj::raw);
        // SAFETY: a live interpreter, whose result is at first empty, because some commands set none where there is nothing
        // to tell. A command procedure that uses no data of its own gets the words that it gets from a script; the first
        // one it does not look at. Our references keep them. The result is looked at before the next call.
        unsafe {
            sys::Tcl_ResetResult(raw);
            let code = run(ptr::null_mut(), raw, N as i32, words.as_ptr());
            let some = sys::string_bytes(sys::Tcl_GetObjResult(raw)).1 > 0;
            sys::Tcl_ResetResult(raw);
            (code == sys::OK).then_some(some)
        }
    }

    /// Runs `work`, in which no script runs; the interpreter's result and error are the same afterwards.
    pub(crate) fn keeping_state(&self, work: impl FnOnce()) {
        let raw = self.raw();
        if raw.is_null() {
            return work();
        }
        // SAFETY: a live interpreter; what is saved is restored once, below.
        let state = unsafe { sys::Tcl_SaveInterpState(raw, sys::OK) };
        work();
        // SAFETY: no script has run, so the interpreter is as alive as before.
        unsafe { sys::Tcl_RestoreInterpState(raw, state) };
    }

    /// Unsets these elements of the array variable `array` where they are there (`Tcl_UnsetVar2`). It is no error if
    /// one, or the whole variable, is missing.
    ///
    /// # Errors
    /// The interpreter is deleted.
    pub fn unset_elements(&self, array: &Obj, elements: &[&Obj]) -> Result<(), Raise> {
        for name in elements {
            let raw = self.live()?;
            // SAFETY: a live interpreter and two values that our references keep; flag 0 leaves no message. Looking
            // is much cheaper than unsetting what is not there.
            let there = behind(|| unsafe { sys::Tcl_ObjGetVar2(raw, array.raw(), name.raw(), 0) });
            if there.is_null() {
                continue;
            }
            // A read trace may have run.
            let raw = self.live()?;
            // SAFETY: a live interpreter; both texts are NUL-terminated by Tcl and stay as long as their values.
            behind(|| unsafe {
                sys::Tcl_UnsetVar2(raw, sys::Tcl_GetString(array.raw()), sys::Tcl_GetString(name.raw()), 0)
            });
        }
        Ok(())
    }

    /// The value of a global variable, if it is there (`Tcl_GetVar2Ex`).
    pub fn global(&self, name: &str) -> Option<Obj> {
        let raw = self.live().ok()?;
        let name = CString::new(utf::encode(name, sys::pairs())).ok()?;
        // SAFETY: a live interpreter and a NUL-terminated name; null means that there is none.
        unsafe {
            let value = sys::Tcl_GetVar2Ex(raw, name.as_ptr(), ptr::null(), sys::GLOBAL_ONLY);
            (!value.is_null()).then(|| Obj::from_raw(value))
        }
    }

    /// Evaluates a command given as words, at global level (`Tcl_EvalObjv`), and returns its result.
    ///
    /// # Errors
    /// The command's error, complete in the interpreter; a completion code other than ok counts as one.
    pub fn call(&self, words: &[Obj]) -> Result<Obj, Raise> {
        let words: Vec<_> = words.iter().map(Obj::raw).collect();
        // SAFETY: the caller's slice keeps the words referenced.
        match unsafe { self.call_raw(&words) } {
            // SAFETY: `call_raw` has used the interpreter, so it is live; its result is a live value.
            Some(sys::OK) => Ok(unsafe { Obj::from_raw(sys::Tcl_GetObjResult(self.raw())) }),
            Some(_) => Err(Raise::from_interp()),
            None => Err(Raise::new("the interpreter is deleted", ["TCL", "IDELETE"])),
        }
    }

    /// Evaluates a callback; an error goes to the background error handler (`Tcl_BackgroundException`).
    ///
    /// # Safety
    /// The words are live values that stay referenced during the call.
    pub(crate) unsafe fn call_in_background(&self, words: &[*mut sys::TclObj]) {
        // SAFETY: the caller's contract.
        let code = unsafe { self.call_raw(words) };
        if let Some(code) = code {
            if code != sys::OK && self.usable() {
                // SAFETY: the interpreter is usable; the call keeps its result and options for the handler.
                unsafe { sys::Tcl_BackgroundException(self.raw(), code) };
            }
        }
    }

    /// The completion code, or none when nothing could be evaluated.
    ///
    /// # Safety
    /// The words are live values that stay referenced during the call.
    unsafe fn call_raw(&self, words: &[*mut sys::TclObj]) -> Option<i32> {
        no_borrows();
        let hold = self.hold()?;
        let raw = self.raw();
        // SAFETY: the interpreter is live and `hold` keeps it from being freed (not from being deleted); the words are the
        // caller's contract.
        let code = behind(|| unsafe { sys::Tcl_EvalObjv(raw, words.len() as isize, words.as_ptr(), sys::EVAL_GLOBAL) });
        // SAFETY: `hold` still keeps the memory.
        let gone = unsafe { sys::Tcl_InterpDeleted(raw) } != 0;
        drop(hold);
        // Deleted inside the call: there is nobody to report to.
        (!gone).then_some(code)
    }

    /// Keeps the interpreter's memory until the result is dropped (`Tcl_Preserve`). None when it is being deleted.
    pub fn hold(&self) -> Option<Hold> {
        if !self.usable() {
            return None;
        }
        if self.0.holds.replace(self.0.holds.get() + 1) == 0 {
            // SAFETY: a live interpreter.
            unsafe { sys::Tcl_Preserve(self.0.raw.as_ptr().cast()) };
        }
        Some(Hold(self.clone()))
    }

    /// Puts an error into the interpreter as its result and error code.
    pub(crate) fn put_error(&self, error: &Raise) {
        let raw = self.raw();
        if raw.is_null() || error.ready {
            return;
        }
        let (message, code) = (Obj::text_of(&error.message), error.code_list());
        // SAFETY: a live interpreter and two values that it takes references to.
        unsafe {
            sys::Tcl_SetObjErrorCode(raw, code.raw());
            sys::Tcl_SetObjResult(raw, message.raw());
        }
    }

    /// Hands an error of ours to the background error handler; what a running command has as its result so far stays.
    /// False if the interpreter can run no handler.
    pub(crate) fn background_error(&self, error: &Raise) -> bool {
        if !self.usable() {
            return false;
        }
        let raw = self.raw();
        // SAFETY: a usable interpreter; what is saved is restored once, below.
        let state = unsafe { sys::Tcl_SaveInterpState(raw, sys::OK) };
        // SAFETY: a usable interpreter.
        unsafe { sys::Tcl_ResetResult(raw) };
        self.put_error(error);
        // SAFETY: the interpreter is usable; its result and error code have just been set. No script runs in the call.
        unsafe {
            sys::Tcl_BackgroundException(raw, sys::ERROR);
            sys::Tcl_RestoreInterpState(raw, state);
        }
        true
    }

    /// Must a long wait end now: is the script cancelled or a limit of the interpreter reached?
    ///
    /// # Errors
    /// The cancellation or the limit, complete in the interpreter.
    pub fn check_cancel(&self) -> Result<(), Raise> {
        let raw = self.live()?;
        // SAFETY: a live interpreter; both calls only look at it and leave a message.
        let stop = unsafe {
            sys::Tcl_Canceled(raw, sys::LEAVE_ERR_MSG) != sys::OK
                || (sys::Tcl_LimitReady(raw) != 0 && sys::Tcl_LimitCheck(raw) != sys::OK)
        };
        if stop {
            Err(Raise::from_interp())
        } else {
            Ok(())
        }
    }

    pub(crate) fn set_result(&self, value: &Obj) {
        let raw = self.raw();
        if !raw.is_null() {
            // SAFETY: a live interpreter takes its own reference to a value that we hold.
            unsafe { sys::Tcl_SetObjResult(raw, value.raw()) };
        }
    }

    pub(crate) fn reset_result(&self) {
        let raw = self.raw();
        if !raw.is_null() {
            // SAFETY: a live interpreter.
            unsafe { sys::Tcl_ResetResult(raw) };
        }
    }

    /// The thread of this interpreter ends: nothing may use it from now on.
    pub(crate) fn abandon(&self) {
        self.0.alive.set(false);
    }

    /// Is this the same interpreter?
    pub fn same(&self, other: &Interp) -> bool {
        self.0.raw == other.0.raw
    }
}

/// The words of the question for traces: in a value Tcl remembers what a word means, so they are made once for several
/// questions.
pub(crate) fn trace_words() -> [Obj; 2] {
    [Obj::text_of("info"), Obj::text_of("variable")]
}

/// A command procedure of Tcl's own, which can be called without a script. It is the same in all interpreters and stays as
/// long as the process.
struct Native {
    name: &'static CStr,
    found: OnceLock<Option<sys::ObjCmdProc>>,
}

impl Native {
    const fn new(name: &'static CStr) -> Native {
        Native {
            name,
            found: OnceLock::new(),
        }
    }

    /// None if somebody has put another command in its place.
    fn find(&self, raw: *mut sys::TclInterp) -> Option<sys::ObjCmdProc> {
        *self.found.get_or_init(|| {
            let mut info = sys::CmdInfo::default();
            // SAFETY: a live interpreter, a NUL-terminated name, and a structure of ours that is filled.
            let found = unsafe { sys::Tcl_GetCommandInfo(raw, self.name.as_ptr(), &mut info) };
            // Tcl's own has no data; a procedure or an alias has.
            info.run
                .filter(|_| found == 1 && info.native == 1 && info.data.is_null())
        })
    }
}

/// Tcl tears the interpreter down: nothing may use it from now on.
unsafe extern "C" fn gone(data: *mut c_void, _interp: *mut sys::TclInterp) {
    // SAFETY: `data` is the reference that `from_raw` has given away, and Tcl calls this once.
    let alive = unsafe { Rc::from_raw(data.cast::<Cell<bool>>()) };
    // First: nothing may keep it from being known.
    alive.set(false);
    told(None, move || {
        #[cfg(feature = "plant")]
        plant::point("gone");
        drop(alive);
    });
}
