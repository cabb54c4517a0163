//! Property tests of values, as a library for a running Tcl: `run.tcl` loads it and calls its one command, `inside`,
//! with the name of a property; without one, the names of all are returned. What Tcl itself thinks of a value comes from
//! the procedures of that script. It must use the public items of the crate alone.
#![forbid(unsafe_code)]

use proptest::prelude::*;
use std::any::Any;
use std::rc::Rc;
use tclstubs::{create_command, Command, Interp, Obj, Raise, Reply};

#[path = "../../../property.rs"]
mod property;
mod uses;
mod values;
mod words;

use property::Verdict;
use words::{hex, latin, unhex};

tclstubs::package!(
    Inside_Init = start,
    Inside_SafeInit = "it is for tests",
    bugs = "INSIDE"
);

type Property = fn(&Tcl);

const PROPERTIES: &[(&str, Property)] = &[
    ("bytes", values::bytes),
    ("wide", values::wide),
    ("texts", values::texts),
    ("surrogates", values::surrogates),
    ("looks", values::looks),
    ("remade", values::remade),
    ("integers", values::integers),
    ("numerals", values::numerals),
    ("lists", values::lists),
    ("parsing", values::parsing),
    ("dicts", values::dicts),
    ("refills", values::refills),
    ("borrows", values::borrows),
    ("raises", uses::raises),
    ("prefixes", uses::prefixes),
    ("variables", uses::variables),
    ("commands", uses::commands),
];

fn start(interp: &Interp) -> Result<(), Raise> {
    // The test that has started this process is gone when the standard input ends: nobody waits for an answer then.
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(1);
    });
    create_command(interp, "inside", Rc::new(Inside)).map(drop)
}

struct Inside;

impl Command for Inside {
    fn invoke(&self, interp: &Interp, words: &[Obj]) -> Result<Reply, Raise> {
        let Some(name) = words.get(1) else {
            return Ok(Reply::Value(Obj::texts(PROPERTIES.iter().map(|(name, _)| name))));
        };
        match PROPERTIES.iter().find(|(known, _)| name.is(known)) {
            Some((_, property)) => property(&Tcl(interp.clone())), // a panic becomes the error that the script sees
            None => return Err(Raise::bug("no such property")),
        }
        Ok(Reply::Value(Obj::empty()))
    }
    fn deleted(&self, _interp: &Interp) {}
    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

/// Tcl's side: the procedures of `run.tcl`.
struct Tcl(Interp);

impl Tcl {
    fn call(&self, words: &[&Obj]) -> Result<Obj, TestCaseError> {
        let words: Vec<Obj> = words.iter().map(|&word| word.clone()).collect();
        self.0.call(&words).map_err(|error| {
            let said = self.0.global("errorInfo").map(|info| info.text());
            TestCaseError::fail(format!("Tcl says {} {said:?}", error.message))
        })
    }

    fn ask(&self, procedure: &str, value: &Obj) -> Result<String, TestCaseError> {
        Ok(self.call(&[&Obj::text_of(procedure), value])?.text())
    }

    fn change(&self, procedure: &str, how: &str, value: &Obj) -> Result<Obj, TestCaseError> {
        self.call(&[&Obj::text_of(procedure), &Obj::text_of(how), value])
    }

    /// The text of a value as Tcl sees it, without our reading.
    fn text(&self, value: &Obj) -> Result<String, TestCaseError> {
        Ok(unhex(&self.ask("hex", value)?))
    }

    /// A value that Tcl has made of this text, without our writing.
    fn say(&self, text: &str) -> Result<Obj, TestCaseError> {
        self.call(&[&Obj::text_of("unhex"), &Obj::text_of(&hex(text))])
    }

    /// The elements of a list as Tcl sees them; None if it is none.
    fn parts(&self, text: &str) -> Result<Option<Vec<String>>, TestCaseError> {
        let said = self.ask("parts", &self.say(text)?)?;
        Ok((said != "no").then(|| {
            said.split_whitespace()
                .map(|part| unhex(part)[1..].to_string())
                .collect()
        }))
    }

    /// The integer that a text is for Tcl; None if it is none of 64 bits.
    fn integer(&self, text: &str) -> Result<Option<i64>, TestCaseError> {
        let said = self.ask("integer", &self.say(text)?)?;
        if said == "no" {
            return Ok(None);
        }
        said.parse()
            .map(Some)
            .map_err(|_| TestCaseError::fail(format!("Tcl's integer is {said}")))
    }

    fn references(&self, value: &Obj) -> Result<String, TestCaseError> {
        self.ask("references", value)
    }

    /// The text of the value for both sides, and its bytes, if it has any.
    fn is(&self, value: &Obj, text: &str) -> Verdict {
        let read = value.text();
        prop_assert_eq!(read, text);
        bytes_are(value, text)?;
        prop_assert_eq!(value.is_empty(), text.is_empty());
        prop_assert_eq!(self.text(value)?, text);
        Ok(())
    }

    /// Runs a test on a value and wants as many references afterwards as before.
    fn balanced(&self, value: &Obj, test: impl FnOnce() -> Verdict) -> Verdict {
        let before = self.references(value)?;
        test()?;
        prop_assert_eq!(self.references(value)?, before, "references");
        Ok(())
    }
}

fn fine<T>(result: Result<T, Raise>) -> Result<T, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(format!("{} {:?}", error.message, error.code)))
}

/// The bytes of a value with this text: those of its characters, or the one error there is.
fn bytes_are(value: &Obj, text: &str) -> Verdict {
    match (value.bytes(), latin(text)) {
        (Ok(read), Ok(bytes)) => prop_assert_eq!(&*read, bytes),
        (Err(error), Err((at, c))) => {
            let message = format!(
                "expected byte sequence but character {at} was '{c}' (U+{:06X})",
                c as u32
            );
            prop_assert_eq!(error.message, message);
            prop_assert_eq!(error.code, ["TCL", "VALUE", "BYTES"]);
        }
        (Ok(read), Err(_)) => prop_assert!(false, "bytes of a wide text: {:?}", &*read),
        (Err(error), Ok(_)) => prop_assert!(false, "{}", error.message),
    }
    Ok(())
}

fn integer_is(value: &Obj, wanted: Option<i64>) -> Verdict {
    match (value.as_int(), wanted) {
        (Ok(read), Some(wanted)) => prop_assert_eq!(read, wanted),
        (Err(error), None) => prop_assert_eq!(error.code, ["TCL", "VALUE", "NUMBER"]),
        (read, wanted) => prop_assert!(false, "{:?} in place of {:?}", read, wanted),
    }
    Ok(())
}

fn elements_are(value: &Obj, wanted: Option<&Vec<String>>) -> Verdict {
    match (value.elements(), wanted) {
        (Ok(read), Some(wanted)) => prop_assert_eq!(&read.iter().map(Obj::text).collect::<Vec<_>>(), wanted),
        (Err(error), None) => prop_assert_eq!(error.code, ["TCL", "VALUE", "LIST"]),
        (read, wanted) => prop_assert!(false, "{:?} in place of {:?}", read, wanted),
    }
    Ok(())
}
