//! The fields of an Oomnitza user: what each takes, and under which id bulk knows it.

use std::collections::HashMap;

use serde_json::Value;

use crate::exchange::Refusal;
use crate::object::{compact_length, json_of, plain};
use crate::options::{Options, ShownForm};
use crate::population::BUILT_IN;

/// The built-in fields that bulk can write, by their upper-case ids.
const BULK_IDS: [(&str, &str); 8] = [
    ("USER", "username"),
    ("EMAIL", "email"),
    ("FIRST_NAME", "first_name"),
    ("LAST_NAME", "last_name"),
    ("PHONE", "phone_number"),
    ("ADDRESS", "address"),
    ("POSITION", "position"),
    ("PERMISSIONS_ID", "role"),
];

/// The id by which bulk knows a custom field: 32 upper-case hexadecimal digits, always the same for a name.
pub fn bulk_field_id(name: &str) -> String {
    // FNV-1a over 128 bits.
    let hash = name.bytes().fold(
        0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128,
        |hash, byte| {
            (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B)
        },
    );
    format!("{hash:032X}")
}

/// What a field takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Boolean,
    Role,
    /// Set by Oomnitza alone.
    ReadOnly,
    /// Any text, number or boolean.
    Custom,
}

/// By which interface a value comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Rest { ignores_restriction: bool },
    Bulk,
}

#[derive(Clone, Debug)]
struct Field {
    name: String,
    kind: Kind,
    edit_only: bool,
    values: Option<Vec<String>>,
    shown: Option<ShownForm>,
}

/// All fields, in the order in which a user's JSON has them.
#[derive(Clone, Debug)]
pub(crate) struct Schema {
    fields: Vec<Field>,
    places: HashMap<String, usize>,
    bulk_places: HashMap<String, usize>,
    roles: Vec<u64>,
    custom: Vec<String>,
}

impl Schema {
    /// The built-in fields, the custom ones of the options, and `more` that given people have.
    pub(crate) fn new(options: &Options, more: &[String]) -> Self {
        let mut custom = options.custom_fields.clone();
        for name in more {
            if !custom.contains(name) && !BUILT_IN.contains(&name.as_str()) {
                custom.push(name.clone());
            }
        }
        let built_in = BUILT_IN.iter().map(|name| (*name, built_in_kind(name)));
        let all = built_in.chain(custom.iter().map(|name| (name.as_str(), Kind::Custom)));
        let fields: Vec<Field> = all
            .map(|(name, kind)| Field {
                name: name.to_owned(),
                kind,
                edit_only: options.edit_only_fields.iter().any(|field| field == name),
                values: options.dropdowns.get(name).cloned(),
                shown: options.shown_forms.get(name).cloned(),
            })
            .collect();
        let places: HashMap<String, usize> = fields
            .iter()
            .enumerate()
            .map(|(place, field)| (field.name.clone(), place))
            .collect();
        let built_in_ids = BULK_IDS
            .iter()
            .map(|(id, name)| ((*id).to_owned(), places[*name]));
        let custom_ids = custom
            .iter()
            .map(|name| (bulk_field_id(name), places[name]));
        Self {
            bulk_places: built_in_ids.chain(custom_ids).collect(),
            roles: options.roles.iter().map(|(number, _)| *number).collect(),
            fields,
            places,
            custom,
        }
    }

    /// The custom fields, which come after the built-in ones.
    pub(super) fn custom(&self) -> &[String] {
        &self.custom
    }

    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    pub(super) fn name(&self, place: usize) -> &str {
        &self.fields[place].name
    }

    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.places.get(name).copied()
    }

    /// The place of a field that every instance has.
    pub(super) fn built_in(&self, name: &str) -> usize {
        self.places[name]
    }

    pub(super) fn bulk_place(&self, id: &str) -> Option<usize> {
        self.bulk_places.get(id).copied()
    }

    /// The JSON of each field of a person that was written here: compact, all fields, in their order.
    pub(super) fn raws<'a>(&self, person: &'a str) -> Vec<&'a str> {
        let mut raws = Vec::with_capacity(self.fields.len());
        let mut start = 1;
        for field in &self.fields {
            start += "\"\":".len() + field.name.len();
            let end = start + compact_length(person.get(start..).unwrap_or_default());
            raws.push(person.get(start..end).unwrap_or("null"));
            start = end + 1;
        }
        raws
    }

    /// Checks a value and gives the JSON that the field shows once it is written.
    pub(super) fn accept(
        &self,
        place: usize,
        raw: &str,
        origin: Origin,
    ) -> Result<String, Refusal> {
        let field = &self.fields[place];
        let name = &field.name;
        let wrong_type =
            |wanted: &str| Refusal::rule(400, format!("`{name}` must be {wanted}, got {raw}"));
        if field.kind == Kind::ReadOnly {
            return Err(Refusal::rule(
                400,
                format!("`{name}` is set by Oomnitza alone"),
            ));
        }
        if field.edit_only
            && matches!(
                origin,
                Origin::Rest {
                    ignores_restriction: false
                }
            )
        {
            return Err(Refusal::rule(
                400,
                format!(
                    "`{name}` is edit-only: it wants the header Oomnitza-Ignore-Meta-Restriction: 1"
                ),
            ));
        }
        let is_text = raw.starts_with('"');
        let is_number = raw.starts_with(|letter: char| letter == '-' || letter.is_ascii_digit());
        let value = match field.kind {
            _ if raw == "null" => "null".to_owned(),
            Kind::Text if is_text => raw.to_owned(),
            Kind::Text if origin == Origin::Bulk && is_number => format!("\"{raw}\""),
            Kind::Text => return Err(wrong_type("a text")),
            Kind::Boolean if matches!(raw, "true" | "false") => raw.to_owned(),
            Kind::Boolean => return Err(wrong_type("true or false")),
            Kind::Role if is_text && origin != Origin::Bulk => return Err(wrong_type("a number")),
            Kind::Role => {
                let number: u64 = plain(raw).parse().map_err(|_| wrong_type("a number"))?;
                if !self.roles.contains(&number) {
                    return Err(Refusal::data(400, format!("there is no role {number}")));
                }
                number.to_string()
            }
            Kind::Custom if raw.starts_with(['{', '[']) => {
                return Err(Refusal::data(
                    400,
                    format!("`{name}` takes no list and no object"),
                ));
            }
            Kind::Custom | Kind::ReadOnly => raw.to_owned(),
        };
        if let Some(values) = &field.values {
            let text = plain(&value);
            if value != "null" && !text.is_empty() && !values.iter().any(|known| known == &text) {
                return Err(Refusal::data(
                    400,
                    format!("`{text}` is none of the values of `{name}`"),
                ));
            }
        }
        Ok(field
            .shown
            .as_ref()
            .map_or_else(|| value.clone(), |form| shown(form, &value)))
    }
}

fn built_in_kind(name: &str) -> Kind {
    match name {
        "suspended" | "email_subscription" => Kind::Boolean,
        "role" => Kind::Role,
        "user_id" | "uid" | "creation_date" | "created_by" | "change_date" | "changed_by"
        | "last_login_date" => Kind::ReadOnly,
        _ => Kind::Text,
    }
}

fn shown(form: &ShownForm, raw: &str) -> String {
    let text = plain(raw);
    match form {
        _ if raw == "null" => raw.to_owned(),
        ShownForm::Cut(letters) => json_of(&text.chars().take(*letters).collect::<String>()),
        ShownForm::Labels(labels) => match labels.get(text.as_ref()) {
            Some(label) => json_of(label),
            None => raw.to_owned(),
        },
        ShownForm::UnixSeconds => {
            unix_seconds(&text).map_or_else(|| raw.to_owned(), |at| at.to_string())
        }
    }
}

/// An ISO 8601 time, without a zone taken as UTC.
fn unix_seconds(text: &str) -> Option<i64> {
    let zoned = text
        .parse::<jiff::Timestamp>()
        .or_else(|_| format!("{text}Z").parse());
    zoned.ok().map(jiff::Timestamp::as_second)
}

/// The members of a given person that are no fields of the schema so far.
pub(crate) fn unknown_fields(people: &[Value]) -> Vec<String> {
    let members = people
        .iter()
        .filter_map(Value::as_object)
        .flat_map(|person| person.keys());
    let mut names: Vec<String> = Vec::new();
    for name in members {
        if !BUILT_IN.contains(&name.as_str()) && !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bulk_ids_are_32_upper_case_hexadecimal_digits_and_differ() {
        let one = bulk_field_id("sentinelone_user_id");
        assert!(
            one.len() == 32
                && one
                    .bytes()
                    .all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        );
        assert_ne!(one, bulk_field_id("sentinelone_scope"));
    }

    #[test]
    fn values_are_shown_in_the_ordered_form() {
        let labels = ShownForm::Labels([("25".to_owned(), "Employee".to_owned())].into());
        assert_eq!(shown(&ShownForm::Cut(2), "\"żółć\""), "\"żó\"");
        assert_eq!(shown(&labels, "25"), "\"Employee\"");
        assert_eq!(shown(&labels, "\"26\""), "\"26\"");
        assert_eq!(
            shown(&ShownForm::UnixSeconds, "\"2026-11-23T02:00:00Z\""),
            "1795399200"
        );
        assert_eq!(
            shown(&ShownForm::UnixSeconds, "\"2026-11-23T02:00:00\""),
            "1795399200"
        );
        assert_eq!(shown(&ShownForm::UnixSeconds, "null"), "null");
    }
}
