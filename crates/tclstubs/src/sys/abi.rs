//! Everything that differs between Tcl 8.6 and Tcl 9 as machine code sees it: where the stub table is, how it is
//! recognised, and which functions take `int` in one and `Tcl_Size` in the other. It must not hold a decision
//! about values or commands.
//!
//! Sources: the declarations file of both majors; a slot number is never reused for another function.

use super::{slots, TclInterp, TclObj, Token};
use std::ffi::{c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

/// The first function pointer of the stub table of the Tcl that runs in this process.
static TABLE: AtomicPtr<*const c_void> = AtomicPtr::new(ptr::null_mut());
static NINE: AtomicBool = AtomicBool::new(false);
static PAIRS: AtomicBool = AtomicBool::new(false);

/// The start of an interpreter structure. Tcl promises never to move the fourth field, because extensions that
/// are already built read it; in Tcl 9 the first three are kept as unused space for that very reason.
#[repr(C)]
struct InterpHead {
    _result: *mut c_char,
    _free_proc: *mut c_void,
    _error_line: c_int,
    stubs: *const StubsHead,
}

#[repr(C)]
struct StubsHead {
    magic: c_int,
    _hooks: *const c_void,
    first: *const c_void,
}

const MAGIC_8: u32 = 0xFCA3_BACF;
const MAGIC_9: u32 = 0xFCA3_BACB + size_of::<*const c_void>() as u32;

/// Why the stub table of an interpreter cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Not a Tcl of major version 8 or 9.
    Magic,
    /// This process already uses another Tcl library.
    Another,
}

/// Finds the stub table through `interp` and keeps it for the process.
///
/// # Safety
/// `interp` is a live interpreter that Tcl has passed to a load function.
pub unsafe fn attach(interp: *mut TclInterp) -> Result<(), Unusable> {
    // SAFETY: the caller's contract; the layout is the promise described at `InterpHead`.
    let stubs = unsafe { (*interp.cast::<InterpHead>()).stubs };
    if stubs.is_null() {
        return Err(Unusable::Magic);
    }
    // SAFETY: every Tcl since 8.1 keeps the address of its stub table there, and the magic comes first in it.
    let magic = unsafe { (*stubs).magic } as u32;
    if magic != MAGIC_8 && magic != MAGIC_9 {
        return Err(Unusable::Magic);
    }
    // SAFETY: `stubs` is a live stub table; taking the address of a field does not read it.
    let first = unsafe { ptr::addr_of!((*stubs).first) }.cast_mut();
    match TABLE.compare_exchange(ptr::null_mut(), first, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {}
        Err(there) if there == first => {}
        Err(_) => return Err(Unusable::Another),
    }
    let (mut major, mut minor, mut patch, mut kind) = (0, 0, 0, 0);
    // SAFETY: the table is attached; the four arguments are live ints of ours.
    unsafe { slots::Tcl_GetVersion(&mut major, &mut minor, &mut patch, &mut kind) };
    if major != 8 && major != 9 {
        return Err(Unusable::Magic);
    }
    NINE.store(major == 9, Ordering::Release);
    // SAFETY: the table has just been attached, and the major is known.
    PAIRS.store(major == 8 && !unsafe { whole() }, Ordering::Release);
    Ok(())
}

/// Does a Tcl 9 run here?
#[inline]
pub fn nine() -> bool {
    NINE.load(Ordering::Relaxed)
}

/// Does the running Tcl keep a character above U+FFFF as two surrogates? Tcl 8.6 does, unless it was built otherwise.
#[inline]
pub fn pairs() -> bool {
    PAIRS.load(Ordering::Relaxed)
}

/// Asks a Tcl 8.6 whether a character above U+FFFF is one of its characters.
///
/// # Safety
/// The stub table of a Tcl 8.6 is attached.
unsafe fn whole() -> bool {
    let text = "\u{1F600}";
    // SAFETY: the text is copied into a new value; a reference is taken before it is looked at, and given back once.
    unsafe {
        let value = Tcl_NewStringObj(text.as_ptr().cast(), text.len() as isize);
        slots::Tcl_DbIncrRefCount(value, super::FILE, 0);
        let length = slots::Tcl_GetCharLength(value);
        slots::Tcl_DbDecrRefCount(value, super::FILE, 0);
        length == 1
    }
}

/// Entry `n` of the stub table.
///
/// # Safety
/// [`attach`] has succeeded in this process and `n` is a slot that the running Tcl has.
#[inline(always)]
pub unsafe fn slot(n: usize) -> *const c_void {
    // SAFETY: the caller's contract: the table is attached and has slot n.
    unsafe { *TABLE.load(Ordering::Relaxed).add(n) }
}

/// The start of a value. Extensions that are built already read these fields in place (the macros of tcl.h), so they stay
/// where they are; in Tcl 9 the two counts are as long as a pointer, which moves nothing.
#[repr(C)]
struct ObjHead {
    _ref_count: isize,
    text: *const c_char,
    _length: isize,
    kind: *const c_void,
}

/// Has the value its text at the moment? (No function tells: asking for the text makes it.)
///
/// # Safety
/// `obj` is a live value of this thread.
#[inline(always)]
pub unsafe fn has_text(obj: *const TclObj) -> bool {
    // SAFETY: as in `kind`.
    unsafe { !(*obj.cast::<ObjHead>()).text.is_null() }
}

/// Which form a value has beside its text: the address of Tcl's description of it, or null. With [`has_text`] the only
/// fields of a value that are ever read, because no function tells them.
///
/// # Safety
/// `obj` is a live value of this thread.
#[inline(always)]
pub unsafe fn kind(obj: *const TclObj) -> *const c_void {
    // SAFETY: the caller's contract; the layout is the promise described at `ObjHead`, and only this thread writes it.
    unsafe { (*obj.cast::<ObjHead>()).kind }
}

/// A function whose by-value `int` became `Tcl_Size`: two types, chosen by the running major.
macro_rules! sized {
    ($(#[doc = $doc:literal] fn $name:ident = $slot:literal ($($arg:ident : $eight:ty | $nine:ty | $ours:ty),*) -> $ret:ty;)*) => {$(
        #[doc = $doc]
        /// # Safety
        /// The contract of the Tcl function of the same name; the stub table is attached.
        #[allow(non_snake_case, clippy::unnecessary_cast)]
        #[inline]
        pub unsafe fn $name($($arg: $ours),*) -> $ret {
            if nine() {
                type Nine = unsafe extern "C" fn($($nine),*) -> $ret;
                // SAFETY: Tcl 9's declaration of this slot has exactly this type.
                let f: Nine = unsafe { std::mem::transmute::<*const c_void, Nine>(slot($slot)) };
                // SAFETY: the caller's contract.
                unsafe { f($($arg as $nine),*) }
            } else {
                type Eight = unsafe extern "C" fn($($eight),*) -> $ret;
                // SAFETY: Tcl 8.6's declaration of this slot has exactly this type.
                let f: Eight = unsafe { std::mem::transmute::<*const c_void, Eight>(slot($slot)) };
                // SAFETY: the caller's contract; lengths are at most i32::MAX there, see `fits`.
                unsafe { f($($arg as $eight),*) }
            }
        }
    )*};
}

sized! {
    #[doc = "Allocates memory that Tcl may free."]
    fn Tcl_Alloc = 3 (size: u32 | usize | usize) -> *mut c_char;
    #[doc = "A new byte array value of reference count 0."]
    fn Tcl_NewByteArrayObj = 50 (bytes: *const u8 | *const u8 | *const u8, len: c_int | isize | isize) -> *mut TclObj;
    #[doc = "Replaces elements of a list that nobody else holds."]
    fn Tcl_ListObjReplace = 48 (interp: *mut TclInterp | *mut TclInterp | *mut TclInterp, list: *mut TclObj | *mut TclObj | *mut TclObj, first: c_int | isize | isize, count: c_int | isize | isize, objc: c_int | isize | isize, objv: *const *mut TclObj | *const *mut TclObj | *const *mut TclObj) -> c_int;
    #[doc = "A new list value of reference count 0."]
    fn Tcl_NewListObj = 53 (objc: c_int | isize | isize, objv: *const *mut TclObj | *const *mut TclObj | *const *mut TclObj) -> *mut TclObj;
    #[doc = "A new string value of reference count 0."]
    fn Tcl_NewStringObj = 56 (bytes: *const c_char | *const c_char | *const c_char, len: c_int | isize | isize) -> *mut TclObj;
    #[doc = "Makes a byte array longer or shorter, and returns its bytes."]
    fn Tcl_SetByteArrayLength = 58 (obj: *mut TclObj | *mut TclObj | *mut TclObj, len: c_int | isize | isize) -> *mut u8;
    #[doc = "Evaluates a command that is given as words."]
    fn Tcl_EvalObjv = 292 (interp: *mut TclInterp | *mut TclInterp | *mut TclInterp, objc: c_int | isize | isize, objv: *const *mut TclObj | *const *mut TclObj | *const *mut TclObj, flags: c_int | c_int | c_int) -> c_int;
    #[doc = "Calls a command procedure through the non-recursive engine."]
    fn Tcl_NRCallObjProc = 588 (interp: *mut TclInterp | *mut TclInterp | *mut TclInterp, run: super::ObjCmdProc | super::ObjCmdProc | super::ObjCmdProc, data: *mut c_void | *mut c_void | *mut c_void, objc: c_int | isize | isize, objv: *const *mut TclObj | *const *mut TclObj | *const *mut TclObj) -> c_int;
}

/// Is this length one that a value of the running Tcl can have? Tcl 8.6 counts bytes and elements in an `int`.
#[inline]
pub fn fits(len: usize) -> bool {
    // A margin: Tcl 8.6 adds headers and a final NUL to what it allocates, in the same int.
    len <= if nine() {
        isize::MAX as usize / 2
    } else {
        i32::MAX as usize - 64
    }
}

/// The elements of a list: address and number.
///
/// # Safety
/// `list` is a live value and `interp` null or a live interpreter.
pub unsafe fn list_elements(interp: *mut TclInterp, list: *mut TclObj) -> Result<(*const *mut TclObj, usize), c_int> {
    let mut elements: *const *mut TclObj = ptr::null();
    if nine() {
        let mut count: isize = 0;
        // SAFETY: the caller's contract; slot 661 is Tcl 9's form with Tcl_Size.
        let code = unsafe { slots::list_get_elements_9(interp, list, &mut count, &mut elements) };
        if code == 0 {
            Ok((elements, count as usize))
        } else {
            Err(code)
        }
    } else {
        let mut count: c_int = 0;
        // SAFETY: the caller's contract; slot 45 is Tcl 8.6's form with int.
        let code = unsafe { slots::list_get_elements_8(interp, list, &mut count, &mut elements) };
        if code == 0 {
            Ok((elements, count as usize))
        } else {
            Err(code)
        }
    }
}

/// The text of a value in Tcl's own UTF-8: address and number of bytes.
///
/// # Safety
/// `obj` is a live value.
pub unsafe fn string_bytes(obj: *mut TclObj) -> (*const u8, usize) {
    if nine() {
        let mut len: isize = 0;
        // SAFETY: the caller's contract; slot 651 is Tcl 9's form with Tcl_Size.
        let at = unsafe { slots::get_string_9(obj, &mut len) };
        (at.cast(), len as usize)
    } else {
        let mut len: c_int = 0;
        // SAFETY: the caller's contract; slot 41 is Tcl 8.6's form with int.
        let at = unsafe { slots::get_string_8(obj, &mut len) };
        (at.cast(), len as usize)
    }
}

/// The bytes of a value; null when Tcl 9 finds a character above U+00FF. Tcl 8.6 drops the high bits instead, so
/// its callers look at the text first.
///
/// # Safety
/// `obj` is a live value.
pub unsafe fn byte_array(obj: *mut TclObj) -> (*const u8, usize) {
    if nine() {
        let mut len: isize = 0;
        // SAFETY: the caller's contract; a null interpreter means: leave no message.
        let at = unsafe { slots::get_bytes_9(ptr::null_mut(), obj, &mut len) };
        (at, len as usize)
    } else {
        let mut len: c_int = 0;
        // SAFETY: the caller's contract.
        let at = unsafe { slots::get_byte_array_8(obj, &mut len) };
        (at, len as usize)
    }
}

/// A command token as a number, for maps.
pub fn token_key(token: Token) -> usize {
    token as usize
}
