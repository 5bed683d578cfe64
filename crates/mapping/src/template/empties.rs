//! How templates may speak of the empty value.
//!
//! An empty value is undefined. To the engine that is neither `none` nor `''`: `email != ''`
//! would be true of a user without an address, and `'x' ~ none` would be the text `xNone`. Both
//! are written in good faith, so both are taken to mean the empty value: `== ''` and `== none`
//! become a test for either, and `none` elsewhere becomes a name that nobody has.

use crate::lexer::{Word, WordKind};

/// The name of the empty value: it is never defined.
pub(crate) const EMPTY: &str = "null";

/// Writes a template so that its literals of emptiness mean the empty value.
///
/// # Errors
///
/// What to write instead where the meaning cannot be kept.
pub(crate) fn rewrite(source: &str, words: &[Word<'_>]) -> Result<String, String> {
    let mut out = String::with_capacity(source.len() + 16);
    let mut copied = 0;
    for (index, word) in words.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| &words[before]);
        let after = words.get(index + 1);
        let compares = |word: Option<&Word<'_>>| {
            word.is_some_and(|word| word.is_sign("==") || word.is_sign("!="))
        };
        if !is_empty_literal(word) || is_name_of_another(words, index) {
            continue;
        }
        if compares(after) {
            return Err(format!(
                "a comparison cannot begin with {literal}; write it the other way round, as in `email {operator} {literal}`",
                literal = word.text,
                operator = after.map_or("==", |after| after.text),
            ));
        }
        if let Some(operator) = before.filter(|_| compares(before)) {
            out.push_str(&source[copied..operator.start]);
            out.push_str(if operator.text == "==" {
                "in"
            } else {
                "not in"
            });
            out.push_str(&source[operator.end()..word.start]);
            out.push_str(" ['', ");
            out.push_str(EMPTY);
            out.push(']');
            copied = word.end();
        } else if word.kind == WordKind::Name {
            out.push_str(&source[copied..word.start]);
            out.push_str(EMPTY);
            copied = word.end();
        }
    }
    out.push_str(&source[copied..]);
    Ok(out)
}

fn is_empty_literal(word: &Word<'_>) -> bool {
    match word.kind {
        WordKind::Text => matches!(word.text, "''" | "\"\""),
        WordKind::Name => matches!(word.text, "none" | "None" | EMPTY),
        WordKind::Sign | WordKind::End => false,
    }
}

/// Whether a word names a test, an attribute or a filter.
fn is_name_of_another(words: &[Word<'_>], index: usize) -> bool {
    let before = |steps: usize| index.checked_sub(steps).map(|before| &words[before]);
    let follows = |name| before(1).is_some_and(|word| word.is_name(name));
    let is_not = follows("not") && before(2).is_some_and(|word| word.is_name("is"));
    let of_sign = before(1).is_some_and(|word| word.is_sign(".") || word.is_sign("|"));
    follows("is") || is_not || of_sign
}
