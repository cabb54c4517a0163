//! The inputs of the property tests: texts and numbers of the kinds that Tcl treats in ways of its own, and how they are
//! written for Tcl's side. It must not know Tcl's functions.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// The ways of `look` in `run.tcl`.
pub const LOOKS: [&str; 15] = [
    "list",
    "dict",
    "number",
    "double",
    "boolean",
    "bytes",
    "characters",
    "index",
    "command",
    "namespace",
    "variable",
    "path",
    "channel",
    "template",
    "script",
];

/// The ways of `remade` in `run.tcl`.
pub const REMADE: [&str; 9] = [
    "list",
    "lists",
    "dict",
    "number",
    "double",
    "boolean",
    "bytes",
    "characters",
    "fresh",
];

/// A look at a value: one of Tcl's, or one of ours.
#[derive(Debug, Clone, Copy)]
pub enum Step {
    Tcl(&'static str),
    Bytes,
    Text,
    Integer,
    Elements,
    Copy,
}

/// What is done while bytes are borrowed.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Borrow,
    Return,
    Text,
    Clone,
    Make,
    Integer,
    Elements,
    Call,
    Variable,
}

/// A few of these ways.
pub fn ways(known: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    vec(select(known), 0..4)
}

/// The bytes of a text; or its first character above U+00FF, and where.
pub fn latin(text: &str) -> Result<Vec<u8>, (usize, char)> {
    text.chars()
        .enumerate()
        .map(|(at, c)| u8::try_from(c).map_err(|_| (at, c)))
        .collect()
}

/// A text in real UTF-8 and hexadecimal digits.
pub fn hex(text: &str) -> String {
    text.bytes().map(|b| format!("{b:02x}")).collect()
}

/// The text of such digits, as Tcl writes them.
///
/// # Panics
/// When they are none.
pub fn unhex(digits: &str) -> String {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    String::from_utf8((0..digits.len()).step_by(2).map(byte).collect()).expect("UTF-8")
}

/// Any text, with the characters at Tcl's borders, and words that mean something to Tcl.
pub fn text() -> impl Strategy<Value = String> {
    let edge = select(
        "\0\u{1}\u{7F}\u{80}\u{FF}\u{100}\u{7FF}\u{800}\u{FFFD}\u{FFFF}\u{10000}\u{10FFFF}😀"
            .chars()
            .collect::<Vec<_>>(),
    );
    let character = prop_oneof![3 => (0u8..0x80).prop_map(char::from), 2 => any::<u8>().prop_map(char::from), 1 => any::<char>(), 1 => edge];
    let known = select(vec![
        "",
        "0",
        "1",
        "true",
        "off",
        "end-1",
        "set",
        "::llength",
        "::tcl",
        "a::b",
        "a(b)",
        "env(PATH)",
        "~nobody/x",
        "/tmp/../x",
        "stdout",
        "$x",
        "[exit]",
        "a 1 b 2",
        "a 1 a 2",
        "{a b} {c d}",
        "1e3",
        "-inf",
        "nan",
        "{*}",
        "#x",
        "\\",
    ]);
    prop_oneof![
        6 => vec(character, 0..24).prop_map(String::from_iter),
        2 => known.prop_map(str::to_string),
        2 => listlike(),
        1 => numeral(),
    ]
}

/// What a list is made of, in any order.
pub fn listlike() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "{", "}", "{", "}", "\"", "\\", " ", " ", "\t", "\n", "\r", "\u{B}", "\u{C}", "a", "b c", "$", "[", "]", ";",
        "#", "\0", "é", "€", "😀", "\\n", "\\x4", "\\u20ac", "\\{", "{}", "{a b}", "\"a b\"", "\u{A0}", "\u{2003}",
        "\\\n ",
    ]);
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Integers near every border, and any others of up to 128 bits.
pub fn number() -> impl Strategy<Value = i128> {
    let border = select(vec![0u32, 7, 8, 15, 16, 31, 32, 52, 53, 62, 63, 64, 65, 126]);
    prop_oneof![
        4 => (border, -2i128..=2, any::<bool>()).prop_map(|(bits, near, negative)| {
            let number = (1i128 << bits) + near;
            if negative { -number } else { number }
        }),
        2 => any::<i64>().prop_map(i128::from),
        1 => any::<u64>().prop_map(i128::from),
        // A step of one towards zero, so that the number without its sign has 128 bits at most in every base.
        1 => any::<i128>().prop_map(|number| number / 2),
    ]
}

/// What looks like a number, or almost.
pub fn numeral() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "0",
        "1",
        "7",
        "8",
        "9",
        "a",
        "f",
        "x",
        "X",
        "o",
        "b",
        "d",
        "-",
        "+",
        ".",
        "e",
        "E",
        "_",
        " ",
        "\n",
        "\0",
        "00",
        "0x",
        "0o",
        "0b",
        "0d",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "ffffffffffffffff",
        "Inf",
        "NaN",
        "true",
        "٣",
    ]);
    prop_oneof![
        3 => vec(piece, 0..7).prop_map(|pieces| pieces.concat()),
        1 => number().prop_map(|number| number.to_string()),
        1 => vec(0u8..10, 0..400).prop_map(|digits| digits.iter().map(u8::to_string).collect()),
    ]
}
