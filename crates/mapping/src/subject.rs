//! One user of the console, split into its fields but not decoded.

use std::borrow::Cow;

use crate::raw;

/// One user, as the JSON that came.
#[derive(Clone, Debug)]
pub struct Subject<'a> {
    json: &'a str,
    fields: Vec<(Cow<'a, str>, &'a str)>,
}

/// The JSON of a user is no JSON object.
#[derive(Debug, thiserror::Error)]
#[error("could not read the user as a JSON object")]
pub struct MalformedUser(#[from] serde_json::Error);

impl<'a> Subject<'a> {
    /// Splits the JSON object of a user into its fields.
    ///
    /// # Errors
    ///
    /// If it is no JSON object.
    pub fn new(json: &'a str) -> Result<Self, MalformedUser> {
        let json = json.trim();
        let fields = raw::members(json)?;
        Ok(Self { json, fields })
    }

    /// The JSON of a field of the user as it came; `""` where it is absent.
    pub fn raw(&self, field: &str) -> &'a str {
        raw::member(&self.fields, field)
    }

    /// The names of all fields of the user, in the order in which they came, with their JSON.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &'a str)> {
        let fields = self.fields.iter();
        fields.map(|(name, value)| (name.as_ref(), *value))
    }

    /// The whole JSON of the user.
    pub fn json(&self) -> &'a str {
        self.json
    }
}
