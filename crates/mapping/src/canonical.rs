//! When two values are equal.
//!
//! Oomnitza may show a value in another type or spelling than it was sent. Each value has one
//! canonical text, and values are equal when their canonical texts are: that makes equality an
//! equivalence, and gives sync keys something to be looked up by.

mod decimal;
mod instant;

use unicode_normalization::UnicodeNormalization as _;

use crate::raw;

pub(crate) use decimal::push_decimal;
pub(crate) use instant::instant;

/// How the values of a field compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An e-mail address or a username: folded, see [`fold`].
    Address,
    /// Everything else.
    Plain,
}

impl Kind {
    /// The kind of an Oomnitza field, by its name.
    pub fn of_field(name: &str) -> Self {
        match name {
            "email" | "username" => Self::Address,
            _ => Self::Plain,
        }
    }
}

/// How deep lists and objects are compared by their members; deeper ones compare as they came.
const MAX_DEPTH: usize = 100;

/// Begins the canonical text of a list or an object; a text that begins so gets one more, so
/// that no text can pass for a list.
const MARK: char = '\0';

/// Appends the canonical text of a raw JSON value; false, and nothing appended, where it is empty.
///
/// Texts stand for themselves, numbers and booleans for their usual spelling, so `25` and `"25"`
/// are one; times stand for their Unix seconds. Addresses are folded. The members of lists and
/// objects stand for their canonical texts; empty ones, and the order of an object, do not count.
pub fn canonical(kind: Kind, raw: &str, out: &mut String) -> bool {
    let start = out.len();
    if raw::is_empty(raw) {
        return false;
    }
    match (kind, raw::text(raw)) {
        (Kind::Address, Some(text)) => push_folded(&text, out),
        (Kind::Plain, Some(text)) => push_text(&text, out),
        (_, None) => push_other(raw, out, MAX_DEPTH),
    }
    out.len() > start
}

/// Whether two raw JSON values are equal: whether their canonical texts are. Two empty values are.
pub fn equal(kind: Kind, a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    if kind == Kind::Plain && is_plain_text(a) && is_plain_text(b) {
        return false;
    }
    let (mut left, mut right) = (String::new(), String::new());
    canonical(kind, a, &mut left) == canonical(kind, b, &mut right) && left == right
}

/// By what a value compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    /// As an address: without case and white space around.
    Folded,
    /// As an instant, to the second.
    AsInstant,
    /// As a text, a number or a boolean, whichever of them it was written as.
    AsWritten,
}

/// Says by what a raw JSON value of a field of this kind is compared with another one.
pub fn compared(kind: Kind, raw: &str) -> Compared {
    match (kind, raw::text(raw)) {
        (Kind::Address, Some(_)) => Compared::Folded,
        (Kind::Plain, Some(text)) if instant(&text).is_some() => Compared::AsInstant,
        _ => Compared::AsWritten,
    }
}

/// An e-mail address or username as it compares: without white space around, in lower case and
/// normalised (NFC), wherever Unicode knows cases; a final sigma is a sigma.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    push_folded(text, &mut folded);
    folded
}

fn push_folded(text: &str, out: &mut String) {
    let text = text.trim();
    if text.is_ascii() {
        out.extend(text.chars().map(|letter| letter.to_ascii_lowercase()));
        return;
    }
    // Lower case may bring letters that compose with what follows, hence normalised twice.
    let lower = text.nfc().flat_map(char::to_lowercase);
    out.extend(
        lower
            .map(|letter| if letter == 'ς' { 'σ' } else { letter })
            .nfc(),
    );
}

/// Whether a raw value is a text that is equal to no other spelling: no escapes, and neither a
/// time nor, as a whole, a number or a boolean of the other side.
fn is_plain_text(raw: &str) -> bool {
    let bytes = raw.as_bytes();
    matches!(bytes, [b'"', first, .., b'"'] if !first.is_ascii_digit()) && !bytes.contains(&b'\\')
}

fn push_text(text: &str, out: &mut String) {
    if let Some(seconds) = instant(text) {
        return out.push_str(&seconds.to_string());
    }
    if text.starts_with(MARK) {
        out.push(MARK);
    }
    out.push_str(text);
}

/// Appends the canonical text of what is no text.
fn push_other(raw: &str, out: &mut String, depth: usize) {
    match raw.as_bytes().first() {
        Some(b'[') if depth > 0 => push_list(raw, out, depth - 1),
        Some(b'{') if depth > 0 => push_object(raw, out, depth - 1),
        Some(b'-' | b'0'..=b'9') => push_decimal(raw, out),
        _ => out.push_str(raw),
    }
}

fn push_list(raw: &str, out: &mut String, depth: usize) {
    let Ok(items) = raw::items(raw) else {
        return out.push_str(raw);
    };
    out.push(MARK);
    out.push('[');
    for item in items {
        push_member(item, out, depth);
    }
}

fn push_object(raw: &str, out: &mut String, depth: usize) {
    let Ok(mut members) = raw::members(raw) else {
        return out.push_str(raw);
    };
    // Of two members of one name the last counts: it comes first after turning the order round.
    members.reverse();
    members.sort_by(|(a, _), (b, _)| a.cmp(b));
    members.dedup_by(|(later, _), (kept, _)| later == kept);
    out.push(MARK);
    out.push('{');
    for (name, value) in members {
        if !raw::is_empty(value) {
            push_sized(&name, out);
            push_member(value, out, depth);
        }
    }
}

fn push_member(raw: &str, out: &mut String, depth: usize) {
    let mut member = String::new();
    match raw::text(raw) {
        Some(text) => push_text(&text, &mut member),
        None => push_other(raw, &mut member, depth),
    }
    push_sized(&member, out);
}

/// Appends a text behind its length, so that texts one after the other cannot be mistaken.
fn push_sized(text: &str, out: &mut String) {
    out.push_str(&text.len().to_string());
    out.push(':');
    out.push_str(text);
}
