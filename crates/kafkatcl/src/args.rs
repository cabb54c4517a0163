//! Words to typed arguments: the only place that reads what a script has written. A parameter's type says whether
//! the word is required, optional, one of the rest, or an option, and checks its range. It must not act on anything.
//!
//! The picture of a call: `obj sub ?-switch? ?-option value? required ... ?optional ...? ?rest ...?`. Options come
//! before the positions, in any order; `--` ends them. Where no position is optional they may follow them, too.

use crate::pick::Field;
use crate::table::arity;
use rdk::{Offset, Timeout};
use tclstubs::{Obj, Prefix, Raise};

/// How a parameter takes part in a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// One word that must be there.
    Required,
    /// One word that may be missing.
    Optional,
    /// All words that are left.
    Rest,
    /// `-name`: there or not.
    Switch,
    /// `-name value`.
    Given,
}

/// What the table knows of a parameter.
#[derive(Debug)]
pub struct ParamInfo {
    /// Its name in the usage line.
    pub name: &'static str,
    /// How it takes part in a call.
    pub shape: Shape,
    /// What it is, in a word or two.
    pub kind: &'static str,
}

/// A parameter's name as the user sees it: one that is a keyword of Rust is written `r#name` in the table.
pub const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', rest @ ..] => match std::str::from_utf8(rest) {
            Ok(plain) => plain,
            Err(_) => name,
        },
        _ => name,
    }
}

/// How many words a call may have, known when the table is compiled.
pub struct Picture {
    least: usize,
    most: usize,
    options: bool,
}

impl Picture {
    /// What these parameters allow.
    pub const fn of(params: &[ParamInfo]) -> Picture {
        let mut it = Picture {
            least: 0,
            most: 0,
            options: false,
        };
        let mut i = 0;
        while i < params.len() {
            match params[i].shape {
                Shape::Required => it.least += 1,
                Shape::Optional => it.most += 1,
                Shape::Rest => it.most = usize::MAX / 2,
                Shape::Switch | Shape::Given => it.options = true,
            }
            i += 1;
        }
        it.most += it.least;
        it
    }
}

/// The words of a call, read from left to right.
pub struct Words<'w> {
    positions: &'w [Obj],
    next: usize,
    options: Vec<(&'static str, Option<Obj>)>,
}

impl<'w> Words<'w> {
    /// Takes the options off and checks the number of the other words.
    #[inline]
    pub fn new(words: &'w [Obj], params: &'static [ParamInfo], picture: &Picture) -> Result<Words<'w>, Raise> {
        let Picture { least, most, .. } = *picture;
        let mut options = Vec::new();
        let mut positions = words;
        if picture.options {
            positions = take_options(words, params, &mut options)?;
            // Where nothing is optional, options may also follow the positions: `create name -brokers 3`.
            if most == least && positions.len() > least {
                if !take_options(&positions[least..], params, &mut options)?.is_empty() {
                    return Err(arity());
                }
                positions = &positions[..least];
            }
        }
        if positions.len() < least || positions.len() > most {
            return Err(arity());
        }
        Ok(Words {
            positions,
            next: 0,
            options,
        })
    }

    fn position(&mut self) -> Option<&'w Obj> {
        let word = self.positions.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn option(&mut self, name: &str) -> Option<Option<Obj>> {
        // The last one of a repeated option counts, as everywhere in Tcl.
        self.options.iter().rev().find(|o| o.0 == name).map(|o| o.1.clone())
    }
}

fn is_option(p: &ParamInfo) -> bool {
    matches!(p.shape, Shape::Switch | Shape::Given)
}

/// Takes options off the front; returns the words that follow them.
fn take_options<'w>(
    mut words: &'w [Obj],
    params: &'static [ParamInfo],
    options: &mut Vec<(&'static str, Option<Obj>)>,
) -> Result<&'w [Obj], Raise> {
    while let Some(word) = words.first().filter(|w| w.starts_with(b'-')) {
        let text = word.text();
        if text == "--" {
            return Ok(&words[1..]);
        }
        let known = params
            .iter()
            .find(|p| is_option(p) && text.strip_prefix('-') == Some(p.name));
        match known {
            Some(p) if p.shape == Shape::Switch => {
                options.push((p.name, None));
                words = &words[1..];
            }
            Some(p) => {
                let value = words.get(1).ok_or_else(arity)?;
                options.push((p.name, Some(value.clone())));
                words = &words[2..];
            }
            None => {
                let names: Vec<String> = params
                    .iter()
                    .filter(|p| is_option(p))
                    .map(|p| format!("-{}", p.name))
                    .collect();
                return Err(Raise::bad_choice("option", &text, &names));
            }
        }
    }
    Ok(words)
}

/// A type that a parameter may have.
pub trait Param: Sized {
    /// How it takes part in a call.
    const SHAPE: Shape;
    /// What it is, in a word or two.
    const KIND: &'static str;
    /// Takes its words.
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<Self, Raise>;
}

/// A type that is read from one word.
pub trait FromObj: Sized {
    /// What it is, in a word or two.
    const KIND: &'static str;
    /// Reads the word; `name` is the parameter's, for messages.
    fn from_obj(word: &Obj, name: &'static str) -> Result<Self, Raise>;
}

impl<T: FromObj> Param for T {
    const SHAPE: Shape = Shape::Required;
    const KIND: &'static str = T::KIND;
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<T, Raise> {
        T::from_obj(words.position().ok_or_else(arity)?, name)
    }
}

impl<T: FromObj> Param for Option<T> {
    const SHAPE: Shape = Shape::Optional;
    const KIND: &'static str = T::KIND;
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<Option<T>, Raise> {
        words.position().map(|word| T::from_obj(word, name)).transpose()
    }
}

/// All words that are left.
pub struct Rest<T>(pub Vec<T>);

impl<T: FromObj> Param for Rest<T> {
    const SHAPE: Shape = Shape::Rest;
    const KIND: &'static str = T::KIND;
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<Rest<T>, Raise> {
        let mut all = Vec::new();
        while let Some(word) = words.position() {
            all.push(T::from_obj(word, name)?);
        }
        Ok(Rest(all))
    }
}

/// All words that are left, as names and values.
pub struct Pairs(pub Vec<(String, String)>);

impl Param for Pairs {
    const SHAPE: Shape = Shape::Rest;
    const KIND: &'static str = "pairs of key value";
    fn take(words: &mut Words<'_>, _name: &'static str) -> Result<Pairs, Raise> {
        let mut texts = Vec::new();
        while let Some(word) = words.position() {
            texts.push(word.text());
        }
        if texts.len() % 2 == 1 {
            return Err(arity());
        }
        let mut pairs = Vec::new();
        let mut texts = texts.into_iter();
        while let (Some(key), Some(value)) = (texts.next(), texts.next()) {
            pairs.push((key, value));
        }
        Ok(Pairs(pairs))
    }
}

/// `-name`: was it there?
pub struct Switch(pub bool);

impl Param for Switch {
    const SHAPE: Shape = Shape::Switch;
    const KIND: &'static str = "switch";
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<Switch, Raise> {
        Ok(Switch(words.option(name).is_some()))
    }
}

/// `-name value`: its value, if it was there.
pub struct Given<T>(pub Option<T>);

impl<T: FromObj> Param for Given<T> {
    const SHAPE: Shape = Shape::Given;
    const KIND: &'static str = T::KIND;
    fn take(words: &mut Words<'_>, name: &'static str) -> Result<Given<T>, Raise> {
        match words.option(name) {
            Some(Some(word)) => Ok(Given(Some(T::from_obj(&word, name)?))),
            _ => Ok(Given(None)),
        }
    }
}

/// An integer in a range; the message names the parameter and the range.
fn ranged(word: &Obj, name: &str, least: i64, most: i64) -> Result<i64, Raise> {
    let value = word.as_int()?;
    if value < least || value > most {
        return Err(Raise::new(
            format!("{name} must be between {least} and {most}, not {value}"),
            ["TCL", "VALUE", "NUMBER"],
        ));
    }
    Ok(value)
}

macro_rules! word_types {
    ($( $(#[doc = $doc:literal])+ $type:ident($inner:ty) = $kind:literal, |$word:ident, $name:ident| $read:expr; )*) => {$(
        $(#[doc = $doc])+
        pub struct $type(pub $inner);
        impl FromObj for $type {
            const KIND: &'static str = $kind;
            fn from_obj($word: &Obj, $name: &'static str) -> Result<$type, Raise> {
                let _ = $name;
                Ok($type($read))
            }
        }
    )*};
}

word_types! {
    /// Any text.
    Text(String) = "text", |word, name| word.text();
    /// Bytes: kept as the value, borrowed when all else is read.
    Data(Obj) = "bytes", |word, name| word.clone();
    /// Any list, kept as the value.
    List(Obj) = "list", |word, name| word.clone();
    /// A list of names and values.
    PairList(Vec<(String, String)>) = "list", |word, name| pair_list(word, name)?;
    /// The name of a command to make, or #auto.
    NewName(String) = "name", |word, name| word.text();
    /// The name of an array variable.
    Array(Obj) = "array", |word, name| word.clone();
    /// A script body.
    Body(Obj) = "script", |word, name| word.clone();
    /// A partition of a topic: 0 or more.
    Partition(i32) = "integer", |word, name| ranged(word, name, 0, i64::from(i32::MAX))? as i32;
    /// A partition to produce to: -1 lets the partitioner choose.
    Target(i32) = "integer", |word, name| ranged(word, name, -1, i64::from(i32::MAX))? as i32;
    /// How many: 0 or more.
    Count(usize) = "integer", |word, name| ranged(word, name, 0, i64::MAX)? as usize;
    /// Any integer that fits in 32 bits.
    Number(i32) = "integer", |word, name| ranged(word, name, i64::from(i32::MIN), i64::from(i32::MAX))? as i32;
    /// A time to wait in milliseconds; -1 waits for ever.
    Wait(Timeout) = "ms", |word, name| Timeout::ms(ranged(word, name, -1, i64::from(i32::MAX))?);
    /// A time in milliseconds, 0 or more.
    Millis(i32) = "ms", |word, name| ranged(word, name, 0, i64::from(i32::MAX))? as i32;
    /// A boolean.
    Flag(bool) = "boolean", |word, name| word.as_bool()?;
    /// A command prefix; an empty one turns the callback off.
    Callback(Option<Prefix>) = "prefix", |word, name| Prefix::take(word)?;
    /// Names of fields of a message.
    FieldNames(Vec<Field>) = "list", |word, name| crate::pick::fields(word)?;
    /// Where to start: a position, a negative number of messages before the end, or a name.
    Start(Offset) = "offset", |word, name| offset(word)?;
}

/// Reads a list of names and values.
fn pair_list(word: &Obj, name: &str) -> Result<Vec<(String, String)>, Raise> {
    let parts: Vec<String> = word.elements()?.iter().map(Obj::text).collect();
    if parts.len() % 2 == 1 {
        return Err(Raise::new(
            format!("{name} must be a list of names and values: the last name has no value"),
            ["TCL", "VALUE", "DICTIONARY"],
        ));
    }
    Ok(parts.chunks(2).map(|p| (p[0].clone(), p[1].clone())).collect())
}

/// Reads an offset: `beginning`, `end`, `stored`, `invalid`, a number, or a negative number: so many before the end.
pub fn offset(word: &Obj) -> Result<Offset, Raise> {
    let text = word.text();
    Ok(match text.as_str() {
        "beginning" => Offset::Beginning,
        "end" => Offset::End,
        "stored" => Offset::Stored,
        "invalid" => Offset::Invalid,
        _ => match word.as_int() {
            Ok(n) if n >= 0 => Offset::At(n),
            Ok(n) if n > i64::from(i32::MIN) => Offset::Tail(-n),
            _ => {
                return Err(Raise::new(
                    format!(
                        "bad offset \"{}\": must be an integer, beginning, end, stored, or invalid",
                        text.chars().take(150).collect::<String>()
                    ),
                    [
                        "TCL",
                        "LOOKUP",
                        "INDEX",
                        "offset",
                        &text.chars().take(150).collect::<String>(),
                    ],
                ))
            }
        },
    })
}

/// One of a few words.
pub fn choose<'c>(kind: &str, word: &str, choices: &[&'c str]) -> Result<&'c str, Raise> {
    choices
        .iter()
        .find(|c| **c == word)
        .copied()
        .ok_or_else(|| Raise::bad_choice(kind, word, choices))
}
