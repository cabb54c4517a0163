//! Tcl's own UTF-8, in both directions. It differs from the real one in two characters: NUL is written as two bytes, and
//! Tcl 8.6 writes a character above U+FFFF as two surrogates of three bytes each. Pure functions: they must not call Tcl.

use std::borrow::Cow;

/// A text as Tcl itself would write it; `pairs` says that characters above U+FFFF are two surrogates there. Written in
/// another way it would look the same and yet be another key of a dictionary, another variable, another command.
pub(crate) fn encode(text: &str, pairs: bool) -> Cow<'_, [u8]> {
    if !text.bytes().any(|b| b == 0 || (pairs && b >= 0xF0)) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 2 + 8);
    for c in text.chars() {
        if c == '\0' {
            out.extend_from_slice(&[0xC0, 0x80]);
        } else if pairs && c as u32 > 0xFFFF {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let [high, low] = unit.to_be_bytes();
                out.extend_from_slice(&[0xED, 0x80 | (high & 0x0F) << 2 | low >> 6, 0x80 | low & 0x3F]);
            }
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
    Cow::Owned(out)
}

/// What characters Tcl's UTF-8 holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Width {
    /// Only U+0001 to U+007F.
    Plain,
    /// None above U+00FF.
    Bytes,
    /// One above U+00FF at least.
    Wide,
}

/// What characters are in this text? Lead bytes up to 0xC3 stand for U+0000 (0xC0) and U+0080 to U+00FF. One pass to the
/// end, which the compiler makes of steps of many bytes.
pub(crate) fn width(text: &[u8]) -> Width {
    match text.iter().fold(0, |most, &byte| most.max(byte)) {
        0..=0x7F => Width::Plain,
        0x80..=0xC3 => Width::Bytes,
        _ => Width::Wide,
    }
}

/// Tcl's UTF-8 to a Rust string. A lone surrogate, or a byte that makes no sense, becomes U+FFFD.
pub(crate) fn decode(bytes: &[u8]) -> String {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_string();
    }
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(&first) = rest.first() {
        let used = if first < 0x80 {
            out.push(first as char);
            1
        } else if rest.starts_with(&[0xC0, 0x80]) {
            out.push('\0');
            2
        } else if let Some(high) = surrogate(rest, 0xD800) {
            match rest.get(3..).and_then(|r| surrogate(r, 0xDC00)) {
                Some(low) => {
                    let code = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
                    out.push(char::from_u32(code).unwrap_or('\u{FFFD}'));
                    6
                }
                None => {
                    out.push('\u{FFFD}');
                    3
                }
            }
        } else if surrogate(rest, 0xDC00).is_some() {
            out.push('\u{FFFD}');
            3
        } else {
            let len = match first {
                0xC2..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF4 => 4,
                _ => 1,
            };
            match rest.get(..len).and_then(|r| std::str::from_utf8(r).ok()) {
                Some(text) => {
                    out.push_str(text);
                    len
                }
                None => {
                    out.push('\u{FFFD}');
                    1
                }
            }
        };
        rest = &rest[used..];
    }
    out
}

/// The surrogate that stands at the start of `bytes`, if it is one of the 1024 from `base` on.
fn surrogate(bytes: &[u8], base: u32) -> Option<u32> {
    match bytes {
        [0xED, b, c, ..] if b & 0xC0 == 0x80 && c & 0xC0 == 0x80 => {
            let code = 0xD000 | (u32::from(b & 0x3F) << 6) | u32::from(c & 0x3F);
            (base..base + 0x400).contains(&code).then_some(code)
        }
        _ => None,
    }
}

#[cfg(test)]
#[path = "../../property.rs"]
mod property;

#[cfg(test)]
mod tests {
    use super::property::holds;
    use super::{decode, encode, width, Width};
    use proptest::prelude::*;

    /// Under Miri, which is some thousand times slower, a few; and no `prop_oneof!`, which is slowest of all.
    const CASES: u32 = if cfg!(miri) { 20 } else { 5000 };

    /// UTF-16 units with the characters that Tcl treats in ways of its own among them, and their neighbours.
    fn units() -> impl Strategy<Value = Vec<u16>> {
        const SPECIAL: [u16; 9] = [0, 0x7F, 0x80, 0xFF, 0x100, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF];
        let unit = (0..4, any::<u16>()).prop_map(|(kind, unit)| match kind {
            0 => unit,
            1 => SPECIAL[usize::from(unit) % SPECIAL.len()],
            2 => 0xD800 + unit % 0x800,
            _ => unit % 0x80,
        });
        prop::collection::vec(unit, 0..40)
    }

    /// What Tcl 8.6 has in memory for these units: each by itself, in up to three bytes.
    fn tcl86(units: &[u16]) -> Vec<u8> {
        let mut out = Vec::new();
        for &unit in units {
            match unit {
                1..=0x7F => out.push(unit as u8),
                0 | 0x80..=0x7FF => out.extend([0xC0 | (unit >> 6) as u8, 0x80 | (unit & 0x3F) as u8]),
                _ => out.extend([
                    0xE0 | (unit >> 12) as u8,
                    0x80 | (unit >> 6 & 0x3F) as u8,
                    0x80 | (unit & 0x3F) as u8,
                ]),
            }
        }
        out
    }

    #[test]
    fn texts_of_tcl86_are_utf16() {
        holds("texts of Tcl 8.6", CASES, units(), |units| {
            let bytes = tcl86(&units);
            prop_assert_eq!(decode(&bytes), String::from_utf16_lossy(&units));
            prop_assert_eq!(width(&bytes) == Width::Wide, units.iter().any(|&unit| unit > 0xFF));
            prop_assert_eq!(
                width(&bytes) == Width::Plain,
                units.iter().all(|&unit| unit > 0 && unit < 0x80)
            );
            Ok(())
        });
    }

    #[test]
    fn texts_come_back() {
        holds("texts come back", CASES, units(), |units| {
            let text = String::from_utf16_lossy(&units);
            let units: Vec<u16> = text.encode_utf16().collect();
            prop_assert_eq!(encode(&text, true).into_owned(), tcl86(&units));
            for pairs in [false, true] {
                let bytes = encode(&text, pairs);
                prop_assert!(!bytes.contains(&0));
                prop_assert_eq!(decode(&bytes), text.as_str());
                prop_assert_eq!(width(&bytes) == Width::Wide, text.chars().any(|c| c > '\u{FF}'));
            }
            // Tcl 9 differs from plain UTF-8 in nothing but NUL.
            prop_assert_eq!(encode(&text, false).len(), text.len() + text.matches('\0').count());
            Ok(())
        });
    }

    #[test]
    fn nonsense_is_survived() {
        const LEADS: [u8; 7] = [0xC0, 0x80, 0xED, 0xA0, 0xB0, 0xF0, 0xF4];
        let bytes = any::<(bool, u8)>().prop_map(|(any, byte)| if any { byte } else { LEADS[usize::from(byte) % 7] });
        holds("nonsense", CASES, prop::collection::vec(bytes, 0..40), |bytes| {
            let text = decode(&bytes);
            if let Ok(right) = std::str::from_utf8(&bytes) {
                prop_assert_eq!(&text, right);
            }
            // Nothing is swallowed: every byte is in a character, and none holds more than six.
            let count = text.chars().count();
            prop_assert!(count <= bytes.len() && bytes.len() <= 6 * count);
            Ok(())
        });
    }

    #[test]
    fn decodes_what_tcl_writes() {
        assert_eq!(decode(b"plain"), "plain");
        assert_eq!(decode(&[b'a', 0xC0, 0x80, b'b']), "a\0b");
        assert_eq!(decode(&[0xED, 0xA0, 0xBD, 0xED, 0xB8, 0x80]), "\u{1F600}");
        assert_eq!(decode(&[0xED, 0xA0, 0xBD, b'x']), "\u{FFFD}x");
        assert_eq!(decode(&[0xED, 0xB8, 0x80]), "\u{FFFD}");
        assert_eq!(decode(&[0xFF, b'y', 0xE2, 0x82]), "\u{FFFD}y\u{FFFD}\u{FFFD}");
        assert_eq!(decode("€ and 😀".as_bytes()), "€ and 😀");
    }

    #[test]
    fn sees_wide_characters() {
        assert_eq!(width("".as_bytes()), Width::Plain);
        assert_eq!(width("a\u{7f}".as_bytes()), Width::Plain);
        assert_eq!(width("aé\u{ff}".as_bytes()), Width::Bytes);
        assert_eq!(width("\u{100}".as_bytes()), Width::Wide);
        assert_eq!(width("€".as_bytes()), Width::Wide);
    }
}
