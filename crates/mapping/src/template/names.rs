//! The names in a template: filters, tests and functions that must exist, variables to look up.

use crate::filters;
use crate::lexer::{Word, WordKind};

use super::empties::EMPTY;

/// The functions of the engine that are offered.
pub(crate) const FUNCTIONS: &[&str] = &["range", "dict", "namespace", "loop"];

/// Words behind which a bracket opens an expression and calls nothing.
const KEY_WORDS: &[&str] = &[
    "and", "or", "not", "in", "is", "if", "elif", "else", "set", "with", "do",
];

/// Everything that is named in a template and does not exist.
pub(crate) fn faults(words: &[Word<'_>], variables: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let place = Place { words, index };
        if place.is_variable_item() {
            faults.extend(variable_fault(word, variables));
        }
        if word.kind != WordKind::Name {
            continue;
        }
        if place.is_filter() {
            faults.extend(unknown("filter", word.text, filters::NAMES));
        } else if place.is_test() {
            faults.extend(unknown("test", word.text, filters::TESTS));
        } else if place.is_method() {
            faults.push(format!(
                "`.{0}()` is a method, and values have none here; write a filter, as in `value | {0}`",
                word.text
            ));
        } else if place.is_call() {
            faults.extend(unknown("function", word.text, FUNCTIONS));
        }
    }
    faults
}

/// The names that a template may look up. Names that only could be a variable, as those of tests
/// and key words, are listed too; a variable is never left out.
pub(crate) fn variables(words: &[Word<'_>]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (index, word) in words.iter().enumerate() {
        let place = Place { words, index };
        let is_variable = word.kind == WordKind::Name
            && !place.follows_sign(".")
            && !place.follows_sign("|")
            && word.text != EMPTY;
        if is_variable && !names.iter().any(|name| name == word.text) {
            names.push(word.text.to_owned());
        }
    }
    names
}

/// The nearest of the names that exist, for one that does not: the same but for case and `_`, or
/// with one slip, or two in a longer name.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let plain = |name: &str| name.replace('_', "").to_lowercase();
    if let Some(same) = known.iter().find(|known| plain(known) == plain(name)) {
        return Some(same);
    }
    let slips = (name.chars().count() / 3).min(2);
    known
        .iter()
        .map(|known| (strsim::damerau_levenshtein(name, known), *known))
        .filter(|(distance, _)| *distance <= slips)
        .min()
        .map(|(_, known)| known)
}

fn unknown(what: &str, name: &str, known: &[&str]) -> Option<String> {
    if known.contains(&name) {
        return None;
    }
    Some(match nearest(name, known) {
        Some(near) => format!("there is no {what} `{name}`; did you mean `{near}`"),
        None => format!(
            "there is no {what} `{name}`; there are {}",
            known.join(", ")
        ),
    })
}

/// What is wrong with a variable of the configuration, named as a text or an attribute.
fn variable_fault(word: &Word<'_>, variables: &[&str]) -> Option<String> {
    let name = match word.kind {
        WordKind::Text => word.text.get(1..word.text.len() - 1)?,
        _ => word.text,
    };
    if name.contains('\\') || variables.contains(&name) {
        return None;
    }
    Some(missing_variable(name, variables))
}

/// The fault of naming a variable that the configuration does not have.
pub(crate) fn missing_variable(name: &str, variables: &[&str]) -> String {
    match nearest(name, variables) {
        Some(near) => format!("there is no variable `{name}`; did you mean `{near}`"),
        None => format!("there is no variable `{name}`; add it to `variables`"),
    }
}

/// A word and its neighbours.
struct Place<'w, 'a> {
    words: &'w [Word<'a>],
    index: usize,
}

impl<'a> Place<'_, 'a> {
    fn before(&self, steps: usize) -> Option<&Word<'a>> {
        self.index
            .checked_sub(steps)
            .map(|index| &self.words[index])
    }

    fn after(&self) -> Option<&Word<'a>> {
        self.words.get(self.index + 1)
    }

    fn follows_sign(&self, sign: &str) -> bool {
        self.before(1).is_some_and(|word| word.is_sign(sign))
    }

    fn follows_name(&self, name: &str) -> bool {
        self.before(1).is_some_and(|word| word.is_name(name))
    }

    fn opens_bracket(&self) -> bool {
        self.after().is_some_and(|word| word.is_sign("("))
    }

    fn is_filter(&self) -> bool {
        let starts_block = self.before(2).is_none_or(|word| word.kind == WordKind::End);
        self.follows_sign("|") || (self.follows_name("filter") && starts_block)
    }

    fn is_test(&self) -> bool {
        let word = &self.words[self.index];
        let is_not =
            self.follows_name("not") && self.before(2).is_some_and(|word| word.is_name("is"));
        is_not || (self.follows_name("is") && !word.is_name("not"))
    }

    fn is_method(&self) -> bool {
        let of_loop = self.before(2).is_some_and(|word| word.is_name("loop"));
        self.follows_sign(".") && self.opens_bracket() && !of_loop
    }

    fn is_call(&self) -> bool {
        let word = &self.words[self.index];
        self.opens_bracket() && !self.follows_sign(".") && !KEY_WORDS.contains(&word.text)
    }

    /// Whether the word names one of the configuration's variables: `variables['…']` or
    /// `variables.…`.
    fn is_variable_item(&self) -> bool {
        let word = &self.words[self.index];
        let of_variables = self.before(2).is_some_and(|word| word.is_name("variables"))
            && !self.before(3).is_some_and(|word| word.is_sign("."));
        let in_brackets = word.kind == WordKind::Text
            && self.follows_sign("[")
            && self.after().is_some_and(|word| word.is_sign("]"));
        let as_attribute = word.kind == WordKind::Name && self.follows_sign(".");
        of_variables && (in_brackets || as_attribute)
    }
}
