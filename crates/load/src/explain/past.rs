//! What the record says, read once for all parts of an explanation.

use std::collections::HashMap;

use mapping::{Issue, Load, ScopeTrace, Subject, Trace};
use serde::Deserialize;
use serde_json::value::RawValue;
use store::{Kind, Past, PastChange, PastFault, RunOnRecord, State};

use super::model::{
    InputExplained, OutcomeExplained, Raw, RunExplained, SaasUserExplained, ScopeExplained,
    UserExplained,
};
use super::{Conditions, Evidence};
use crate::matching::FoundBy;
use crate::reason::Reason;
use crate::settings::Preference;

/// What the record says of the run and the user.
pub(super) struct Told<'a> {
    pub(super) conditions: Option<&'a Conditions>,
    pub(super) run: &'a RunOnRecord,
    past: &'a Past,
    /// How the values came about, in the order of the mapping; none where the user cannot be read.
    pub(super) traces: Vec<Trace>,
    scope: Option<ScopeTrace>,
    /// The record that the run had, if it had one.
    pub(super) record: Option<HashMap<String, String>>,
    pub(super) sighting: Option<Sighted>,
}

/// What the sync keys found, as it is on record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Sighted {
    /// The one whom they found.
    #[serde(rename = "match")]
    pub(super) matched: Option<String>,
    /// What Oomnitza had in fields in which that was neither equal to the record nor kept by a change.
    pub(super) shown: HashMap<String, Box<RawValue>>,
    /// All whom they found, where it is not one that was compared with a record.
    #[serde(deserialize_with = "people")]
    pub(super) found: Vec<(String, FoundBy)>,
    pub(super) behind: Option<String>,
}

fn people<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<(String, FoundBy)>, D::Error> {
    let people = Vec::<(String, u8)>::deserialize(from)?.into_iter();
    Ok(people.map(|(id, keys)| (id, FoundBy(keys))).collect())
}

impl<'a> Told<'a> {
    pub(super) fn of(evidence: &'a Evidence) -> Self {
        let Evidence {
            run,
            past,
            conditions,
            ..
        } = evidence;
        let (mut traces, mut scope) = (Vec::new(), None);
        if let Some(conditions) = conditions
            && run.run.kind != Kind::Undo
            && let Some(subject) = past
                .user
                .as_deref()
                .and_then(|user| Subject::new(user).ok())
        {
            let load = load_of(conditions, run, evidence.roles.clone());
            traces = conditions.mapping.trace(&subject, &load);
            scope = conditions.mapping.trace_scope(&subject, &load);
        }
        let sighting = past.sighting.as_deref();
        Self {
            conditions: conditions.as_ref(),
            run,
            past,
            traces,
            scope,
            record: record_of(past).map(object),
            sighting: sighting.and_then(|json| serde_json::from_str(json).ok()),
        }
    }

    pub(super) fn is_undo(&self) -> bool {
        self.run.run.kind == Kind::Undo
    }

    pub(super) fn change(&self) -> Option<&'a PastChange> {
        self.past.change.as_ref()
    }

    pub(super) fn fault(&self) -> Option<&'a PastFault> {
        self.past.fault.as_ref()
    }

    /// Whether the run skipped or failed the user for this reason.
    pub(super) fn is(&self, reason: Reason) -> bool {
        self.fault()
            .is_some_and(|fault| fault.reason == reason.code())
    }

    /// What a field of the record was, raw JSON; of a run without a record what it would have been.
    ///
    /// A field of the load's own instant is not kept with the record: it was sent, or is computed anew.
    pub(super) fn value(&self, field: &mapping::Field, trace: Option<&Trace>) -> String {
        let computed = || trace.map_or(String::new(), |trace| trace.value.clone());
        let Some(record) = &self.record else {
            return computed();
        };
        if field.uses_sync_time() {
            let sent = self.change().map(|change| object(&change.planned.after));
            let sent = sent.and_then(|mut sent| sent.remove(field.name()));
            return sent.unwrap_or_else(computed);
        }
        record.get(field.name()).cloned().unwrap_or_default()
    }

    pub(super) fn outcome(&self) -> OutcomeExplained {
        let run = &self.run.run;
        let waits = matches!(
            run.state,
            State::Planned | State::Parked | State::Discarded | State::Overtaken | State::Running
        );
        let fault = self.fault();
        let place = self.past.place.as_ref();
        let outcome = match (fault, self.change()) {
            (Some(fault), _) => fault.outcome.as_str(),
            (None, Some(change)) => match change.planned.action {
                store::Action::Create => "created",
                store::Action::Update => "updated",
            },
            (None, None) if place.is_some_and(|place| place.action == "update") => "updated",
            (None, None) => "unchanged",
        };
        OutcomeExplained {
            outcome: outcome.to_owned(),
            intended: run.dry_run || waits,
            reason: fault.map(|fault| fault.reason.clone()),
            field: fault.and_then(|fault| fault.field.clone()),
            message: fault.map(|fault| fault.message.clone()),
            hint: fault.and_then(|fault| fault.hint.clone()),
            resolved_at: fault.and_then(|fault| fault.resolved_at).map(Into::into),
        }
    }

    pub(super) fn saas_user(&self) -> Option<SaasUserExplained> {
        let place = self.past.place.as_ref()?;
        Some(SaasUserExplained {
            action: place.action.clone(),
            before: Raw::new(&place.before),
            after: Raw::new(&place.after),
            state: place.state.clone(),
            status: place.status,
            error: place.error.clone(),
        })
    }

    pub(super) fn user(&self) -> UserExplained {
        let since = self.past.user_since.as_ref();
        let known = since.and_then(|since| since.known.as_ref());
        UserExplained {
            since_run_id: known.map(|run| run.run_id.clone()),
            since: known.map(|run| run.started_at.into()),
            json: Raw::new(self.past.user.as_deref().unwrap_or_default()),
        }
    }

    /// Whether the user was in scope, as the run decided it.
    pub(super) fn scope(&self) -> ScopeExplained {
        let holds = self.scope.as_ref().map(|scope| &scope.holds);
        let in_scope = match holds {
            _ if self.is_undo() => None,
            _ if self.is(Reason::OutOfScope) => Some(false),
            Some(Err(_)) if self.is(Reason::Mapping) && self.record.is_none() => None,
            // Whoever has another outcome was in scope.
            _ => Some(true),
        };
        let expression = self
            .conditions
            .and_then(|conditions| conditions.mapping.scope_expression());
        ScopeExplained {
            expression: expression.map(str::to_owned),
            inputs: self
                .scope
                .as_ref()
                .map_or_else(Vec::new, |scope| inputs(&scope.inputs)),
            in_scope,
        }
    }
}

/// What a run had of a user as its record, a JSON object.
fn record_of(past: &Past) -> Option<&str> {
    match (&past.fault, &past.change) {
        (_, Some(_)) | (None, None) => past.record.as_deref(),
        (Some(fault), None) => fault.record.as_deref(),
    }
}

/// What the load brought to the mapping, as far as it is known.
fn load_of(conditions: &Conditions, run: &RunOnRecord, roles: HashMap<String, String>) -> Load {
    let instant = crate::run::sync_time(run.run.started_at);
    Load::new(&conditions.console_url, &instant, roles)
}

/// The members of a JSON object, raw; the empty value is `""`.
pub(super) fn object(json: &str) -> HashMap<String, String> {
    let members = crate::deliver::members(json).into_iter();
    members
        .map(|(name, value)| (name.to_owned(), crate::read::or_empty(value).to_owned()))
        .collect()
}

pub(super) fn inputs(inputs: &[mapping::Input]) -> Vec<InputExplained> {
    let inputs = inputs.iter();
    inputs
        .map(|input| InputExplained {
            name: input.name.clone(),
            value: Raw::new(&input.value),
        })
        .collect()
}

/// What an issue says.
pub(super) fn words(issue: &Issue) -> String {
    issue.message.clone()
}

/// The run, for the explanation.
pub(super) fn run(evidence: &Evidence) -> RunExplained {
    let RunOnRecord {
        run,
        trigger,
        origin,
        finished_at,
        decision,
        ..
    } = &evidence.run;
    let decided = decision.as_ref().map(|(_, decision)| decision);
    RunExplained {
        run_id: run.run_id.clone(),
        kind: run.kind.as_str(),
        of_run_id: origin.clone(),
        trigger: trigger.clone(),
        state: run.state.as_str().to_owned(),
        dry_run: run.dry_run,
        partial: run.partial,
        started_at: run.started_at.into(),
        finished_at: finished_at.map(Into::into),
        config_hash: run.config_hash.clone(),
        preference: evidence
            .conditions
            .as_ref()
            .map(|conditions| match conditions.preference {
                Preference::UpdateOnly => "update_only",
                Preference::CreateAndUpdate => "create_and_update",
                Preference::CreateOnly => "create_only",
            }),
        decision: decision.as_ref().map(|(word, _)| word.clone()),
        decided_at: decided.map(|decision| decision.at.into()),
        decided_by: decided.map(|decision| decision.by.clone()),
        decision_reason: decided.and_then(|decision| decision.reason.clone()),
    }
}
