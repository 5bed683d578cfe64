//! What is told to Oomnitza about a load that broke off.

use std::error::Error;
use std::fmt;

/// One sentence about an error that can be shown in Oomnitza: at most 300 characters on one line,
/// without file paths, URLs, addresses, raw JSON or HTML, and anything that looks like a secret.
///
/// Oomnitza's own connector sends tracebacks with file paths and request URLs; people who read
/// run logs are not those who may know them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sentence(String);

impl Sentence {
    const LONGEST: usize = 300;

    /// Says what an error and its causes say.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let words = error.to_string();
            // Some errors show their cause themselves.
            if !text.contains(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            cause = error.source();
        }
        Self::from(text.as_str())
    }

    /// Returns the sentence as text; it never is empty.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Sentence {
    /// Takes a text and leaves out what must not be told.
    fn from(text: &str) -> Self {
        let mut sentence = String::new();
        for word in without_markup(text).split_whitespace() {
            let word = if is_untellable(word) { OMITTED } else { word };
            if word == OMITTED && sentence.ends_with(OMITTED) {
                continue;
            }
            if !sentence.is_empty() {
                sentence.push(' ');
            }
            sentence.push_str(word);
        }
        if sentence.is_empty() {
            sentence.push_str("the load broke off");
        }
        if let Some((cut, _)) = sentence.char_indices().nth(Self::LONGEST) {
            let (last, _) = sentence[..cut]
                .char_indices()
                .next_back()
                .expect("it is longer than one character");
            sentence.truncate(last);
            sentence.push_str(OMITTED);
        }
        Self(sentence)
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What stands for everything that was left out.
const OMITTED: &str = "…";

/// Replaces what stands in braces, brackets or tags; a record that was cut off has no closing
/// brace.
fn without_markup(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut open = Vec::new();
    for character in text.chars() {
        match character {
            '{' => open.push('}'),
            '[' => open.push(']'),
            '<' => open.push('>'),
            _ if open.last() == Some(&character) => {
                open.pop();
                if open.is_empty() {
                    kept.push_str(" … ");
                }
            }
            _ if open.is_empty() => kept.push(if character.is_control() {
                ' '
            } else {
                character
            }),
            _ => {}
        }
    }
    if !open.is_empty() {
        kept.push_str(" …");
    }
    kept
}

/// Whether a word is a path, a URL, somebody's address or may be a secret.
fn is_untellable(word: &str) -> bool {
    if word.contains("://") || word.contains('@') {
        return true;
    }
    let word = word.trim_matches(|character: char| {
        !character.is_alphanumeric() && !"/\\~.".contains(character)
    });
    let slashes = word.matches('/').count();
    let is_path = word.contains('\\')
        || word.starts_with(['/', '~'])
        || slashes > 1
        || (slashes == 1 && word.contains('.'));
    is_path || may_be_secret(word)
}

/// Whether a word holds twenty or more characters without a break, letters and digits mixed, as
/// tokens do.
fn may_be_secret(word: &str) -> bool {
    word.split(|character: char| {
        !character.is_ascii_alphanumeric() && !"+/=_-.".contains(character)
    })
    .any(|run| {
        run.len() >= 20
            && run.bytes().any(|byte| byte.is_ascii_digit())
            && run.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sentence(text: &str) -> String {
        Sentence::from(text).to_string()
    }

    #[test]
    fn what_must_not_be_told_is_left_out() {
        for (text, told) in [
            ("could not read a page", "could not read a page"),
            (
                "could not read `/etc/rollcall/rollcall.yaml`: denied",
                "could not read … denied",
            ),
            (
                "at crates/load/src/run.rs:17 it\n\tpanicked",
                "at … it panicked",
            ),
            (r"C:\Users\me\x failed", "… failed"),
            (
                "GET https://acme.sentinelone.net/users?limit=1000 failed",
                "GET … failed",
            ),
            (
                r#"refused with 400: {"USER":"a@b.c","x":{"y":1}} and more"#,
                "refused with 400: … and more",
            ),
            (
                r#"refused with 400: {"USER":"a@b.c","x":{"y"#,
                "refused with 400: …",
            ),
            (
                "the answer was 502: <html><body>Bad Gateway</body></html>",
                "the answer was 502: … Bad Gateway …",
            ),
            ("aoife@acme.com is unknown", "… is unknown"),
            (
                "token eyJhbGciOiJIUzI1NiJ9.eyJzdWIi was wrong",
                "token … was wrong",
            ),
            (
                "look under Configuration > Security > API Token",
                "look under Configuration > Security > API Token",
            ),
            ("read and/or write, 3 of 4", "read and/or write, 3 of 4"),
            ("", "the load broke off"),
            ("\n \t", "the load broke off"),
        ] {
            assert_eq!(sentence(text), told);
        }
    }

    #[test]
    fn causes_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("could not read the users")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("gave up: {0}")]
        struct Inner(#[source] std::fmt::Error);
        let error = Outer(Inner(std::fmt::Error));
        assert_eq!(
            Sentence::of(&error).as_str(),
            "could not read the users: gave up: an error occurred when formatting an argument"
        );
    }

    proptest! {
        #[test]
        fn it_is_one_line_of_at_most_300_characters(
            text in any::<String>(),
            words in "[a-z{}/ .\n@]{0,900}",
        ) {
            for text in [text, words] {
                let sentence = sentence(&text);
                prop_assert!((1..=300).contains(&sentence.chars().count()));
                prop_assert!(!sentence.contains(char::is_control));
                for untellable in ["://", "@", "{"] {
                    prop_assert!(!sentence.contains(untellable));
                }
            }
        }
    }
}
