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
    /// One person.
    One(Hit),
    /// Two or more people, the one first whom the earliest key found.
    Ambiguous(Vec<Hit>),
    /// Another user (its row) goes before; with whom the keys found all the same.
    Duplicate { of: u32, found: Vec<Hit> },
}

/// A person (its row) whom keys of a user found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) person: u32,
    pub(crate) keys: FoundBy,
}

/// The sync keys that found a person, one bit each, the first key the lowest: a mapping has at most eight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct FoundBy(pub(crate) u8);

const _: () = assert!(mapping::MOST_SYNC_KEYS <= u8::BITS as usize);

impl FoundBy {
    pub(crate) fn key(number: u8) -> Self {
        Self(1 << number)
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the key of this number is among them.
    pub(crate) fn has(self, number: u8) -> bool {
        self.0 & Self::key(number).0 != 0
    }

    /// The number of the earliest of them.
    pub(crate) fn earliest(self) -> u8 {
        // Below eight, or eight where there is none.
        self.0.trailing_zeros().try_into().unwrap_or(u8::MAX)
    }
}

/// What the keys of all users found.
pub(crate) struct Matches {
    /// By row of the user: the row of the person found first, plus one; zero for nobody.
    first: Vec<u32>,
    /// By row of the user: the keys that found it.
    keys: Vec<FoundBy>,
    /// People found beside the first, of the few users of whom there are any.
    others: HashMap<u32, Vec<Hit>>,
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
            keys: vec![FoundBy::default(); user_rows],
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
            let found = self.found_by(user).collect();
            return Match::Duplicate { of, found };
        }
        match self.first(user) {
            None => Match::Nobody,
            Some(_)
                if self
                    .others
                    .get(&user)
                    .is_some_and(|others| !others.is_empty()) =>
            {
                Match::Ambiguous(self.found_by(user).collect())
            }
            Some(hit) => Match::One(hit),
        }
    }

    /// Lists whom the keys of a user found, the first first.
    fn found_by(&self, user: u32) -> impl Iterator<Item = Hit> {
        let others = self.others.get(&user).into_iter().flatten().copied();
        self.first(user).into_iter().chain(others)
    }

    fn first(&self, user: u32) -> Option<Hit> {
        let index = user as usize;
        self.first[index].checked_sub(1).map(|person| Hit {
            person,
            keys: self.keys[index],
        })
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
                    let keys = FoundBy::key(user.number);
                    let person = person.row;
                    self.found(user.row, Hit { person, keys });
                }
            }
        }
    }

    /// Notes that a key of a user found a person.
    fn found(&mut self, user: u32, hit: Hit) {
        let first = match self.first(user) {
            None => hit,
            Some(first) if first.person == hit.person => Hit {
                keys: first.keys.and(hit.keys),
                ..first
            },
            Some(first) => {
                let earlier = hit.keys.earliest() < first.keys.earliest();
                let (mut first, other) = if earlier { (hit, first) } else { (first, hit) };
                let others = self.others.entry(user).or_default();
                match others.iter_mut().find(|known| known.person == other.person) {
                    Some(known) => known.keys = known.keys.and(other.keys),
                    None => others.push(other),
                }
                // Who comes first now may have been among the others, by a later key.
                if let Some(place) = others.iter().position(|one| one.person == first.person) {
                    first.keys = first.keys.and(others.remove(place).keys);
                }
                first
            }
        };
        let index = user as usize;
        self.first[index] = first.person + 1;
        self.keys[index] = first.keys;
    }

    /// Adds the groups of users who found the same person by different keys.
    fn add_contested(&self, groups: &mut Vec<Group>) {
        let found = |user: usize| {
            let user = u32::try_from(user).unwrap_or(u32::MAX);
            self.found_by(user).map(|hit| hit.person)
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
        let strength = |user: u32| self.first(user).map_or(u8::MAX, |hit| hit.keys.earliest());
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
