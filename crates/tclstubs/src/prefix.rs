//! `Prefix`: a command prefix that a script has handed over as a callback. It is split into words once and never
//! evaluated as a script, so data that is appended to it can never run. It must not know events.

use crate::{Interp, Obj, Raise};
use std::rc::Rc;

/// A held command prefix. Clones are cheap and stand for the same words.
#[derive(Clone)]
pub struct Prefix {
    words: Rc<[Obj]>,
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
            Some(Prefix {
                words: words.into(),
                source: value.clone(),
            })
        })
    }

    /// The callback as the script gave it.
    pub fn source(&self) -> Obj {
        self.source.clone()
    }

    /// Calls the prefix with one more word, at global level. An error goes to the background error handler.
    /// The prefix may be replaced or its owner deleted during the call.
    pub fn call(&self, interp: &Interp, argument: Obj) {
        let mut words = Vec::with_capacity(self.words.len() + 1);
        words.extend(self.words.iter().cloned());
        words.push(argument);
        interp.call_in_background(&words);
    }
}
