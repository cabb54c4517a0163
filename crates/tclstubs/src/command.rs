//! Commands: a Rust object behind a Tcl command, in the non-recursive engine, so that `yield`, `break`,
//! `continue` and `return` work in the bodies that it runs. It must not parse arguments or know subcommands.
//!
//! The lifetime rule: Tcl's client data is one reference to the record; every call takes its own reference first.
//! So a command may be deleted, renamed or replaced while it runs.

use crate::bytes::no_borrows;
use crate::fence::{self, told};
use crate::kept;
use crate::wall::behind;
use crate::{package, sys, utf, Interp, Obj, Raise};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{c_int, c_void, CString};
use std::ptr::{self, NonNull};
use std::rc::{Rc, Weak};

/// What stands behind a command.
pub trait Command: 'static {
    /// Runs the command; `words[0]` is its name as called.
    ///
    /// # Errors
    /// What the script sees as a Tcl error.
    fn invoke(&self, interp: &Interp, words: &[Obj]) -> Result<Reply, Raise>;

    /// The Tcl command is gone (deleted, renamed to nothing, its namespace or interpreter deleted). Called once.
    fn deleted(&self, interp: &Interp);

    /// Itself, for finding an object by the name of its command.
    fn as_any(self: Rc<Self>) -> Rc<dyn Any>;
}

/// What a command gives back.
pub enum Reply {
    /// Its result.
    Value(Obj),
    /// An empty result.
    Nothing,
    /// A body to run, again and again.
    Loop(Box<dyn Loop>),
}

/// A loop over a script body. Every method may find its objects deleted by the body.
pub trait Loop {
    /// The next body to run, or none when the loop is over.
    ///
    /// # Errors
    /// What the script sees as a Tcl error.
    fn next(&mut self, interp: &Interp) -> Result<Option<Obj>, Raise>;

    /// The result of the command, after the last body or a `break` in it.
    fn result(&mut self) -> Obj;

    /// The name of the loop in the error trace.
    fn name(&self) -> &str;
}

struct Record {
    /// Gone when the thread has ended; Tcl never gives back its reference if the interpreter is not deleted.
    command: RefCell<Option<Rc<dyn Command>>>,
    interp: Interp,
    token: Cell<sys::Token>,
}

thread_local! {
    /// The commands of this thread by token, for finding objects by name.
    static RECORDS: RefCell<HashMap<usize, Weak<Record>>> = RefCell::new(HashMap::new());
    /// The loops whose bodies run or are suspended.
    static LOOPS: RefCell<Vec<Weak<LoopState>>> = const { RefCell::new(Vec::new()) };
    /// Is this thread's end watched?
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// A handle of a command that [`create_command`] has made. Harmless after the command is gone.
#[derive(Clone)]
pub struct CommandRef(Weak<Record>);

impl CommandRef {
    /// A handle of nothing.
    pub fn none() -> CommandRef {
        CommandRef(Weak::new())
    }

    fn record(&self) -> Option<(Rc<Record>, sys::Token)> {
        let record = self.0.upgrade()?;
        let token = record.token.get();
        (!token.is_null()).then_some((record, token))
    }

    /// The full name of the command, wherever it has been renamed to (`Tcl_GetCommandFullName`).
    pub fn full_name(&self) -> Option<Obj> {
        let (record, token) = self.record()?;
        let raw = record.interp.raw();
        if raw.is_null() {
            return None;
        }
        let name = Obj::empty();
        // SAFETY: a live interpreter, a command of it that still exists, and a new value that only we hold.
        unsafe { sys::Tcl_GetCommandFullName(raw, token, name.raw()) };
        Some(name)
    }

    /// Deletes the command (`Tcl_DeleteCommandFromToken`); nothing happens when it is gone already.
    pub fn delete(&self) {
        no_borrows();
        if let Some((record, token)) = self.record() {
            let raw = record.interp.raw();
            // The deletion may run scripts: this frame must not hold the record, in case it is never resumed.
            drop(record);
            if !raw.is_null() {
                // SAFETY: a live interpreter and a command of it that still exists.
                behind(|| unsafe { sys::Tcl_DeleteCommandFromToken(raw, token) });
            }
        }
    }
}

/// Makes a Tcl command (`Tcl_NRCreateCommand`). A name without `::` is one of the global namespace.
///
/// # Errors
/// A name with NUL in it; an interpreter that is being deleted; a name that Tcl refuses.
pub fn create_command(interp: &Interp, name: &str, command: Rc<dyn Command>) -> Result<CommandRef, Raise> {
    let bad = || Raise::new(format!("can't create command \"{name}\""), ["TCL", "VALUE", "COMMAND"]);
    if !interp.usable() {
        return Err(bad());
    }
    let c_name = CString::new(utf::encode(name, sys::pairs())).map_err(|_| bad())?;
    let record = Rc::new(Record {
        command: RefCell::new(Some(command)),
        interp: interp.clone(),
        token: Cell::new(ptr::null_mut()),
    });
    let data = Rc::into_raw(record.clone()).cast_mut().cast::<c_void>();
    // SAFETY: a usable interpreter, a NUL-terminated name, and data whose one reference `on_delete` takes back.
    let token =
        unsafe { sys::Tcl_NRCreateCommand(interp.raw(), c_name.as_ptr(), on_call, on_nr_call, data, on_delete) };
    if token.is_null() {
        // SAFETY: Tcl has not taken the data, so the reference is still ours.
        drop(unsafe { Rc::from_raw(data.cast::<Record>()) });
        return Err(bad());
    }
    record.token.set(token);
    let handle = CommandRef(Rc::downgrade(&record));
    RECORDS.with(|r| r.borrow_mut().insert(sys::token_key(token), Rc::downgrade(&record)));
    if !WATCHED.with(|w| w.replace(true)) {
        package::at_thread_exit(abandon);
    }
    Ok(handle)
}

/// The thread ends and leaves its interpreters undeleted (`thread::exit` does): the objects behind their commands are
/// told now, because nobody else will.
fn abandon() {
    // At the end of the process the exit handlers have done what there was to do.
    if package::exiting() {
        return;
    }
    let records: Vec<Rc<Record>> = RECORDS.with(|r| r.borrow_mut().drain().filter_map(|(_, w)| w.upgrade()).collect());
    for record in &records {
        record.interp.abandon();
    }
    for record in records {
        let command = record.command.borrow_mut().take();
        if !record.token.replace(ptr::null_mut()).is_null() {
            told(None, || {
                if let Some(command) = command {
                    command.deleted(&record.interp);
                }
            });
        }
        told(None, move || drop(record));
    }
    // Bodies that will never go on.
    for state in LOOPS.with(|l| std::mem::take(&mut *l.borrow_mut())) {
        let body = state.upgrade().and_then(|state| state.take());
        told(None, move || drop(body));
    }
    told(None, kept::let_go);
}

/// The command of this name as the script would find it, and what stands behind it if it is one of ours.
/// Outer none: there is no such command.
pub fn command_of(interp: &Interp, name: &str) -> Option<Option<Rc<dyn Any>>> {
    let raw = interp.raw();
    let c_name = CString::new(utf::encode(name, sys::pairs())).ok()?;
    if raw.is_null() {
        return None;
    }
    // SAFETY: a live interpreter and a NUL-terminated name; null means that there is no such command.
    let token = unsafe { sys::Tcl_FindCommand(raw, c_name.as_ptr(), ptr::null_mut(), 0) };
    if token.is_null() {
        return None;
    }
    let record = RECORDS.with(|r| r.borrow().get(&sys::token_key(token)).and_then(Weak::upgrade));
    Some(
        record
            .and_then(|record| record.command.borrow().clone())
            .map(Command::as_any),
    )
}

/// A reference of our own to what a command holds: the command may be deleted while it runs.
///
/// # Safety
/// `data` is the client data of a command of ours that exists now.
unsafe fn share(data: *mut c_void) -> Rc<Record> {
    let record = data.cast::<Record>();
    // SAFETY: the caller's contract: `data` is the reference that the command owns.
    unsafe {
        Rc::increment_strong_count(record);
        Rc::from_raw(record)
    }
}

/// Called when the command is invoked from outside the non-recursive engine.
unsafe extern "C" fn on_call(
    data: *mut c_void,
    interp: *mut sys::TclInterp,
    objc: c_int,
    objv: *const *mut sys::TclObj,
) -> c_int {
    // SAFETY: Tcl calls a command that exists, with its client data.
    let record = unsafe { share(data) };
    let own = record.interp.clone();
    fence::command(&own, move || {
        #[cfg(feature = "plant")]
        plant::point("on_call");
        // In the list, because this frame may never be resumed.
        kept::keep(record, |_| {
            // SAFETY: Tcl's own arguments, passed on; the engine calls `on_nr_call` and runs what it leaves behind.
            unsafe { sys::Tcl_NRCallObjProc(interp, on_nr_call, data, objc as isize, objv) }
        })
    })
}

/// Called by the non-recursive engine.
unsafe extern "C" fn on_nr_call(
    data: *mut c_void,
    _interp: *mut sys::TclInterp,
    objc: c_int,
    objv: *const *mut sys::TclObj,
) -> c_int {
    // SAFETY: Tcl calls a command that exists, with its client data.
    let record = unsafe { share(data) };
    let interp = record.interp.clone();
    // The record goes inside the fence: it may be the last owner of an object that deleted itself.
    fence::command(&interp, move || {
        #[cfg(feature = "plant")]
        {
            plant::point("on_nr_call");
            plant::odd_point("odd_payload");
        }
        // SAFETY: Tcl keeps the words of a command referenced while it runs.
        let words = unsafe { Obj::words(objc, objv) };
        let interp = &record.interp.clone();
        let command = record.command.borrow().clone();
        // This frame may never be resumed, so it holds no more than it must.
        drop(record);
        let outcome = match command {
            Some(command) => kept::keep_command(command, |command| command.invoke(interp, words)),
            None => Err(Raise::new("the thread has ended", ["TCL", "IDELETE"])),
        };
        match outcome {
            Ok(Reply::Value(value)) => {
                interp.set_result(&value);
                sys::OK
            }
            Ok(Reply::Nothing) => {
                interp.reset_result();
                sys::OK
            }
            Ok(Reply::Loop(body)) => {
                let state = Rc::new(LoopState::new(body, interp));
                LOOPS.with(|l| l.borrow_mut().push(Rc::downgrade(&state)));
                turn(state)
            }
            Err(error) => {
                interp.put_error(&error);
                sys::ERROR
            }
        }
    })
}

/// Calls a command of ours as C code does that knows nothing of the non-recursive engine: no script can.
///
/// # Errors
/// The error of the command; there is no such command.
#[cfg(feature = "plant")]
pub fn call_outside(interp: &Interp, words: &[Obj]) -> Result<Obj, Raise> {
    let name = words.first().map(Obj::text).unwrap_or_default();
    let c_name = CString::new(utf::encode(&name, sys::pairs())).unwrap_or_default();
    // SAFETY: the interpreter of a running command and a NUL-terminated name.
    let token = unsafe { sys::Tcl_FindCommand(interp.raw(), c_name.as_ptr(), ptr::null_mut(), 0) };
    let record = RECORDS.with(|r| r.borrow().get(&sys::token_key(token)).and_then(Weak::upgrade));
    let record = record.ok_or_else(|| Raise::new("no such command", ["PLANT"]))?;
    let data = Rc::as_ptr(&record).cast_mut().cast::<c_void>();
    // SAFETY: what Tcl passes to a command procedure; the values stay referenced by the slice.
    let code = unsafe { on_call(data, interp.raw(), words.len() as c_int, words.as_ptr().cast()) };
    if code == sys::OK {
        // SAFETY: the interpreter of a running command has a result.
        Ok(unsafe { Obj::from_raw(sys::Tcl_GetObjResult(interp.raw())) })
    } else {
        Err(Raise::from_interp())
    }
}

/// The command is gone.
unsafe extern "C" fn on_delete(data: *mut c_void) {
    // SAFETY: takes the command's own reference; Tcl calls this once.
    let record = unsafe { Rc::from_raw(data.cast::<Record>()) };
    let token = record.token.replace(ptr::null_mut());
    let interp = record.interp.clone();
    // After a panic here the object is gone all the same.
    told(Some(&interp), || {
        #[cfg(feature = "plant")]
        plant::point("on_delete");
        RECORDS.with(|r| r.borrow_mut().remove(&sys::token_key(token)));
        kept::keep(record, |record| {
            // It stays there meanwhile: Tcl finds a command that is being deleted, and may call it.
            let command = record.command.borrow().clone();
            // Without a token the object was told when its thread ended.
            if let Some(command) = command.filter(|_| !token.is_null()) {
                kept::keep_command(command, |command| command.deleted(&record.interp));
            }
        });
    });
}

struct LoopState {
    /// Gone when the thread has ended; out while it works.
    body: Cell<Option<Box<dyn Loop>>>,
    /// What works now, for the case that a script in it ends the thread.
    working: Cell<Option<NonNull<dyn Loop>>>,
    interp: Interp,
}

impl LoopState {
    fn new(body: Box<dyn Loop>, interp: &Interp) -> LoopState {
        LoopState {
            body: Cell::new(Some(body)),
            working: Cell::new(None),
            interp: interp.clone(),
        }
    }

    /// Lets `work` use the body. No `RefCell` is held meanwhile: it may run scripts, in traces.
    fn with<T>(&self, work: impl FnOnce(&mut dyn Loop) -> Result<T, Raise>) -> Result<T, Raise> {
        let Some(body) = self.body.take() else {
            return Err(Raise::bug("a loop without a body"));
        };
        let mut working = NonNull::from(Box::leak(body));
        self.working.set(Some(working));
        // SAFETY: the body is alive and used by nobody else: it was taken out, and what is in `working` is taken only when
        // this call is over, or never goes on.
        let outcome = work(unsafe { working.as_mut() });
        let body = self.take();
        self.body.set(body);
        outcome
    }

    /// Takes the body out, also one at work: only after the work, or when the frame that does it is never resumed because
    /// the thread has ended, or a panic has left it.
    fn take(&self) -> Option<Box<dyn Loop>> {
        match self.working.take() {
            // SAFETY: `with` has leaked this box, and what is taken from `working` is taken once.
            Some(working) => Some(unsafe { Box::from_raw(working.as_ptr()) }),
            None => self.body.take(),
        }
    }
}

impl Drop for LoopState {
    fn drop(&mut self) {
        // Fenced, because it may be dropped while a panic unwinds: a second one would end the process. The list is gone
        // when the thread is.
        fence::fenced(|| {
            let _ = LOOPS.try_with(|l| l.borrow_mut().retain(|state| !ptr::eq(state.as_ptr(), self)));
            drop(self.take());
            #[cfg(feature = "plant")]
            plant::point("drop_LoopState");
        });
    }
}

/// Starts the next body, or ends the loop. Called inside a fence.
fn turn(state: Rc<LoopState>) -> c_int {
    #[cfg(feature = "plant")]
    plant::point("loop_next");
    let next = state.with(|body| body.next(&state.interp));
    let raw = state.interp.raw();
    match next {
        _ if raw.is_null() => sys::ERROR,
        Ok(Some(script)) => {
            let data = Rc::into_raw(state).cast_mut().cast::<c_void>();
            // SAFETY: a live interpreter; `after_body` takes the reference back, and Tcl calls it exactly once, also
            // when a coroutine that the body has suspended is deleted. The script's reference is given back there.
            unsafe {
                let script = script.into_raw();
                sys::Tcl_NRAddCallback(raw, after_body, data, script.cast(), ptr::null_mut(), ptr::null_mut());
                sys::Tcl_NREvalObj(raw, script, 0)
            }
        }
        Ok(None) => finish(&state),
        Err(error) => {
            state.interp.put_error(&error);
            sys::ERROR
        }
    }
}

fn finish(state: &LoopState) -> c_int {
    #[cfg(feature = "plant")]
    plant::point("loop_result");
    match state.with(|body| Ok(body.result())) {
        Ok(value) => {
            state.interp.set_result(&value);
            sys::OK
        }
        Err(error) => {
            state.interp.put_error(&error);
            sys::ERROR
        }
    }
}

/// A body has ended.
unsafe extern "C" fn after_body(data: *mut *mut c_void, _interp: *mut sys::TclInterp, result: c_int) -> c_int {
    // SAFETY: the four words that `turn` has passed; each is taken back once.
    let (state, script) = unsafe { (Rc::from_raw((*data).cast::<LoopState>()), *data.add(1)) };
    // SAFETY: the one reference to the script that `turn` has given away.
    unsafe { sys::Tcl_DbDecrRefCount(script.cast(), sys::FILE, 0) };
    let interp = state.interp.clone();
    fence::command(&interp, move || go_on(state, result))
}

/// What follows a body that has ended like this.
fn go_on(state: Rc<LoopState>, result: c_int) -> c_int {
    #[cfg(feature = "plant")]
    plant::point("after_body");
    let raw = state.interp.raw();
    if raw.is_null() {
        return sys::ERROR;
    }
    match result {
        sys::OK | sys::CONTINUE => {
            // SAFETY: a live interpreter.
            unsafe { sys::Tcl_ResetResult(raw) };
            turn(state)
        }
        sys::BREAK => {
            // SAFETY: a live interpreter.
            unsafe { sys::Tcl_ResetResult(raw) };
            finish(&state)
        }
        other => {
            if other == sys::ERROR {
                // SAFETY: a live interpreter whose error is being unwound.
                let line = unsafe { sys::Tcl_GetErrorLine(raw) };
                let name = state.with(|body| Ok(body.name().to_string())).unwrap_or_default();
                let note = Obj::text_of(&format!("\n    (\"{name}\" body line {line})"));
                // SAFETY: a live interpreter takes its own copy of the text.
                unsafe { sys::Tcl_AppendObjToErrorInfo(raw, note.raw()) };
            }
            other
        }
    }
}
