//! Which regular expressions librdkafka can be given. It hands them to the C library, whose compiler writes every
//! repetition out (`a{100}` is a hundred nodes, `(x)+` is `xx*`), calls itself for every open parenthesis, and walks every
//! way round a loop that can be gone round without reading anything (`(x*)*`), and copies all that follows each anchor
//! (`\b\b\b...`); and whose matcher tries all ways for a back reference: a short expression can take all memory, all stack
//! or all time.
//!
//! This file must not match anything; it only measures.

/// The longest expression, in bytes, and as many nodes when its repetitions are written out.
const LONGEST: usize = 1024;
/// How many anchors may be passed without reading anything: their number times how many follow each other. What `regcomp`
/// makes of them grows with the fourth power; `^a$|^b$|^c$` is no such row.
const ANCHORS: usize = 256;
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
                let escaped = bytes.get(at).copied().unwrap_or_default();
                if (b'1'..=b'9').contains(&escaped) {
                    return Some("back references can take for ever");
                }
                at += 1;
                // The C library's own anchors; every other one is a character, or a class of them.
                // `\b` and `\B` are two alternatives each.
                measure.atom(match escaped {
                    b'b' | b'B' => 2,
                    b'<' | b'>' | b'`' | b'\'' => 1,
                    _ => 0,
                });
            }
            b'^' | b'$' => measure.atom(1),
            b'[' => {
                at = after_bracket(bytes, at);
                measure.atom(0);
            }
            b'|' => measure.or(),
            b'(' => {
                measure.open();
                if measure.outer.len() > DEEPEST {
                    return Some("more than 64 parentheses are open at a time");
                }
            }
            b')' => measure.close(),
            b'?' => measure.last.empty = true,
            b'*' | b'+' | b'{' => {
                if measure.last.empty && measure.last.nodes > 0 {
                    return Some("it repeats what can be empty, which can take for ever");
                }
                match byte {
                    b'*' => {
                        measure.repeat(1);
                        measure.last.empty = true;
                    }
                    b'+' => measure.repeat(2),
                    _ => {
                        let (least, most, next) = interval(bytes, at);
                        at = next;
                        measure.repeat(most);
                        measure.last.empty |= least == 0;
                    }
                }
            }
            _ => measure.atom(0),
        }
    }
    if measure.total() > LONGEST {
        return Some("with its repetitions written out it is longer than 1024");
    }
    (measure.anchors() > ANCHORS).then_some("too many anchors (^, $, \\b) follow each other, which can take all memory")
}

/// Some part of an expression.
#[derive(Clone, Copy)]
struct Part {
    /// How many nodes it has when it is written out.
    nodes: usize,
    /// Whether it can match no characters at all.
    empty: bool,
    /// The anchors that are passed before it reads, and after it has read.
    head: Row,
    tail: Row,
    /// The worst row anywhere in it.
    worst: usize,
}

/// Anchors that are passed without reading: how many, and how many of them one after the other.
#[derive(Clone, Copy)]
struct Row {
    all: usize,
    deep: usize,
}

const NONE: Row = Row { all: 0, deep: 0 };

impl Row {
    fn then(self, next: Row) -> Row {
        Row {
            all: self.all.saturating_add(next.all),
            deep: self.deep.saturating_add(next.deep),
        }
    }
    fn or(self, other: Row) -> Row {
        Row {
            all: self.all.saturating_add(other.all),
            deep: self.deep.max(other.deep),
        }
    }
    fn cost(self) -> usize {
        self.all.saturating_mul(self.deep)
    }
}

/// What nothing was added to yet: it has no nodes and matches what is empty.
const NOTHING: Part = Part {
    nodes: 0,
    empty: true,
    head: NONE,
    tail: NONE,
    worst: 0,
};
/// No alternative yet.
const NEVER: Part = Part {
    empty: false,
    ..NOTHING
};

impl Part {
    /// One that reads a character, or an anchor that counts as so many.
    fn atom(anchors: usize) -> Part {
        let row = Row {
            all: anchors,
            deep: anchors.min(1),
        };
        Part {
            nodes: 1,
            empty: anchors > 0,
            head: row,
            tail: row,
            worst: row.cost(),
        }
    }
    fn then(self, next: Part) -> Part {
        Part {
            nodes: self.nodes.saturating_add(next.nodes),
            empty: self.empty && next.empty,
            head: if self.empty {
                self.head.then(next.head)
            } else {
                self.head
            },
            tail: if next.empty {
                self.tail.then(next.tail)
            } else {
                next.tail
            },
            worst: self.worst.max(next.worst).max(self.tail.then(next.head).cost()),
        }
    }
    fn or(self, other: Part) -> Part {
        let (head, tail) = (self.head.or(other.head), self.tail.or(other.tail));
        Part {
            nodes: self.nodes.saturating_add(other.nodes).saturating_add(1),
            empty: self.empty || other.empty,
            head,
            tail,
            worst: self.worst.max(other.worst).max(head.cost()).max(tail.cost()),
        }
    }
}

/// A group that is open, or the whole expression.
#[derive(Clone, Copy)]
struct Group {
    /// The alternatives that are complete; one that can be empty makes the group so.
    others: Part,
    /// The alternative that is being read, without its last atom.
    before: Part,
}

/// What was read of an expression.
struct Measure {
    /// The groups around this one.
    outer: Vec<Group>,
    group: Group,
    /// The last atom: what a repetition repeats.
    last: Part,
}

impl Default for Measure {
    fn default() -> Measure {
        Measure {
            outer: Vec::new(),
            group: Group::default(),
            last: NOTHING,
        }
    }
}

impl Default for Group {
    fn default() -> Group {
        Group {
            others: NEVER,
            before: NOTHING,
        }
    }
}

impl Measure {
    fn atom(&mut self, anchors: usize) {
        self.group.before = self.group.before.then(self.last);
        self.last = Part::atom(anchors);
    }
    fn repeat(&mut self, times: usize) {
        // Its end meets its beginning.
        let worst = self.last.then(self.last).worst;
        self.last.worst = worst;
        self.last.nodes = self.last.nodes.saturating_mul(times);
    }
    fn or(&mut self) {
        let read = self.group.before.then(self.last);
        self.group.others = self.group.others.or(read);
        self.group.before = NOTHING;
        self.last = NOTHING;
    }
    fn open(&mut self) {
        self.group.before = self.group.before.then(self.last);
        self.outer.push(std::mem::take(&mut self.group));
        self.last = NOTHING;
    }
    fn close(&mut self) {
        match self.outer.pop() {
            Some(outer) => {
                self.or();
                self.last = self.group.others;
                self.group = outer;
            }
            // Without an open one it is a character.
            None => self.atom(0),
        }
    }
    /// The worst row of anchors, also across the groups that were never closed (those are no expression anyway).
    fn anchors(&self) -> usize {
        let read = self.group.others.or(self.group.before.then(self.last));
        self.outer.iter().fold(read.worst, |worst, group| {
            worst.max(group.others.worst).max(group.before.worst)
        })
    }
    /// All nodes, also of the groups that were never closed.
    fn total(&self) -> usize {
        self.outer
            .iter()
            .chain([&self.group])
            .fold(self.last.nodes, |sum, group| {
                sum.saturating_add(group.others.nodes)
                    .saturating_add(group.before.nodes)
            })
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

/// How often `{n}`, `{n,}` or `{n,m}`, whose inside begins at `at`, repeats its atom at least, how often it writes it out,
/// and the place after it.
fn interval(bytes: &[u8], at: usize) -> (usize, usize, usize) {
    let end = bytes[at..]
        .iter()
        .position(|b| *b == b'}')
        .map_or(bytes.len(), |n| at + n);
    let inside = std::str::from_utf8(&bytes[at..end]).unwrap_or("");
    let (least, most) = match inside.split_once(',') {
        None => (number(inside), number(inside)),
        Some((least, "")) => (number(least), number(least).saturating_add(1)),
        Some((least, most)) => (number(least), number(most)),
    };
    (least, most.max(1), end + 1)
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
            "^(a|b)?(\\.[a-z]*)*(-x?y)+(.*)?$",
            "^(^a|b$){2}(x?|y)z$",
            "(",
            "(*a)",
            ")",
            "^(^|\\.|\\b)(a|\\bb)(\\.|$)$",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
        let names: Vec<String> = (0..150).map(|n| format!("^{n}$")).collect();
        assert_eq!(fault(&names.join("|")), None);
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
            // Half a minute and more each, in the C library's compiler.
            "^(((((a|b*)+)+)+)+)+",
            "^((a*|b*|c*)*){30}",
            "^(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b(a*)*b",
            "^(a|)+",
            "^(|a)+",
            "^(a{0,3}){9}",
            "^(^)+(\\b|$)*",
            "^a?*",
            &format!("^{}x", "\\b".repeat(24)),
            &format!("^x{}x", "\\b".repeat(24)),
            &format!("^(a{}b)+", "$".repeat(24)),
            &format!("^{}x", "(\\b|^|\\B|$)".repeat(12)),
            &format!("^{}x", "(\\b|x?)".repeat(40)),
            &format!("^{}x", "(^|$)".repeat(60)),
            &format!("^({}x)*{}", "\\b".repeat(8), "\\b".repeat(8)),
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
