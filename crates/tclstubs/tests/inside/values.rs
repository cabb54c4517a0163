//! What holds for values: bytes, texts, numbers, lists. It must not make commands.

use crate::property::holds;
use crate::words::*;
use crate::{bytes_are, elements_are, fine, integer_is, Tcl};
use proptest::prelude::*;
use proptest::sample::select;
use std::panic::{catch_unwind, AssertUnwindSafe};
use tclstubs::{Bytes, Form, Obj};

/// Bytes stay bytes, whatever Tcl has looked at in between.
pub fn bytes(tcl: &Tcl) {
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
pub fn wide(tcl: &Tcl) {
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
pub fn texts(tcl: &Tcl) {
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
pub fn surrogates(tcl: &Tcl) {
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
pub fn looks(tcl: &Tcl) {
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
pub fn remade(tcl: &Tcl) {
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
pub fn integers(tcl: &Tcl) {
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
pub fn numerals(tcl: &Tcl) {
    holds("numerals", 20_000, numeral(), |text| {
        let wanted = tcl.integer(&text)?;
        integer_is(&Obj::text_of(&text), wanted)?;
        integer_is(&tcl.say(&text)?, wanted)
    });
}

/// Lists of anything: the elements come back, Tcl sees the same ones, and so does everybody who reads the list's text.
pub fn lists(tcl: &Tcl) {
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
            for item in &items {
                tcl.balanced(item, || {
                    elements_are(&list, Some(&texts))?;
                    drop((Obj::list_of(&items), Obj::list(items.iter().cloned())));
                    Ok(())
                })?;
            }
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
pub fn parsing(tcl: &Tcl) {
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
pub fn dicts(tcl: &Tcl) {
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

/// Values that are filled anew in place, whatever Tcl has made of them meanwhile: what they tell is what was put in last,
/// and what somebody else holds stays as it was.
pub fn refills(tcl: &Tcl) {
    let step = (0..4usize, text(), ways(&LOOKS), any::<bool>());
    let steps = prop::collection::vec(step, 1..12);
    holds("refills", 3_000, (any::<bool>(), steps), |(dict, steps)| {
        let names = ["a", "b", "c", "d"].map(Obj::text_of);
        let mut texts = [const { String::new() }; 4];
        let make = |texts: &[String; 4]| {
            let values = texts.each_ref().map(|text| Obj::text_of(text));
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| (&names[i], &values[i]));
            if dict {
                Obj::dict_of_refs([a, b, c, d])
            } else {
                Obj::list_of_refs([a.0, a.1, b.0, b.1, c.0, c.1, d.0, d.1])
            }
        };
        let wanted = |texts: &[String; 4]| {
            let all = ["a", "b", "c", "d"].iter().zip(texts);
            all.flat_map(|(name, text)| [name.to_string(), text.clone()])
                .collect::<Vec<_>>()
        };
        let mut value = make(&texts);
        let mut kept: Vec<(Obj, Vec<String>)> = Vec::new();
        let (mut bytes, mut number) = (Obj::bytes_of(b"x"), Obj::int(0));
        for (at, text, ways, keep) in steps {
            for how in ways {
                tcl.change("look", how, &value)?;
                tcl.change("look", how, &bytes)?;
                tcl.change("look", how, &number)?;
            }
            let form = value.form();
            let shared = value.is_shared();
            texts[at] = text;
            let new = Obj::text_of(&texts[at]);
            let filled = match value.refill() {
                Some(mut to) => to.put(at, &names[at], &new),
                None => {
                    prop_assert!(shared || !matches!(form, Form::Dict | Form::List));
                    false
                }
            };
            if !filled {
                value = make(&texts);
            }
            if keep {
                // One that is the same value, and a copy that Tcl makes, which may share what is inside.
                kept.push((value.clone(), wanted(&texts)));
                kept.push((tcl.change("remade", "list", &value)?, wanted(&texts)));
                prop_assert!(value.is_shared() && value.refill().is_none());
            }
            // The same with bytes and a number.
            let (fresh, count) = (texts[at].as_bytes(), texts[at].len() as i64);
            if !bytes.set_bytes(fresh) {
                prop_assert!(bytes.is_shared() || bytes.form() != Form::Bytes);
                bytes = Obj::bytes_of(fresh);
            }
            prop_assert_eq!(bytes.byte_len(), Some(fresh.len()));
            if !number.set_int(count) {
                prop_assert!(number.is_shared());
                number = Obj::int(count);
            }
            let held = (bytes.clone(), number.clone());
            prop_assert!(!bytes.set_bytes(b"other") && !number.set_int(-1));
            prop_assert_eq!(&*fine(held.0.bytes())?, fresh);
            prop_assert_eq!(fine(held.1.as_int())?, count);
        }
        elements_are(&value, Some(&wanted(&texts)))?;
        for (value, wanted) in kept {
            elements_are(&value, Some(&wanted))?;
        }
        Ok(())
    });
}

/// While bytes are borrowed, everything that could free them panics, nothing else does, and they stay as they are.
pub fn borrows(tcl: &Tcl) {
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
