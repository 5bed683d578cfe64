//! JSON objects, taken apart without reading their values.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The members of an object, in order; a name that comes twice is there twice.
pub(crate) struct Members<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    pub(crate) fn of(json: &'a str) -> serde_json::Result<Self> {
        serde_json::from_str(json)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| *value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut members = Vec::with_capacity(32);
        while let Some((Name(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Members(members))
    }
}

/// The content of a JSON string without its quotes, or the literal of anything else.
pub(crate) fn plain(raw: &str) -> Cow<'_, str> {
    let Some(inner) = raw
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return Cow::Borrowed(raw);
    };
    if !inner.contains('\\') {
        return Cow::Borrowed(inner);
    }
    serde_json::from_str(raw).map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// The length of the value that compact JSON begins with.
pub(crate) fn compact_length(json: &str) -> usize {
    let bytes = json.as_bytes();
    let mut at = 0;
    let mut depth = 0_usize;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => at += text_length(&bytes[at..]) - 1,
            b'{' | b'[' => depth += 1,
            b',' | b'}' | b']' if depth == 0 => break,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The length of the string, quotes included, that the bytes begin with.
fn text_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(distance) = bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|byte| matches!(byte, b'"' | b'\\')))
    {
        at += distance + 1;
        if bytes[at - 1] == b'"' {
            return at;
        }
        // What follows a backslash ends nothing.
        at += 1;
    }
    bytes.len()
}

/// Whether a JSON value is null or the empty text.
pub(crate) fn is_empty(raw: &str) -> bool {
    matches!(raw, "null" | "\"\"")
}

/// Any value as compact JSON.
pub(crate) fn json_of(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("texts, numbers and JSON values always serialise")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_ends_where_it_ends() {
        for (value, rest) in [
            ("null", ",\"a\":1}"),
            ("-1.5e3", "}"),
            ("\"\"", ","),
            (r#""a\"b,}\\""#, ",1"),
            (r#"{"a":[1,{"b":"]}"}],"c":2}"#, ",\"d\":{}"),
        ] {
            assert_eq!(
                compact_length(&format!("{value}{rest}")),
                value.len(),
                "{value}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_found_whole(text in "\\PC*", other in "\\PC*") {
            let value = json_of(&[text.as_str(), other.as_str()]);
            prop_assert_eq!(compact_length(&format!("{value},\"x\"")), value.len());
            let value = json_of(&text);
            prop_assert_eq!(compact_length(&format!("{value}}}")), value.len());
            prop_assert_eq!(plain(&value), text);
        }

        #[test]
        fn no_bytes_upset_the_measure(text in "\\PC*") {
            prop_assert!(compact_length(&text) <= text.len());
        }
    }
}
