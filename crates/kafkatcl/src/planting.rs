//! The command `kafka::plant`, which arms planted faults while a script runs. It is there only in builds with the feature
//! `plant`, for tests of the tests; it must not be in a shipped library.

use std::any::Any;
use std::rc::Rc;
use tclstubs::{Command, Interp, Obj, Raise, Reply};

struct Plant;

/// Makes the command.
pub fn create(interp: &Interp) -> Result<(), Raise> {
    tclstubs::create_command(interp, "::kafka::plant", Rc::new(Plant)).map(drop)
}

impl Command for Plant {
    /// `arm faults` arms faults; `outside word ...` calls a command of ours as C code does that knows nothing of the
    /// non-recursive engine.
    fn invoke(&self, interp: &Interp, words: &[Obj]) -> Result<Reply, Raise> {
        match words {
            [_, verb, faults] if verb.is("arm") => {
                plant::arm(&faults.text()).map_err(|text| Raise::new(text, ["PLANT"]))?;
                Ok(Reply::Value(Obj::empty()))
            }
            [_, verb, call @ ..] if verb.is("outside") => Ok(Reply::Value(tclstubs::call_outside(interp, call)?)),
            _ => Err(Raise::wrong_args("kafka::plant arm faults | outside word ...")),
        }
    }

    fn deleted(&self, _interp: &Interp) {}

    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
