//! The people in Oomnitza: made on the fly until somebody writes to them.

use std::borrow::Cow;
use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::filter::Filter;
use super::index::{Index, fold};
use super::schema::Schema;
use crate::object::{json_of, plain};
use crate::options::Letters;
use crate::population::{Population, person_id};
use crate::rows::{Row, Rows};

/// About the size of a person's JSON, to make room for a page at once.
pub(super) const PERSON_BYTES: usize = 1_000;

/// The people, their fields, and what is needed to find them.
#[derive(Debug)]
pub(crate) struct OomnitzaPeople {
    pub(super) schema: Schema,
    pub(super) letters: Letters,
    population: Population,
    pub(super) rows: Rows,
    seed: u64,
    /// Whether somebody was added with an id of its own, so that the list is not in the order of ids.
    pub(super) has_given_ids: bool,
    /// One index for each field that was ever looked up.
    indexes: HashMap<usize, Index>,
}

/// New values of some fields, as JSON, by the field's place.
pub(super) type Changes = Vec<(usize, String)>;

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    Changed,
    Unchanged,
}

impl OomnitzaPeople {
    /// The people whom `numbers` of the population have from before, in this order.
    pub(crate) fn generated(
        schema: Schema,
        letters: Letters,
        population: Population,
        seed: u64,
        numbers: Vec<u32>,
    ) -> Self {
        Self {
            schema,
            letters,
            population,
            rows: Rows::new(numbers.into_iter().map(Row::Generated).collect()),
            seed,
            has_given_ids: false,
            indexes: HashMap::new(),
        }
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        self.rows
            .iter_from(0)
            .map(|(place, _)| self.value(place))
            .collect()
    }

    /// The first person whose field has this value.
    pub(crate) fn first(&mut self, field: &str, value: &str) -> Option<Value> {
        let field = self.schema.place(field)?;
        let place = *self.find(field, value, Letters::Exact).first()?;
        Some(self.value(place))
    }

    /// Adds a person as given: what it has stays, what it lacks is made or null.
    pub(crate) fn add(&mut self, person: &Value) {
        self.has_given_ids |= !person["user_id"].is_null();
        let place = self.rows.end();
        let raws = (0..self.schema.len()).map(|field| {
            let name = self.schema.name(field);
            match (name, &person[name]) {
                ("user_id", Value::Null) => json_of(&person_id(self.seed, place)),
                ("uid", Value::Null) => (place + 1).to_string(),
                ("suspended", Value::Null) => "false".to_owned(),
                ("creation_date" | "change_date", Value::Null) => now(),
                (_, value) => json_of(value),
            }
        });
        let raws: Vec<String> = raws.collect();
        self.push(&raws);
    }

    /// Sets members of a person, whatever the rules say. Says whether there is such a person.
    pub(crate) fn edit(&mut self, user_id: &str, changes: &Value) -> bool {
        let Some(place) = self.by_id(user_id) else {
            return false;
        };
        let known = changes.as_object().into_iter().flatten();
        let changes: Changes = known
            .filter_map(|(name, value)| Some((self.schema.place(name)?, json_of(value))))
            .collect();
        self.write(place, changes);
        true
    }

    pub(crate) fn remove(&mut self, user_id: &str) -> bool {
        let Some(place) = self.by_id(user_id) else {
            return false;
        };
        self.rows.remove(place);
        true
    }

    /// The JSON of the person at a place, every field of the schema in its order.
    pub(super) fn text(&self, place: usize) -> Cow<'_, str> {
        if let Some(Row::Written(text)) = self.rows.get(place) {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(PERSON_BYTES);
        self.write_text(place, &mut text);
        Cow::Owned(text)
    }

    pub(super) fn write_text(&self, place: usize, out: &mut String) {
        match self.rows.get(place) {
            Some(Row::Generated(number)) => {
                self.population
                    .write_person(place, *number, self.schema.custom(), out);
            }
            Some(Row::Written(text)) => out.push_str(text),
            Some(Row::Gone) | None => out.push_str("null"),
        }
    }

    pub(super) fn value(&self, place: usize) -> Value {
        serde_json::from_str(&self.text(place)).unwrap_or_default()
    }

    pub(super) fn by_id(&mut self, user_id: &str) -> Option<usize> {
        let field = self.schema.built_in("user_id");
        let found = self.find(field, user_id, Letters::Exact);
        found.first().copied()
    }

    /// The `user_id` of the person at a place.
    pub(super) fn id_of(&self, place: usize) -> String {
        let person = self.value(place);
        person["user_id"].as_str().unwrap_or_default().to_owned()
    }

    /// The person with this id.
    pub(super) fn lookup(&mut self, user_id: &str) -> Option<Value> {
        let place = self.by_id(user_id)?;
        Some(self.value(place))
    }

    /// The people whose field has this value.
    pub(super) fn find(&mut self, field: usize, value: &str, letters: Letters) -> Vec<usize> {
        let candidates = self.candidates(field, value);
        let same = |place: &usize| {
            let text = self.text(*place);
            let raws = self.schema.raws(&text);
            let Some(now) = raws.get(field).map(|raw| plain(raw)) else {
                return false;
            };
            match letters {
                Letters::Exact => now == value,
                Letters::Folded => fold(&now) == fold(value),
            }
        };
        candidates.into_iter().filter(same).collect()
    }

    /// Where the field may have this value, from an index that is made when it is first wanted.
    fn candidates(&mut self, field: usize, value: &str) -> Vec<usize> {
        if !self.indexes.contains_key(&field) {
            let mut index = Index::default();
            for (place, _) in self.rows.iter_from(0) {
                let text = self.text(place);
                if let Some(raw) = self
                    .schema
                    .raws(&text)
                    .get(field)
                    .filter(|raw| **raw != "null")
                {
                    index.add(&plain(raw), place);
                }
            }
            self.indexes.insert(field, index);
        }
        let mut places = self.indexes[&field].candidates(value).to_vec();
        places.retain(|place| !matches!(self.rows.get(*place), None | Some(Row::Gone)));
        places
    }

    /// The people whom a filter lets through, in their order.
    pub(super) fn filtered(&mut self, filter: &Filter) -> Vec<usize> {
        let pinned = filter.pinned();
        let mut places: Vec<usize> = match pinned {
            Some((field, values)) => {
                let mut places: Vec<usize> = values
                    .iter()
                    .flat_map(|value| self.candidates(field, value))
                    .collect();
                places.sort_unstable();
                places.dedup();
                places
            }
            None => self.rows.iter_from(0).map(|(place, _)| place).collect(),
        };
        places.retain(|place| {
            let text = self.text(*place);
            filter.holds(&self.schema.raws(&text), self.letters)
        });
        places
    }

    /// Makes a person of these values; the caller has checked them.
    pub(super) fn create(&mut self, changes: Changes) -> usize {
        let place = self.rows.end();
        let mut raws = vec!["null".to_owned(); self.schema.len()];
        for (name, raw) in [
            ("user_id", json_of(&person_id(self.seed, place))),
            ("uid", (place + 1).to_string()),
            ("suspended", "false".to_owned()),
            ("email_subscription", "true".to_owned()),
            ("creation_date", now()),
            ("created_by", "\"rollcall\"".to_owned()),
            ("change_date", now()),
            ("changed_by", "\"rollcall\"".to_owned()),
        ] {
            raws[self.schema.built_in(name)] = raw;
        }
        for (field, raw) in self.with_full_name(changes, None) {
            raws[field] = raw;
        }
        self.push(&raws)
    }

    /// Writes the changes to the person at a place; the caller has checked them.
    pub(super) fn write(&mut self, place: usize, changes: Changes) -> Written {
        let text = self.text(place).into_owned();
        let before = self.schema.raws(&text);
        if changes.iter().all(|(field, raw)| before[*field] == raw) {
            return Written::Unchanged;
        }
        let changes = self.with_full_name(changes, Some(&before));
        let mut after: Vec<Cow<'_, str>> = before.into_iter().map(Cow::Borrowed).collect();
        for (field, raw) in changes {
            self.note(field, &raw, place);
            after[field] = Cow::Owned(raw);
        }
        after[self.schema.built_in("change_date")] = Cow::Owned(now());
        after[self.schema.built_in("changed_by")] = Cow::Borrowed("\"rollcall\"");
        let json = self.join(&after);
        self.rows.write(place, json);
        Written::Changed
    }

    /// Oomnitza keeps the full name in step with the first and the last.
    fn with_full_name(&self, mut changes: Changes, before: Option<&[&str]>) -> Changes {
        let [full, first, last] =
            ["full_name", "first_name", "last_name"].map(|name| self.schema.built_in(name));
        let sets = |wanted: usize| changes.iter().any(|(field, _)| *field == wanted);
        if sets(full) || !(sets(first) || sets(last)) {
            return changes;
        }
        let part = |wanted: usize| {
            let new = changes
                .iter()
                .find(|(field, _)| *field == wanted)
                .map(|(_, raw)| raw.as_str());
            let raw = new
                .or_else(|| before.map(|raws| raws[wanted]))
                .unwrap_or("null");
            if raw == "null" {
                String::new()
            } else {
                plain(raw).into_owned()
            }
        };
        let name = format!("{} {}", part(first), part(last));
        changes.push((full, json_of(name.trim())));
        changes
    }

    fn push(&mut self, raws: &[String]) -> usize {
        let place = self.rows.push(self.join(raws));
        for (field, raw) in raws.iter().enumerate() {
            self.note(field, raw, place);
        }
        place
    }

    fn note(&mut self, field: usize, raw: &str, place: usize) {
        if raw != "null"
            && let Some(index) = self.indexes.get_mut(&field)
        {
            index.add(&plain(raw), place);
        }
    }

    fn join(&self, raws: &[impl AsRef<str>]) -> String {
        let mut json = String::with_capacity(PERSON_BYTES);
        for (field, raw) in raws.iter().enumerate() {
            json.push(if field == 0 { '{' } else { ',' });
            json.push('"');
            json.push_str(self.schema.name(field));
            json.push_str("\":");
            json.push_str(raw.as_ref());
        }
        json.push('}');
        json
    }
}

fn now() -> String {
    Timestamp::now().as_second().to_string()
}
