//! `Obj`: one reference to a Tcl value, and the conversions in both directions. It must not know interpreters'
//! variables or commands, and it never touches a field of a value: all goes through the stub table (`sys::kind` and `sys::has_text` read two).

use crate::bytes::{no_borrows, Bytes};
use crate::raise::shorten;
use crate::refill::Form;
use crate::utf::Width;
use crate::{sys, utf, Raise};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// One counted reference to a Tcl value (`Tcl_Obj`). Belongs to its thread: it is neither `Send` nor `Sync`.
///
/// ```compile_fail
/// fn cross(o: tclstubs::Obj) { std::thread::spawn(move || drop(o)); }
/// ```
#[repr(transparent)]
pub struct Obj(NonNull<sys::TclObj>);

impl Clone for Obj {
    #[inline]
    fn clone(&self) -> Obj {
        #[cfg(feature = "plant")]
        if plant::hit("unheld_value") {
            return Obj(self.0);
        }
        // SAFETY: we own a reference, so the value is alive.
        unsafe { sys::Tcl_DbIncrRefCount(self.0.as_ptr(), sys::FILE, 0) };
        Obj(self.0)
    }
}

impl Drop for Obj {
    #[inline]
    fn drop(&mut self) {
        #[cfg(feature = "plant")]
        if plant::hit("kept_value") {
            return;
        }
        // SAFETY: gives back the one reference that this handle owns.
        unsafe { sys::Tcl_DbDecrRefCount(self.0.as_ptr(), sys::FILE, 0) };
    }
}

impl std::fmt::Debug for Obj {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Obj({:p})", self.0)
    }
}

impl Obj {
    /// Takes a reference to a value that Tcl has handed out.
    ///
    /// # Safety
    /// `raw` is a live value (also of reference count 0) of this thread.
    #[inline]
    pub(crate) unsafe fn from_raw(raw: *mut sys::TclObj) -> Obj {
        // SAFETY: the caller's contract; Tcl's constructors never return null (they panic when memory is out).
        unsafe {
            sys::Tcl_DbIncrRefCount(raw, sys::FILE, 0);
            Obj(NonNull::new_unchecked(raw))
        }
    }

    /// The words of a command as Tcl passes them, borrowed: no reference is taken, none is given back.
    ///
    /// # Safety
    /// `objv` points to `objc` live values that stay referenced for `'w`.
    pub(crate) unsafe fn words<'w>(objc: i32, objv: *const *mut sys::TclObj) -> &'w [Obj] {
        // SAFETY: the caller's contract; Obj is a transparent wrapper of a non-null pointer, and a shared slice
        // of them never runs a destructor.
        unsafe { std::slice::from_raw_parts(objv.cast::<Obj>(), objc.max(0) as usize) }
    }

    #[inline]
    pub(crate) fn raw(&self) -> *mut sys::TclObj {
        self.0.as_ptr()
    }

    /// Gives the reference away as a raw pointer; the taker owes one release.
    pub(crate) fn into_raw(self) -> *mut sys::TclObj {
        ManuallyDrop::new(self).0.as_ptr()
    }

    /// The empty value.
    pub fn empty() -> Obj {
        // SAFETY: no arguments; a new value of count 0.
        unsafe { Obj::from_raw(sys::Tcl_NewObj()) }
    }

    /// A text value (`Tcl_NewStringObj`), written as Tcl itself would write it.
    pub fn text_of(text: &str) -> Obj {
        let bytes = utf::encode(text, sys::pairs());
        assert!(sys::fits(bytes.len()), "a text is longer than Tcl allows");
        // SAFETY: pointer and length are of one live slice, which Tcl copies.
        unsafe { Obj::from_raw(sys::Tcl_NewStringObj(bytes.as_ptr().cast(), bytes.len() as isize)) }
    }

    /// The name of an element of an array variable, `array(element)`.
    pub(crate) fn element_name(array: &Obj, element: &Obj) -> Obj {
        let name = array.with_text_bytes(|array| element.with_text_bytes(|e| [array, b"(", e, b")"].concat()));
        assert!(sys::fits(name.len()), "a name is longer than Tcl allows");
        // SAFETY: pointer and length are of one live slice in Tcl's own UTF-8, which Tcl copies.
        unsafe { Obj::from_raw(sys::Tcl_NewStringObj(name.as_ptr().cast(), name.len() as isize)) }
    }

    /// A byte array value (`Tcl_NewByteArrayObj`): every byte is one character U+0000 to U+00FF.
    #[inline]
    pub fn bytes_of(bytes: &[u8]) -> Obj {
        assert!(sys::fits(bytes.len()), "a byte array is longer than Tcl allows");
        // SAFETY: pointer and length are of one live slice, which Tcl copies.
        unsafe { Obj::from_raw(sys::Tcl_NewByteArrayObj(bytes.as_ptr(), bytes.len() as isize)) }
    }

    /// A number (`Tcl_NewWideIntObj`).
    #[inline]
    pub fn int(value: i64) -> Obj {
        // SAFETY: plain value argument.
        unsafe { Obj::from_raw(sys::Tcl_NewWideIntObj(value)) }
    }

    /// A list of these values (`Tcl_NewListObj`).
    pub fn list(items: impl IntoIterator<Item = Obj>) -> Obj {
        let items: Vec<Obj> = items.into_iter().collect();
        Obj::list_of(&items)
    }

    /// A list of these values (`Tcl_NewListObj`); the list takes its own references.
    pub fn list_of(items: &[Obj]) -> Obj {
        assert!(
            sys::fits(items.len().saturating_mul(16)),
            "a list is longer than Tcl allows"
        );
        // SAFETY: Obj is a transparent wrapper of a value pointer, so the slice is an array of live values.
        unsafe { Obj::from_raw(sys::Tcl_NewListObj(items.len() as isize, items.as_ptr().cast())) }
    }

    /// A list of these values (`Tcl_NewListObj`), of which the caller need not own any.
    #[inline]
    pub fn list_of_refs<const N: usize>(items: [&Obj; N]) -> Obj {
        let raw = items.map(Obj::raw);
        // SAFETY: the references keep the values alive during the call, and the list takes its own. So many fit always.
        unsafe { Obj::from_raw(sys::Tcl_NewListObj(N as isize, raw.as_ptr())) }
    }

    /// A list of texts.
    pub fn texts<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Obj {
        Obj::list(items.into_iter().map(|s| Obj::text_of(s.as_ref())))
    }

    /// The text of the value. Tcl's own NUL and surrogate forms are decoded; a lone surrogate becomes U+FFFD.
    pub fn text(&self) -> String {
        self.with_text_bytes(utf::decode)
    }

    /// Is the text of the value exactly `other`? (`other` is plain ASCII without NUL.)
    #[inline]
    pub fn is(&self, other: &str) -> bool {
        self.with_text_bytes(|b| b == other.as_bytes())
    }

    /// Is the text of the value empty?
    pub fn is_empty(&self) -> bool {
        self.with_text_bytes(<[u8]>::is_empty)
    }

    /// Does the text of the value begin with this byte?
    pub fn starts_with(&self, byte: u8) -> bool {
        self.with_text_bytes(|b| b.first() == Some(&byte))
    }

    /// The text of the value in Tcl's own UTF-8, borrowed.
    #[inline]
    pub fn text_bytes(&self) -> Bytes<'_> {
        // SAFETY: our reference keeps the value alive.
        let (at, len) = unsafe { sys::string_bytes(self.raw()) };
        // SAFETY: Tcl keeps the text at that address until the value is changed or released: `guard` keeps conversions
        // out, and nobody changes a value that has a second reference.
        unsafe { Bytes::guard(at, len) }
    }

    /// Lets `f` look at the text in Tcl's own UTF-8. Safe beside borrowed bytes: making the text of a value
    /// leaves its other form alone.
    #[inline]
    pub(crate) fn with_text_bytes<T>(&self, f: impl FnOnce(&[u8]) -> T) -> T {
        // SAFETY: our reference keeps the value alive.
        let (at, len) = unsafe { sys::string_bytes(self.raw()) };
        // SAFETY: Tcl keeps the text at that address until the value is changed or released; `f` is code of this
        // crate that does neither.
        f(unsafe { std::slice::from_raw_parts(at, len) })
    }

    /// The value as bytes: each character is one byte.
    ///
    /// # Errors
    /// A character above U+00FF, with Tcl 9's message and `TCL VALUE BYTES` on both majors.
    pub fn bytes(&self) -> Result<Bytes<'_>, Raise> {
        // SAFETY: our reference keeps the value alive.
        let pure = self.form() == Form::Bytes && !unsafe { sys::has_text(self.raw()) };
        // A byte array that never had a text is nothing but bytes. To look at the text of one would make it, and keep it.
        if !pure {
            // Tcl 8.6 would silently keep the low eight bits, so the text is looked at first. In plain ASCII
            // text the bytes are the text: nothing needs to be converted or copied.
            // SAFETY: our reference keeps the value alive.
            let (at, len) = unsafe { sys::string_bytes(self.raw()) };
            // SAFETY: as in `with_text_bytes`; the slice is used only before the value may change.
            let text = unsafe { std::slice::from_raw_parts(at, len) };
            match utf::width(text) {
                // SAFETY: the text of a referenced value stays until the value is changed; `guard` keeps
                // conversions out, and nobody changes a value that has a second reference.
                Width::Plain => return Ok(unsafe { Bytes::guard(at, len) }),
                Width::Bytes => {}
                Width::Wide => return Err(self.not_bytes()),
            }
        }
        // SAFETY: our reference keeps the value alive.
        let (at, len) = unsafe { sys::byte_array(self.raw()) };
        if at.is_null() {
            return Err(self.not_bytes());
        }
        // SAFETY: the byte array belongs to the value's present form, which `guard` keeps from changing.
        Ok(unsafe { Bytes::guard(at, len) })
    }

    fn not_bytes(&self) -> Raise {
        let text = self.text();
        let found = text.chars().enumerate().find(|(_, c)| *c as u32 > 0xFF);
        let message = match found {
            Some((at, c)) => {
                format!(
                    "expected byte sequence but character {at} was '{c}' (U+{:06X})",
                    c as u32
                )
            }
            None => "expected byte sequence".to_string(),
        };
        Raise::new(message, ["TCL", "VALUE", "BYTES"])
    }

    /// The value as a 64-bit integer.
    ///
    /// # Errors
    /// Not an integer, or outside the 64-bit range.
    pub fn as_int(&self) -> Result<i64, Raise> {
        no_borrows();
        let mut value = 0i64;
        // SAFETY: our reference keeps the value alive; a null interpreter means: leave no message.
        let code = unsafe { sys::Tcl_GetWideIntFromObj(std::ptr::null_mut(), self.raw(), &mut value) };
        // Tcl 8.6 lets numbers of up to 64 bits and a sign wrap around: then the sign of the text is not the number's.
        let wrapped = || value != 0 && self.with_text_bytes(|b| b.contains(&b'-')) != (value < 0);
        if code != sys::OK || wrapped() {
            return Err(Raise::expected("integer", &self.text(), "NUMBER"));
        }
        Ok(value)
    }

    /// The value as a boolean: a number, or `true`, `false`, `yes`, `no`, `on`, `off`.
    ///
    /// # Errors
    /// None of these.
    pub fn as_bool(&self) -> Result<bool, Raise> {
        no_borrows();
        let mut value: std::ffi::c_int = 0;
        // SAFETY: our reference keeps the value alive; a null interpreter means: leave no message.
        let code = unsafe { sys::Tcl_GetBooleanFromObj(std::ptr::null_mut(), self.raw(), &mut value) };
        if code != sys::OK {
            return Err(Raise::expected("boolean value", &self.text(), "BOOLEAN"));
        }
        Ok(value != 0)
    }

    /// The elements of the value as a list, each with its own reference, so that later conversions of the list
    /// cannot take them away.
    ///
    /// # Errors
    /// Not a list.
    pub fn elements(&self) -> Result<Vec<Obj>, Raise> {
        no_borrows();
        // SAFETY: our reference keeps the value alive; a null interpreter means: leave no message.
        match unsafe { sys::list_elements(std::ptr::null_mut(), self.raw()) } {
            Ok((at, count)) => {
                let mut out = Vec::with_capacity(count);
                for i in 0..count {
                    // SAFETY: Tcl says that `count` live elements stand there; taking a reference converts nothing.
                    out.push(unsafe { Obj::from_raw(*at.add(i)) });
                }
                Ok(out)
            }
            Err(_) => {
                let text = self.text();
                Err(Raise::new(
                    format!(
                        "expected a list but got \"{}\" (unbalanced braces or quotes)",
                        shorten(&text)
                    ),
                    ["TCL", "VALUE", "LIST"],
                ))
            }
        }
    }
}
