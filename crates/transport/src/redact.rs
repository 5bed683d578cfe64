//! Secrets are cut out of what others sent back before it is shown.

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a secret.
const REDACTED: &str = "[secret]";

/// The shortest word that is taken for a secret; a shorter one is a scheme such as `Bearer`.
const SHORTEST: usize = 9;

/// Replaces a header's value, and each long word of it, wherever a text repeats them, also as JSON may write them.
pub(crate) fn redact(mut text: String, secret: &SecretString) -> String {
    let value = secret.expose_secret();
    for word in value.split_whitespace().chain([value.trim()]) {
        if word.len() < SHORTEST {
            continue;
        }
        if text.contains(word) {
            text = text.replace(word, REDACTED);
        }
        if text.contains('\\') {
            text = without_escaped(&text, word);
        }
    }
    text
}

/// A text without a word in any spelling that JSON has for it: whoever reads the JSON later would see the word.
fn without_escaped(text: &str, word: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some(behind) = behind(rest, word) {
            kept.push_str(REDACTED);
            rest = behind;
        } else {
            // An escape is one letter: the `n` of `\n` begins no word.
            let (_, length) = letter(rest).unwrap_or((first, first.len_utf8()));
            kept.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    kept
}

/// What stands behind a word that a text begins with.
fn behind<'t>(text: &'t str, word: &str) -> Option<&'t str> {
    let mut rest = text;
    for expected in word.chars() {
        let (found, length) = letter(rest)?;
        if found != expected {
            return None;
        }
        rest = &rest[length..];
    }
    Some(rest)
}

/// The letter that a text begins with, and how many bytes are its spelling: itself, `\/`, `\u002f`.
fn letter(text: &str) -> Option<(char, usize)> {
    let first = text.chars().next()?;
    let escaped = match text.as_bytes() {
        [b'\\', b'u', ..] => {
            let code = text.get(2..6)?;
            let code = u32::from_str_radix(code, 16).ok();
            code.and_then(char::from_u32).map(|letter| (letter, 6))
        }
        [b'\\', letter @ (b'"' | b'\\' | b'/'), ..] => Some((char::from(*letter), 2)),
        _ => None,
    };
    Some(escaped.unwrap_or((first, first.len_utf8())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(text: &str) -> String {
        let secret = SecretString::from("ApiToken abc/efghi\"jklmnop");
        redact(text.to_owned(), &secret)
    }

    #[test]
    fn an_echoed_token_is_cut_out_and_its_scheme_is_not() {
        assert_eq!(
            redacted("bad ApiToken abc/efghi\"jklmnop!"),
            "bad ApiToken [secret]!"
        );
        assert_eq!(redacted("no ApiToken given"), "no ApiToken given");
    }

    #[test]
    fn a_token_is_cut_out_of_json_in_each_of_its_spellings() {
        for token in [
            r#"abc\/efghi\"jklmnop"#,
            r#"abc\u002fefghi\"jklmnop"#,
            r"\u0061bc\u002Fefghi\u0022jklmno\u0070",
        ] {
            let told = redacted(&format!(r#"{{"title":"bad \\ {token}\n","é":"\u00e9"}}"#));
            assert_eq!(told, r#"{"title":"bad \\ [secret]\n","é":"\u00e9"}"#);
        }
        for text in [r"\", r"\u", r"\u00", r"\u00é", "é\\", r"\ud83d\ude00"] {
            assert_eq!(redacted(text), text);
        }
    }
}
