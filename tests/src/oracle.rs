//! The same load once more, naively: what must become of every user, and of every person in Oomnitza.
//!
//! It knows one mapping, that of [`Config`](crate::Config), as a table of plain functions,
//! and compares everybody with everybody.

mod mapping;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::values::{self, Kind};
use mapping::{FIELDS, Field, Write};

/// What must become of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Made in Oomnitza.
    Created,
    /// Changed in Oomnitza.
    Updated,
    /// Already as it should be.
    Unchanged,
    /// Left alone, for this reason.
    Skipped(&'static str),
    /// Not loaded, for this reason.
    Failed(&'static str),
}

impl Outcome {
    /// The word and the reason as the database has them.
    pub fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Created => ("created", None),
            Self::Updated => ("updated", None),
            Self::Unchanged => ("unchanged", None),
            Self::Skipped(reason) => ("skipped", Some(reason)),
            Self::Failed(reason) => ("failed", Some(reason)),
        }
    }
}

/// One write that must have been planned.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) action: &'static str,
    pub(crate) before: Option<Map<String, Value>>,
    pub(crate) after: Map<String, Value>,
}

/// What must come of a load.
#[derive(Debug)]
pub struct Expected {
    /// By the id of the user in the console.
    pub outcomes: BTreeMap<String, Outcome>,
    pub(crate) changes: BTreeMap<String, Change>,
    /// The `user_id` of the person that a user found, if it found exactly one.
    pub(crate) matches: BTreeMap<String, String>,
    /// Everybody in Oomnitza afterwards, by `user_id`; those who were made by the id of their user.
    pub(crate) people: BTreeMap<String, Value>,
}

impl Expected {
    /// How many users must have each outcome.
    pub fn counts(&self) -> BTreeMap<Outcome, usize> {
        let mut counts = BTreeMap::new();
        for outcome in self.outcomes.values() {
            *counts.entry(*outcome).or_default() += 1;
        }
        counts
    }

    /// How many writes must have been planned.
    pub fn planned(&self) -> usize {
        self.changes.len()
    }
}

/// The rules of a load, and what it finds on both sides.
#[derive(Debug)]
pub struct Oracle<'a> {
    /// Everybody in the console.
    pub users: &'a [Value],
    /// Everybody in Oomnitza before the load.
    pub people: &'a [Value],
    /// `update_only`, `create_and_update` or `create_only`.
    pub preference: &'a str,
    /// Oomnitza fields, tried in order.
    pub sync_keys: &'a [&'static str],
    /// The console's URL.
    pub console_url: &'a str,
    /// The instant of the load, as it is written.
    pub synced_at: &'a str,
}

/// A user, mapped.
struct Candidate {
    id: String,
    record: Map<String, Value>,
    /// Why it is settled already, without a look at Oomnitza.
    settled: Option<Outcome>,
    /// The number and the value of each sync key that has one; none for who does not compete.
    keys: Vec<(usize, String)>,
    /// The people that the keys find, in the order of the keys, each with the number of the key.
    found: Vec<(usize, usize)>,
}

impl Oracle<'_> {
    /// Computes what must come of the load.
    pub fn expect(&self) -> Expected {
        let mut candidates: Vec<Candidate> =
            self.users.iter().map(|user| self.candidate(user)).collect();
        let losers = losers(&mut candidates);
        let mut expected = Expected {
            outcomes: BTreeMap::new(),
            changes: BTreeMap::new(),
            matches: BTreeMap::new(),
            people: self
                .people
                .iter()
                .map(|person| (id_of(person, "user_id"), person.clone()))
                .collect(),
        };
        for (candidate, loses) in candidates.iter().zip(losers) {
            let outcome = match candidate.settled {
                Some(outcome) => outcome,
                None if loses => Outcome::Skipped("duplicate_in_source"),
                None => self.decide(candidate, &mut expected),
            };
            expected.outcomes.insert(candidate.id.clone(), outcome);
        }
        expected
    }

    fn candidate(&self, user: &Value) -> Candidate {
        let mut record = Map::new();
        let mut fault = None;
        for field in FIELDS {
            match (field.value)(user, self) {
                Ok(value) if values::is_empty(&value) => {}
                Ok(value) => {
                    record.insert(field.name.to_owned(), value);
                }
                Err(reason) => fault = Some(Outcome::Failed(reason)),
            }
        }
        let in_scope = user["isSystem"] != true;
        let keys: Vec<(usize, String)> = self
            .sync_keys
            .iter()
            .enumerate()
            .filter(|_| in_scope)
            .filter_map(|(number, name)| Some((number, key_of(name, record.get(*name)?)?)))
            .collect();
        let mut found: Vec<(usize, usize)> = Vec::new();
        for (number, value) in &keys {
            for (place, person) in self.people.iter().enumerate() {
                let name = self.sync_keys[*number];
                let is_new = found.iter().all(|(known, _)| *known != place);
                if is_new && key_of(name, &person[name]).as_ref() == Some(value) {
                    found.push((place, *number));
                }
            }
        }
        let settled = if !in_scope {
            Some(Outcome::Skipped("out_of_scope"))
        } else if fault.is_some() {
            fault
        } else if keys.is_empty() {
            Some(Outcome::Skipped("no_sync_key"))
        } else {
            None
        };
        Candidate {
            id: id_of(user, "id"),
            record,
            settled,
            keys,
            found,
        }
    }

    fn decide(&self, candidate: &Candidate, expected: &mut Expected) -> Outcome {
        match candidate.found.as_slice() {
            [] if self.preference == "update_only" => Outcome::Skipped("not_in_oomnitza"),
            [] => self.create(candidate, expected),
            [(place, _)] => {
                let person = &self.people[*place];
                expected
                    .matches
                    .insert(candidate.id.clone(), id_of(person, "user_id"));
                if self.preference == "create_only" {
                    return Outcome::Skipped("already_in_oomnitza");
                }
                update(candidate, person, expected)
            }
            _ => Outcome::Skipped("ambiguous_in_oomnitza"),
        }
    }

    fn create(&self, candidate: &Candidate, expected: &mut Expected) -> Outcome {
        let record = &candidate.record;
        if !(record.contains_key("username") && record.contains_key("role")) {
            return Outcome::Failed("mapping");
        }
        let change = Change {
            action: "create",
            before: None,
            after: record.clone(),
        };
        expected.changes.insert(candidate.id.clone(), change);
        let username = key_of("username", &record["username"]);
        let is_taken = |person: &Value| key_of("username", &person["username"]) == username;
        if self.people.iter().any(is_taken) {
            return Outcome::Failed("rejected");
        }
        let mut person = Value::Object(record.clone());
        if ["first_name", "last_name"]
            .iter()
            .any(|part| record.contains_key(*part))
        {
            keep_full_name(&mut person);
        }
        expected.people.insert(candidate.id.clone(), person);
        Outcome::Created
    }
}

fn update(candidate: &Candidate, person: &Value, expected: &mut Expected) -> Outcome {
    let nothing = Value::Null;
    let differing = |field: &&Field| {
        let new = candidate.record.get(field.name).unwrap_or(&nothing);
        let old = &person[field.name];
        let may_be_written = match field.write {
            Write::Always => !values::is_empty(new),
            Write::OrClear => true,
            Write::OnCreate => false,
            Write::IfEmpty => values::is_empty(old),
        };
        may_be_written && !values::equal(field.kind, new, old)
    };
    let differing: Vec<&Field> = FIELDS.iter().filter(differing).collect();
    if differing
        .iter()
        .all(|field| field.name == mapping::SYNC_TIME)
    {
        return Outcome::Unchanged;
    }
    let part = |of: &dyn Fn(&Field) -> Value| -> Map<String, Value> {
        let named = differing
            .iter()
            .map(|field| (field.name.to_owned(), of(field)));
        named.collect()
    };
    let before = part(&|field| match &person[field.name] {
        old if values::is_empty(old) => Value::Null,
        old => old.clone(),
    });
    let after = part(&|field| {
        candidate
            .record
            .get(field.name)
            .cloned()
            .unwrap_or_default()
    });
    let mut changed = person.clone();
    for (name, value) in &after {
        changed[name] = value.clone();
    }
    if after.contains_key("first_name") || after.contains_key("last_name") {
        keep_full_name(&mut changed);
    }
    expected.people.insert(id_of(person, "user_id"), changed);
    let change = Change {
        action: "update",
        before: Some(before),
        after,
    };
    expected.changes.insert(candidate.id.clone(), change);
    Outcome::Updated
}

/// Oomnitza keeps the full name in step with the first and the last.
fn keep_full_name(person: &mut Value) {
    let part = |name: &str| person[name].as_str().unwrap_or_default().to_owned();
    let full = format!("{} {}", part("first_name"), part("last_name"));
    person["full_name"] = json!(full.trim());
}

/// Says of each user whether another goes before: a match by an earlier key, then the lowest id.
fn losers(candidates: &mut [Candidate]) -> Vec<bool> {
    let mut order: Vec<usize> = (0..candidates.len()).collect();
    order.sort_by_key(|place| {
        let candidate = &candidates[*place];
        let strength = candidate.found.first().map_or(usize::MAX, |(_, key)| *key);
        let id: u128 = candidate.id.parse().expect("ids are numbers");
        (strength, id)
    });
    let mut losers = vec![false; candidates.len()];
    let mut winners: Vec<usize> = Vec::new();
    for place in order {
        let one = &candidates[place];
        let collides = |winner: &usize| {
            let other = &candidates[*winner];
            one.keys.iter().any(|key| other.keys.contains(key))
                || one
                    .found
                    .iter()
                    .any(|(person, _)| other.found.iter().any(|(theirs, _)| theirs == person))
        };
        if winners.iter().any(collides) {
            losers[place] = true;
        } else {
            winners.push(place);
        }
    }
    losers
}

fn key_of(field: &str, value: &Value) -> Option<String> {
    let kind = if matches!(field, "email" | "username") {
        Kind::Address
    } else {
        Kind::Other
    };
    values::key(kind, value)
}

fn id_of(object: &Value, member: &str) -> String {
    object[member].as_str().expect("ids are texts").to_owned()
}
