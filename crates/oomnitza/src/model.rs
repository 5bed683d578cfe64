//! A person as the instance shows it.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::ids::PersonId;

/// A user of the instance, "People" on its screen: all fields as they came.
#[derive(Clone)]
pub struct Person {
    /// Its `user_id`.
    pub id: PersonId,
    /// Whether it is suspended, where the instance says so.
    pub suspended: Option<bool>,
    /// One JSON object, a slice of the body in which it came.
    json: Bytes,
}

impl Person {
    /// Reads one element of an array, which must lie in `body`.
    pub(crate) fn in_page(body: &Bytes, element: &RawValue) -> Result<Self, Malformed> {
        Self::parse(element.get(), body.slice_ref(element.get().as_bytes()))
    }

    /// Reads a body that is one JSON text.
    pub(crate) fn whole(body: &Bytes) -> Result<Self, Malformed> {
        let text =
            std::str::from_utf8(body).map_err(|_| Malformed::new(Fault::NotJson, body.clone()))?;
        Self::parse(
            text.trim_ascii(),
            body.slice_ref(text.trim_ascii().as_bytes()),
        )
    }

    fn parse(text: &str, json: Bytes) -> Result<Self, Malformed> {
        // A derived `Deserialize` would take an array for an object.
        if !text.starts_with('{') {
            return Err(Malformed::new(Fault::NotAnObject, json));
        }
        let Ok(known) = serde_json::from_str::<Known>(text) else {
            return Err(Malformed::new(Fault::NotJson, json));
        };
        let suspended = known.suspended.and_then(truth);
        match known.user_id.map(id) {
            Some(Ok(id)) => Ok(Self {
                id,
                suspended,
                json,
            }),
            Some(Err(fault)) => Err(Malformed::new(fault, json)),
            None => Err(Malformed::new(Fault::NoId, json)),
        }
    }

    /// Returns the JSON object as it came.
    ///
    /// # Panics
    ///
    /// Never: a person is made of JSON that was read as text.
    pub fn json(&self) -> &str {
        std::str::from_utf8(&self.json).expect("a person is made of text")
    }

    /// Calls `visit` with the name and the JSON of each field, in the order in which they came.
    ///
    /// It neither allocates nor builds values, so it can be done for a million people.
    ///
    /// # Panics
    ///
    /// Never: a person is made of JSON that was read as an object.
    pub fn for_each_field<'a>(&'a self, visit: impl FnMut(&str, &'a RawValue)) {
        serde_json::Deserializer::from_str(self.json())
            .deserialize_map(Fields(visit))
            .expect("a person is made of a JSON object");
    }
}

impl fmt::Debug for Person {
    /// Shows the id alone: the rest is personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Person")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// What a write was answered with.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status of the answer.
    pub status: StatusCode,
    /// The user as it is after the write, where the instance showed it.
    pub person: Option<Person>,
}

/// An element of a listing that is no person.
#[derive(Clone, thiserror::Error)]
#[error("{fault}")]
pub struct Malformed {
    fault: Fault,
    json: Bytes,
}

impl Malformed {
    fn new(fault: Fault, json: Bytes) -> Self {
        Self { fault, json }
    }

    /// Returns the JSON as it came; it is personal, and may be anything.
    pub fn json(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.json)
    }
}

impl fmt::Debug for Malformed {
    /// Shows the fault alone: the rest is personal.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Malformed")
            .field("fault", &self.fault)
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Fault {
    #[error("it is not JSON, or names a field twice")]
    NotJson,
    #[error("it is not a JSON object")]
    NotAnObject,
    #[error("it has no `user_id`")]
    NoId,
    #[error("its `user_id` is neither a text nor a whole number that can be an id")]
    BadId,
}

/// The fields that this crate looks at.
#[derive(Deserialize)]
struct Known<'a> {
    #[serde(borrow)]
    user_id: Option<&'a RawValue>,
    #[serde(borrow)]
    suspended: Option<&'a RawValue>,
}

/// Reads an id from a text, or from a number by its literal digits.
fn id(raw: &RawValue) -> Result<PersonId, Fault> {
    let json = raw.get();
    let text = if json.starts_with('"') {
        serde_json::from_str::<Text>(json)
            .map_err(|_| Fault::BadId)?
            .0
    } else if json.bytes().all(|byte| byte.is_ascii_digit()) {
        Cow::Borrowed(json)
    } else {
        return Err(Fault::BadId);
    };
    match &*text {
        "" => Err(Fault::NoId),
        text => PersonId::try_from(text).map_err(|_| Fault::BadId),
    }
}

/// Reads a boolean in any of the forms that instances show.
pub(crate) fn truth(raw: &RawValue) -> Option<bool> {
    match raw.get().trim_matches('"') {
        "true" | "True" | "1" => Some(true),
        "false" | "False" | "0" => Some(false),
        _ => None,
    }
}

/// A text that is borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Fields<F>(F);

impl<'de, F: FnMut(&str, &'de RawValue)> Visitor<'de> for Fields<F> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), value)) = map.next_entry::<Text, &RawValue>()? {
            (self.0)(&name, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(json: &str) -> Result<Person, Malformed> {
        Person::whole(&Bytes::copy_from_slice(json.as_bytes()))
    }

    #[test]
    fn an_id_is_a_text_or_the_digits_of_a_number() {
        for (json, id) in [
            (
                r#"{"user_id": "24dcf85294e411e38a52066b556ba4ee"}"#,
                "24dcf85294e411e38a52066b556ba4ee",
            ),
            (
                r#"{"user_id": 184467440737095516159}"#,
                "184467440737095516159",
            ),
            (
                r#"{"a": {"user_id": 1}, "user_id": "\u0037", "b": []}"#,
                "7",
            ),
        ] {
            assert_eq!(person(json).unwrap().id.as_str(), id);
        }
    }

    #[test]
    fn whoever_has_no_id_is_malformed_and_says_why() {
        let fault = |json| format!("{json} => {}", person(json).unwrap_err());
        insta::assert_snapshot!(
            [
                "{}",
                r#"{"user_id": null}"#,
                r#"{"user_id": ""}"#,
                r#"{"user_id": 1.5}"#,
                r#"{"user_id": -1}"#,
                r#"{"user_id": true}"#, r#"{"user_id": "a/b"}"#, r#"{"user_id": 1, "user_id": 2}"#,
                r#"["1", true]"#, r"null", r#"{"user_id": 1"#, "",
            ].map(fault).join("\n"),
            @r#"
            {} => it has no `user_id`
            {"user_id": null} => it has no `user_id`
            {"user_id": ""} => it has no `user_id`
            {"user_id": 1.5} => its `user_id` is neither a text nor a whole number that can be an id
            {"user_id": -1} => its `user_id` is neither a text nor a whole number that can be an id
            {"user_id": true} => its `user_id` is neither a text nor a whole number that can be an id
            {"user_id": "a/b"} => its `user_id` is neither a text nor a whole number that can be an id
            {"user_id": 1, "user_id": 2} => it is not JSON, or names a field twice
            ["1", true] => it is not a JSON object
            null => it is not a JSON object
            {"user_id": 1 => it is not JSON, or names a field twice
             => it is not a JSON object
            "#
        );
    }

    #[test]
    fn suspended_is_read_in_every_form() {
        let suspended = |value: &str| {
            person(&format!(r#"{{"user_id":1,"suspended":{value}}}"#))
                .unwrap()
                .suspended
        };
        for value in ["true", r#""true""#, r#""True""#, "1", r#""1""#] {
            assert_eq!(suspended(value), Some(true), "{value}");
        }
        for value in ["false", r#""false""#, "0"] {
            assert_eq!(suspended(value), Some(false), "{value}");
        }
        for value in ["null", r#""""#, "{}", "7"] {
            assert_eq!(suspended(value), None, "{value}");
        }
    }

    #[test]
    fn fields_come_in_order_and_as_they_were() {
        let person = person(
            r#" {"user_id":1, "na\u006de" : "\u00e9", "big": 9007199254740993,
                 "x": {"y": [1, 2]}, "n": null} "#,
        )
        .unwrap();
        let mut fields = Vec::new();
        person.for_each_field(|name, value| fields.push(format!("{name} = {}", value.get())));
        assert_eq!(
            fields,
            [
                "user_id = 1",
                r#"name = "\u00e9""#,
                "big = 9007199254740993",
                r#"x = {"y": [1, 2]}"#,
                "n = null"
            ]
        );
    }

    #[test]
    fn debug_shows_nothing_personal() {
        let person = person(r#"{"user_id":1,"email":"aoife@acme.com"}"#).unwrap();
        assert_eq!(format!("{person:?}"), "Person { id: PersonId(1), .. }");
    }
}
