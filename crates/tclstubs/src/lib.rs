//! Room 1: Tcl, safely. This crate turns the stub table of the interpreter that loads us into safe Rust: values,
//! commands, callbacks and the event loop, in one library that serves Tcl 8.6 and Tcl 9.
//!
//! It must not know what the commands are for: no word of any application stands here. It exports no raw pointer,
//! and nothing of it may leave its thread except a [`Bell`].
//!
//! Promises to the rooms above:
//! * a panic in any function that Tcl calls becomes a Tcl error with its text, never an abort: the error of the running
//!   command, or one for the background error handler, or, where no script is left to tell, a line on stderr;
//! * a value ([`Obj`]) owns one reference; borrowing its bytes ([`Obj::bytes`]) keeps other conversions out;
//! * deleting a command, an interpreter or a thread while one of its functions runs is safe.

mod bell;
mod bytes;
mod command;
mod fence;
mod interp;
mod kept;
mod obj;
mod package;
mod prefix;
mod raise;
mod refill;
mod sys;
mod timer;
mod utf;
mod wall;
mod watch;

pub use bell::{Bell, Door, Turn};
pub use bytes::Bytes;
#[cfg(feature = "plant")]
pub use command::call_outside;
pub use command::{command_of, create_command, Command, CommandRef, Loop, Reply};
pub use fence::{fenced, say_panic};
pub use interp::{Hold, Interp};
pub use kept::keep;
pub use obj::Obj;
pub use package::{at_exit, at_thread_exit, exiting, provide, wake_notifier, LoadError};
pub use prefix::Prefix;
pub use raise::Raise;
pub use refill::{Form, Refill};
pub use timer::Timer;
pub use watch::Filler;

/// What the exported entry points call. Not for use by hand: see [`package!`].
#[doc(hidden)]
pub mod entry {
    pub use crate::package::{enter, refuse};
}

/// Is the running Tcl version 9 or newer? False before the package is loaded.
pub fn tcl9() -> bool {
    sys::nine()
}
