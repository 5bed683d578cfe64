//! Finding people by a field's value without looking at all of them.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The places of the people who have, or once had, a value. Whoever looks checks what is there now.
#[derive(Debug, Default)]
pub(super) struct Index {
    places: HashMap<u64, Places>,
}

#[derive(Debug)]
enum Places {
    One(usize),
    Several(Vec<usize>),
}

impl Index {
    /// Notes that the person at the place has the value.
    pub(super) fn add(&mut self, value: &str, place: usize) {
        let places = self.places.entry(key(value)).or_insert(Places::One(place));
        match places {
            Places::One(known) if *known == place => {}
            Places::One(known) => *places = Places::Several(vec![*known, place]),
            Places::Several(known) if known.contains(&place) => {}
            Places::Several(known) => known.push(place),
        }
    }

    /// Where the value may be found, whatever its case.
    pub(super) fn candidates(&self, value: &str) -> &[usize] {
        match self.places.get(&key(value)) {
            None => &[],
            Some(Places::One(place)) => std::slice::from_ref(place),
            Some(Places::Several(places)) => places,
        }
    }
}

/// A text without regard to case and surrounding blanks.
pub(super) fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

fn key(value: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    fold(value).hash(&mut hasher);
    hasher.finish()
}
