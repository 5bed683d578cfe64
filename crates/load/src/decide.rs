//! Deciding: what becomes of one user, given its record, its match and the preference.

use mapping::{Difference, Kind, Mapping, Record};
use store::{Action, Change, Fault, Forms, Verdict};

use crate::guards::Effects;
use crate::matching::{FoundBy, Hit, Match};
use crate::reason::Reason;
use crate::rows::{UserRow, UserState, record_of};
use crate::settings::Preference;
use crate::sighting::Shown;

/// The room that the values of a change usually take.
const USUAL: usize = 768;

/// A person that was found, or that is named because it was.
pub(crate) struct Found {
    /// `user_id`.
    pub(crate) id: String,
    /// Whether Oomnitza shows it as suspended.
    pub(crate) suspended: Option<bool>,
    /// A hash of what it has, to see later whether somebody has changed it.
    pub(crate) standing: u64,
    /// What it has in the mapped fields.
    pub(crate) values: Record,
}

/// What a decision looks at besides the user.
pub(crate) struct Rules<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) preference: Preference,
    /// Values that Oomnitza is known to show in another form.
    pub(crate) forms: &'a Forms,
    /// Which fields of the mapping hold what a person may do.
    pub(crate) is_role: &'a [bool],
}

/// What the keys of a user found, with names put to the rows.
pub(crate) enum Finding {
    Nobody,
    One {
        person: Found,
        keys: FoundBy,
    },
    Ambiguous {
        found: Vec<(String, FoundBy)>,
    },
    Duplicate {
        of: String,
        found: Vec<(String, FoundBy)>,
    },
}

impl Finding {
    /// Puts names to what was matched: `person` gives a person by its row, `user` a user's id.
    pub(crate) fn of(
        found: &Match,
        mut person: impl FnMut(u32) -> std::io::Result<Found>,
        user: impl FnOnce(u32) -> std::io::Result<String>,
    ) -> std::io::Result<Self> {
        let mut named = |hits: &[Hit]| -> std::io::Result<Vec<(String, FoundBy)>> {
            let hits = hits.iter();
            hits.map(|hit| Ok((person(hit.person)?.id, hit.keys)))
                .collect()
        };
        Ok(match found {
            Match::Nobody => Self::Nobody,
            Match::One(hit) => Self::One {
                person: person(hit.person)?,
                keys: hit.keys,
            },
            Match::Ambiguous(hits) => Self::Ambiguous {
                found: named(hits)?,
            },
            Match::Duplicate { of, found } => Self::Duplicate {
                of: user(*of)?,
                found: named(found)?,
            },
        })
    }
}

/// What was decided about a user, and what goes with that.
pub(crate) struct Decision {
    pub(crate) verdict: Verdict,
    /// What guards look at.
    pub(crate) effects: Effects,
    /// What Oomnitza had that no change keeps.
    pub(crate) shown: Shown,
}

impl Rules<'_> {
    /// Decides what becomes of a user.
    pub(crate) fn decision(&self, row: &UserRow<'_>, finding: &Finding) -> Decision {
        let (mut effects, mut shown) = (Effects::default(), Shown::default());
        let verdict = self.decide(row, finding, &mut effects, &mut shown);
        Decision {
            verdict,
            effects,
            shown,
        }
    }

    fn decide(
        &self,
        row: &UserRow<'_>,
        finding: &Finding,
        effects: &mut Effects,
        shown: &mut Shown,
    ) -> Verdict {
        match &row.state {
            UserState::Unmapped { fault } => return because(fault.fault()),
            UserState::OutOfScope => {
                let message = "`where` is false for this user";
                return because(Reason::OutOfScope.because(message));
            }
            UserState::NoSyncKey => {
                let message = format!("the user has no value for {}", self.key_names());
                return because(Reason::NoSyncKey.because(message));
            }
            UserState::Mapped => {}
        }
        let record = record_of(&row.record);
        match finding {
            Finding::Duplicate { of, .. } => because(Reason::DuplicateInSource.because_of_all(
                format!("user {of} has the same sync key or finds the same Oomnitza person, and goes before"),
                "another user has the same sync key or finds the same Oomnitza person, and goes before",
            )),
            Finding::Ambiguous { found } => {
                let id = |place: usize| found.get(place).map_or("", |(id, _)| id);
                let (first, other) = (id(0), id(1));
                because(Reason::AmbiguousInOomnitza.because_of_all(
                    format!("the sync keys find more than one Oomnitza person: user_id {first} and user_id {other}"),
                    "the sync keys find more than one Oomnitza person",
                ))
            }
            Finding::One { person, .. } if self.preference == Preference::CreateOnly => {
                shown.note(self.mapping, &record, &person.values, &[]);
                because(Reason::AlreadyInOomnitza.because_of_all(
                    format!(
                        "Oomnitza has the user already, as user_id {}, and the preference is `create_only`",
                        person.id
                    ),
                    "Oomnitza has the user already, and the preference is `create_only`",
                ))
            }
            Finding::One { person, keys } => {
                let differences = self.differences(&record, person);
                shown.note(self.mapping, &record, &person.values, &differences);
                self.update(&record, person, keys.earliest(), &differences, effects)
            }
            Finding::Nobody if self.preference == Preference::UpdateOnly => {
                because(Reason::NotInOomnitza.because(format!(
                    "nobody in Oomnitza has the user's {}, and the preference is `update_only`",
                    self.key_names()
                )))
            }
            Finding::Nobody => self.create(&record),
        }
    }

    fn differences(&self, record: &Record, person: &Found) -> Vec<Difference> {
        let fields = self.mapping.fields();
        let known_form = |field: usize, sent: &str, shown: &str| {
            let (name, kind) = (fields[field].name(), fields[field].kind());
            is_known_form(self.forms, &person.id, name, kind, sent, shown)
        };
        self.mapping.compare(record, &person.values, known_form)
    }

    fn update(
        &self,
        record: &Record,
        person: &Found,
        key: u8,
        differences: &[Difference],
        effects: &mut Effects,
    ) -> Verdict {
        let fields = self.mapping.fields();
        if differences.is_empty() {
            return Verdict::Unchanged;
        }
        let mut before = Object::with_room(USUAL);
        let mut after = Object::with_room(USUAL);
        for difference in differences {
            let field = &fields[difference.field];
            let (old, new) = (
                person.values.get(difference.field),
                record.get(difference.field),
            );
            before.push(field.name(), old);
            after.push(field.name(), new);
            effects.note(Some(field), self.is_role[difference.field], old, new);
        }
        let key_field = self.mapping.sync_keys()[usize::from(key)];
        Verdict::Change(Box::new(Change {
            action: Action::Update,
            key_field: fields[key_field].name().to_owned(),
            key_value: person.values.get(key_field).to_owned(),
            oomnitza_id: Some(person.id.clone()),
            before: Some(before.close()),
            after: after.close(),
            standing: Some(person.standing),
            left_alone: None,
        }))
    }

    fn create(&self, record: &Record) -> Verdict {
        let fields = self.mapping.fields();
        if let Some(&missing) = self.mapping.missing_for_create(record).first() {
            let mut fault = Reason::Mapping.because_of(
                missing,
                format!("Oomnitza makes nobody without `{missing}`, and the mapping gives no value for it"),
            );
            fault.hint = Some(format!(
                "map `{missing}` so that it always has a value, with `write: on_create` if it is for new people alone"
            ));
            return because(fault);
        }
        let key_field = self
            .mapping
            .sync_keys()
            .iter()
            .find(|&&key| !record.get(key).is_empty());
        let Some(&key_field) = key_field else {
            // A user without a key has been told apart before.
            return because(Reason::NoSyncKey.because("the user has no sync key"));
        };
        let mut after = Object::with_room(USUAL);
        for (field, value) in fields.iter().zip(record.iter()) {
            if !value.is_empty() {
                after.push(field.name(), value);
            }
        }
        Verdict::Change(Box::new(Change {
            action: Action::Create,
            key_field: fields[key_field].name().to_owned(),
            key_value: record.get(key_field).to_owned(),
            oomnitza_id: None,
            before: None,
            after: after.close(),
            standing: None,
            left_alone: None,
        }))
    }

    fn key_names(&self) -> String {
        let fields = self.mapping.fields();
        let names: Vec<String> = self
            .mapping
            .sync_keys()
            .iter()
            .map(|&key| format!("`{}`", fields[key].name()))
            .collect();
        names.join(" or ")
    }
}

/// Whether Oomnitza is known to show a person's value as it does when that is sent which was.
pub(crate) fn is_known_form(
    forms: &Forms,
    person: &str,
    field: &str,
    kind: Kind,
    sent: &str,
    shown: &str,
) -> bool {
    forms
        .get(person, field)
        .is_some_and(|(was_sent, was_shown)| {
            mapping::equal(kind, was_sent, sent) && mapping::equal(kind, was_shown, shown)
        })
}

fn because(fault: Fault) -> Verdict {
    Verdict::Fault(Box::new(fault))
}

/// A JSON object that is put together from raw values.
pub(crate) struct Object(String);

impl Object {
    /// Makes an object for about as much text.
    pub(crate) fn with_room(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// Adds a member; the empty value is null.
    pub(crate) fn push(&mut self, name: &str, raw: &str) {
        self.0.push(if self.0.is_empty() { '{' } else { ',' });
        // Names of fields are checked to be letters, digits and underscores.
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
        self.0.push_str(if raw.is_empty() { "null" } else { raw });
    }

    pub(crate) fn close(mut self) -> String {
        if self.0.is_empty() {
            self.0.push('{');
        }
        self.0.push('}');
        self.0
    }
}
