//! What is looked for of somebody: the address in any letter case, a whole name, the id in the console.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::{Fold, Somebody};

/// What stands where somebody was named.
pub(super) const NOBODY: &str = "…";

/// An address, found however it is spelt.
pub(super) struct Address {
    folded: String,
    fold: Fold,
}

impl Address {
    pub(super) fn new(written: &str, fold: Fold) -> Self {
        Self {
            folded: fold(written),
            fold,
        }
    }

    /// The address as it compares.
    pub(super) fn folded(&self) -> &str {
        &self.folded
    }

    /// Whether a text is the address.
    pub(super) fn is(&self, text: &str) -> bool {
        (self.fold)(text) == self.folded
    }

    /// Whether a part of a text may be the address: most texts are done with by this.
    fn may_be_in(&self, text: &str) -> bool {
        (self.fold)(text).contains(&self.folded)
    }

    /// Whether a value in a JSON text is the address.
    pub(super) fn is_in(&self, json: &str) -> bool {
        self.out_of_json(json).is_some()
    }

    /// A JSON text with [`NOBODY`] for each text in it that is the address; `None`: there is none.
    ///
    /// A part of a text may be a part of another address, and stays; so does all else, to the letter.
    pub(super) fn out_of_json(&self, json: &str) -> Option<String> {
        // Any letter may be escaped.
        if !json.contains('\\') && !self.may_be_in(json) {
            return None;
        }
        let (mut redacted, mut rest, mut found) = (String::new(), json, false);
        while let Some((before, text, after)) = next_text(rest) {
            redacted.push_str(before);
            let is_it = serde_json::from_str::<String>(text).is_ok_and(|text| self.is(&text));
            found |= is_it;
            if is_it {
                redacted.push('"');
                redacted.push_str(NOBODY);
                redacted.push('"');
            } else {
                redacted.push_str(text);
            }
            rest = after;
        }
        found.then(|| redacted + rest)
    }

    /// A JSON object without the fields that have the address in them; of what is no object nothing is left. `None`: it
    /// has none.
    pub(super) fn out_of_object(&self, object: &str) -> Option<String> {
        if !self.is_in(object) {
            return None;
        }
        let mut fields: BTreeMap<String, &RawValue> =
            serde_json::from_str(object).unwrap_or_default();
        fields.retain(|name, raw| !self.is(name) && !self.is_in(raw.get()));
        Some(serde_json::to_string(&fields).unwrap_or_else(|_| "{}".to_owned()))
    }

    /// A text with [`NOBODY`] for the address, unless that is a part of a longer one; `None`: it is not in it.
    pub(super) fn out_of_text(&self, text: &str) -> Option<String> {
        // Any letter may be escaped.
        if !text.contains('\\') && !self.may_be_in(text) {
            return None;
        }
        // Letters with marks may be written as several.
        let longest = 4 * self.folded.chars().count();
        unnamed(text, longest, |part| self.is(part))
    }
}

/// A text with [`NOBODY`] for a name in just these letters, unless that is a part of a longer one; `None`: it is not in it.
pub(super) fn name_out_of_text(text: &str, name: &str) -> Option<String> {
    unnamed(text, name.chars().count(), |part| part == name)
}

/// How many letters one is at most where JSON escapes it.
const ESCAPED: usize = 12;

/// A part of a text of JSON without its escapes; `None`: it has none.
fn unescaped(part: &str) -> Option<String> {
    part.contains('\\')
        .then(|| serde_json::from_str(&format!("\"{part}\"")).ok())?
}

/// By what else somebody is known in a text: a whole name, the id in the console.
pub(super) fn names(somebody: &Somebody) -> Vec<&str> {
    /// Shorter ones are parts of words.
    const SHORTEST: usize = 5;
    let names = somebody
        .full_name
        .as_deref()
        .into_iter()
        .chain([somebody.source_id.as_str()]);
    names
        .filter(|name| name.chars().count() >= SHORTEST)
        .collect()
}

/// The next text of a JSON text with its quotes, what is before it, and what is after it.
fn next_text(json: &str) -> Option<(&str, &str, &str)> {
    let begin = json.find('"')?;
    let mut is_escaped = false;
    let end = json[begin + 1..].find(|letter| {
        let ends = letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        ends
    })?;
    let after = begin + 1 + end + 1;
    Some((&json[..begin], &json[begin..after], &json[after..]))
}

/// A text with [`NOBODY`] for the parts of it that are a name, at most `longest` letters long, and not a part of a longer
/// one; with the escapes of JSON or without.
fn unnamed(text: &str, longest: usize, is: impl Fn(&str) -> bool) -> Option<String> {
    let longest = ESCAPED * longest;
    let is = |part: &str| is(part) || unescaped(part).is_some_and(|part| is(&part));
    let goes_on = |letter: char| letter.is_alphanumeric() || "_-+%@".contains(letter);
    let ends = |after: &str| {
        let mut following = after.chars();
        match following.next() {
            // The end of a sentence, and not a part of a domain.
            Some('.') => !following.next().is_some_and(char::is_alphanumeric),
            Some(letter) => !goes_on(letter),
            None => true,
        }
    };
    let name_of = |rest: &str| {
        let ends_at = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        let mut ends_at = ends_at.skip(1).take(longest);
        ends_at.find(|at| ends(&rest[*at..]) && is(&rest[..*at]))
    };
    let (mut unnamed, mut rest, mut found) = (String::new(), text, false);
    while let Some(letter) = rest.chars().next() {
        let preceding = unnamed.chars().next_back();
        let begins = !letter.is_whitespace()
            && !preceding.is_some_and(|letter| goes_on(letter) || letter == '.');
        let name = begins.then(|| name_of(rest)).flatten();
        let taken = if let Some(length) = name {
            unnamed.push_str(NOBODY);
            found = true;
            length
        } else {
            unnamed.push(letter);
            letter.len_utf8()
        };
        rest = &rest[taken..];
    }
    found.then_some(unnamed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold(text: &str) -> String {
        text.trim().to_lowercase()
    }

    #[test]
    fn an_address_goes_and_a_longer_one_stays() {
        let address = Address::new("Ann@acme.com", fold);
        for (text, without) in [
            ("ann@acme.com is not there", Some("… is not there")),
            ("it is ANN@Acme.com.", Some("it is ….")),
            ("<ann@acme.com>, `Ann@acme.com`", Some("<…>, `…`")),
            ("ann@acme.comann@acme.com", None),
            ("joann@acme.com", None),
            ("jo.ann@acme.com", None),
            ("jo-ann@acme.com", None),
            ("ann@acme.com.au", None),
            ("ann@acme.company", None),
            (
                "éann@acme.com and ann@ACME.com",
                Some("éann@acme.com and …"),
            ),
            ("", None),
        ] {
            assert_eq!(address.out_of_text(text).as_deref(), without, "{text}");
        }
        let address = Address::new("ärger@acme.com", fold);
        let text = address.out_of_text("is ÄRGER@ACME.COM there?");
        assert_eq!(text.as_deref(), Some("is … there?"));
        let text = address.out_of_text(r#"{"error": "taken by \u00c4rger@acme.com; no"}"#);
        assert_eq!(text.as_deref(), Some(r#"{"error": "taken by …; no"}"#));
    }

    #[test]
    fn a_name_goes_in_just_its_letters() {
        let name = |text| name_out_of_text(text, "4711");
        assert_eq!(name("user 4711, 47110").as_deref(), Some("user …, 47110"));
        assert_eq!(name_out_of_text("the admin", "Admin"), None);
        for (text, name, without) in [
            (
                r#"{"by": "Zo\u00eb Qz\u00e5"}"#,
                "Zoë Qzå",
                r#"{"by": "…"}"#,
            ),
            (r#""Ann \"Q\" Lee, and""#, r#"Ann "Q" Lee"#, r#""…, and""#),
        ] {
            assert_eq!(
                name_out_of_text(text, name).as_deref(),
                Some(without),
                "{text}"
            );
        }
    }

    #[test]
    fn a_text_of_json_goes_and_all_else_stays_to_the_letter() {
        let address = Address::new("ärger@acme.com", fold);
        for (json, without) in [
            (
                r#"{"a": "\u00c4rger@Acme.com" , "b":1.0}"#,
                Some(r#"{"a": "…" , "b":1.0}"#),
            ),
            (
                r#"["x\"", " ÄRGER@acme.com ", "\\"]"#,
                Some(r#"["x\"", "…", "\\"]"#),
            ),
            (r#"{"a":"of ärger@acme.com"}"#, None),
            (r#""\ud800""#, None),
            ("null", None),
        ] {
            assert_eq!(address.out_of_json(json).as_deref(), without, "{json}");
        }
        let object = r#"{"x":["ärger@acme.com"],"y":"no"}"#;
        assert_eq!(
            address.out_of_object(object).as_deref(),
            Some(r#"{"y":"no"}"#)
        );
        assert_eq!(address.out_of_object(r#"{"y":"no"}"#), None);
        assert_eq!(
            address.out_of_object(r#""ärger@acme.com""#).as_deref(),
            Some("{}")
        );
    }
}
