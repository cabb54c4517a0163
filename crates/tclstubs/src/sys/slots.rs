//! One typed function for each entry of Tcl's stub table that we use and that is the same in Tcl 8.6 and Tcl 9
//! (the others are in `abi`). It must not hold anything else. `tests/slots.rs` compares numbers and names with
//! the header of an installed Tcl.

use super::abi::slot;
use super::{
    CmdInfo, DeleteProc, EventSourceProc, InterpDeleteProc, ObjCmdProc, PostProc, TclEvent, TclInterp, TclObj, TclTime,
    Token, TraceProc,
};
use std::ffi::{c_char, c_int, c_void};

macro_rules! slots {
    ($(fn $name:ident = $slot:literal ($($arg:ident : $ty:ty),*) $(-> $ret:ty)?;)*) => {$(
        /// The Tcl function of the slot named in the source.
        ///
        /// # Safety
        /// The contract of that Tcl function; the stub table is attached.
        #[allow(non_snake_case)]
        #[inline]
        pub unsafe fn $name($($arg: $ty),*) $(-> $ret)? {
            type F = unsafe extern "C" fn($($ty),*) $(-> $ret)?;
            // SAFETY: Tcl's declarations give this slot exactly this type, in the majors that have it.
            let f: F = unsafe { std::mem::transmute::<*const c_void, F>(slot($slot)) };
            // SAFETY: the caller's contract.
            unsafe { f($($arg),*) }
        }
    )*};
}

slots! {
    fn Tcl_PkgProvideEx = 0 (interp: *mut TclInterp, name: *const c_char, version: *const c_char, data: *const c_void) -> c_int;
    fn Tcl_PkgRequireEx = 1 (interp: *mut TclInterp, name: *const c_char, version: *const c_char, exact: c_int, data: *mut c_void) -> *const c_char;
    fn Tcl_WaitForEvent = 13 (time: *const TclTime) -> c_int;
    fn Tcl_DbDecrRefCount = 19 (obj: *mut TclObj, file: *const c_char, line: c_int);
    fn Tcl_DbIncrRefCount = 20 (obj: *mut TclObj, file: *const c_char, line: c_int);
    fn Tcl_DbIsShared = 21 (obj: *mut TclObj, file: *const c_char, line: c_int) -> c_int;
    fn Tcl_GetBooleanFromObj = 32 (interp: *mut TclInterp, obj: *mut TclObj, value: *mut c_int) -> c_int;
    fn get_byte_array_8 = 33 (obj: *mut TclObj, len: *mut c_int) -> *const u8;
    fn get_string_8 = 41 (obj: *mut TclObj, len: *mut c_int) -> *const c_char;
    fn list_get_elements_8 = 45 (interp: *mut TclInterp, list: *mut TclObj, count: *mut c_int, elements: *mut *const *mut TclObj) -> c_int;
    fn Tcl_NewObj = 55 () -> *mut TclObj;
    fn Tcl_CallWhenDeleted = 79 (interp: *mut TclInterp, run: InterpDeleteProc, data: *mut c_void);
    fn Tcl_CancelIdleCall = 80 (run: DeleteProc, data: *mut c_void);
    fn Tcl_CreateEventSource = 92 (setup: EventSourceProc, check: EventSourceProc, data: *mut c_void);
    fn Tcl_CreateExitHandler = 93 (run: DeleteProc, data: *mut c_void);
    fn Tcl_CreateTimerHandler = 98 (milliseconds: c_int, run: DeleteProc, data: *mut c_void) -> Token;
    fn Tcl_DeleteCommandFromToken = 104 (interp: *mut TclInterp, command: Token) -> c_int;
    fn Tcl_DeleteEventSource = 106 (setup: EventSourceProc, check: EventSourceProc, data: *mut c_void);
    fn Tcl_DeleteTimerHandler = 112 (timer: Token);
    fn Tcl_DoWhenIdle = 116 (run: DeleteProc, data: *mut c_void);
    fn Tcl_GetCommandInfo = 159 (interp: *mut TclInterp, name: *const c_char, info: *mut CmdInfo) -> c_int;
    fn Tcl_GetObjResult = 166 (interp: *mut TclInterp) -> *mut TclObj;
    fn Tcl_InterpDeleted = 184 (interp: *mut TclInterp) -> c_int;
    fn Tcl_Preserve = 201 (data: *mut c_void);
    fn Tcl_ObjGetVar2 = 195 (interp: *mut TclInterp, name: *mut TclObj, element: *mut TclObj, flags: c_int) -> *mut TclObj;
    fn Tcl_ObjSetVar2 = 196 (interp: *mut TclInterp, name: *mut TclObj, element: *mut TclObj, value: *mut TclObj, flags: c_int) -> *mut TclObj;
    fn Tcl_QueueEvent = 205 (event: *mut TclEvent, position: c_int);
    fn Tcl_Release = 216 (data: *mut c_void);
    fn Tcl_ResetResult = 217 (interp: *mut TclInterp);
    fn Tcl_SetMaxBlockTime = 229 (time: *const TclTime);
    fn Tcl_SetObjErrorCode = 234 (interp: *mut TclInterp, code: *mut TclObj);
    fn Tcl_SetObjResult = 235 (interp: *mut TclInterp, result: *mut TclObj);
    fn Tcl_TraceVar2 = 248 (interp: *mut TclInterp, name: *const c_char, element: *const c_char, flags: c_int, run: TraceProc, data: *mut c_void) -> c_int;
    fn Tcl_UnsetVar2 = 254 (interp: *mut TclInterp, name: *const c_char, element: *const c_char, flags: c_int) -> c_int;
    fn Tcl_UntraceVar2 = 256 (interp: *mut TclInterp, name: *const c_char, element: *const c_char, flags: c_int, run: TraceProc, data: *mut c_void);
    fn Tcl_UpVar2 = 259 (interp: *mut TclInterp, frame: *const c_char, name: *const c_char, element: *const c_char, local: *const c_char, flags: c_int) -> c_int;
    fn Tcl_VarTraceInfo2 = 262 (interp: *mut TclInterp, name: *const c_char, element: *const c_char, flags: c_int, run: TraceProc, before: *mut c_void) -> *mut c_void;
    fn Tcl_GetVersion = 279 (major: *mut c_int, minor: *mut c_int, patch: *mut c_int, kind: *mut c_int);
    fn Tcl_CreateThreadExitHandler = 288 (run: DeleteProc, data: *mut c_void);
    fn Tcl_GetCurrentThread = 300 () -> Token;
    fn Tcl_GetVar2Ex = 306 (interp: *mut TclInterp, name: *const c_char, element: *const c_char, flags: c_int) -> *mut TclObj;
    fn Tcl_ThreadAlert = 318 (thread: Token);
    fn Tcl_GetString = 340 (obj: *mut TclObj) -> *const c_char;
    fn Tcl_GetCharLength = 380 (obj: *mut TclObj) -> c_int;
    fn Tcl_GetWideIntFromObj = 487 (interp: *mut TclInterp, obj: *mut TclObj, value: *mut i64) -> c_int;
    fn Tcl_NewWideIntObj = 488 (value: i64) -> *mut TclObj;
    fn Tcl_SetWideIntObj = 489 (obj: *mut TclObj, value: i64);
    fn Tcl_DictObjPut = 494 (interp: *mut TclInterp, dict: *mut TclObj, key: *mut TclObj, value: *mut TclObj) -> c_int;
    fn Tcl_NewDictObj = 503 () -> *mut TclObj;
    fn Tcl_GetCurrentNamespace = 512 (interp: *mut TclInterp) -> Token;
    fn Tcl_GetGlobalNamespace = 513 (interp: *mut TclInterp) -> Token;
    fn Tcl_FindCommand = 515 (interp: *mut TclInterp, name: *const c_char, namespace: *mut c_void, flags: c_int) -> Token;
    fn Tcl_GetCommandFullName = 517 (interp: *mut TclInterp, command: Token, name: *mut TclObj);
    fn Tcl_LimitReady = 522 (interp: *mut TclInterp) -> c_int;
    fn Tcl_LimitCheck = 523 (interp: *mut TclInterp) -> c_int;
    fn Tcl_SaveInterpState = 535 (interp: *mut TclInterp, code: c_int) -> Token;
    fn Tcl_RestoreInterpState = 536 (interp: *mut TclInterp, state: Token) -> c_int;
    fn Tcl_AppendObjToErrorInfo = 574 (interp: *mut TclInterp, text: *mut TclObj);
    fn Tcl_Canceled = 581 (interp: *mut TclInterp, flags: c_int) -> c_int;
    fn Tcl_NRCreateCommand = 583 (interp: *mut TclInterp, name: *const c_char, run: ObjCmdProc, nr_run: ObjCmdProc, data: *mut c_void, deleted: DeleteProc) -> Token;
    fn Tcl_NREvalObj = 584 (interp: *mut TclInterp, script: *mut TclObj, flags: c_int) -> c_int;
    fn Tcl_NRAddCallback = 587 (interp: *mut TclInterp, post: PostProc, data0: *mut c_void, data1: *mut c_void, data2: *mut c_void, data3: *mut c_void);
    fn Tcl_GetErrorLine = 605 (interp: *mut TclInterp) -> c_int;
    fn Tcl_BackgroundException = 609 (interp: *mut TclInterp, code: c_int);
    fn get_bytes_9 = 650 (interp: *mut TclInterp, obj: *mut TclObj, len: *mut isize) -> *const u8;
    fn get_string_9 = 651 (obj: *mut TclObj, len: *mut isize) -> *const c_char;
    fn list_get_elements_9 = 661 (interp: *mut TclInterp, list: *mut TclObj, count: *mut isize, elements: *mut *const *mut TclObj) -> c_int;
}
