//! The generated population: every user and person from the seed and a number, nothing kept.

mod names;
mod person;
mod user;

pub(crate) use person::{BUILT_IN, person_id};
pub(crate) use user::{custom_roles, roles, sites};

use std::fmt::Write as _;

use fastrand::Rng;

use names::Name;

/// Between the ids of two users in a row, as they are made at different times.
const ID_STEP: u64 = 3_917_000_003;

/// Ids grow from 18 to 19 digits inside every population, so that sorting them as texts goes wrong.
const FIRST_NINETEEN_DIGITS: u64 = 1_000_000_000_000_000_000;

/// The rules by which a population is made.
#[derive(Clone, Debug)]
pub(crate) struct Population {
    seed: u64,
    count: u32,
    oddities: bool,
    first_id: u64,
}

/// Where the oddities that need an exact place in the list fall, of every 200 users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    /// The next user has the same address in another spelling.
    Twin,
    /// Has the address of the one before.
    TwinOfPrevious,
    /// An account of the console itself.
    System,
    Other,
}

impl Population {
    pub(crate) fn new(seed: u64, count: u32, oddities: bool) -> Self {
        let before_growth = u64::from(count / 3) + 1;
        Self {
            seed,
            count,
            oddities,
            first_id: FIRST_NINETEEN_DIGITS - before_growth * ID_STEP,
        }
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn user_id(&self, number: u32) -> u64 {
        self.first_id
            + u64::from(number) * ID_STEP
            + self.rng(number, Stream::Id).u64(0..ID_STEP / 2)
    }

    /// The number of the user with this id.
    pub(crate) fn number_of(&self, id: &str) -> Option<u32> {
        let distance = id.parse::<u64>().ok()?.checked_sub(self.first_id)?;
        let number = u32::try_from(distance / ID_STEP).ok()?;
        (number < self.count && self.user_id(number).to_string() == id).then_some(number)
    }

    /// Whether the user has a record in Oomnitza from before, at this share.
    pub(crate) fn has_person(&self, number: u32, share: f64) -> bool {
        let mut rng = self.rng(number, Stream::Person);
        !matches!(self.slot(number), Slot::TwinOfPrevious | Slot::System)
            && rng.f64() < share
            && self.email(number).is_some()
    }

    /// The user's address as the console spells it.
    fn email(&self, number: u32) -> Option<String> {
        match self.slot(number) {
            Slot::System => None,
            Slot::TwinOfPrevious => {
                let twin = self.plain_email(number - 1);
                let (local, domain) = twin.split_once('@').expect("made with an @");
                let spelling = local.split('.').map(capital).collect::<Vec<_>>().join(".");
                Some(format!("{spelling}@{}", capital(domain)))
            }
            Slot::Other if self.odd(number, Stream::NoEmail, 0.01) => None,
            Slot::Twin | Slot::Other => Some(self.plain_email(number)),
        }
    }

    /// The address made from the name and the number, which makes it unique.
    fn plain_email(&self, number: u32) -> String {
        let name = self.name(number);
        let mut email = String::with_capacity(48);
        name.write_ascii(&mut email, '.');
        // Writing to a String cannot fail.
        let _ = write!(email, "{number}@acme.example");
        email
    }

    fn name(&self, number: u32) -> Name {
        match self.slot(number) {
            Slot::TwinOfPrevious => {
                Name::pick(&mut self.rng(number - 1, Stream::Name), self.oddities)
            }
            _ => Name::pick(&mut self.rng(number, Stream::Name), self.oddities),
        }
    }

    fn slot(&self, number: u32) -> Slot {
        if !self.oddities {
            return Slot::Other;
        }
        match number % 200 {
            31 => Slot::Twin,
            32 => Slot::TwinOfPrevious,
            57 => Slot::System,
            _ => Slot::Other,
        }
    }

    /// Whether an oddity of this likelihood strikes the user.
    fn odd(&self, number: u32, stream: Stream, likelihood: f64) -> bool {
        self.oddities && self.rng(number, stream).f64() < likelihood
    }

    /// Independent random numbers for each aspect of each user, so that one can be made without the others.
    fn rng(&self, number: u32, stream: Stream) -> Rng {
        let place = (u64::from(number) << 8) | stream as u64;
        Rng::with_seed(
            self.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)
                ^ place.wrapping_mul(0xD6E8_FEB8_6659_FD93),
        )
    }
}

/// The aspects of a user that are decided independently.
#[derive(Clone, Copy, Debug)]
enum Stream {
    Id = 1,
    Name,
    NoEmail,
    User,
    Odd,
    Person,
    Stale,
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// A JSON string of text that may hold quotes, backslashes or control characters.
fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{0}'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(letter));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use serde_json::Value;

    use super::*;

    fn users(population: &Population) -> Vec<Value> {
        let mut out = String::new();
        (0..population.count())
            .map(|number| {
                out.clear();
                population.write_user(number, &mut out);
                serde_json::from_str(&out).unwrap()
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_users_and_another_seed_others() {
        let first = users(&Population::new(7, 300, true));
        assert_eq!(first, users(&Population::new(7, 300, true)));
        assert_ne!(first, users(&Population::new(8, 300, true)));
    }

    #[test]
    fn ids_ascend_and_grow_from_18_to_19_digits() {
        let population = Population::new(1, 1_000, true);
        let ids: Vec<u64> = (0..1_000)
            .map(|number| population.user_id(number))
            .collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|pair| pair[0] != pair[1]));
        let lengths: HashSet<usize> = ids.iter().map(|id| id.to_string().len()).collect();
        assert_eq!(lengths, HashSet::from([18, 19]));
        for (number, id) in (0..).zip(&ids) {
            assert_eq!(population.number_of(&id.to_string()), Some(number));
            assert_eq!(population.number_of(&(id + 1).to_string()), None);
        }
    }

    #[test]
    fn every_oddity_is_in_a_demo_population() {
        let users = users(&Population::new(1, 250, true));
        let has = |claim: &dyn Fn(&Value) -> bool| users.iter().any(claim);
        assert!(has(&|user| user["email"].is_null()));
        assert!(has(&|user| user["isSystem"] == true));
        assert!(has(&|user| user["fullName"].is_null()));
        assert!(has(&|user| user.get("lowestRole").is_none()));
        assert!(has(&|user| user["source"] == "google_oidc"));
        assert!(has(&|user| user["email"]
            .as_str()
            .is_some_and(|email| email.contains('\''))));
        assert!(has(&|user| user["scopeRoles"]
            .as_array()
            .is_some_and(|roles| roles.len() > 1)));
        assert!(has(&|user| user["scopeRoles"][0]["roleName"] == "Custom"));
        let mut spellings: HashMap<String, HashSet<&str>> = HashMap::new();
        for email in users.iter().filter_map(|user| user["email"].as_str()) {
            spellings
                .entry(email.to_lowercase())
                .or_default()
                .insert(email);
        }
        assert!(spellings.values().any(|spellings| spellings.len() == 2));
    }

    #[test]
    fn a_plain_population_has_unique_addresses() {
        let users = users(&Population::new(1, 2_000, false));
        let emails: HashSet<&str> = users
            .iter()
            .map(|user| user["email"].as_str().unwrap())
            .collect();
        assert_eq!(emails.len(), 2_000);
    }
}
