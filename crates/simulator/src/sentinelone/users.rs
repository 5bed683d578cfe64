//! The console's users and their listing.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Value, json};

use super::cursor::Cursor;
use super::query::{Query, flag};
use crate::exchange::{Answer, Asked, Refusal};
use crate::faults::Effect;
use crate::object::json_of;
use crate::population::Population;
use crate::rows::{Row, Rows};

/// About the size of a user's JSON, to make room for a page at once.
const USER_BYTES: usize = 1_500;

/// The users: generated ones until somebody edits them, and given ones.
#[derive(Debug)]
pub(crate) struct ConsoleUsers {
    population: Population,
    rows: Rows,
    /// The places of users that were not generated, by id.
    given: HashMap<String, usize>,
    /// The last selection that was made, as the next page wants the same: its query and places.
    selected: Option<(u64, Vec<usize>)>,
}

impl ConsoleUsers {
    pub(crate) fn generated(population: Population) -> Self {
        let rows = (0..population.count()).map(Row::Generated).collect();
        Self {
            population,
            rows: Rows::new(rows),
            given: HashMap::new(),
            selected: None,
        }
    }

    /// Exactly these users, in this order.
    pub(crate) fn given(users: &[Value]) -> Self {
        let mut this = Self::generated(Population::new(0, 0, false));
        for user in users {
            let id = user["id"].as_str().unwrap_or_default().to_owned();
            let place = this.rows.push(json_of(user));
            this.given.insert(id, place);
        }
        this
    }

    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        let generated = || self.population.number_of(id).map(|number| number as usize);
        let place = self.given.get(id).copied().or_else(generated)?;
        (!matches!(self.rows.get(place)?, Row::Gone)).then_some(place)
    }

    pub(crate) fn text(&self, place: usize) -> Cow<'_, str> {
        match self.rows.get(place) {
            Some(Row::Generated(number)) => {
                let mut text = String::with_capacity(USER_BYTES);
                self.population.write_user(*number, &mut text);
                Cow::Owned(text)
            }
            Some(Row::Written(text)) => Cow::Borrowed(text),
            Some(Row::Gone) | None => Cow::Borrowed("null"),
        }
    }

    pub(crate) fn all(&self) -> Vec<Value> {
        let places = self.rows.iter_from(0);
        places.map(|(place, _)| self.value(place)).collect()
    }

    /// Merges the changes into the user's top level; null stays null. Says whether there is such a user.
    pub(crate) fn edit(&mut self, id: &str, changes: &Value) -> bool {
        let Some(place) = self.find(id) else {
            return false;
        };
        let mut user = self.value(place);
        if let (Some(user), Some(changes)) = (user.as_object_mut(), changes.as_object()) {
            user.extend(changes.clone());
        }
        self.rows.write(place, json_of(&user));
        self.selected = None;
        true
    }

    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let Some(place) = self.find(id) else {
            return false;
        };
        self.rows.remove(place);
        self.selected = None;
        true
    }

    /// `GET /users`.
    pub(super) fn list(
        &mut self,
        asked: &Asked,
        effect: Option<&Effect>,
    ) -> Result<Answer, Refusal> {
        let query = Query::of(asked)?;
        let limit = usize::try_from(asked.number("limit", 1..=1000, 10)?).expect("at most 1000");
        let skip = usize::try_from(asked.number("skip", 0..=1000, 0)?).expect("at most 1000");
        let sent = asked.param("cursor").filter(|cursor| !cursor.is_empty());
        let count_only = asked
            .param("countOnly")
            .map(|value| flag("countOnly", value));
        let skip_count = asked
            .param("skipCount")
            .map(|value| flag("skipCount", value));

        let plain = query.is_plain() && self.given.is_empty();
        if !plain {
            self.select(&query);
        }
        let total = if plain {
            self.rows.live()
        } else {
            self.selection().len()
        };
        let sent_cursor = sent.map(|cursor| Cursor::decode(cursor, query.fingerprint));
        let sent_cursor = sent_cursor.transpose()?;
        let start = match sent_cursor {
            Some(cursor) => cursor.place,
            None if plain => self.rows.place_after(skip),
            None => skip,
        };
        let start = match effect {
            Some(Effect::DuplicateRows { rows }) => start.saturating_sub(*rows as usize),
            Some(Effect::LostRows { rows }) => start + *rows as usize,
            _ => start,
        };

        let wanted = match effect {
            Some(Effect::EmptyPage) => 0,
            _ if count_only.transpose()? == Some(true) => 0,
            _ => limit,
        };
        let mut body = String::with_capacity(wanted.min(total) * USER_BYTES + 200);
        body.push_str("{\"data\":[");
        let mut next = start;
        let before = body.len();
        let places: &mut dyn Iterator<Item = usize> = if plain {
            &mut self.rows.iter_from(start).map(|(place, _)| place)
        } else {
            &mut self.selection().iter().copied().skip(start)
        };
        for place in places.take(wanted) {
            if body.len() > before {
                body.push(',');
            }
            match self.rows.get(place) {
                Some(Row::Generated(number)) => self.population.write_user(*number, &mut body),
                _ => body.push_str(&self.text(place)),
            }
            next = if plain { place + 1 } else { next + 1 };
        }
        let more = if plain {
            self.rows.iter_from(next).next().is_some()
        } else {
            next < total
        };
        let empty_before = sent_cursor.filter(|cursor| cursor.place == next);
        let cursor = Cursor {
            query: query.fingerprint,
            place: next,
            empty_pages: empty_before.map_or(0, |cursor| cursor.empty_pages + 1),
        };
        let cursor = match effect {
            Some(Effect::RepeatedCursor) => sent.map(str::to_owned),
            _ => more.then(|| cursor.encode()),
        };
        let total = match effect {
            Some(Effect::ShortTotal { missing }) => Some(total as u64 + missing),
            Some(Effect::ZeroTotal) => Some(0),
            Some(Effect::NoTotal) => None,
            _ if skip_count.transpose()? == Some(true) => Some(0),
            _ => Some(total as u64),
        };
        let mut pagination = json!({ "nextCursor": cursor });
        if let Some(total) = total {
            pagination["totalItems"] = total.into();
        }
        body.push_str("],\"pagination\":");
        body.push_str(&pagination.to_string());
        body.push('}');
        Ok(Answer::text(body))
    }

    fn selection(&self) -> &[usize] {
        self.selected
            .as_ref()
            .map(|(_, places)| places.as_slice())
            .unwrap_or_default()
    }

    /// Finds the wanted users and puts them in order, unless the last call wanted the same.
    fn select(&mut self, query: &Query) {
        if self
            .selected
            .as_ref()
            .is_some_and(|(made_for, _)| *made_for == query.fingerprint)
        {
            return;
        }
        let needle = query.needle();
        let mut found: Vec<(usize, Value)> = Vec::new();
        for (place, _) in self.rows.iter_from(0) {
            let text = self.text(place);
            if needle.is_some_and(|needle| !text.contains(needle)) {
                continue;
            }
            let user: Value = serde_json::from_str(&text).unwrap_or_default();
            if query.wants(&user) {
                found.push((place, user));
            }
        }
        found.sort_by(|(_, one), (_, other)| query.order(one, other));
        let places = found.into_iter().map(|(place, _)| place).collect();
        self.selected = Some((query.fingerprint, places));
    }

    fn value(&self, place: usize) -> Value {
        serde_json::from_str(&self.text(place)).unwrap_or_default()
    }
}
