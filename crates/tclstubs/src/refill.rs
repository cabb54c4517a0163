//! Filling a value anew in place, when nobody else holds it: cheaper than to free it and make another for each message.
//! It must not change a value that anybody else can see.

use crate::{sys, Obj};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// In which form Tcl keeps a value beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A dictionary.
    Dict,
    /// A list.
    List,
    /// A byte array.
    Bytes,
    /// Another one, or none.
    Other,
}

/// Where Tcl describes these forms: the same in all threads, for as long as the process runs.
static DICT: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static LIST: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());
static BYTES: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// Asks Tcl, by a value of each form.
#[cold]
fn learn() {
    let bytes = Obj::bytes_of(b"x");
    let list = Obj::list_of_refs([&bytes]);
    let dict = Obj::dict_of_refs([(&bytes, &bytes)]);
    // DICT last: it is the one that tells that all are known.
    for (form, value) in [(&BYTES, &bytes), (&LIST, &list), (&DICT, &dict)] {
        // SAFETY: the reference keeps the value alive.
        form.store(unsafe { sys::kind(value.raw()) }.cast_mut(), Ordering::Release);
    }
}

impl Obj {
    /// A dictionary of these names and values, in this order, of which the caller need not own any.
    pub fn dict_of_refs<const N: usize>(pairs: [(&Obj, &Obj); N]) -> Obj {
        // SAFETY: no arguments; a new value of count 0.
        let dict = unsafe { Obj::from_raw(sys::Tcl_NewDictObj()) };
        for (name, value) in pairs {
            // SAFETY: a new dictionary that only we hold, which takes its own references to two live values. Since it is a
            // dictionary this cannot fail.
            unsafe { sys::Tcl_DictObjPut(ptr::null_mut(), dict.raw(), name.raw(), value.raw()) };
        }
        dict
    }

    /// In which form the value is now. A script that uses a value as something else converts it.
    #[inline]
    pub fn form(&self) -> Form {
        let mut dict = DICT.load(Ordering::Acquire);
        if dict.is_null() {
            learn();
            dict = DICT.load(Ordering::Acquire);
        }
        // SAFETY: our reference keeps the value alive.
        let kind = unsafe { sys::kind(self.raw()) }.cast_mut();
        if kind.is_null() {
            Form::Other
        } else if kind == dict {
            Form::Dict
        } else if kind == LIST.load(Ordering::Relaxed) {
            Form::List
        } else if kind == BYTES.load(Ordering::Relaxed) {
            Form::Bytes
        } else {
            Form::Other
        }
    }

    /// Does anybody hold the value beside this reference?
    #[inline]
    pub fn is_shared(&self) -> bool {
        // SAFETY: our reference keeps the value alive.
        unsafe { sys::Tcl_DbIsShared(self.raw(), sys::FILE, 0) != 0 }
    }

    /// Do both references stand for one and the same value, not only for the same text?
    #[inline]
    pub fn is_same(&self, other: &Obj) -> bool {
        ptr::eq(self.raw(), other.raw())
    }

    /// Makes the value this number. False, and nothing done, if somebody else holds it.
    #[inline]
    #[must_use]
    pub fn set_int(&mut self, number: i64) -> bool {
        let free = !self.is_shared();
        if free {
            // SAFETY: the value is alive and only we hold it, as Tcl demands; `&mut` says that nothing of it is borrowed.
            unsafe { sys::Tcl_SetWideIntObj(self.raw(), number) };
        }
        free
    }

    /// Makes the value these bytes. False, and nothing done, if somebody else holds it or it is no byte array.
    #[inline]
    #[must_use]
    pub fn set_bytes(&mut self, bytes: &[u8]) -> bool {
        let free = !self.is_shared() && self.form() == Form::Bytes && sys::fits(bytes.len());
        if free {
            // SAFETY: the value is alive, a byte array, and only we hold it, as Tcl demands; `&mut` says that nothing of it is
            // borrowed, so `bytes` are not its own. Tcl makes room for so many bytes and says where (it panics when memory
            // is out), and drops the text of the bytes before.
            unsafe {
                let at = sys::Tcl_SetByteArrayLength(self.raw(), bytes.len() as isize);
                ptr::copy_nonoverlapping(bytes.as_ptr(), at, bytes.len());
            }
        }
        free
    }

    /// How many bytes a byte array has; none for a value that is not one now.
    #[inline]
    pub fn byte_len(&self) -> Option<usize> {
        // SAFETY: our reference keeps the value alive, and a byte array is not converted.
        (self.form() == Form::Bytes).then(|| unsafe { sys::byte_array(self.raw()) }.1)
    }

    /// The value for filling its fields anew: a dictionary, or a list of names and values. None if somebody else holds it,
    /// or if it is neither.
    #[inline]
    pub fn refill(&mut self) -> Option<Refill<'_>> {
        let form = self.form();
        if self.is_shared() || !matches!(form, Form::Dict | Form::List) {
            return None;
        }
        Some(Refill {
            value: self,
            dict: form == Form::Dict,
        })
    }
}

/// A value that nobody else holds, while its fields are filled anew. No script runs meanwhile, so that stays true.
pub struct Refill<'o> {
    value: &'o mut Obj,
    dict: bool,
}

impl Refill<'_> {
    /// Puts another value into the field `name`, which is the one number `at` (from 0) and is there already. False if Tcl
    /// refuses.
    #[inline]
    #[must_use]
    pub fn put(&mut self, at: usize, name: &Obj, value: &Obj) -> bool {
        let whole = self.value.raw();
        let new = value.raw();
        // SAFETY: `refill` has seen that the value is a dictionary, or a list, and that nobody else holds it, as Tcl demands;
        // `&mut` keeps both true. Name and value are alive. Where the elements of a list are shared by a copy of it,
        // Tcl gives this one its own. It drops the text of the value before.
        let code = unsafe {
            if self.dict {
                sys::Tcl_DictObjPut(ptr::null_mut(), whole, name.raw(), new)
            } else {
                sys::Tcl_ListObjReplace(ptr::null_mut(), whole, 2 * at as isize + 1, 1, 1, &new)
            }
        };
        code == sys::OK
    }
}
