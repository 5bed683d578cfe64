//! What an error tells: itself and its causes.

use std::error::Error;

/// The secret that stand-ins echo; it has letters that JSON and URLs write in more than one way.
pub(crate) const SECRET: &str = "s3cr3t/0f-the=t0ken";

/// Demands that an error and its causes say something, on one line each, and nothing secret.
pub(crate) fn assert_tellable(error: &(dyn Error + 'static)) {
    let mut next = Some(error);
    while let Some(error) = next {
        assert_words(&error.to_string());
        next = error.source();
    }
    let debug = format!("{error:?}");
    assert!(!debug.contains(SECRET), "a secret is told: {debug}");
}

/// Demands the same of words that are shown.
pub(crate) fn assert_words(words: &str) {
    assert!(!words.contains(SECRET), "a secret is told: {words}");
    let control = words.chars().find(|character| character.is_control());
    assert_eq!(control, None, "{words:?}");
}
