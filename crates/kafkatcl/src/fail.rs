//! Kafka's errors as Tcl errors, with what to do next: the only writer of `errorCode {KAFKA name text detail ...}`. It must not decide
//! what is an error.

use rdk::{Code, Error};
use std::fmt::Write as _;
use tclstubs::Raise;

/// The Tcl error of a Kafka error: `KAFKA <name> <text> <detail>`, then `fatal`, `retriable`, `txn_requires_abort`
/// where they hold. The message ends with what to do next; `errorCode` is for programs and does not have it.
pub fn raise(error: Error) -> Raise {
    let next = error.code.advice();
    with_next(error, next)
}

/// What went wrong, and what to do next; that is empty where the detail says it already.
fn with_next(error: Error, next: &str) -> Raise {
    let text = error.code.text();
    let mut message = format!("kafka error: {text}");
    if !error.text.is_empty() && error.text != text {
        let _ = write!(message, " ({})", error.text);
    }
    let message = advised(&message, next);
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

/// What happened; what to do next, if that is not empty.
pub fn advised(what: &str, next: &str) -> String {
    match next {
        "" => what.to_string(),
        next => format!("{what}; {next}"),
    }
}

/// A Kafka error of our own: what was attempted, the code, what the user should know, and what to do next: empty where
/// the detail says it, `code.advice()` where it is broker's or librdkafka's word that is passed on.
pub fn refuse(op: &'static str, code: Code, detail: impl Into<String>, next: &str) -> Raise {
    let error = Error {
        op,
        code,
        text: detail.into(),
        fatal: false,
        retriable: false,
        abort: false,
    };
    with_next(error, next)
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
