//! The tables as Tcl values: `$object help ?subcommand?` and `kafka::kafka describe`, from which the reference pages
//! are made. It must not hold text of its own about any subcommand.

use crate::args::{ParamInfo, Shape};
use crate::render;
use crate::table::{first_words, usage, Object, Outcome, Row};
use tclstubs::{Obj, Raise};

/// The doc comment as it was written: each line without the blank that follows the comment sign.
fn doc_text(doc: &str) -> String {
    let lines: Vec<&str> = doc
        .lines()
        .map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end())
        .collect();
    lines.join("\n").trim().to_string()
}

fn matches<T: Object>(row: &Row<T>, word: &str) -> bool {
    row.name == word || row.name.split(' ').next() == Some(word) || row.aliases.contains(&word)
}

/// `$object help ?subcommand?`.
pub fn help<T: Object>(words: &[Obj]) -> Outcome {
    let wanted: Vec<String> = words.iter().map(Obj::text).collect();
    let wanted = wanted.join(" ");
    if wanted.is_empty() {
        let lines: Vec<String> = T::rows()
            .iter()
            .map(|r| format!("{}{}", r.name, usage(r.params)))
            .collect();
        return render::text(&lines.join("\n"));
    }
    let rows: Vec<String> = T::rows()
        .iter()
        .filter(|row| matches(row, &wanted))
        .map(|row| format!("{}{}\n\n{}", row.name, usage(row.params), doc_text(row.doc)))
        .collect();
    if rows.is_empty() {
        return Err(Raise::bad_choice("option", &wanted, &first_words::<T>()));
    }
    render::text(&rows.join("\n\n"))
}

/// One table: a list of dictionaries, one for each subcommand.
pub fn table<T: Object>() -> Obj {
    Obj::list(T::rows().iter().map(|row| {
        Obj::list([
            Obj::text_of("name"),
            Obj::text_of(row.name),
            Obj::text_of("usage"),
            Obj::text_of(format!("{}{}", row.name, usage(row.params)).as_str()),
            Obj::text_of("aliases"),
            Obj::texts(row.aliases),
            Obj::text_of("doc"),
            Obj::text_of(&doc_text(row.doc)),
            Obj::text_of("params"),
            Obj::list(row.params.iter().map(param)),
        ])
    }))
}

fn param(p: &ParamInfo) -> Obj {
    let shape = match p.shape {
        Shape::Required => "required",
        Shape::Optional => "optional",
        Shape::Rest => "rest",
        Shape::Switch => "switch",
        Shape::Given => "given",
    };
    Obj::texts(["name", p.name, "shape", shape, "kind", p.kind])
}
