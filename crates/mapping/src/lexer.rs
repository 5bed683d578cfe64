//! The words of a template: what the checks need to know before anything is evaluated.
//!
//! The template engine keeps its own lexer to itself, and finds an unknown filter only when an
//! expression comes by it. This one splits the parts between `{{ }}` and `{% %}` into words, so
//! that every filter, test, function and variable is known at once, in each branch.

/// A word between `{{ }}` or `{% %}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Word<'a> {
    pub(crate) kind: WordKind,
    /// As written; a text with its quotes.
    pub(crate) text: &'a str,
    /// Where it begins in the template, in bytes.
    pub(crate) start: usize,
}

/// What a [`Word`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WordKind {
    /// A name or a key word.
    Name,
    /// A quoted text.
    Text,
    /// Anything else: a number, an operator, a bracket.
    Sign,
    /// The end of a `{{ }}` or `{% %}`.
    End,
}

impl Word<'_> {
    /// Where the word ends in the template, in bytes.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Whether it is this operator or bracket.
    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        self.kind == WordKind::Sign && self.text == sign
    }

    /// Whether it is this name or key word.
    pub(crate) fn is_name(&self, name: &str) -> bool {
        self.kind == WordKind::Name && self.text == name
    }
}

/// Splits a template into its words. Comments, raw blocks and the text outside are left out.
pub(crate) fn words(template: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(brace) = template[at..].find('{') {
        let start = at + brace;
        let rest = &template[start..];
        if rest.starts_with("{#") {
            at = rest
                .find("#}")
                .map_or(template.len(), |end| start + end + 2);
        } else if rest.starts_with("{{") {
            at = read_part(template, start + 2, "}}", &mut words);
        } else if rest.starts_with("{%") {
            let first = words.len();
            at = read_part(template, start + 2, "%}", &mut words);
            if words[first..]
                .iter()
                .find(|word| word.kind == WordKind::Name)
                .is_some_and(|word| word.is_name("raw"))
            {
                words.truncate(first);
                at = end_of_raw(template, at);
            }
        } else {
            at = start + 1;
        }
    }
    words
}

/// Reads the words of one `{{ }}` or `{% %}` from `at` on; gives the place behind it.
fn read_part<'a>(
    template: &'a str,
    mut at: usize,
    closing: &str,
    words: &mut Vec<Word<'a>>,
) -> usize {
    let mut depth = 0_usize;
    while let Some(next) = template[at..].chars().next() {
        let rest = &template[at..];
        if depth == 0 && rest.starts_with(closing) {
            words.push(Word {
                kind: WordKind::End,
                text: &rest[..2],
                start: at,
            });
            return at + 2;
        }
        if next.is_whitespace() {
            at += next.len_utf8();
            continue;
        }
        let (kind, length) = match next {
            '\'' | '"' => (WordKind::Text, text_length(rest)),
            _ if next.is_ascii_alphabetic() || next == '_' => (WordKind::Name, name_length(rest)),
            _ => (WordKind::Sign, sign_length(rest)),
        };
        match next {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        words.push(Word {
            kind,
            text: &rest[..length],
            start: at,
        });
        at += length;
    }
    template.len()
}

/// The length of a quoted text with its quotes.
fn text_length(rest: &str) -> usize {
    let quote = rest.as_bytes()[0];
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if byte == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn name_length(rest: &str) -> usize {
    rest.bytes()
        .position(|byte| !byte.is_ascii_alphanumeric() && byte != b'_')
        .unwrap_or(rest.len())
}

/// The length of a number, or of an operator; those of two characters are one word.
fn sign_length(rest: &str) -> usize {
    let first = rest.chars().next().map_or(1, char::len_utf8);
    if rest.as_bytes()[0].is_ascii_digit() {
        return name_length(rest);
    }
    let pair = rest.get(..2).unwrap_or_default();
    if matches!(pair, "==" | "!=" | "<=" | ">=" | "//" | "**") {
        2
    } else {
        first
    }
}

/// Where the text of a raw block ends, with its `{% endraw %}`.
fn end_of_raw(template: &str, mut at: usize) -> usize {
    while let Some(open) = template[at..].find("{%") {
        let start = at + open + 2;
        let inner = template[start..]
            .trim_start_matches(['-', '+'])
            .trim_start();
        at = start;
        if inner.starts_with("endraw") {
            return template[start..]
                .find("%}")
                .map_or(template.len(), |end| start + end + 2);
        }
    }
    template.len()
}
