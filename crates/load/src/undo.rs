//! Taking back: what a run wrote is compared with what Oomnitza has now, and planned the other way round.
//!
//! Where Oomnitza still has what the run wrote, the value that it replaced is put back.
//! Where somebody has changed it since, it is left, and listed.
//! People whom the run made are never deleted.

use std::collections::HashMap;

use mapping::{Kind, Mapping};
use oomnitza::Person;
use store::{Action, Change, Forms, Line, PlannedChange, Verdict, WrittenChange};

use crate::decide::{Object, is_known_form};
use crate::deliver::members;
use crate::guards::Effects;
use crate::read::{or_empty, standing_of};
use crate::reason::Reason;

/// What becomes of the people whom the run made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Made {
    /// They stay as they are.
    #[default]
    Left,
    /// They are suspended.
    Suspended,
}

/// How a person is suspended.
const SUSPENDED: &str = "suspended";

/// The room that the values of a change usually take.
const USUAL: usize = 256;

/// What taking back goes by.
pub(crate) struct Rules<'a> {
    pub(crate) mapping: &'a Mapping,
    pub(crate) role_fields: &'a [String],
    /// Values that Oomnitza is known to show in another form.
    pub(crate) forms: &'a Forms,
    pub(crate) made: Made,
}

impl Rules<'_> {
    /// Plans the way back of one change; `person` is what Oomnitza has now, if it has anything.
    pub(crate) fn line(&self, written: WrittenChange, person: Option<&Person>) -> (Line, Effects) {
        let (verdict, effects) = match (person, written.change.action) {
            (None, _) => {
                let message =
                    "the person is not in Oomnitza any more, or it is not known who it is";
                (because(message.to_owned()), Effects::default())
            }
            (Some(person), Action::Update) => self.put_back(&written, person),
            (Some(person), Action::Create) => self.made(&written, person),
        };
        let line = Line {
            person: Some(written.change.person),
            present: true,
            source_id: written.source_id,
            email: written.email,
            full_name: written.full_name,
            user: None,
            record: None,
            has_record: false,
            matched: None,
            verdict,
            saas: None,
        };
        (line, effects)
    }

    fn put_back(&self, written: &WrittenChange, person: &Person) -> (Verdict, Effects) {
        let change = &written.change;
        let now = values_of(person);
        let (wrote, replaced) = (
            members(&change.after),
            change.before.as_deref().map(members).unwrap_or_default(),
        );
        let mut way = Way::default();
        for (name, wrote) in wrote {
            let Some(&(_, old)) = replaced.iter().find(|(field, _)| *field == name) else {
                continue;
            };
            let now = now.get(name).map_or("", String::as_str);
            let mut fields = self.mapping.fields().iter();
            let field = fields.find(|field| field.name() == name);
            let kind = field.map_or(Kind::Plain, mapping::Field::kind);
            if mapping::equal(kind, now, old) {
                continue;
            }
            let is_ours = mapping::equal(kind, now, wrote)
                || is_known_form(self.forms, person.id.as_str(), name, kind, wrote, now);
            if is_ours {
                way.put_back(name, now, old);
                let is_role = self.role_fields.iter().any(|role| role == name);
                way.effects.note(field, is_role, now, old);
            } else {
                way.leave(name, now);
            }
        }
        way.verdict(change, person, self.mapping)
    }

    fn made(&self, written: &WrittenChange, person: &Person) -> (Verdict, Effects) {
        let mut way = Way::default();
        if self.made == Made::Suspended && person.suspended != Some(true) {
            way.put_back(SUSPENDED, "false", "true");
            way.effects.lasting = true;
        }
        way.verdict(&written.change, person, self.mapping)
    }
}

/// The way back of one change.
#[derive(Default)]
struct Way {
    before: Vec<(String, String)>,
    after: Vec<(String, String)>,
    left: Vec<(String, String)>,
    effects: Effects,
}

impl Way {
    fn put_back(&mut self, name: &str, now: &str, old: &str) {
        self.before.push((name.to_owned(), now.to_owned()));
        self.after.push((name.to_owned(), old.to_owned()));
    }

    fn leave(&mut self, name: &str, now: &str) {
        self.left.push((name.to_owned(), now.to_owned()));
    }

    fn verdict(
        self,
        undone: &PlannedChange,
        person: &Person,
        mapping: &Mapping,
    ) -> (Verdict, Effects) {
        if self.after.is_empty() {
            let verdict = if self.left.is_empty() {
                Verdict::Unchanged
            } else {
                let names: Vec<String> = self
                    .left
                    .iter()
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                because(format!(
                    "somebody has changed {} in Oomnitza since the run wrote it, so it is left",
                    names.join(", ")
                ))
            };
            return (verdict, Effects::default());
        }
        let change = Change {
            action: Action::Update,
            key_field: undone.key_field.clone(),
            key_value: undone.key_value.clone(),
            oomnitza_id: Some(person.id.as_str().to_owned()),
            before: Some(object(&self.before)),
            after: object(&self.after),
            standing: Some(standing_of(mapping, person)),
            left_alone: (!self.left.is_empty()).then(|| object(&self.left)),
        };
        (Verdict::Change(Box::new(change)), self.effects)
    }
}

fn because(message: String) -> Verdict {
    let mut fault = Reason::Conflict.in_words(message);
    fault.hint = Some("look at the person in Oomnitza, and correct it there".to_owned());
    Verdict::Fault(Box::new(fault))
}

fn object(members: &[(String, String)]) -> String {
    let mut object = Object::with_room(USUAL);
    for (name, value) in members {
        object.push(name, value);
    }
    object.close()
}

/// The fields of a person, raw JSON each, `""` for the empty value.
fn values_of(person: &Person) -> HashMap<String, String> {
    let mut values = HashMap::new();
    person.for_each_field(|name, value| {
        values.insert(name.to_owned(), or_empty(value.get()).to_owned());
    });
    values
}
