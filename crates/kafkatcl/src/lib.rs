//! Room 3: what the user can say. The commands of the Tcl package `kafka`, one file per object under `object/`.
//! No unsafe code: Tcl comes through `tclstubs`, librdkafka through `rdk`.
//!
//! It must not draw a value, an error or an event by hand in an object's file: `args` reads words, `render` writes
//! values, `fail` turns Kafka's errors into Tcl's, `inlet` and `link` turn events into callbacks.

#![forbid(unsafe_code)]

mod args;
mod checks;
mod describe;
mod exit;
mod fail;
mod inlet;
mod link;
mod names;
mod object;
mod pick;
#[cfg(feature = "plant")]
mod planting;
mod recycle;
mod render;
mod settings;
mod table;

use tclstubs::{Interp, LoadError};

tclstubs::package!(
    Kafka_Init = start,
    Kafka_SafeInit = "the package kafka cannot be used in a safe interpreter: it opens network connections and files",
    bugs = "KAFKA"
);

/// The version of this package, as `package require kafka` answers it.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes the root command and provides the package. `::kafka::packageVersion`, if the index script has set it, is
/// the version that the script asked for (a script may ask for version 2).
fn start(interp: &Interp) -> Result<(), LoadError> {
    rdk::tell_panics(tclstubs::say_panic);
    // A thread of Tcl's must not take a signal that the script has blocked in its own.
    rdk::unsignalled(tclstubs::wake_notifier);
    object::root::create(interp)?;
    exit::install();
    #[cfg(feature = "plant")]
    planting::create(interp)?;
    let asked = interp.global("::kafka::packageVersion").map(|v| v.text());
    tclstubs::provide(interp, "kafka", asked.as_deref().unwrap_or(VERSION))
}
