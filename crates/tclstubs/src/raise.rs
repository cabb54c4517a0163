//! What leaves a command as a Tcl error: a message and an error code. It must not know any application's codes;
//! those are made by the room above.

use crate::Obj;
use std::fmt::Write as _;
use std::sync::OnceLock;

/// The first word of the error code for our own bugs, set by the package that is loaded.
static BUG_WORD: OnceLock<&'static str> = OnceLock::new();

/// Names the package in the error code of bugs (`NAME INTERNAL PANIC`). The first call counts.
pub(crate) fn set_bug_word(word: &'static str) {
    let _ = BUG_WORD.set(word);
}

/// The first word of the error code of bugs.
pub(crate) fn bug_word() -> &'static str {
    BUG_WORD.get().copied().unwrap_or("TCLSTUBS")
}

/// A Tcl error on its way to the script: the message and the words of `errorCode`.
#[derive(Debug, Clone)]
pub struct Raise {
    /// The text of the error.
    pub message: String,
    /// The words of `errorCode`; none for an error that is already complete in the interpreter.
    pub code: Vec<String>,
    /// The interpreter's result and error code already say what went wrong (a variable trace failed, say).
    pub ready: bool,
}

impl Raise {
    /// An error with this message and these words of `errorCode`.
    pub fn new<S: Into<String>>(message: impl Into<String>, code: impl IntoIterator<Item = S>) -> Raise {
        Raise {
            message: message.into(),
            code: code.into_iter().map(Into::into).collect(),
            ready: false,
        }
    }

    /// The error that Tcl itself has left in the interpreter.
    pub fn from_interp() -> Raise {
        Raise {
            message: String::new(),
            code: Vec::new(),
            ready: true,
        }
    }

    /// `wrong # args: should be "..."`, with Tcl's own code.
    pub fn wrong_args(usage: &str) -> Raise {
        Raise::new(format!("wrong # args: should be \"{usage}\""), ["TCL", "WRONGARGS"])
    }

    /// `bad KIND "WORD": must be a, b, or c`, with Tcl's own code.
    pub fn bad_choice<S: AsRef<str>>(kind: &str, word: &str, choices: &[S]) -> Raise {
        let mut message = format!("bad {kind} \"{}\": must be ", shorten(word));
        for (i, choice) in choices.iter().enumerate() {
            let glue = match (i, choices.len()) {
                (0, _) => "",
                (1, 2) => " or ",
                (i, n) if i + 1 == n => ", or ",
                _ => ", ",
            };
            let _ = write!(message, "{glue}{}", choice.as_ref());
        }
        Raise::new(message, ["TCL", "LOOKUP", "INDEX", kind, &shorten(word)])
    }

    /// `expected WHAT but got "WORD"`, with Tcl's own code for values.
    pub fn expected(what: &str, word: &str, kind: &str) -> Raise {
        Raise::new(
            format!("expected {what} but got \"{}\"", shorten(word)),
            ["TCL", "VALUE", kind],
        )
    }

    /// A bug of ours, reported as an error instead of an abort.
    pub fn bug(what: &str) -> Raise {
        Raise::new(
            format!("internal error: {what} (this is a bug; please report it)"),
            [bug_word(), "INTERNAL", "PANIC"],
        )
    }

    /// The words of the error code as a Tcl list.
    pub(crate) fn code_list(&self) -> Obj {
        Obj::list(self.code.iter().map(|word| Obj::text_of(word)))
    }
}

/// A word as it may stand in a message: at most 150 characters.
pub(crate) fn shorten(word: &str) -> String {
    match word.char_indices().nth(150) {
        Some((at, _)) => format!("{}...", &word[..at]),
        None => word.to_string(),
    }
}
