//! Raw Tcl: opaque types, constants and the table of functions. Nothing of this leaves the crate, and nothing
//! here decides anything: the safe modules beside it do.

mod abi;
mod slots;

pub use abi::*;
pub use slots::*;

use std::ffi::{c_char, c_int, c_void};

/// An interpreter. Only the stub table pointer in it may be read (see `abi`).
#[repr(C)]
pub struct TclInterp {
    _private: [u8; 0],
}
/// A value. Its fields are never touched, except that `abi::kind` and `abi::has_text` read two: their sizes differ between the majors.
#[repr(C)]
pub struct TclObj {
    _private: [u8; 0],
}

pub type Token = *mut c_void;
pub type ObjCmdProc =
    unsafe extern "C" fn(data: *mut c_void, interp: *mut TclInterp, objc: c_int, objv: *const *mut TclObj) -> c_int;
pub type DeleteProc = unsafe extern "C" fn(data: *mut c_void);
pub type InterpDeleteProc = unsafe extern "C" fn(data: *mut c_void, interp: *mut TclInterp);
pub type PostProc = unsafe extern "C" fn(data: *mut *mut c_void, interp: *mut TclInterp, result: c_int) -> c_int;
pub type TraceProc = unsafe extern "C" fn(
    data: *mut c_void,
    interp: *mut TclInterp,
    name: *const c_char,
    element: *const c_char,
    flags: c_int,
) -> *mut c_char;
pub type EventSourceProc = unsafe extern "C" fn(data: *mut c_void, flags: c_int);
pub type EventProc = unsafe extern "C" fn(event: *mut TclEvent, flags: c_int) -> c_int;

/// The head of an event; ours has no tail. Tcl frees it (it is Tcl_Alloc'ed).
#[repr(C)]
pub struct TclEvent {
    pub run: Option<EventProc>,
    pub next: *mut TclEvent,
}

/// What Tcl tells of a command. Only the first three fields are of use here; they are the same in both majors.
#[repr(C)]
pub struct CmdInfo {
    pub native: c_int,
    pub run: Option<ObjCmdProc>,
    pub data: *mut c_void,
    /// Five more fields in Tcl 8.6, seven in Tcl 9.
    _more: [*mut c_void; 8],
}

impl Default for CmdInfo {
    fn default() -> CmdInfo {
        CmdInfo {
            native: 0,
            run: None,
            data: std::ptr::null_mut(),
            _more: [std::ptr::null_mut(); 8],
        }
    }
}

/// Tcl_Time on LP64 systems: two 64-bit numbers in both majors.
#[repr(C)]
pub struct TclTime {
    pub sec: i64,
    pub usec: i64,
}

pub const OK: c_int = 0;
pub const ERROR: c_int = 1;
pub const BREAK: c_int = 3;
pub const CONTINUE: c_int = 4;

pub const GLOBAL_ONLY: c_int = 1;
pub const TRACE_WRITES: c_int = 0x20;
pub const TRACE_UNSETS: c_int = 0x40;
pub const TRACE_DESTROYED: c_int = 0x80;
pub const LEAVE_ERR_MSG: c_int = 0x200;
pub const EVAL_GLOBAL: c_int = 0x20000;
pub const DONT_WAIT: c_int = 2;
pub const FILE_EVENTS: c_int = 8;
pub const IDLE_EVENTS: c_int = 32;
pub const QUEUE_TAIL: c_int = 0;

/// The file and line that the reference-counting functions want; only memory-debug builds of Tcl print them.
pub const FILE: *const c_char = c"tclstubs".as_ptr();
