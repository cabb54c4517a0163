//! Names of commands: `#auto`, full names, and finding an object by its command. It must not know what the
//! objects do.

use crate::object::root::Root;
use crate::table::{Front, Object};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use tclstubs::{command_of, create_command, CommandRef, Interp, Raise};

/// The counters behind `#auto`, one for each kind of name, shared by all threads of the process.
pub struct Auto {
    prefix: &'static str,
    next: AtomicU64,
}

/// `kafka_object0`: masters.
pub static OBJECT: Auto = Auto {
    prefix: "kafka_object",
    next: AtomicU64::new(0),
};
/// `kafka_handle0`: handles and subscribers.
pub static HANDLE: Auto = Auto {
    prefix: "kafka_handle",
    next: AtomicU64::new(0),
};
/// `kafka_topic0`: topic producers and topic consumers.
pub static TOPIC: Auto = Auto {
    prefix: "kafka_topic",
    next: AtomicU64::new(0),
};
/// `kafka_queue0`: queues.
pub static QUEUE: Auto = Auto {
    prefix: "kafka_queue",
    next: AtomicU64::new(0),
};
/// `kafka_mock0`: embedded clusters.
pub static MOCK: Auto = Auto {
    prefix: "kafka_mock",
    next: AtomicU64::new(0),
};

/// The name for a new object: what the script wrote, or the next free one for `#auto`.
///
/// # Errors
/// An empty name, and the name of a command that is not one of this package's objects: it would be lost. (An object
/// of this package is deleted and replaced, as any Tcl procedure would be.)
pub fn fresh(interp: &Interp, wanted: &str, auto: &Auto) -> Result<String, Raise> {
    if wanted == "#auto" {
        loop {
            let name = format!("{}{}", auto.prefix, auto.next.fetch_add(1, Ordering::Relaxed));
            if command_of(interp, &format!("::{name}")).is_none() {
                return Ok(name);
            }
        }
    }
    if wanted.is_empty() || wanted.ends_with("::") || wanted.contains('\0') {
        return Err(Raise::new(
            format!("bad command name \"{wanted}\": must not be empty, end with :: or hold a NUL character"),
            ["TCL", "VALUE", "COMMAND"],
        ));
    }
    // A name without :: is made in the global namespace, so that is where to look.
    let full = if wanted.contains("::") {
        wanted.to_string()
    } else {
        format!("::{wanted}")
    };
    let taken = match command_of(interp, &full) {
        None => false,
        Some(None) => true,
        // The root command is of this package, and yet nothing may replace it.
        Some(Some(object)) => object.is::<Front<Root>>(),
    };
    match taken {
        true => Err(Raise::new(
            format!("can't create object \"{wanted}\": a command of that name exists; choose another name, or delete that command first"),
            ["TCL", "OPERATION", "CREATE", "EXISTS"],
        )),
        false => Ok(wanted.to_string()),
    }
}

/// Makes the command of an object.
pub fn install<T: Object>(interp: &Interp, name: &str, object: Rc<T>) -> Result<CommandRef, Raise> {
    create_command(interp, name, Rc::new(Front(object)))
}

/// The object of kind `T` behind a command name.
///
/// # Errors
/// No such command, or one that is something else.
pub fn find<T: Object>(interp: &Interp, name: &str) -> Result<Rc<T>, Raise> {
    let front = command_of(interp, name)
        .flatten()
        .and_then(|any| any.downcast::<Front<T>>().ok());
    front.map(|f| f.0.clone()).ok_or_else(|| {
        Raise::new(
            format!(
                "\"{name}\" is not a {} object: it must be made first, and not be deleted",
                T::KIND
            ),
            ["TCL", "LOOKUP", T::KIND, name],
        )
    })
}
