//! `/api/v3/users`: one person at a time, answered at once.

use super::filter::Filter;
use super::people::{Changes, OomnitzaPeople, PERSON_BYTES};
use super::schema::Origin;
use crate::exchange::{Answer, Asked, Refusal};
use crate::faults::Effect;
use crate::object::{Members, is_empty, plain};
use crate::options::Letters;

/// The most people on a page.
const LONGEST_PAGE: u64 = 500;

/// The header that lets edit-only fields be written.
const IGNORE_RESTRICTION: &str = "oomnitza-ignore-meta-restriction";

impl OomnitzaPeople {
    /// `GET /api/v3/users`.
    pub(super) fn list(
        &mut self,
        asked: &Asked,
        effect: Option<&Effect>,
    ) -> Result<Answer, Refusal> {
        asked.only_params(&["limit", "skip", "sortby", "filter"])?;
        let limit = asked.number("limit", 1..=LONGEST_PAGE, 200)?;
        let limit = usize::try_from(limit).expect("at most 500");
        let skip =
            usize::try_from(asked.number("skip", 0..=u64::from(u32::MAX), 0)?).expect("32 bits");
        let skip = match effect {
            Some(Effect::DuplicateRows { rows }) => skip.saturating_sub(*rows as usize),
            Some(Effect::LostRows { rows }) => skip + *rows as usize,
            _ => skip,
        };
        let sort = asked
            .param("sortby")
            .map(|text| self.sort(text))
            .transpose()?;
        let place_of = |name: &str| self.schema.place(name);
        let filter = asked
            .param("filter")
            .map(|text| Filter::parse(text, &place_of))
            .transpose()?;

        // People stand in the order of their ids until somebody gives other ids.
        let as_they_stand = filter.is_none() && sort.is_none_or(|sort| self.stands_in(sort));
        let (total, page): (usize, Vec<usize>) = if as_they_stand {
            let places = self.rows.iter_from(self.rows.place_after(skip));
            (
                self.rows.live(),
                places.take(limit).map(|(place, _)| place).collect(),
            )
        } else {
            let mut places = match &filter {
                Some(filter) => self.filtered(filter),
                None => self.rows.iter_from(0).map(|(place, _)| place).collect(),
            };
            if let Some(sort) = sort {
                self.put_in_order(&mut places, sort);
            }
            (
                places.len(),
                places.into_iter().skip(skip).take(limit).collect(),
            )
        };
        let page = if effect == Some(&Effect::EmptyPage) {
            &[][..]
        } else {
            &page
        };

        let mut body = String::with_capacity(page.len() * (PERSON_BYTES + 1) + 2);
        body.push('[');
        for place in page {
            if body.len() > 1 {
                body.push(',');
            }
            self.write_text(*place, &mut body);
        }
        body.push(']');
        let answer = Answer::text(body);
        Ok(match effect {
            Some(Effect::NoTotal) => answer,
            Some(Effect::ZeroTotal) => with_total(answer, 0),
            Some(Effect::ShortTotal { missing }) => with_total(answer, total as u64 + missing),
            _ => with_total(answer, total as u64),
        })
    }

    /// `GET /api/v3/users/{user_id}`.
    pub(super) fn get(&mut self, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
        asked.only_params(&[])?;
        let place = self.by_id(id).ok_or_else(no_such_person)?;
        Ok(Answer::text(self.text(place).into_owned()))
    }

    /// `POST /api/v3/users`.
    pub(super) fn post(&mut self, asked: &Asked) -> Result<Answer, Refusal> {
        let changes = self.changes(asked)?;
        let [username, role] = ["username", "role"].map(|name| {
            let place = self.schema.built_in(name);
            let (_, raw) = changes.iter().find(|(field, _)| *field == place)?;
            (!is_empty(raw)).then(|| plain(raw).into_owned())
        });
        let username =
            username.ok_or_else(|| Refusal::rule(400, "a new user needs a `username`"))?;
        role.ok_or_else(|| Refusal::rule(400, "a new user needs a `role`"))?;
        self.check_free(&username, None)?;
        let place = self.create(changes);
        Ok(Answer::text(self.text(place).into_owned()))
    }

    /// `PATCH /api/v3/users/{user_id}`.
    pub(super) fn patch(&mut self, asked: &Asked, id: &str) -> Result<Answer, Refusal> {
        let place = self.by_id(id).ok_or_else(no_such_person)?;
        let changes = self.changes(asked)?;
        if changes.is_empty() {
            return Err(Refusal::rule(400, "there is nothing to change"));
        }
        for (field, raw) in &changes {
            let must_stay = ["username", "role"]
                .map(|name| self.schema.built_in(name))
                .contains(field);
            if must_stay && is_empty(raw) {
                let name = self.schema.name(*field);
                return Err(Refusal::data(400, format!("`{name}` cannot be empty")));
            }
            if *field == self.schema.built_in("username") {
                self.check_free(&plain(raw), Some(place))?;
            }
        }
        self.write(place, changes);
        Ok(Answer::text(self.text(place).into_owned()))
    }

    /// Refuses a username that another person has, whatever its case.
    pub(super) fn check_free(&mut self, username: &str, own: Option<usize>) -> Result<(), Refusal> {
        let field = self.schema.built_in("username");
        let taken = self.find(field, username, Letters::Folded);
        if taken.iter().any(|place| Some(*place) != own) {
            return Err(Refusal::data(
                400,
                format!("the username `{username}` is taken"),
            ));
        }
        Ok(())
    }

    /// The body of a write, field by field.
    fn changes(&self, asked: &Asked) -> Result<Changes, Refusal> {
        asked.only_params(&[])?;
        let origin = Origin::Rest {
            ignores_restriction: asked.header(IGNORE_RESTRICTION) == Some("1"),
        };
        let members = Members::of(asked.json_text()?)
            .map_err(|error| Refusal::rule(400, format!("the body is no JSON object: {error}")))?;
        let mut changes = Changes::new();
        for (name, raw) in members.0 {
            let field = self.schema.place(&name);
            let field =
                field.ok_or_else(|| Refusal::rule(400, format!("there is no field `{name}`")))?;
            if changes.iter().any(|(earlier, _)| *earlier == field) {
                return Err(Refusal::rule(
                    400,
                    format!("`{name}` stands twice in the body"),
                ));
            }
            changes.push((field, self.schema.accept(field, raw.get(), origin)?));
        }
        Ok(changes)
    }

    /// `sortby`: a field, and perhaps `asc` or `desc`.
    fn sort(&self, text: &str) -> Result<Sort, Refusal> {
        let (name, direction) = text.split_once(' ').unwrap_or((text, "asc"));
        let field = self.schema.place(name);
        let field = field
            .ok_or_else(|| Refusal::rule(400, format!("`sortby`: there is no field `{name}`")))?;
        match direction.to_ascii_lowercase().as_str() {
            "asc" => Ok(Sort {
                field,
                descending: false,
            }),
            "desc" => Ok(Sort {
                field,
                descending: true,
            }),
            _ => Err(Refusal::rule(
                400,
                format!("`sortby`: `{direction}` is neither asc nor desc"),
            )),
        }
    }

    fn stands_in(&self, sort: Sort) -> bool {
        sort.field == self.schema.built_in("user_id") && !sort.descending && !self.has_given_ids
    }

    fn put_in_order(&self, places: &mut [usize], sort: Sort) {
        places.sort_by_cached_key(|place| {
            let text = self.text(*place);
            let raws = self.schema.raws(&text);
            let value = plain(raws[sort.field]).into_owned();
            (
                raws[sort.field] != "null",
                value.parse::<u64>().unwrap_or_default(),
                value,
            )
        });
        if sort.descending {
            places.reverse();
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Sort {
    field: usize,
    descending: bool,
}

fn with_total(answer: Answer, total: u64) -> Answer {
    answer.with_header("x-total-count", total.to_string())
}

fn no_such_person() -> Refusal {
    Refusal::data(404, "there is no user with this id")
}
