//! Tables of subcommands: one [`Row`] per subcommand, written once with its doc comment by [`subcommands!`].
//! Dispatch, arity, the `wrong # args` line, `help` and the reference pages come from the rows. It must not know
//! any object.

use crate::args::{ParamInfo, Shape};
use std::any::Any;
use std::rc::Rc;
use tclstubs::{Command, Interp, Obj, Raise, Reply};

/// What a subcommand returns.
pub type Outcome = Result<Reply, Raise>;

/// The context of a call: where it runs.
pub struct Cx<'a> {
    /// The interpreter of the object.
    pub interp: &'a Interp,
}

/// One subcommand.
pub struct Row<T: 'static> {
    /// Its name: one word, or two for a subcommand of a group (`info topics`).
    pub name: &'static str,
    /// Older names that still answer.
    pub aliases: &'static [&'static str],
    /// The doc comment: the manual's text.
    pub doc: &'static str,
    /// The parameters in order.
    pub params: &'static [ParamInfo],
    /// Parses the words after the name and runs.
    pub run: fn(&Rc<T>, &Cx<'_>, &[Obj]) -> Outcome,
}

/// An object with a table.
pub trait Object: Sized + 'static {
    /// The kind of the object in messages and in the reference, such as `subscriber`.
    const KIND: &'static str;
    /// Its subcommands.
    fn rows() -> &'static [Row<Self>];
    /// Its command is gone. Called once.
    fn deleted(self: &Rc<Self>, interp: &Interp);
}

/// What stands behind the Tcl command of an object.
pub struct Front<T: Object>(pub Rc<T>);

impl<T: Object> Command for Front<T> {
    fn invoke(&self, interp: &Interp, words: &[Obj]) -> Outcome {
        dispatch(&self.0, interp, words)
    }
    fn deleted(&self, interp: &Interp) {
        self.0.deleted(interp);
    }
    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

/// Finds the row and runs it.
pub fn dispatch<T: Object>(this: &Rc<T>, interp: &Interp, words: &[Obj]) -> Outcome {
    let command = || words.first().map(Obj::text).unwrap_or_default();
    let Some(word) = words.get(1) else {
        return Err(Raise::wrong_args(&format!("{} subcommand ?args?", command())));
    };
    let rows = T::rows();
    let named = {
        // Borrowed only while it is compared.
        let text = word.text_bytes();
        let is = |name: &str| name.as_bytes() == &*text;
        rows.iter()
            .find(|row| is(row.name) || row.aliases.iter().any(|alias| is(alias)))
    };
    if let Some(row) = named {
        return run(row, this, interp, words, 2);
    }
    let word = word.text();
    if word == "help" {
        return crate::describe::help::<T>(&words[2..]);
    }
    let mut group = rows
        .iter()
        .filter_map(|r| r.name.split_once(' ').map(|(first, rest)| (first, rest, r)))
        .filter(|g| g.0 == word)
        .peekable();
    if group.peek().is_some() {
        let Some(second) = words.get(2) else {
            return Err(Raise::wrong_args(&format!("{} {word} option ?arg ...?", command())));
        };
        let second = second.text();
        let mut names = Vec::new();
        for (_, rest, row) in group {
            if rest == second || row.aliases.iter().any(|a| a.split_once(' ') == Some((&word, &second))) {
                return run(row, this, interp, words, 3);
            }
            names.push(rest);
        }
        return Err(Raise::bad_choice("suboption", &second, &names));
    }
    Err(Raise::bad_choice("option", &word, &first_words::<T>()))
}

/// The first words of all subcommands, each once, in the order of the table.
pub fn first_words<T: Object>() -> Vec<&'static str> {
    let mut names: Vec<&str> = Vec::new();
    for row in T::rows() {
        let first = row.name.split(' ').next().unwrap_or(row.name);
        if !names.contains(&first) {
            names.push(first);
        }
    }
    names.push("help");
    names
}

fn run<T: Object>(row: &Row<T>, this: &Rc<T>, interp: &Interp, words: &[Obj], skip: usize) -> Outcome {
    let result = (row.run)(this, &Cx { interp }, &words[skip..]);
    match result {
        Err(error) if error.message == ARITY => {
            let called: Vec<String> = words[..skip].iter().map(Obj::text).collect();
            Err(Raise::wrong_args(&format!("{}{}", called.join(" "), usage(row.params))))
        }
        other => other,
    }
}

/// The mark of a wrong number of words; [`run`] knows the command's name and makes the message.
const ARITY: &str = "\u{1}arity";

/// The error of a wrong number of words.
pub fn arity() -> Raise {
    Raise::new(ARITY, ["TCL", "WRONGARGS"])
}

/// The parameters as a usage line shows them, each with a blank before it.
pub fn usage(params: &[ParamInfo]) -> String {
    let mut out = String::new();
    for p in params {
        out.push(' ');
        out.push_str(&match p.shape {
            Shape::Required => p.name.to_string(),
            Shape::Optional => format!("?{}?", p.name),
            Shape::Rest => format!("?{} ...?", p.kind.strip_prefix("pairs of ").unwrap_or(p.name)),
            Shape::Switch => format!("?-{}?", p.name),
            Shape::Given => format!("?-{} {}?", p.name, p.kind),
        });
    }
    out
}

/// Writes the table of an object. Each item is a doc comment, the name in quotes (older names after `|`), and a
/// function-shaped body whose parameters' types say how the words are read (see `args`).
#[macro_export]
macro_rules! subcommands {
    ($table:ident for $object:ty { $(
        $(#[doc = $doc:literal])+
        $name:literal $(| $alias:literal)* => fn($this:ident, $cx:ident $(, $arg:ident : $ty:ty)* $(,)?) $body:block
    )* }) => {
        /// The subcommands of this object.
        static $table: &[$crate::table::Row<$object>] = &[ $( $crate::table::Row {
            name: $name,
            aliases: &[$($alias),*],
            doc: concat!($($doc, "\n"),+),
            params: &[ $( $crate::args::ParamInfo {
                name: $crate::args::plain_name(stringify!($arg)),
                shape: <$ty as $crate::args::Param>::SHAPE,
                kind: <$ty as $crate::args::Param>::KIND,
            } ),* ],
            run: {
                fn run($this: &::std::rc::Rc<$object>, $cx: &$crate::table::Cx<'_>, words: &[::tclstubs::Obj]) -> $crate::table::Outcome {
                    const PARAMS: &[$crate::args::ParamInfo] = &[ $( $crate::args::ParamInfo {
                        name: $crate::args::plain_name(stringify!($arg)),
                        shape: <$ty as $crate::args::Param>::SHAPE,
                        kind: <$ty as $crate::args::Param>::KIND,
                    } ),* ];
                    #[allow(unused_mut, unused_variables)]
                    let mut words = $crate::args::Words::new(words, PARAMS, &const { $crate::args::Picture::of(PARAMS) })?;
                    $( let $arg = <$ty as $crate::args::Param>::take(&mut words, const { $crate::args::plain_name(stringify!($arg)) })?; )*
                    let _ = ($this, $cx);
                    $body
                }
                run
            },
        } ),* ];
    };
}
