//! Secrets are cut out of what others sent back before it is shown.

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in place of a secret.
const REDACTED: &str = "[secret]";

/// The shortest word that is taken for a secret; a shorter one is a scheme such as `Bearer`.
const SHORTEST: usize = 9;

/// Replaces a header's value, and each long word of it, wherever a text repeats them.
pub(crate) fn redact(mut text: String, secret: &SecretString) -> String {
    let value = secret.expose_secret();
    for word in value.split_whitespace() {
        if word.len() >= SHORTEST && text.contains(word) {
            text = text.replace(word, REDACTED);
        }
    }
    let value = value.trim();
    if value.len() >= SHORTEST && text.contains(value) {
        text = text.replace(value, REDACTED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echoed_token_is_cut_out_and_its_scheme_is_not() {
        let secret = SecretString::from("ApiToken abcdefghijklmnop");
        assert_eq!(
            redact("bad ApiToken abcdefghijklmnop!".to_owned(), &secret),
            "bad ApiToken [secret]!"
        );
        assert_eq!(
            redact("no ApiToken given".to_owned(), &secret),
            "no ApiToken given"
        );
    }
}
