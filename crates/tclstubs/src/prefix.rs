//! `Prefix`: a command prefix that a script has handed over as a callback. It is split into words once and never
//! evaluated as a script, so data that is appended to it can never run. It must not know events.

use crate::{Interp, Obj, Raise};
use std::ptr;
use std::rc::Rc;

/// Up to so many words of a call need no memory of their own.
const FEW: usize = 8;

/// A held command prefix. Clones are cheap and stand for the same words.
#[derive(Clone)]
pub struct Prefix(Rc<Held>);

struct Held {
    words: Vec<Obj>,
    source: Obj,
}

impl Prefix {
    /// Takes the words of a callback. None for an empty one: that turns a callback off.
    ///
    /// # Errors
    /// The value is not a list.
    pub fn take(value: &Obj) -> Result<Option<Prefix>, Raise> {
        let words = value.elements()?;
        Ok(if words.is_empty() {
            None
        } else {
            Some(Prefix(Rc::new(Held {
                words,
                source: value.clone(),
            })))
        })
    }

    /// The callback as the script gave it.
    pub fn source(&self) -> Obj {
        self.0.source.clone()
    }

    /// Calls the prefix with one more word, at global level. An error goes to the background error handler.
    /// The prefix may be replaced or its owner deleted during the call.
    pub fn call(&self, interp: &Interp, argument: Obj) {
        // Without references of their own: `self` holds the words, and both outlive the call.
        let mut few = [ptr::null_mut(); FEW];
        let words = &self.0.words;
        let count = words.len();
        if count < FEW {
            for (place, word) in few.iter_mut().zip(words.iter().chain([&argument])) {
                *place = word.raw();
            }
            // SAFETY: `count` words and the argument, which are referenced until after the call.
            unsafe { interp.call_in_background(&few[..=count]) };
        } else {
            let many: Vec<_> = words.iter().chain([&argument]).map(Obj::raw).collect();
            // SAFETY: as above.
            unsafe { interp.call_in_background(&many) };
        }
    }
}
