//! What two messages have in common that differ in whom they are about.
//!
//! The words of a system are not ours, so this goes by what their parts look like. Where it takes two messages for
//! different that say the same, they stand in two groups; where it left too much out, one group would have two causes.

/// What stands for a part that was left out.
const OMITTED: &str = "…";
/// Runs of digits of this length and more are ids.
const ID: usize = 4;
/// Members of a JSON object that say what is wrong, and are not what it is about.
const WORDS: [&str; 9] = [
    "error",
    "errors",
    "message",
    "msg",
    "detail",
    "details",
    "description",
    "reason",
    "title",
];

/// Leaves out of a text what is of one user alone: what is quoted, e-mail addresses, and numbers of four digits and more.
///
/// In JSON the names of members stay, and so do the texts in which it says what is wrong.
pub fn alike(text: &str) -> String {
    Gist::default().of(text, &['"', '\'', '“'])
}

/// The same of our own words, where values stand in backticks.
pub(crate) fn alike_but_values(text: &str) -> String {
    Gist::default().of(text, &['"', '\'', '“', '`'])
}

/// A text while it is read: where in a piece of JSON it is, if it is JSON.
#[derive(Default)]
struct Gist {
    kept: String,
    /// The name of the member that was read last.
    member: String,
}

impl Gist {
    fn of(mut self, text: &str, quotes: &[char]) -> String {
        let mut rest = text;
        let mut plain = 0;
        while let Some(found) = rest[plain..].find(quotes) {
            let start = plain + found;
            let quote = rest[start..].chars().next().unwrap_or_default();
            let inner = start + quote.len_utf8();
            // An apostrophe stands within or behind a word.
            let is_apostrophe =
                quote == '\'' && rest[..start].ends_with(|before: char| before.is_alphanumeric());
            if is_apostrophe {
                plain = inner;
                continue;
            }
            let end = end_of(&rest[inner..], quote).map(|end| inner + end);
            self.kept.push_str(&unnumbered(&rest[..start]));
            let content = &rest[inner..end.unwrap_or(rest.len())];
            rest = end.map_or("", |end| &rest[end..]);
            let closing = rest.chars().next().map_or(0, char::len_utf8);
            let after = rest.get(closing..).unwrap_or_default();
            if quote == '"' {
                self.push_json(content, &rest[..closing], after);
            } else {
                self.kept.push_str(OMITTED);
            }
            rest = after;
            plain = 0;
        }
        self.kept.push_str(&unnumbered(rest));
        self.kept
    }

    /// Takes in what stands between double quotes, which may be a text of JSON.
    fn push_json(&mut self, quoted: &str, closing: &str, after: &str) {
        let is_name = after.trim_start().starts_with(':');
        let before = self.kept.trim_end();
        let says = before.ends_with('[')
            || (before.ends_with(':') && WORDS.iter().any(|word| self.member.ends_with(word)));
        if is_name {
            self.member = quoted.to_lowercase();
            self.kept.push('"');
            self.kept.push_str(&unnumbered(quoted));
            self.kept.push_str(closing);
        } else if says {
            let words = Self::default().of(&quoted.replace("\\\"", "\""), &['"', '\'', '“']);
            self.kept.push('"');
            self.kept.push_str(&words);
            self.kept.push_str(closing);
        } else {
            self.kept.push_str(OMITTED);
        }
    }
}

/// Finds where a quotation ends; one that was cut off has no end.
fn end_of(text: &str, quote: char) -> Option<usize> {
    let closing = if quote == '“' { '”' } else { quote };
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let ends = character == closing && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Leaves out e-mail addresses and what holds long numbers.
fn unnumbered(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let is_part = |character: char| character.is_alphanumeric() || "@._+-".contains(character);
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        kept.push_str(&rest[..start]);
        let word = &rest[start..];
        let (word, after) = word.split_at(word.find(|next| !is_part(next)).unwrap_or(word.len()));
        // What ends a sentence is not of its last word.
        let (word, stop) = word.split_at(word.trim_end_matches(['.', '-']).len());
        if word.contains('@') {
            kept.push_str(OMITTED);
        } else {
            push_unnumbered(&mut kept, word);
        }
        kept.push_str(stop);
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn push_unnumbered(kept: &mut String, word: &str) {
    let digits = |part: &str| part.bytes().filter(u8::is_ascii_digit).count();
    // The hexadecimal digits of a UUID are one number.
    if word.len() >= 32 && digits(word) >= ID {
        kept.push_str(OMITTED);
        return;
    }
    for part in word.split_inclusive(|next: char| !next.is_ascii_digit()) {
        let number = part.trim_end_matches(|next: char| !next.is_ascii_digit());
        if number.len() < ID {
            kept.push_str(part);
        } else {
            kept.push_str(OMITTED);
            kept.push_str(&part[number.len()..]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_of_one_user_is_left_out_and_what_is_wrong_stays() {
        for (text, gist) in [
            ("", ""),
            (
                "Oomnitza refused to create a person with 400 Bad Request: the user's role is unknown",
                "Oomnitza refused to create a person with 400 Bad Request: the user's role is unknown",
            ),
            ("aoife@acme.com is there already.", "… is there already."),
            ("user 12345 has no role 7", "user … has no role 7"),
            ("id225494730938493804.", "id…."),
            ("it was sent on 2026-11-29", "it was sent on …-11-29"),
            (
                "portion 019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33 is closed",
                "portion … is closed",
            ),
            (
                "'Ada Lovelace' and “Grace” can't be the users' names",
                "… and … can't be the users' names",
            ),
            ("`phone` cannot be empty", "`phone` cannot be empty"),
            (r#"{"USER":"ada","code": 17}"#, r#"{"USER":…,"code": 17}"#),
            (
                r#"{"error": "user \"ada\" has no role", "user": "ada"}"#,
                r#"{"error": "user … has no role", "user": …}"#,
            ),
            (
                r#"{"role":["'L2' is no role of ada@acme.com"]}"#,
                r#"{"role":["… is no role of …"]}"#,
            ),
            (r#"{"error": "cut off ada@acm"#, r#"{"error": "cut off …"#),
            (r#"{"user": "cut o"#, r#"{"user": …"#),
        ] {
            assert_eq!(alike(text), gist, "{text}");
        }
        assert_eq!(
            alike_but_values("`Ana María` is no date and time"),
            "… is no date and time"
        );
    }

    proptest! {
        #[test]
        fn no_address_and_no_id_is_left_and_any_text_has_a_gist(
            before in ".{0,40}",
            name in "[a-z]{1,8}",
            id in 1000_u64..,
        ) {
            let text = format!("{before} {name}@acme.com {id} ");
            let gist = alike(&text);
            prop_assert!(!gist.contains("@acme.com"), "{}", gist);
            let id = id.to_string();
            prop_assert!(!gist.contains(&id), "{}", gist);
            prop_assert_eq!(alike(&text), gist);
        }
    }
}
