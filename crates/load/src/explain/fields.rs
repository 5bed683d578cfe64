//! Each mapped field: rule, input, value, what Oomnitza had, written or why not.

use std::collections::HashMap;

use mapping::{Compared, Empty, Field, Lookup, Record, Standing, Trace, Write};
use store::{Action, PastChange};

use super::keys;
use super::model::{ComparedAs, FieldExplained, Looked, Raw, Rule, Why};
use super::past::{Told, inputs, object, words};
use crate::matching::FoundBy;

/// Explains the fields; lists those whose value would be another if it were computed now.
pub(super) fn explain(told: &Told<'_>) -> (Vec<FieldExplained>, Vec<String>) {
    if told.is_undo() {
        let change = told.change();
        return (change.map(taken_back).unwrap_or_default(), Vec::new());
    }
    let Some(conditions) = told.conditions else {
        return (without_rules(told), Vec::new());
    };
    let fields = conditions.mapping.fields();
    let comparison = Comparison::of(told, &conditions.mapping);
    let mut differing = Vec::new();
    let mut explained = Vec::with_capacity(fields.len());
    for (place, field) in fields.iter().enumerate() {
        let trace = told.traces.get(place);
        let value = comparison.record.get(place);
        // Where the record says otherwise, how the value came about is not known.
        let is_so = |trace: &&Trace| field.uses_sync_time() || trace.value == value;
        let trace = match trace {
            Some(trace) if told.record.is_some() && !is_so(&trace) => {
                differing.push(format!("`{}`", field.name()));
                None
            }
            trace => trace,
        };
        let why = comparison.why(told, place, field, trace);
        let had = comparison.had(place, field);
        explained.push(FieldExplained {
            field: field.name().to_owned(),
            rule: Some(rule(field)),
            inputs: trace.map_or_else(Vec::new, |trace| inputs(&trace.inputs)),
            source: Raw::new(trace.map_or("", |trace| &trace.source)),
            lookup: trace
                .and_then(|trace| trace.lookup)
                .map(|lookup| match lookup {
                    Lookup::Entry => "entry",
                    Lookup::Otherwise => "otherwise",
                }),
            value: Raw::new(value),
            issue: trace.and_then(|trace| trace.issue.as_ref()).map(words),
            had_known: had.is_some(),
            had: Raw::new(had.unwrap_or_default()),
            compared: comparison.compared(place, field),
            sent: why.is_sent(),
            why,
        });
    }
    (explained, differing)
}

/// What a record was compared with, as far as it is on record.
pub(super) struct Comparison<'a> {
    change: Option<&'a PastChange>,
    /// What was to be sent.
    after: HashMap<String, String>,
    record: Record,
    /// What Oomnitza had; a field that was kept nowhere is equal to the record.
    matched: Record,
    /// Whether what Oomnitza had is on record at all.
    is_kept: bool,
    mapping: &'a mapping::Mapping,
}

impl<'a> Comparison<'a> {
    pub(super) fn of(told: &Told<'a>, mapping: &'a mapping::Mapping) -> Self {
        let change = told.change();
        let looked = keys::looked(told);
        let before = change.and_then(|change| change.planned.before.as_deref());
        let before = before.map(object).unwrap_or_default();
        let shown = told.sighting.as_ref().filter(|_| looked == Looked::One);
        let (mut record, mut matched) = (Record::default(), Record::default());
        for (place, field) in mapping.fields().iter().enumerate() {
            let value = told.value(field, told.traces.get(place));
            let shown = shown.and_then(|sighted| sighted.shown.get(field.name()));
            let had = match (before.get(field.name()), shown) {
                (Some(had), _) => had.as_str(),
                (None, Some(had)) => had.get(),
                (None, None) => &value,
            };
            record.push_raw(&value);
            matched.push_raw(had);
        }
        Self {
            change,
            after: change
                .map(|change| object(&change.planned.after))
                .unwrap_or_default(),
            record,
            matched,
            is_kept: looked == Looked::One && told.record.is_some(),
            mapping,
        }
    }

    /// The sync keys in which Oomnitza had the value of the record.
    pub(super) fn equal_keys(&self) -> FoundBy {
        let keys = (0_u8..).zip(self.mapping.sync_keys());
        let equal = keys.filter(|&(_, &place)| {
            let kind = self.mapping.fields()[place].kind();
            let (value, had) = (self.record.get(place), self.matched.get(place));
            !value.is_empty() && mapping::equal(kind, value, had)
        });
        equal.fold(FoundBy::default(), |found, (number, _)| {
            found.and(FoundBy::key(number))
        })
    }

    fn is_sent(&self, field: &Field) -> bool {
        self.after.contains_key(field.name())
    }

    fn action(&self) -> Option<Action> {
        self.change.map(|change| change.planned.action)
    }

    /// What Oomnitza had in a field, raw JSON, where that is on record.
    fn had(&self, place: usize, field: &Field) -> Option<&str> {
        let is_update = self.action() == Some(Action::Update);
        let is_known = self.is_kept && !field.uses_sync_time() || is_update && self.is_sent(field);
        is_known.then(|| self.matched.get(place))
    }

    /// By what a field was compared, where it was.
    fn compared(&self, place: usize, field: &Field) -> Option<ComparedAs> {
        self.had(place, field)?;
        Some(
            match mapping::compared(field.kind(), self.record.get(place)) {
                Compared::Folded => ComparedAs::Address,
                Compared::AsInstant => ComparedAs::Instant,
                Compared::AsWritten => ComparedAs::Value,
            },
        )
    }

    fn why(&self, told: &Told<'_>, place: usize, field: &Field, trace: Option<&Trace>) -> Why {
        if trace.is_some_and(|trace| trace.issue.is_some()) {
            return Why::NotComputed;
        }
        match self.action() {
            Some(Action::Create) if self.is_sent(field) => Why::New,
            Some(Action::Create) => Why::NoValue,
            Some(Action::Update) if self.is_sent(field) && field.uses_sync_time() => {
                Why::RidesAlong
            }
            Some(Action::Update) if self.is_sent(field) => Why::Differs,
            None if told.fault().is_some() => Why::NotReached,
            // An update, or nothing to be done.
            _ => self.why_not(place, field),
        }
    }

    fn why_not(&self, place: usize, field: &Field) -> Why {
        // A field that was not sent and is not equal has to be known in another form.
        let known = |_: usize, _: &str, _: &str| !field.uses_sync_time();
        let standing = self
            .mapping
            .standing(place, &self.record, &self.matched, known);
        match standing {
            Standing::OnCreate => Why::OnCreate,
            Standing::Kept => Why::NoValue,
            _ if field.uses_sync_time() && self.change.is_none() => Why::NoChangeAlone,
            _ if !self.is_kept => Why::NotOnRecord,
            Standing::HasValue => Why::HasValue,
            Standing::Equal | Standing::Differs => Why::Equal,
            Standing::AnotherForm => Why::AnotherForm,
        }
    }
}

fn rule(field: &Field) -> Rule {
    Rule {
        expression: field.expression().to_owned(),
        constant: field.is_constant(),
        table: field.has_table(),
        write: match field.write() {
            Write::Always => "always",
            Write::OnCreate => "on_create",
            Write::IfEmpty => "if_empty",
        },
        empty: match field.empty() {
            Empty::Keep => "keep",
            Empty::Clear => "clear",
        },
        volatile: field.is_volatile(),
    }
}

/// A field of which no rule is told.
fn bare(field: &str, value: &str, had: Option<&str>, why: Why) -> FieldExplained {
    FieldExplained {
        field: field.to_owned(),
        rule: None,
        inputs: Vec::new(),
        source: Raw::default(),
        lookup: None,
        value: Raw::new(value),
        issue: None,
        had_known: had.is_some(),
        had: Raw::new(had.unwrap_or_default()),
        compared: None,
        sent: why.is_sent(),
        why,
    }
}

/// The fields of an undo: what is put back, and what somebody had changed since.
fn taken_back(change: &PastChange) -> Vec<FieldExplained> {
    let before = change
        .planned
        .before
        .as_deref()
        .map(object)
        .unwrap_or_default();
    let put_back = crate::deliver::members(&change.planned.after).into_iter();
    let put_back = put_back.map(|(name, value)| {
        let had = before.get(name).map(String::as_str);
        bare(name, crate::read::or_empty(value), had, Why::PutBack)
    });
    let left = change.left_alone.as_deref().unwrap_or("{}");
    let left = crate::deliver::members(left).into_iter();
    let left =
        left.map(|(name, now)| bare(name, "", Some(crate::read::or_empty(now)), Why::LeftAlone));
    put_back.chain(left).collect()
}

/// The fields of the record and the change of a run whose configuration is not on record.
fn without_rules(told: &Told<'_>) -> Vec<FieldExplained> {
    let after = told
        .change()
        .map(|change| object(&change.planned.after))
        .unwrap_or_default();
    let before = told
        .change()
        .and_then(|change| change.planned.before.as_deref());
    let before = before.map(object).unwrap_or_default();
    let mut values = told.record.clone().unwrap_or_default();
    values.extend(after.clone());
    let mut fields: Vec<_> = values.into_iter().collect();
    fields.sort();
    let action = told.change().map(|change| change.planned.action);
    fields
        .iter()
        .map(|(name, value)| {
            let why = match action {
                Some(Action::Create) if after.contains_key(name) => Why::New,
                Some(Action::Update) if after.contains_key(name) => Why::Differs,
                None if told.fault().is_some() => Why::NotReached,
                _ => Why::NotOnRecord,
            };
            bare(name, value, before.get(name).map(String::as_str), why)
        })
        .collect()
}
