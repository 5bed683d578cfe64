//! JSON texts, looked into without making values of them.
//!
//! Most fields of a user go into a record as they came, so they are never decoded: their text is
//! copied. All texts here come out of a JSON parser; what cannot be read is passed on as it is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deep lists and objects are looked into. What lies deeper is taken as it came: no console
/// nests like that, and no input may exhaust the stack.
pub(crate) const MAX_DEPTH: usize = 100;

/// The digits of 2^53, up to which every integer has a double of its own.
const LARGEST_EXACT: &str = "9007199254740992";

/// Whether a JSON text is the empty value: absent, null or `""`.
pub(crate) fn is_empty(raw: &str) -> bool {
    matches!(raw, "" | "null" | "\"\"")
}

/// Whether a JSON text is an integer beyond 2^53 in either direction.
///
/// Whoever reads numbers as doubles, like all JavaScript, would round it to another one.
pub(crate) fn is_inexact(raw: &str) -> bool {
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    digits.len() >= LARGEST_EXACT.len()
        && (digits.len() > LARGEST_EXACT.len() || digits > LARGEST_EXACT)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A JSON text as it is to be sent: an integer beyond 2^53 is the text of its digits.
pub fn exact(raw: &str) -> Cow<'_, str> {
    if is_inexact(raw) {
        Cow::Owned(format!("\"{raw}\""))
    } else {
        Cow::Borrowed(raw)
    }
}

/// The members of a JSON object, in their order, values as they came.
pub(crate) fn members(object: &str) -> serde_json::Result<Vec<(Cow<'_, str>, &str)>> {
    struct Members;

    impl<'de> Visitor<'de> for Members {
        type Value = Vec<(Cow<'de, str>, &'de str)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            // A user of the console has about thirty fields.
            let mut members = Vec::with_capacity(32);
            while let Some(Key(key)) = map.next_key()? {
                members.push((key, map.next_value::<&RawValue>()?.get()));
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(object);
    let members = deserializer.deserialize_map(Members)?;
    deserializer.end()?;
    Ok(members)
}

/// A key of an object, borrowed where it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E: serde::de::Error>(
                self,
                key: &'de str,
            ) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(key)))
            }

            fn visit_str<E: serde::de::Error>(self, key: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(key.to_owned())))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

/// The members of a JSON list without the empty ones, as they came.
pub(crate) fn items(list: &str) -> serde_json::Result<Vec<&str>> {
    if !list.starts_with('[') {
        return Err(serde_json::Error::custom("expected a JSON list"));
    }
    let items: Vec<&RawValue> = serde_json::from_str(list)?;
    let texts = items.into_iter().map(RawValue::get);
    Ok(texts.filter(|item| !is_empty(item)).collect())
}

/// The value of a member of an object, `""` where there is none. Of two of one name the last
/// counts, as in every JSON parser.
pub(crate) fn member<'a>(members: &[(Cow<'_, str>, &'a str)], name: &str) -> &'a str {
    let found = members.iter().rev().find(|(key, _)| key == name);
    found.map_or("", |(_, value)| value)
}

/// The text that a JSON string stands for; None for what is no string.
pub(crate) fn text(raw: &str) -> Option<Cow<'_, str>> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    Some(if inner.contains('\\') {
        Cow::Owned(unescape(inner))
    } else {
        Cow::Borrowed(inner)
    })
}

/// Resolves the escapes of a JSON string. Half of a surrogate pair, which JSON allows and Unicode
/// does not, becomes the replacement character.
fn unescape(inner: &str) -> String {
    let mut units = Vec::new();
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        if at > 0 {
            flush(&mut units, &mut text);
            text.push_str(&rest[..at]);
        }
        let escape = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut length = 2;
        if escape == b'u' {
            length = 6;
            let digits = rest.get(at + 2..at + 6).unwrap_or_default();
            units.push(u16::from_str_radix(digits, 16).unwrap_or(0xFFFD));
        } else {
            flush(&mut units, &mut text);
            text.push(match escape {
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                other => char::from(other),
            });
        }
        rest = rest.get(at + length..).unwrap_or_default();
    }
    flush(&mut units, &mut text);
    text.push_str(rest);
    text
}

/// Moves the UTF-16 units of a run of `\u` escapes to the text.
fn flush(units: &mut Vec<u16>, text: &mut String) {
    let characters = char::decode_utf16(units.drain(..));
    text.extend(characters.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)));
}

/// Appends a text as a JSON string.
pub(crate) fn push_string(out: &mut String, text: &str) {
    use std::fmt::Write as _;

    out.push('"');
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[plain..at]);
        if escape.is_empty() {
            write!(out, "\\u{byte:04x}").expect("a String takes everything");
        } else {
            out.push_str(escape);
        }
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
    out.push('"');
}

/// Appends a JSON number, or the text of its digits where a reader would round it.
pub(crate) fn push_number(out: &mut String, number: &str) {
    if is_inexact(number) {
        push_string(out, number);
    } else {
        out.push_str(number);
    }
}

/// Appends a JSON text compactly: no white space, escapes only where needed, lists without their
/// empty members, integers beyond 2^53 as texts. An empty value appends nothing.
pub(crate) fn push_compact(out: &mut String, raw: &str) {
    if !is_empty(raw) {
        push_compact_value(out, raw, MAX_DEPTH);
    }
}

fn push_compact_value(out: &mut String, raw: &str, depth: usize) {
    match raw.as_bytes().first() {
        Some(b'"') if raw.contains('\\') => match text(raw) {
            Some(text) => push_string(out, &text),
            None => out.push_str(raw),
        },
        Some(b'[') if depth > 0 => match items(raw) {
            Ok(items) => {
                out.push('[');
                for (index, item) in items.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    push_compact_value(out, item, depth - 1);
                }
                out.push(']');
            }
            Err(_) => out.push_str(raw),
        },
        Some(b'{') if depth > 0 => match members(raw) {
            Ok(members) => {
                out.push('{');
                for (index, (key, value)) in members.into_iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    push_string(out, &key);
                    out.push(':');
                    push_compact_value(out, value, depth - 1);
                }
                out.push('}');
            }
            Err(_) => out.push_str(raw),
        },
        Some(b'-' | b'0'..=b'9') => push_number(out, raw),
        _ => out.push_str(raw),
    }
}
