//! Property tests of values, as a library for a running Tcl: `run.tcl` loads it and calls its one command, `inside`,
//! with the name of a property; without one, the names of all are returned. What Tcl itself thinks of a value comes from
//! the procedures of that script. It must use the public items of the crate alone.
#![forbid(unsafe_code)]

use proptest::prelude::*;
use proptest::sample::select;
use std::any::Any;
use std::cell::RefCell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::rc::Rc;
use tclstubs::{command_of, create_command, Bytes, Command, Interp, Obj, Prefix, Raise, Reply};

#[path = "../../../property.rs"]
mod property;
mod words;

use property::{holds, Verdict};
use words::*;

tclstubs::package!(
    Inside_Init = start,
    Inside_SafeInit = "it is for tests",
    bugs = "INSIDE"
);

type Property = fn(&Tcl);

const PROPERTIES: &[(&str, Property)] = &[
    ("bytes", bytes),
    ("wide", wide),
    ("texts", texts),
    ("surrogates", surrogates),
    ("looks", looks),
    ("remade", remade),
    ("integers", integers),
    ("numerals", numerals),
    ("lists", lists),
    ("parsing", parsing),
    ("dicts", dicts),
    ("borrows", borrows),
    ("raises", raises),
    ("prefixes", prefixes),
    ("variables", variables),
    ("commands", commands),
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

/// Bytes stay bytes, whatever Tcl has looked at in between.
fn bytes(tcl: &Tcl) {
    let inputs = (prop::collection::vec(any::<u8>(), 0..300), ways(&LOOKS), any::<bool>());
    holds("bytes", 10_000, inputs, |(bytes, ways, as_text)| {
        let text: String = bytes.iter().map(|&b| char::from(b)).collect();
        let value = if as_text {
            Obj::text_of(&text)
        } else {
            Obj::bytes_of(&bytes)
        };
        tcl.balanced(&value, || {
            prop_assert_eq!(&*fine(value.bytes())?, bytes.as_slice());
            for how in ways {
                tcl.change("look", how, &value)?;
                prop_assert_eq!(&*fine(value.bytes())?, bytes.as_slice(), "after {}", how);
            }
            tcl.is(&value, &text)
        })
    });
}

/// One character above U+00FF anywhere makes an error, never other bytes.
fn wide(tcl: &Tcl) {
    let narrow = || prop::collection::vec(0u8..=255, 0..40);
    let character = prop_oneof![
        any::<char>(),
        prop::char::range('\u{100}', '\u{1FF}'),
        select(vec!['\u{100}', '\u{FFFF}', '\u{10000}'])
    ];
    let character = character.prop_filter("a wide character", |c| *c > '\u{FF}');
    holds(
        "wide",
        10_000,
        (narrow(), character, narrow(), ways(&LOOKS)),
        |(before, c, after, ways)| {
            let mut text: String = before.iter().map(|&b| char::from(b)).collect();
            text.push(c);
            text.extend(after.iter().map(|&b| char::from(b)));
            for value in [Obj::text_of(&text), tcl.say(&text)?] {
                tcl.balanced(&value, || {
                    for how in &ways {
                        bytes_are(&value, &text)?;
                        tcl.change("look", how, &value)?;
                    }
                    tcl.is(&value, &text)
                })?;
            }
            Ok(())
        },
    );
}

/// A text of ours and the same text of Tcl's are one and the same to Tcl: as keys, as names, in comparisons.
fn texts(tcl: &Tcl) {
    holds("texts", 10_000, text(), |text| {
        let (ours, theirs) = (Obj::text_of(&text), tcl.say(&text)?);
        tcl.is(&ours, &text)?;
        tcl.is(&theirs, &text)?;
        prop_assert_eq!(tcl.call(&[&Obj::text_of("same"), &ours, &theirs])?.text(), "1");
        let plain = |c: char| c.is_ascii() && c != '\0';
        let start = text.split(|c| !plain(c)).next().unwrap_or_default();
        for word in ["", "a", "set", "0", start] {
            prop_assert_eq!(ours.is(word), text == word);
        }
        for byte in [b' ', b'-', b'a', b'{', b'0'] {
            prop_assert_eq!(theirs.starts_with(byte), text.as_bytes().first() == Some(&byte));
        }
        Ok(())
    });
}

/// Any UTF-16 units, with halves of characters among them: a half is read as U+FFFD, and is an error where bytes are wanted.
fn surrogates(tcl: &Tcl) {
    let unit = prop_oneof![any::<u16>(), 0xD800u16..=0xDFFF, 0u16..0x100];
    holds(
        "surrogates",
        5_000,
        (prop::collection::vec(unit, 0..20), ways(&LOOKS)),
        |(units, ways)| {
            let numbers = Obj::list(units.iter().map(|&unit| Obj::int(i64::from(unit))));
            let value = tcl.call(&[&Obj::text_of("units"), &numbers])?;
            let text = String::from_utf16_lossy(&units);
            for how in ways {
                prop_assert_eq!(value.text(), text.as_str());
                prop_assert_eq!(value.bytes().is_err(), units.iter().any(|&unit| unit > 0xFF));
                tcl.change("look", how, &value)?;
            }
            prop_assert_eq!(value.text(), text);
            Ok(())
        },
    );
}

/// Looks of ours and of Tcl's in any order: a value stays what it is, and so does every answer.
fn looks(tcl: &Tcl) {
    let step = prop_oneof![
        2 => select(&LOOKS[..]).prop_map(Step::Tcl),
        3 => select(vec![Step::Bytes, Step::Text, Step::Integer, Step::Elements, Step::Copy]),
    ];
    holds(
        "looks",
        10_000,
        (text(), 0..3, prop::collection::vec(step, 0..12)),
        |(text, maker, steps)| {
            let value = match (maker, latin(&text)) {
                (0, Ok(bytes)) => Obj::bytes_of(&bytes),
                (1, _) => Obj::text_of(&text),
                _ => tcl.say(&text)?,
            };
            let (parts, integer) = (tcl.parts(&text)?, tcl.integer(&text)?);
            tcl.balanced(&value, || {
                for step in steps {
                    match step {
                        Step::Tcl(how) => drop(tcl.change("look", how, &value)?),
                        Step::Bytes => bytes_are(&value, &text)?,
                        Step::Text => prop_assert_eq!(value.text(), text.as_str()),
                        Step::Integer => integer_is(&value, integer)?,
                        Step::Elements => elements_are(&value, parts.as_ref())?,
                        Step::Copy => bytes_are(&value.clone(), &text)?,
                    }
                }
                tcl.is(&value, &text)
            })
        },
    );
}

/// What Tcl makes of a value, be it a list, a number or bytes without a text, is read as Tcl reads it.
fn remade(tcl: &Tcl) {
    let first = select(vec![Step::Bytes, Step::Text, Step::Integer, Step::Elements]);
    holds(
        "remade",
        10_000,
        (text(), ways(&REMADE), first),
        |(text, ways, first)| {
            let mut value = tcl.say(&text)?;
            for how in &ways {
                value = tcl.change("remade", how, &value)?;
            }
            // The first look is ours, before anything has made a text of it.
            let bytes = value.bytes().map(|bytes| bytes.to_vec());
            let read = value.text();
            let wanted = tcl.text(&value)?;
            prop_assert_eq!(&read, &wanted);
            prop_assert_eq!(bytes.ok(), latin(&wanted).ok());
            let mut value = tcl.say(&text)?;
            for how in &ways {
                value = tcl.change("remade", how, &value)?;
            }
            tcl.balanced(&value, || {
                match first {
                    Step::Integer => integer_is(&value, tcl.integer(&wanted)?)?,
                    Step::Elements => elements_are(&value, tcl.parts(&wanted)?.as_ref())?,
                    Step::Bytes => bytes_are(&value, &wanted)?,
                    _ => {}
                }
                tcl.is(&value, &wanted)
            })
        },
    );
}

/// Integers of 64 bits, there and back, as values and as texts in every base.
fn integers(tcl: &Tcl) {
    holds("integers", 10_000, (number(), ways(&LOOKS)), |(number, ways)| {
        if let Ok(small) = i64::try_from(number) {
            let value = Obj::int(small);
            integer_is(&value, Some(small))?;
            for how in &ways {
                tcl.change("look", how, &value)?;
                integer_is(&value, Some(small))?;
            }
            tcl.is(&value, &small.to_string())?;
            integer_is(&Obj::text_of(&small.to_string()), Some(small))?;
        }
        let sign = if number < 0 { "-" } else { "" };
        let size = number.unsigned_abs();
        for text in [
            format!("{sign}{size}"),
            format!("{sign}0x{size:x}"),
            format!("{sign}0X{size:X}"),
            format!("{sign}0o{size:o}"),
            format!("{sign}0b{size:b}"),
            format!(" \t{sign}{size}\n"),
        ] {
            for value in [
                Obj::text_of(&text),
                tcl.say(&text)?,
                tcl.change("remade", "number", &tcl.say(&text)?)?,
            ] {
                integer_is(&value, i64::try_from(number).ok())?;
                for how in &ways {
                    tcl.change("look", how, &value)?;
                }
                integer_is(&value, i64::try_from(number).ok())?;
            }
        }
        Ok(())
    });
}

/// Whatever looks like a number, or almost: the same integers as Tcl's own, and the same that are none.
fn numerals(tcl: &Tcl) {
    holds("numerals", 20_000, numeral(), |text| {
        let wanted = tcl.integer(&text)?;
        integer_is(&Obj::text_of(&text), wanted)?;
        integer_is(&tcl.say(&text)?, wanted)
    });
}

/// Lists of anything: the elements come back, Tcl sees the same ones, and so does everybody who reads the list's text.
fn lists(tcl: &Tcl) {
    holds(
        "lists",
        5_000,
        (prop::collection::vec(text(), 0..12), ways(&LOOKS)),
        |(texts, ways)| {
            let items: Vec<Obj> = texts.iter().map(|text| Obj::text_of(text)).collect();
            let list = Obj::list_of(&items);
            elements_are(&list, Some(&texts))?;
            let read = list.text();
            prop_assert_eq!(tcl.text(&list)?, read.as_str());
            let parts = tcl.parts(&read)?;
            prop_assert_eq!(parts.as_ref(), Some(&texts));
            elements_are(&tcl.say(&read)?, Some(&texts))?;
            elements_are(&Obj::texts(&texts), Some(&texts))?;
            for (item, text) in items.iter().zip(&texts) {
                for how in &ways {
                    tcl.change("look", how, item)?;
                    tcl.change("look", how, &list)?;
                }
                bytes_are(item, text)?;
            }
            elements_are(&list, Some(&texts))?;
            // Elements hold references of their own: they outlive their list, which is not changed by that.
            let elements = fine(list.elements())?;
            tcl.balanced(&list, || elements_are(&list, Some(&texts)))?;
            drop((list, items));
            prop_assert_eq!(elements.iter().map(Obj::text).collect::<Vec<_>>(), texts.as_slice());
            if let Some(first) = elements.first().cloned() {
                drop(elements);
                tcl.balanced(&first, || tcl.is(&first, &texts[0]))?;
            }
            Ok(())
        },
    );
}

/// Braces, quotes and backslashes in any order: the same elements as Tcl's, and the same errors.
fn parsing(tcl: &Tcl) {
    holds("parsing", 20_000, prop_oneof![3 => listlike(), 1 => text()], |text| {
        let wanted = tcl.parts(&text)?;
        for value in [Obj::text_of(&text), tcl.say(&text)?] {
            elements_are(&value, wanted.as_ref())?;
            tcl.is(&value, &text)?;
        }
        Ok(())
    });
}

/// Keys and values of anything: Tcl's dictionary has what our list had, and the other way round.
fn dicts(tcl: &Tcl) {
    let pairs = prop::collection::vec((text(), text()), 0..8);
    holds("dicts", 5_000, (pairs, ways(&LOOKS)), |(pairs, ways)| {
        let list = Obj::texts(pairs.iter().flat_map(|(key, value)| [key, value]));
        // In the order of Tcl's: a key stays where it was first, and the last value counts.
        let mut wanted: Vec<(&str, &str)> = Vec::new();
        for (key, value) in &pairs {
            match wanted.iter_mut().find(|(known, _)| known == key) {
                Some(pair) => pair.1 = value,
                None => wanted.push((key, value)),
            }
        }
        for (key, value) in &wanted {
            let words = ["dict", "get"].map(Obj::text_of);
            for key in [Obj::text_of(key), tcl.say(key)?] {
                tcl.is(&tcl.call(&[&words[0], &words[1], &list, &key])?, value)?;
            }
        }
        let dict = tcl.change("remade", "dict", &list)?;
        let wanted: Vec<String> = wanted
            .iter()
            .flat_map(|(key, value)| [key.to_string(), value.to_string()])
            .collect();
        elements_are(&dict, Some(&wanted))?;
        for how in ways {
            tcl.change("look", how, &dict)?;
        }
        elements_are(&dict, Some(&wanted))
    });
}

/// While bytes are borrowed, everything that could free them panics, nothing else does, and they stay as they are.
fn borrows(tcl: &Tcl) {
    let act = select(vec![
        Act::Borrow,
        Act::Return,
        Act::Text,
        Act::Clone,
        Act::Make,
        Act::Integer,
        Act::Elements,
        Act::Call,
        Act::Variable,
    ]);
    holds(
        "borrows",
        10_000,
        (text(), prop::collection::vec(act, 0..16)),
        |(text, acts)| {
            let Ok(wanted) = latin(&text) else { return Ok(()) };
            let value = tcl.say(&text)?;
            let (array, name) = (Obj::text_of("borrows"), Obj::text_of("x"));
            let mut borrowed: Vec<Bytes<'_>> = Vec::new();
            for act in acts {
                let refused = match act {
                    Act::Borrow => {
                        borrowed.push(fine(value.bytes())?);
                        continue;
                    }
                    Act::Return => {
                        // Also the oldest first: any order must do.
                        if !borrowed.is_empty() {
                            drop(borrowed.remove(wanted.len() % borrowed.len()));
                        }
                        continue;
                    }
                    Act::Text => {
                        prop_assert_eq!(value.text(), text.as_str());
                        prop_assert_eq!(value.is_empty(), text.is_empty());
                        continue;
                    }
                    Act::Clone => {
                        drop(value.clone());
                        continue;
                    }
                    Act::Make => {
                        drop(Obj::list([
                            Obj::bytes_of(&wanted),
                            Obj::text_of(&text),
                            Obj::int(1),
                            value.clone(),
                        ]));
                        continue;
                    }
                    Act::Integer => catch_unwind(AssertUnwindSafe(|| drop(value.as_int()))),
                    Act::Elements => catch_unwind(AssertUnwindSafe(|| drop(value.elements()))),
                    Act::Call => catch_unwind(AssertUnwindSafe(|| drop(tcl.change("look", "list", &value)))),
                    Act::Variable => catch_unwind(AssertUnwindSafe(|| {
                        drop(tcl.0.set_elements(&array, &[(&name, &value)]))
                    })),
                };
                prop_assert_eq!(refused.is_err(), !borrowed.is_empty(), "{:?}", act);
                for bytes in &borrowed {
                    prop_assert_eq!(&**bytes, wanted.as_slice(), "after {:?}", act);
                }
            }
            for bytes in &borrowed {
                prop_assert_eq!(&**bytes, wanted.as_slice());
            }
            drop(borrowed);
            tcl.is(&value, &text)
        },
    );
}

/// An error of ours arrives as it is: its text, and each word of its code.
fn raises(tcl: &Tcl) {
    struct Raiser(RefCell<Option<Raise>>);
    impl Command for Raiser {
        fn invoke(&self, _interp: &Interp, _words: &[Obj]) -> Result<Reply, Raise> {
            Err(self
                .0
                .borrow_mut()
                .take()
                .unwrap_or_else(|| Raise::bug("nothing to raise")))
        }
        fn deleted(&self, _interp: &Interp) {}
        fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
            self
        }
    }
    let raiser = Rc::new(Raiser(RefCell::new(None)));
    let command = create_command(&tcl.0, "raiser", raiser.clone()).expect("a command");
    holds(
        "raises",
        5_000,
        (text(), prop::collection::vec(text(), 1..8)),
        |(message, code)| {
            let choices: Vec<&str> = code.iter().map(String::as_str).collect();
            for raise in [
                Raise::new(message.as_str(), code.clone()),
                Raise::wrong_args(&message),
                Raise::expected("something", &message, "KIND"),
                Raise::bad_choice("thing", &message, &choices),
            ] {
                let mut wanted = vec![raise.message.clone()];
                wanted.extend(raise.code.iter().cloned());
                *raiser.0.borrow_mut() = Some(raise);
                let said = tcl.ask("failure", &Obj::text_of("raiser"))?;
                let said: Vec<String> = said
                    .split_whitespace()
                    .map(|part| unhex(part)[1..].to_string())
                    .collect();
                prop_assert_eq!(said, wanted);
            }
            Ok(())
        },
    );
    command.delete();
}

/// A command that keeps the words it is called with.
#[derive(Default)]
struct Recorder(RefCell<Vec<String>>);

impl Command for Recorder {
    fn invoke(&self, _interp: &Interp, words: &[Obj]) -> Result<Reply, Raise> {
        *self.0.borrow_mut() = words.iter().map(Obj::text).collect();
        Ok(Reply::Value(Obj::int(words.len() as i64)))
    }
    fn deleted(&self, _interp: &Interp) {
        self.0.borrow_mut().push("deleted".to_string());
    }
    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

/// A callback is the list that Tcl sees in it; what it is called with arrives word for word, and nothing of it is evaluated.
fn prefixes(tcl: &Tcl) {
    let recorder = Rc::new(Recorder::default());
    let command = create_command(&tcl.0, "recorder", recorder.clone()).expect("a command");
    holds(
        "prefixes",
        10_000,
        (prop_oneof![listlike(), text()], text()),
        |(words, argument)| {
            let wanted = tcl.parts(&words)?;
            let value = Obj::text_of(&words);
            match (Prefix::take(&value), &wanted) {
                (Err(error), None) => prop_assert_eq!(error.code, ["TCL", "VALUE", "LIST"]),
                (Ok(None), Some(parts)) => prop_assert!(parts.is_empty()),
                (Ok(Some(prefix)), Some(parts)) => {
                    prop_assert!(!parts.is_empty());
                    tcl.is(&prefix.source(), &words)?;
                }
                _ => prop_assert!(false, "Tcl sees {:?}", wanted),
            }
            let Some(mut parts) = wanted else { return Ok(()) };
            parts.insert(0, "recorder".to_string());
            let callback = Obj::texts(&parts);
            let prefix = fine(Prefix::take(&callback))?.expect("it has a word at least");
            tcl.balanced(&callback, || {
                tcl.change("look", "script", &callback)?;
                prefix.call(&tcl.0, Obj::text_of(&argument));
                Ok(())
            })?;
            parts.push(argument);
            prop_assert_eq!(&*recorder.0.borrow(), &parts);
            Ok(())
        },
    );
    command.delete();
}

/// Elements of arrays and global variables, whatever their names and values are.
fn variables(tcl: &Tcl) {
    let pairs = prop::collection::vec((text(), text()), 1..6);
    holds("variables", 5_000, pairs, |pairs| {
        let array = Obj::text_of("variables");
        let items: Vec<(Obj, Obj)> = pairs
            .iter()
            .map(|(name, value)| (Obj::text_of(name), Obj::text_of(value)))
            .collect();
        let elements: Vec<(&Obj, &Obj)> = items.iter().map(|(name, value)| (name, value)).collect();
        fine(tcl.0.set_elements(&array, &elements))?;
        for (name, _) in &pairs {
            let (_, last) = pairs
                .iter()
                .rev()
                .find(|(other, _)| other == name)
                .expect("it is there");
            let words = ["array", "get", "variables"].map(Obj::text_of);
            // The name as a pattern: each special character is taken as it is.
            let pattern: String = name
                .chars()
                .flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c]))
                .collect();
            let found = tcl.call(&[&words[0], &words[1], &words[2], &tcl.say(&pattern)?])?;
            elements_are(&found, Some(&vec![name.clone(), last.clone()]))?;
        }
        let names: Vec<&Obj> = items.iter().map(|(name, _)| name).collect();
        fine(tcl.0.unset_elements(&array, &names))?;
        fine(tcl.0.unset_elements(&array, &names))?;
        let size = ["array", "size", "variables"].map(Obj::text_of);
        prop_assert_eq!(tcl.call(&[&size[0], &size[1], &size[2]])?.text(), "0");
        // A global variable; a name with parentheses or colons in it is another thing.
        let (name, value) = &pairs[0];
        let name: String = name.chars().filter(|c| !"():".contains(*c)).collect();
        let words = ["set", "unset"].map(Obj::text_of);
        let full = format!("v{name}");
        let name_value = tcl.say(&full)?;
        prop_assert!(tcl.0.global(&full).is_none());
        tcl.call(&[&words[0], &name_value, &items[0].1])?;
        let found = tcl.0.global(&full);
        prop_assert!(found.is_some());
        tcl.is(&found.expect("just seen"), value)?;
        drop(tcl.call(&[&words[1], &name_value])?);
        Ok(())
    });
}

/// A command of any name that Tcl accepts is found under it, by us and by scripts, until it is deleted.
fn commands(tcl: &Tcl) {
    holds("commands", 5_000, (text(), any::<bool>()), |(name, by_script)| {
        // No command that the test needs may be replaced.
        let name = format!("c{name}");
        let recorder = Rc::new(Recorder::default());
        let Ok(command) = create_command(&tcl.0, &name, recorder.clone()) else {
            prop_assert!(name.contains("::"), "refused");
            return Ok(());
        };
        let full = command.full_name().expect("it is there").text();
        prop_assert!(name.contains("::") || full == format!("::{name}"), "{full}");
        for known in [&full, &name] {
            let found = command_of(&tcl.0, known).flatten().expect("it is found");
            prop_assert!(Rc::ptr_eq(&found.downcast::<Recorder>().expect("ours"), &recorder));
            for word in [tcl.say(known)?, Obj::text_of(known)] {
                prop_assert_eq!(tcl.call(&[&word])?.text(), "1");
                prop_assert_eq!(&*recorder.0.borrow(), std::slice::from_ref(known));
            }
        }
        if by_script {
            tcl.call(&[&Obj::text_of("rename"), &tcl.say(&full)?, &Obj::empty()])?;
        } else {
            command.delete();
        }
        command.delete();
        prop_assert!(command.full_name().is_none() && command_of(&tcl.0, &name).is_none());
        prop_assert_eq!(&*recorder.0.borrow(), &[name, "deleted".to_string()]);
        Ok(())
    });
}
