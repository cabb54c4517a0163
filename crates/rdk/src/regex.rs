//! Which regular expressions librdkafka can be given. It hands them to the C library, whose compiler writes every
//! repetition out (`a{100}` is a hundred nodes, `(x)+` is `xx*`), calls itself for every open parenthesis, and whose
//! matcher tries all ways for a back reference: a short expression can take all memory, all stack or all time.
//!
//! This file must not match anything; it only measures.

/// The longest expression, in bytes, and as many nodes when its repetitions are written out.
const LONGEST: usize = 1024;
/// How many parentheses may be open at a time.
const DEEPEST: usize = 64;

/// What is wrong with an expression, or None if it can be used. (Whether it is one is for the C library to say.)
pub(crate) fn fault(text: &str) -> Option<&'static str> {
    if text.len() > LONGEST {
        return Some("it is longer than 1024 bytes");
    }
    let mut measure = Measure::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\\' => {
                if bytes.get(at).is_some_and(|b| (b'1'..=b'9').contains(b)) {
                    return Some("back references can take for ever");
                }
                at += 1;
                measure.atom();
            }
            b'[' => {
                at = after_bracket(bytes, at);
                measure.atom();
            }
            b'(' => {
                measure.open();
                if measure.outer.len() > DEEPEST {
                    return Some("more than 64 parentheses are open at a time");
                }
            }
            b')' => measure.close(),
            b'+' => measure.repeat(2),
            b'{' => {
                let (times, next) = interval(bytes, at);
                at = next;
                measure.repeat(times);
            }
            b'*' | b'?' => {}
            _ => measure.atom(),
        }
    }
    (measure.total() > LONGEST).then_some("with its repetitions written out it is longer than 1024")
}

/// The nodes of an expression, group by group.
#[derive(Default)]
struct Measure {
    /// Of the groups around this one.
    outer: Vec<usize>,
    /// Of this group, without the last atom.
    before: usize,
    /// Of the last atom: what a repetition repeats.
    last: usize,
}

impl Measure {
    fn atom(&mut self) {
        self.before = self.before.saturating_add(self.last);
        self.last = 1;
    }
    fn repeat(&mut self, times: usize) {
        self.last = self.last.saturating_mul(times);
    }
    fn open(&mut self) {
        self.outer.push(self.before.saturating_add(self.last));
        self.before = 0;
        self.last = 0;
    }
    fn close(&mut self) {
        match self.outer.pop() {
            Some(outer) => {
                self.last = self.before.saturating_add(self.last).saturating_add(1);
                self.before = outer;
            }
            // Without an open one it is a character.
            None => self.atom(),
        }
    }
    fn total(&self) -> usize {
        let all = self.outer.iter().fold(self.before, |sum, n| sum.saturating_add(*n));
        all.saturating_add(self.last)
    }
}

/// The place after the bracket expression whose inside begins at `at`: a `]` that stands first is a member, and so is all
/// inside `[:`, `[.` and `[=`; a backslash is one as well.
fn after_bracket(bytes: &[u8], mut at: usize) -> usize {
    if bytes.get(at) == Some(&b'^') {
        at += 1;
    }
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match (byte, bytes.get(at)) {
            (b']', _) => break,
            (b'[', Some(&mark)) if b":.=".contains(&mark) => {
                let end = bytes[at + 1..].windows(2).position(|w| w == [mark, b']']);
                at = end.map_or(bytes.len(), |end| at + 1 + end + 2);
            }
            _ => {}
        }
    }
    at
}

/// How often `{n}`, `{n,}` or `{n,m}`, whose inside begins at `at`, writes its atom out, and the place after it.
fn interval(bytes: &[u8], at: usize) -> (usize, usize) {
    let end = bytes[at..]
        .iter()
        .position(|b| *b == b'}')
        .map_or(bytes.len(), |n| at + n);
    let inside = std::str::from_utf8(&bytes[at..end]).unwrap_or("");
    let times = match inside.split_once(',') {
        None => number(inside),
        Some((least, "")) => number(least).saturating_add(1),
        Some((_, most)) => number(most),
    };
    (times.max(1), end + 1)
}

/// A number; whatever is none is an error to the C library, too.
fn number(text: &str) -> usize {
    text.trim().parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn what_people_write_is_fine() {
        for text in [
            "^orders-.*",
            "^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$",
            "^(eu|us|ap)\\.(prod|test)\\.[[:alnum:]_]+(\\.[a-z]+)*$",
            "^.{0,249}$",
            "^[]({]+x$",
            "^[^]+]{3}$",
            "^[[.-.]+({]a$",
            "^a\\{b\\(c$",
            ")",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
        assert_eq!(fault(&format!("^{}a{}", "(".repeat(64), ")".repeat(64))), None);
    }

    #[test]
    fn what_takes_all_memory_stack_or_time_is_refused() {
        let deep = format!("^{}a{}", "(".repeat(65), ")".repeat(65));
        let doubled = format!("^{}a{}", "(".repeat(20), ")+".repeat(20));
        let stacked = format!("^a{}", "+".repeat(20));
        let long = format!("^{}", "a".repeat(1024));
        for text in [
            deep.as_str(),
            &doubled,
            &stacked,
            &long,
            "^a{30000}",
            "^(a{1,100}){1,100}",
            "^((a{100}[)]){20}){20}",
            "^(a{20}[]]){100}",
            "^(a{20}[[:alpha:])]b){100}",
            "^(a{20}\\)){100}",
            "^a{10}{10}{20}",
            "^(a{600,}|b{600})",
            "^(a?){4000}x",
            "^(.*)(.*)\\1\\2x",
        ] {
            assert!(fault(text).is_some(), "{text}");
        }
    }

    #[test]
    fn broken_expressions_end() {
        for text in [
            "[",
            "[^",
            "[]",
            "[[:",
            "[[.",
            "(",
            "((",
            "{",
            "a{",
            "a{,",
            "\\",
            "a{9999999999999999999999}",
        ] {
            let _ = fault(text);
        }
    }
}
