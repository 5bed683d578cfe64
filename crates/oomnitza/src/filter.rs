//! Filter expressions for looking people up.
//!
//! How a quote inside a value is written is not documented, so none ever is: a value goes between
//! quotes that it does not contain, or only a part of it is asked for. Whoever asks compares what
//! comes back.

use std::collections::HashSet;

use crate::fields::FieldName;
use crate::ids::PersonId;

/// The most ids in one filter.
const IDS: usize = 100;
/// The most values of a key in one filter.
const VALUES: usize = 50;
/// The most bytes of a filter in the URL; servers and proxies commonly take lines of 8 kB.
const LONGEST: usize = 6000;

/// Writes filters that together find these people.
pub(crate) fn by_ids(ids: &[PersonId]) -> Vec<String> {
    let mut lists = Lists::new("user_id", IDS);
    for id in distinct(ids.iter().map(PersonId::as_str)) {
        lists.push(id);
    }
    lists.finish()
}

/// Writes filters that together find everybody who has one of these values, and perhaps others.
///
/// Empty values find nobody and are left out.
pub(crate) fn by_key(field: &FieldName, values: &[&str]) -> Vec<String> {
    let mut lists = Lists::new(field.as_str(), VALUES);
    let mut alone = Vec::new();
    for value in distinct(values.iter().copied()).filter(|value| !value.is_empty()) {
        if !value.contains(['"', '\\']) {
            lists.push(value);
        } else if !value.contains(['\'', '\\']) {
            alone.push(format!("{field} eq '{value}'"));
        } else {
            alone.push(format!("{field} LIKE \"{}\"", pattern(value)));
        }
    }
    let mut filters = lists.finish();
    filters.append(&mut alone);
    filters
}

/// Writes a filter that finds whatever has this value in a field, and perhaps others.
pub(crate) fn by_name(field: &str, value: &str) -> String {
    if !value.contains(['\'', '\\']) {
        format!("{field} eq '{value}'")
    } else if !value.contains(['"', '\\']) {
        format!("{field} eq \"{value}\"")
    } else {
        format!("{field} LIKE \"{}\"", pattern(value))
    }
}

/// Returns a pattern without quotes that finds a value, and perhaps others: its beginning, or where
/// that is a quote, the longest part between quotes. A `%` or `_` in it only finds more.
fn pattern(value: &str) -> String {
    let mut parts = value.split(['"', '\\']);
    match parts.next() {
        Some(beginning) if !beginning.is_empty() => format!("{beginning}%"),
        _ => match parts.max_by_key(|part| part.len()) {
            Some(part) if !part.is_empty() => format!("%{part}%"),
            _ => "%".to_owned(),
        },
    }
}

fn distinct<'a>(values: impl Iterator<Item = &'a str>) -> impl Iterator<Item = &'a str> {
    let mut seen = HashSet::new();
    values.filter(move |value| seen.insert(*value))
}

/// Filters of the form `field IN ["a","b"]`, each within the bounds.
struct Lists<'a> {
    field: &'a str,
    most: usize,
    full: Vec<String>,
    open: String,
    values: usize,
    encoded: usize,
}

impl<'a> Lists<'a> {
    fn new(field: &'a str, most: usize) -> Self {
        Self {
            field,
            most,
            full: Vec::new(),
            open: String::new(),
            values: 0,
            encoded: 0,
        }
    }

    fn push(&mut self, value: &str) {
        let value = format!("\"{value}\"");
        let length = encoded_length(&value) + encoded_length(",");
        if self.values == self.most || (self.values > 0 && self.encoded + length > LONGEST) {
            self.close();
        }
        if self.values == 0 {
            self.open = format!("{} IN [", self.field);
            self.encoded = encoded_length(&self.open) + encoded_length("]");
        } else {
            self.open.push(',');
        }
        self.open.push_str(&value);
        self.values += 1;
        self.encoded += length;
    }

    fn close(&mut self) {
        if self.values > 0 {
            self.open.push(']');
            self.full.push(std::mem::take(&mut self.open));
            self.values = 0;
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.close();
        self.full
    }
}

/// Returns how many bytes a text takes in a query, at most: all but letters and digits become
/// `%xx`.
fn encoded_length(text: &str) -> usize {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 })
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn field() -> FieldName {
        "email".parse().unwrap()
    }

    #[test]
    fn a_value_stands_between_quotes_that_it_does_not_contain() {
        for (value, filter) in [
            ("a@b.c", r#"email IN ["a@b.c"]"#),
            ("o'hara@b.c", r#"email IN ["o'hara@b.c"]"#),
            (r#"a "b" c"#, r#"email eq 'a "b" c'"#),
            (r#"o'hara "x""#, r#"email LIKE "o'hara %""#),
            (r"acme\aoife", r#"email LIKE "acme%""#),
            (r#"acme\"x"#, r#"email LIKE "acme%""#),
            (r#""o'hara"@b.c"#, r#"email LIKE "%o'hara%""#),
            (r"\x", r#"email LIKE "%x%""#),
            (r"\", r#"email LIKE "%""#),
        ] {
            assert_eq!(by_key(&field(), &[value]), [filter]);
        }
    }

    #[test]
    fn a_name_stands_between_quotes_that_it_does_not_contain() {
        for (name, filter) in [
            ("SentinelOne", "saas_name eq 'SentinelOne'"),
            ("O'Hara's", r#"saas_name eq "O'Hara's""#),
            (r#"O'Hara "x""#, r#"saas_name LIKE "O'Hara %""#),
            (r"a\b", r#"saas_name LIKE "a%""#),
        ] {
            assert_eq!(by_name("saas_name", name), filter);
        }
    }

    #[test]
    fn lists_are_bounded_by_number_and_by_length() {
        let ids: Vec<PersonId> = (0..250).map(|id| id.to_string().parse().unwrap()).collect();
        let filters = by_ids(&ids);
        assert_eq!(filters.len(), 3);
        assert!(
            filters[0].starts_with(r#"user_id IN ["0","1","2""#)
                && filters[0].ends_with(r#","99"]"#)
        );
        assert!(filters[2].ends_with(r#""248","249"]"#));

        let long: Vec<String> = (0..50).map(|value| format!("{value:0500}")).collect();
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        let filters = by_key(&field(), &long);
        assert_eq!(filters.len(), 5);
        assert!(
            filters
                .iter()
                .all(|filter| encoded_length(filter) <= LONGEST)
        );
    }

    #[test]
    fn nobody_is_asked_for_without_values() {
        assert_eq!(by_key(&field(), &["", ""]), [""; 0]);
        assert_eq!(by_ids(&[]), [""; 0]);
    }

    proptest! {
        #[test]
        fn every_value_is_asked_for_once(
            values in prop::collection::vec("[a-zé%'@]{1,40}", 0..300),
        ) {
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            let wanted: HashSet<&str> = values.iter().copied().collect();
            let filters = by_key(&field(), &values);
            let mut asked = Vec::new();
            for filter in &filters {
                prop_assert!(encoded_length(filter) <= LONGEST);
                let list = filter.strip_prefix("email IN ").unwrap();
                let list: Vec<String> = serde_json::from_str(list).unwrap();
                prop_assert!((1..=VALUES).contains(&list.len()));
                asked.extend(list);
            }
            prop_assert_eq!(asked.len(), wanted.len());
            prop_assert!(asked.iter().all(|value| wanted.contains(value.as_str())));
        }
    }
}
