//! Kafka's errors as Tcl errors: the only writer of `errorCode {KAFKA name text detail ...}`. It must not decide
//! what is an error.

use rdk::{Code, Error};
use tclstubs::Raise;

/// The Tcl error of a Kafka error: `KAFKA <name> <text> <detail>`, then `fatal`, `retriable`, `txn_requires_abort`
/// where they hold.
pub fn raise(error: Error) -> Raise {
    let text = error.code.text();
    let message = if error.text.is_empty() || error.text == text {
        format!("kafka error: {text}")
    } else {
        format!("kafka error: {text} ({})", error.text)
    };
    let mut code = vec!["KAFKA".to_string(), error.code.name(), text, error.text];
    let flags = [
        (error.fatal, "fatal"),
        (error.retriable, "retriable"),
        (error.abort, "txn_requires_abort"),
    ];
    code.extend(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, word)| (*word).to_string()),
    );
    Raise::new(message, code)
}

/// A Kafka error of our own: what was attempted, the code, and what the user should know.
pub fn refuse(op: &'static str, code: Code, detail: impl Into<String>) -> Raise {
    raise(Error {
        op,
        code,
        text: detail.into(),
        fatal: false,
        retriable: false,
        abort: false,
    })
}

/// For `?` on what room 2 returns.
pub trait OrRaise<T> {
    /// The value, or the error as Tcl sees it.
    fn or_raise(self) -> Result<T, Raise>;
}

impl<T> OrRaise<T> for rdk::Result<T> {
    fn or_raise(self) -> Result<T, Raise> {
        self.map_err(raise)
    }
}
