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

/// What opens and what closes a quotation.
const QUOTES: [(char, char); 6] = [
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('‘', '’'),
    ('«', '»'),
    ('`', '`'),
];
/// What the number behind it counts.
const COUNTED: [&str; 7] = [
    "row", "line", "column", "record", "item", "index", "position",
];

/// Leaves out of our own words what is of one user alone: what is quoted, e-mail addresses, dates and times, which row it
/// was, and numbers of four digits and more. What stands in backticks is the name of something, and stays.
///
/// In JSON the names of members stay, and so do the texts in which it says what is wrong.
pub fn alike(text: &str) -> String {
    Gist::new(&QUOTES[..QUOTES.len() - 1]).of(text)
}

/// The same of words in which backticks are quotes, as they are in the words of others.
pub fn alike_but_values(text: &str) -> String {
    Gist::new(&QUOTES).of(text)
}

/// A text while it is read: where in a piece of JSON it is, if it is JSON.
struct Gist {
    quotes: &'static [(char, char)],
    kept: String,
    /// The name of the member that was read last.
    member: String,
}

impl Gist {
    fn new(quotes: &'static [(char, char)]) -> Self {
        Self {
            quotes,
            kept: String::new(),
            member: String::new(),
        }
    }

    fn of(mut self, text: &str) -> String {
        let mut rest = text;
        let mut plain = 0;
        while let Some((start, (opening, closing))) = self.next_quote(rest, plain) {
            let inner = start + opening.len_utf8();
            // An apostrophe stands within or behind a word.
            let is_apostrophe =
                opening == '\'' && rest[..start].ends_with(|before: char| before.is_alphanumeric());
            if is_apostrophe {
                plain = inner;
                continue;
            }
            let end = end_of(&rest[inner..], closing).map(|end| inner + end);
            self.push_plain(&rest[..start]);
            let content = &rest[inner..end.unwrap_or(rest.len())];
            rest = end.map_or("", |end| &rest[end..]);
            let closing = rest.chars().next().map_or(0, char::len_utf8);
            let after = rest.get(closing..).unwrap_or_default();
            if opening == '"' {
                self.push_json(content, &rest[..closing], after);
            } else {
                self.kept.push_str(OMITTED);
            }
            rest = after;
            plain = 0;
        }
        self.push_plain(rest);
        self.kept
    }

    /// Finds where the next quotation begins, and by what it is quoted.
    fn next_quote(&self, text: &str, from: usize) -> Option<(usize, (char, char))> {
        text[from..].char_indices().find_map(|(at, character)| {
            let quote = self.quotes.iter().find(|quote| quote.0 == character)?;
            Some((from + at, *quote))
        })
    }

    fn push_plain(&mut self, plain: &str) {
        // Behind the name of a member stands what it is.
        let is_counted = plain.starts_with(':') && is_counted(&self.member);
        self.kept.push_str(&unnumbered(plain, is_counted));
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
            self.kept.push_str(&unnumbered(quoted, false));
            self.kept.push_str(closing);
        } else if says {
            let words = Self::new(self.quotes).of(&unescaped(quoted));
            self.kept.push('"');
            self.kept.push_str(&words);
            self.kept.push_str(closing);
        } else {
            self.kept.push_str(OMITTED);
        }
    }
}

/// What a text of JSON says, on one line; one that was cut off has only its quotes unescaped.
fn unescaped(quoted: &str) -> String {
    let text: Result<String, _> = serde_json::from_str(&format!("\"{quoted}\""));
    text.map_or_else(
        |_| quoted.replace("\\\"", "\""),
        |text| text.replace(char::is_control, " "),
    )
}

/// Finds where a quotation ends; one that was cut off has no end.
fn end_of(text: &str, closing: char) -> Option<usize> {
    let mut escaped = false;
    text.char_indices().find_map(|(at, character)| {
        let behind = &text[at + character.len_utf8()..];
        let is_apostrophe = matches!(character, '\'' | '’')
            && behind.starts_with(|next: char| next.is_alphanumeric());
        let ends = character == closing && !escaped && !is_apostrophe;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })
}

/// Whether the number behind a word says which one it is.
fn is_counted(word: &str) -> bool {
    let one = word.strip_suffix(['s', 'S']).unwrap_or(word);
    COUNTED.iter().any(|name| name.eq_ignore_ascii_case(one))
}

/// Leaves out e-mail addresses, dates and times, what holds long numbers, and the number behind what is counted.
fn unnumbered(text: &str, mut is_counted_before: bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let is_part = |character: char| character.is_alphanumeric() || "@._+-".contains(character);
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        kept.push_str(&rest[..start]);
        let word = &rest[start..];
        let (word, after) = word.split_at(word.find(|next| !is_part(next)).unwrap_or(word.len()));
        // What ends a sentence is not of its last word.
        let (word, stop) = word.split_at(word.trim_end_matches(['.', '-']).len());
        let moment = moment(&rest[start..]);
        if word.contains('@') {
            kept.push_str(OMITTED);
        } else if moment > 0 {
            kept.push_str(OMITTED);
            rest = &rest[start + moment..];
            is_counted_before = false;
            continue;
        } else if is_counted_before && word.bytes().all(|byte| byte.is_ascii_digit()) {
            kept.push_str(OMITTED);
        } else {
            push_unnumbered(&mut kept, word);
        }
        kept.push_str(stop);
        is_counted_before = is_counted(word) && stop.is_empty();
        rest = after;
    }
    kept.push_str(rest);
    kept
}

/// How long the date, the time of day, or both, is that a text begins with; 0: it begins with something else.
fn moment(text: &str) -> usize {
    let is_part = |next: char| next.is_ascii_digit() || "-/.:+TZ".contains(next);
    let whole = &text[..text.find(|next| !is_part(next)).unwrap_or(text.len())];
    // What ends a sentence is not of it.
    let whole = whole.trim_end_matches(|last: char| !last.is_ascii_digit() && last != 'Z');
    let mut numbers = whole.split(|next: char| !next.is_ascii_digit());
    let mut length = || numbers.next().map_or(0, str::len);
    let (first, second, third) = (length(), length(), length());
    let mut marks = whole.chars().filter(|next| !next.is_ascii_digit());
    let (mark, next) = (marks.next(), marks.next());
    let is_date = matches!(mark, Some('-' | '/' | '.'))
        && mark == next
        && matches!(
            (first, second, third),
            (4, 1..=2, 1..=2) | (1..=2, 1..=2, 4)
        );
    let is_time = mark == Some(':') && matches!((first, second), (1..=2, 2));
    if is_date || is_time { whole.len() } else { 0 }
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
            ("it was sent on 2026-11-29.", "it was sent on …."),
            ("at 2026-11-29T10:00:00Z it was", "at … it was"),
            ("at 2026-11-29 10:00:00.123456+00:00, UTC", "at … …, UTC"),
            ("since 29.11.2026, 9:05", "since …, …"),
            (
                "of version 1.2.3 at 10.0.0.1",
                "of version 1.2.3 at 10.0.0.1",
            ),
            ("row 17: no role 7", "row …: no role 7"),
            ("Rows 17 and 18 of line #3", "Rows … and 18 of line #…"),
            (r#"{"row": 17, "code": 17}"#, r#"{"row": …, "code": 17}"#),
            ("the row. 400 is", "the row. 400 is"),
            ("«Ada» and ‘Ada’s role’ and 'O'Brien'", "… and … and …"),
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
        for (text, gist) in [
            ("`Ana María` is no date and time", "… is no date and time"),
            (
                r#"{"error": "`L2` is no role"}"#,
                r#"{"error": "… is no role"}"#,
            ),
            (
                r#"{"error": "\u201cAna\u201d ist\nvergeben"}"#,
                r#"{"error": "… ist vergeben"}"#,
            ),
        ] {
            assert_eq!(alike_but_values(text), gist, "{text}");
        }
    }

    /// What differs from user to user, as others write it.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            "[A-Z][A-Za-z .@0-9-]{0,20}[a-z]['’]?[a-z]".prop_flat_map(|text| {
                let quotes = [("`", "`"), ("“", "”"), ("‘", "’"), ("«", "»"), ("\"", "\"")];
                prop::sample::select(quotes.to_vec())
                    .prop_map(move |(open, close)| format!("{open}{text}{close}"))
            }),
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
            "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9]:00)",
            "[0-3]?[0-9]/[01]?[0-9]/20[0-9]{2}",
            "[0-9a-f]{7}0-1000-4[0-9]{3}-8[0-9]{3}-[0-9]{12}",
            "[a-z]{1,9}@[a-z]{1,9}\\.com",
        ]
    }

    proptest! {
        #[test]
        fn messages_that_differ_in_values_alone_have_one_cause(
            (before, behind) in ("[a-z ]{0,20}", "[a-z]{1,9}"),
            (one, other) in (value(), value()),
            (row, next) in (0..9999_u32, 0..9999_u32),
        ) {
            let message = |value: &str, row: u32| format!("{before}: {value} in row {row}, {behind}: {value}.");
            let gist = format!("{before}: … in row …, {behind}: ….");
            prop_assert_eq!(alike_but_values(&message(&one, row)), gist.clone());
            prop_assert_eq!(alike_but_values(&message(&other, next)), gist);
        }

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
