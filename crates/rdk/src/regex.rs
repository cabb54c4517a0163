//! Which regular expressions are small enough for the C library that librdkafka gives them to. It writes every
//! repetition out in full and follows the result by recursion: a short text can take all memory, or overflow the stack.
//! A pure function: it must not compile an expression.

/// Can this (extended) regular expression be compiled without harm? It has at most 1,024 bytes, 64 open parentheses at a
/// time, and 4,096 items when all repetitions are written out.
pub(crate) fn safe_regex(text: &str) -> bool {
    let mut depth = 0usize;
    let mut deepest = 0usize;
    for byte in text.bytes() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    text.len() <= 1024 && deepest <= 64 && weight(text.as_bytes()) <= 4096
}

/// What to say of one that is not.
pub(crate) const UNSAFE_REGEX: &str = "is longer than 1024 bytes, nested deeper than 64 or repeats too much";

/// How many items the expression has when `{n}` and `+` are written out.
fn weight(mut rest: &[u8]) -> usize {
    let mut open = Vec::new(); // what stands before each open parenthesis
    let mut sum = 0usize; // what stands since the last one
    let mut last = 0usize; // the part of it that a repetition would repeat
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let copies = match byte {
            b'(' => {
                open.push(sum);
                (sum, last) = (0, 0);
                continue;
            }
            b')' => {
                // One that closes nothing is an error; it counts nevertheless, and so does an empty pair.
                last = sum.saturating_add(1);
                sum = last.saturating_add(open.pop().unwrap_or(0));
                continue;
            }
            b'*' | b'?' => 1,
            b'+' => 2,
            b'{' => match interval(rest) {
                Some((copies, length)) => {
                    rest = &rest[length..];
                    copies
                }
                None => 0,
            },
            b'\\' => {
                rest = rest.get(1..).unwrap_or_default();
                0
            }
            b'[' => {
                rest = &rest[bracket(rest)..];
                0
            }
            _ => 0,
        };
        if copies == 0 {
            last = 1;
            sum = sum.saturating_add(1);
        } else {
            let more = last.saturating_mul(copies - 1);
            last = last.saturating_add(more);
            sum = sum.saturating_add(more);
        }
    }
    open.into_iter().fold(sum, usize::saturating_add)
}

/// How often `n}`, `n,}` or `n,m}` repeats, at least once, and how long it is. None for anything else.
fn interval(rest: &[u8]) -> Option<(usize, usize)> {
    let length = rest.iter().position(|&b| b == b'}')? + 1;
    let inside = std::str::from_utf8(&rest[..length - 1]).ok()?;
    let number = |digits: &str| {
        let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
        all_digits.then(|| {
            digits
                .parse::<usize>()
                .unwrap_or(if digits.is_empty() { 0 } else { usize::MAX })
        })
    };
    let copies = match inside.split_once(',') {
        None if inside.is_empty() => return None,
        None => number(inside)?,
        Some((least, "")) => number(least)?.saturating_add(1),
        Some((least, most)) => number(least)?.max(number(most)?),
    };
    Some((copies.max(1), length))
}

/// How long a bracket expression is, behind its `[`. The first `]` is a character of it, and classes have brackets too.
fn bracket(rest: &[u8]) -> usize {
    let mut at = usize::from(rest.first() == Some(&b'^'));
    at += usize::from(rest.get(at) == Some(&b']'));
    while let Some(&byte) = rest.get(at) {
        at += 1;
        match (byte, rest.get(at)) {
            (b']', _) => return at,
            (b'[', Some(&kind @ (b':' | b'.' | b'='))) => {
                match rest[at + 1..].windows(2).position(|end| end == [kind, b']']) {
                    Some(length) => at += length + 3,
                    None => return rest.len(), // an error for the compiler
                }
            }
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
#[path = "../../property.rs"]
mod property;

#[cfg(test)]
mod tests {
    use super::property::holds;
    use super::{safe_regex, weight};
    use proptest::prelude::*;
    use proptest::sample::select;

    #[test]
    fn small_ones_are_safe() {
        for text in [
            "",
            "^a",
            "^[a-z]{1,249}$",
            "^(eu|us)-([0-9]{1,3}\\.){4}x+$",
            "[]{9}()]{99}",
            "a{,5}{",
            "{x}(",
            ")",
        ] {
            assert!(safe_regex(text), "{text}");
        }
        for text in [
            "((a{255}){255}){255}",
            "(a?){5000}",
            "a{99999999999999999999999}",
            "a{64}{64}{64}",
            "(((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+)+",
            "[](]((a{255}){255}){255}",
            "[^](]((a{255}){255}){255}",
            "[[:alpha:](]((a{255}){255}){255}",
            "\\[((a{255}){255}){255}]",
            "\\\\(a{255}){255}",
        ] {
            assert!(!safe_regex(text), "{text}");
        }
        assert!(!safe_regex(&"(".repeat(65)) && !safe_regex(&"a".repeat(1025)));
    }

    /// An expression, and how many items it is when written out.
    fn expression() -> impl Strategy<Value = (String, usize)> {
        let leaf = select(vec![
            "a",
            ".",
            "^",
            "\\(",
            "\\{",
            "[(]",
            "[]{9}]",
            "[^]()]",
            "[[:digit:]{2}+(]",
            "[a\\]",
        ]);
        leaf.prop_map(|text| (text.to_string(), 1))
            .prop_recursive(6, 40, 4, |inner| {
                let times = |(text, weight): (String, usize), sign: String, copies: usize| {
                    (format!("({text}){sign}"), (weight + 1).saturating_mul(copies))
                };
                prop_oneof![
                    prop::collection::vec(inner.clone(), 1..4).prop_map(|all| {
                        let (texts, weights): (Vec<String>, Vec<usize>) = all.into_iter().unzip();
                        (texts.concat(), weights.into_iter().fold(0, usize::saturating_add))
                    }),
                    (inner.clone(), 1usize..50).prop_map(move |(it, n)| times(it, format!("{{{n}}}"), n)),
                    (inner.clone(), 0usize..9, 1usize..9).prop_map(move |(it, n, more)| times(
                        it,
                        format!("{{{n},{}}}", n + more),
                        n + more
                    )),
                    (inner.clone(), 0usize..9).prop_map(move |(it, n)| times(it, format!("{{{n},}}"), n + 1)),
                    inner.clone().prop_map(move |it| times(it, "+".to_string(), 2)),
                    inner.prop_map(move |it| times(it, "*".to_string(), 1)),
                ]
            })
    }

    #[test]
    fn every_copy_counts() {
        holds(
            "every copy counts",
            if cfg!(miri) { 4 } else { 5000 },
            expression(),
            |(text, wanted)| {
                prop_assert_eq!(weight(text.as_bytes()), wanted);
                Ok(())
            },
        );
    }

    #[test]
    fn any_text_is_weighed() {
        let piece = select(vec![
            "(", ")", "[", "]", "{", "}", "{9}", "{,", "^", ":", "\\", "9", ",", "+", "*", "é", "\0",
        ]);
        let text = prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat());
        holds("any text", if cfg!(miri) { 4 } else { 5000 }, text, |text| {
            // No more than all, each copied by everything that copies.
            let factors =
                10usize.saturating_pow(text.matches('9').count() as u32 + text.matches(['+', '{']).count() as u32);
            prop_assert!(weight(text.as_bytes()) <= (text.len() + 1).saturating_mul(factors));
            Ok(())
        });
    }
}
