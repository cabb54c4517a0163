//! Borrowed bytes of a Tcl value. The borrow is what makes them safe: as long as one [`Bytes`] lives on a thread,
//! conversions that could free them are refused there. It must not copy.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Deref;

thread_local! {
    static BORROWS: Cell<usize> = const { Cell::new(0) };
}

/// The bytes of a value, valid as long as this lives.
///
/// Tcl keeps one converted form of a value beside its text; asking for another (a list, a number) frees the first.
/// So while any `Bytes` lives, the conversions of [`crate::Obj`] and every evaluation on this thread panic, which
/// the fence turns into a Tcl error: a caller converts everything else first, then borrows.
pub struct Bytes<'o> {
    slice: &'o [u8],
    // Not Send: the count is the thread's.
    _here: PhantomData<*const u8>,
}

impl<'o> Bytes<'o> {
    /// Guards a slice that belongs to a value's present form.
    ///
    /// # Safety
    /// `at` and `len` describe memory that stays valid until the value is converted, changed or released, and
    /// the value is referenced for `'o`.
    #[inline]
    pub(crate) unsafe fn guard(at: *const u8, len: usize) -> Bytes<'o> {
        let slice: &'o [u8] = if len == 0 {
            &[]
        } else {
            // SAFETY: the caller's contract, and the count taken below keeps conversions out.
            unsafe { std::slice::from_raw_parts(at, len) }
        };
        BORROWS.with(|b| b.set(b.get() + 1));
        Bytes {
            slice,
            _here: PhantomData,
        }
    }
}

impl Drop for Bytes<'_> {
    #[inline]
    fn drop(&mut self) {
        BORROWS.with(|b| b.set(b.get() - 1));
    }
}

impl Deref for Bytes<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.slice
    }
}

/// Called before anything that may change the form of a value.
///
/// # Panics
/// When bytes are borrowed on this thread: a mistake in the calling code.
#[inline]
pub(crate) fn no_borrows() {
    assert!(
        BORROWS.with(Cell::get) == 0,
        "a value was converted while bytes were borrowed"
    );
}

#[cfg(test)]
mod tests {
    use super::{no_borrows, Bytes};

    #[test]
    fn conversions_wait_for_the_last_borrow() {
        let memory = Box::new([1u8, 2, 3]);
        // SAFETY: the memory outlives both borrows and nothing changes it.
        let (one, two) = unsafe {
            (
                Bytes::guard(memory.as_ptr(), 3),
                Bytes::guard(memory.as_ptr().wrapping_add(1), 2),
            )
        };
        assert_eq!((&*one, &*two), (&[1u8, 2, 3][..], &[2u8, 3][..]));
        drop(one);
        assert!(std::panic::catch_unwind(no_borrows).is_err());
        assert_eq!(&*two, [2, 3]);
        drop(two);
        no_borrows();
        // SAFETY: without a length the address is never looked at.
        assert!(unsafe { Bytes::guard(std::ptr::null(), 0) }.is_empty());
    }
}
