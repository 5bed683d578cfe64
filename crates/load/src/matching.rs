//! Matching: which Oomnitza person each user's keys find, and which users stand in each other's way.
//!
//! The rules are design's: keys are tried in order; a later key that finds another person makes the match ambiguous.
//! Users that share a key's value or find the same person collide:
//! a match by an earlier key wins, then the numerically lowest id, and every other is a duplicate of the winner.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;

use crate::scratch::{Key, Keys};

/// What a user's keys found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Match {
    /// Nobody.
    Nobody,
    /// One person (its row), by the key of this number.
    One { person: u32, key: u8 },
    /// Two or more people; two of them are named.
    Ambiguous { first: u32, other: u32, key: u8 },
    /// Another user (its row) goes before.
    Duplicate { of: u32 },
}

/// What the keys of all users found.
pub(crate) struct Matches {
    /// By row of the user: the row of the person found first, plus one; zero for nobody.
    first: Vec<u32>,
    /// By row of the user: the number of the key that found it.
    key: Vec<u8>,
    /// People found beside the first, of the few users of whom there are any.
    others: HashMap<u32, Vec<u32>>,
    /// Users that lost against another.
    duplicates: HashMap<u32, u32>,
}

/// A key that more people have than this tells nobody apart; the rest of them are not looked at.
const MANY: usize = 64;

/// Users of whom only one may be loaded.
type Group = Vec<u32>;

impl Matches {
    /// Matches the keys of `users` with those of `people`; `ids` gives the console's ids of the users that collide.
    pub(crate) fn find(
        user_rows: usize,
        users: &mut Keys,
        people: &mut Keys,
        ids: impl FnOnce(&HashSet<u32>) -> io::Result<HashMap<u32, String>>,
    ) -> io::Result<Self> {
        let mut matches = Self {
            first: vec![0; user_rows],
            key: vec![0; user_rows],
            others: HashMap::new(),
            duplicates: HashMap::new(),
        };
        let mut groups = Vec::new();
        for part in 0..Keys::parts() {
            matches.join(&users.take(part)?, &people.take(part)?, &mut groups);
        }
        matches.add_contested(&mut groups);
        if !groups.is_empty() {
            let involved: HashSet<u32> = groups.iter().flatten().copied().collect();
            let ids = ids(&involved)?;
            matches.resolve(&groups, &ids);
        }
        Ok(matches)
    }

    /// Says what the keys of a user found.
    pub(crate) fn of(&self, user: u32) -> Match {
        if let Some(&of) = self.duplicates.get(&user) {
            return Match::Duplicate { of };
        }
        let Some((person, key)) = self.first(user) else {
            return Match::Nobody;
        };
        match self.others.get(&user).and_then(|others| others.first()) {
            Some(&other) => Match::Ambiguous {
                first: person,
                other,
                key,
            },
            None => Match::One { person, key },
        }
    }

    fn first(&self, user: u32) -> Option<(u32, u8)> {
        let index = user as usize;
        self.first[index]
            .checked_sub(1)
            .map(|person| (person, self.key[index]))
    }

    /// Joins one part of both sides; both are ordered by hash and key.
    fn join(&mut self, users: &[Key], people: &[Key], groups: &mut Vec<Group>) {
        let mut people = people.chunk_by(same_value).peekable();
        for users in users.chunk_by(same_value) {
            let value = (users[0].hash, users[0].number);
            while people
                .next_if(|people| (people[0].hash, people[0].number) < value)
                .is_some()
            {}
            if users.len() > 1 {
                groups.push(users.iter().map(|user| user.row).collect());
            }
            let Some(people) = people.next_if(|people| (people[0].hash, people[0].number) == value)
            else {
                continue;
            };
            for user in users {
                for person in people.iter().take(MANY) {
                    self.found(user.row, person.row, user.number);
                }
            }
        }
    }

    /// Notes that a key of a user found a person.
    fn found(&mut self, user: u32, person: u32, key: u8) {
        let index = user as usize;
        match self.first(user) {
            None => {
                self.first[index] = person + 1;
                self.key[index] = key;
            }
            Some((first, by)) if first == person => self.key[index] = by.min(key),
            Some((first, by)) => {
                let other = if key < by {
                    self.first[index] = person + 1;
                    self.key[index] = key;
                    first
                } else {
                    person
                };
                let others = self.others.entry(user).or_default();
                if !others.contains(&other) {
                    others.push(other);
                }
                let first = self.first[index] - 1;
                others.retain(|&other| other != first);
            }
        }
    }

    /// Adds the groups of users who found the same person by different keys.
    fn add_contested(&self, groups: &mut Vec<Group>) {
        let found = |user: usize| {
            let user = u32::try_from(user).unwrap_or(u32::MAX);
            let others = self.others.get(&user).into_iter().flatten().copied();
            self.first(user)
                .map(|(person, _)| person)
                .into_iter()
                .chain(others)
        };
        let mut once = Bits::default();
        let mut contested = HashSet::new();
        for person in (0..self.first.len()).flat_map(found) {
            if !once.insert(person) {
                contested.insert(person);
            }
        }
        if contested.is_empty() {
            return;
        }
        let mut finders: BTreeMap<u32, Group> = BTreeMap::new();
        for user in 0..self.first.len() {
            for person in found(user).filter(|person| contested.contains(person)) {
                finders
                    .entry(person)
                    .or_default()
                    .push(u32::try_from(user).unwrap_or(u32::MAX));
            }
        }
        groups.extend(finders.into_values());
    }

    /// Lets the users of all groups win or lose, the strongest first.
    fn resolve(&mut self, groups: &[Group], ids: &HashMap<u32, String>) {
        let mut memberships: HashMap<u32, Vec<usize>> = HashMap::new();
        for (number, group) in groups.iter().enumerate() {
            for &user in group {
                memberships.entry(user).or_default().push(number);
            }
        }
        let id = |user: u32| ids.get(&user).map_or("", String::as_str);
        let strength = |user: u32| self.first(user).map_or(u8::MAX, |(_, key)| key);
        let mut order: Vec<u32> = memberships.keys().copied().collect();
        order.sort_by(|&a, &b| {
            strength(a)
                .cmp(&strength(b))
                .then_with(|| by_number(id(a), id(b)))
                .then(a.cmp(&b))
        });
        let rank: HashMap<u32, usize> = order
            .iter()
            .enumerate()
            .map(|(rank, &user)| (user, rank))
            .collect();
        let mut owners: Vec<Option<u32>> = vec![None; groups.len()];
        for user in order {
            let mine = &memberships[&user];
            let winner = mine
                .iter()
                .filter_map(|&group| owners[group])
                .min_by_key(|w| rank[w]);
            match winner {
                Some(winner) => {
                    self.duplicates.insert(user, winner);
                }
                None => mine.iter().for_each(|&group| owners[group] = Some(user)),
            }
        }
    }
}

fn same_value(a: &Key, b: &Key) -> bool {
    (a.hash, a.number) == (b.hash, b.number)
}

/// Orders ids as numbers of any length; what is no number comes after, as text.
fn by_number(a: &str, b: &str) -> Ordering {
    let number = |id: &str| {
        let digits = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| id.trim_start_matches('0').len())
    };
    match (number(a), number(b)) {
        (Some(x), Some(y)) => x
            .cmp(&y)
            .then_with(|| a.trim_start_matches('0').cmp(b.trim_start_matches('0')))
            .then_with(|| a.cmp(b)),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

/// A set of small numbers, one bit each.
#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    /// Adds a number; says whether it is new.
    fn insert(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1_u64 << (number % 64));
        if word >= self.0.len() {
            self.0.resize(word + 1, 0);
        }
        let new = self.0[word] & bit == 0;
        self.0[word] |= bit;
        new
    }
}

#[cfg(test)]
mod tests;
