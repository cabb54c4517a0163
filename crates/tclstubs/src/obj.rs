//! `Obj`: one reference to a Tcl value, and the conversions in both directions. It must not know interpreters'
//! variables or commands, and it never touches a field of a value: all goes through the stub table.

use crate::bytes::{no_borrows, Bytes};
use crate::raise::shorten;
use crate::{sys, Raise};
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
    fn clone(&self) -> Obj {
        // SAFETY: we own a reference, so the value is alive.
        unsafe { sys::Tcl_DbIncrRefCount(self.0.as_ptr(), sys::FILE, 0) };
        Obj(self.0)
    }
}

impl Drop for Obj {
    fn drop(&mut self) {
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

    /// A text value (`Tcl_NewStringObj`). A NUL is written in Tcl's own form.
    pub fn text_of(text: &str) -> Obj {
        if text.as_bytes().contains(&0) {
            let mut out = Vec::with_capacity(text.len() + 8);
            for &b in text.as_bytes() {
                if b == 0 {
                    out.extend_from_slice(&[0xC0, 0x80]);
                } else {
                    out.push(b);
                }
            }
            return Obj::text_raw(&out);
        }
        Obj::text_raw(text.as_bytes())
    }

    fn text_raw(bytes: &[u8]) -> Obj {
        assert!(sys::fits(bytes.len()), "a text is longer than Tcl allows");
        // SAFETY: pointer and length are of one live slice, which Tcl copies.
        unsafe { Obj::from_raw(sys::Tcl_NewStringObj(bytes.as_ptr().cast(), bytes.len() as isize)) }
    }

    /// A byte array value (`Tcl_NewByteArrayObj`): every byte is one character U+0000 to U+00FF.
    pub fn bytes_of(bytes: &[u8]) -> Obj {
        assert!(sys::fits(bytes.len()), "a byte array is longer than Tcl allows");
        // SAFETY: pointer and length are of one live slice, which Tcl copies.
        unsafe { Obj::from_raw(sys::Tcl_NewByteArrayObj(bytes.as_ptr(), bytes.len() as isize)) }
    }

    /// A number (`Tcl_NewWideIntObj`).
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

    /// A list of texts.
    pub fn texts<S: AsRef<str>>(items: impl IntoIterator<Item = S>) -> Obj {
        Obj::list(items.into_iter().map(|s| Obj::text_of(s.as_ref())))
    }

    /// The text of the value. Tcl's own NUL and surrogate forms are decoded; a lone surrogate becomes U+FFFD.
    pub fn text(&self) -> String {
        self.with_text_bytes(decode)
    }

    /// Is the text of the value exactly `other`? (`other` is plain ASCII.)
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

    /// Lets `f` look at the text in Tcl's own UTF-8. Safe beside borrowed bytes: making the text of a value
    /// leaves its other form alone.
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
        if !sys::nine() {
            // Tcl 8.6 would silently keep the low eight bits, so the text is looked at first. In plain ASCII
            // text the bytes are the text: nothing needs to be converted or copied.
            // SAFETY: our reference keeps the value alive.
            let (at, len) = unsafe { sys::string_bytes(self.raw()) };
            // SAFETY: as in `with_text_bytes`; the slice is used only before the value may change.
            let text = unsafe { std::slice::from_raw_parts(at, len) };
            if text.is_ascii() {
                // SAFETY: the text of a referenced value stays until the value is changed; `guard` keeps
                // conversions out, and nobody changes a value that has a second reference.
                return Ok(unsafe { Bytes::guard(at, len) });
            }
            if wide(text) {
                return Err(self.not_bytes());
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

/// Does Tcl's UTF-8 hold a character above U+00FF? Lead bytes up to 0xC3 stand for U+0000 (0xC0), U+0080 to U+00FF.
fn wide(text: &[u8]) -> bool {
    text.iter().any(|&b| b >= 0xC4)
}

/// Tcl's internal UTF-8 to a Rust string.
fn decode(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_string();
    }
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let used = if first < 0x80 {
            out.push(first as char);
            1
        } else if rest.starts_with(&[0xC0, 0x80]) {
            out.push('\0');
            2
        } else if let Some(high) = surrogate(rest, 0xD800) {
            match rest.get(3..).and_then(|r| surrogate(r, 0xDC00)) {
                Some(low) => {
                    let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    out.push(char::from_u32(code).unwrap_or('\u{FFFD}'));
                    6
                }
                None => {
                    out.push('\u{FFFD}');
                    3
                }
            }
        } else if surrogate(rest, 0xDC00).is_some() {
            out.push('\u{FFFD}');
            3
        } else {
            let len = match first {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            match rest.get(..len).and_then(|r| std::str::from_utf8(r).ok()) {
                Some(text) => {
                    out.push_str(text);
                    len
                }
                None => {
                    out.push('\u{FFFD}');
                    1
                }
            }
        };
        rest = &rest[used..];
    }
    out
}

/// The surrogate that stands at the start of `bytes`, if it is one of the 1024 from `base` on.
fn surrogate(bytes: &[u8], base: u32) -> Option<u32> {
    match bytes {
        [0xED, b, c, ..] if b & 0xC0 == 0x80 && c & 0xC0 == 0x80 => {
            let code = 0xD000 | (u32::from(b & 0x3F) << 6) | u32::from(c & 0x3F);
            (base..base + 0x400).contains(&code).then_some(code)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, wide};

    #[test]
    fn decodes_what_tcl_writes() {
        assert_eq!(decode(b"plain"), "plain");
        assert_eq!(decode(&[b'a', 0xC0, 0x80, b'b']), "a\0b");
        assert_eq!(decode(&[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]), "\u{1F600}");
        assert_eq!(decode(&[0xED, 0xA0, 0xBD, b'x']), "\u{FFFD}x");
        assert_eq!(decode(&[0xED, 0xB8, 0x80]), "\u{FFFD}");
        assert_eq!(decode(&[0xFF, b'y', 0xE2, 0x82]), "\u{FFFD}y\u{FFFD}\u{FFFD}");
        assert_eq!(decode("€ and 😀".as_bytes()), "€ and 😀");
    }

    #[test]
    fn sees_wide_characters() {
        assert!(!wide("aé\u{ff}".as_bytes()));
        assert!(wide("\u{100}".as_bytes()));
        assert!(wide("€".as_bytes()));
    }
}
