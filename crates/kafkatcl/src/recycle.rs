//! Recycling: the value that a callback was given serves for the next message, if the callback has not kept it. To make
//! a dictionary and to free it takes longer than all the rest of a callback. It must not decide how a message looks
//! (see `render`), and it must not change what a script can still see:
//!
//! * While a callback runs its value is not here but in the frame that calls, so an event loop inside the callback cannot
//!   fill it for another message. It is held twice then: Tcl's commands change no value in place that is held twice.
//! * Afterwards it is filled anew only if nobody else holds it. Who keeps a value, or a part of it, holds it.
//! * With nothing left to do, nothing is kept: a large message must not stay until the next one comes.

use crate::render::{Fields, Shown, Words};
use std::cell::Cell;
use tclstubs::{Form, Interp, Obj, Prefix};

/// What one place that calls back has to spare.
pub struct Recycler {
    spare: Cell<Option<Box<Shown>>>,
    /// The form in which the callback has left its last value: the next one comes in it. A list at first, as it is the
    /// smaller one; who reads it by `dict get` has made a dictionary of it.
    form: Cell<Form>,
    /// The last value could not serve again, so nothing is prepared for that.
    lost: Cell<bool>,
}

impl Recycler {
    /// With nothing to spare yet.
    pub fn new() -> Recycler {
        Recycler {
            spare: Cell::new(None),
            form: Cell::new(Form::List),
            lost: Cell::new(false),
        }
    }

    /// Calls back with a message or an error.
    pub fn call(&self, words: &Words, interp: &Interp, callback: &Prefix, mut fields: Fields) {
        if matches!(fields, Fields::Error { .. }) {
            // Errors are rare, and tell nothing of how messages are read.
            return callback.call(interp, fields.list(words));
        }
        let spare = self.spare.take();
        let shown = match spare.and_then(|mut spare| spare.refill(words, &mut fields).then_some(spare)) {
            Some(shown) => {
                fields.recycle(words);
                shown
            }
            None => {
                let value = fields.value(words, self.form.get());
                let prepared = if self.lost.get() {
                    drop(fields);
                    None
                } else {
                    fields.shown(&value)
                };
                let Some(shown) = prepared else {
                    callback.call(interp, value.clone());
                    self.learn(&value);
                    return;
                };
                Box::new(shown)
            }
        };
        callback.call(interp, shown.value().clone());
        if self.learn(shown.value()) {
            self.spare.set(Some(shown));
        }
    }

    /// The callback has returned: what has become of its value? Can it serve again?
    fn learn(&self, value: &Obj) -> bool {
        let form = value.form();
        let fit = matches!(form, Form::Dict | Form::List);
        if fit {
            self.form.set(form);
        }
        let free = fit && !value.is_shared();
        self.lost.set(!free);
        free
    }

    /// There is nothing to do for now.
    pub fn rest(&self) {
        drop(self.spare.take());
    }
}
