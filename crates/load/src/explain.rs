//! Explaining: why a user is as it is, from what is on record of it.
//!
//! What a run decided is taken from the record, and never decided anew: what is computed here says how it came about.
//! Where the two differ, as when the console's list of roles has changed since, the record is right, and a note says so.

mod fields;
mod history;
mod keys;
mod model;
mod past;
mod request;

use std::collections::HashMap;
use std::sync::Arc;

use mapping::Mapping;
use store::{History, Lifetime, Past, RunOnRecord, Somebody};

use crate::settings::{Delivery, Preference};
use past::Told;

pub use model::{
    At, ComparedAs, Event, Explanation, FieldExplained, InputExplained, KeyExplained, Looked,
    MatchExplained, OutcomeExplained, Raw, RequestExplained, Rule, RunExplained, SaasUserExplained,
    ScopeExplained, UserExplained, ValueChange, Why,
};

/// What a run went by: its configuration, as far as it decides about a user.
#[derive(Debug, Clone)]
pub struct Conditions {
    /// The console's URL without a trailing slash, which templates see as `customer_domain_url`.
    pub console_url: String,
    /// What was made of a user.
    pub mapping: Arc<Mapping>,
    /// What might be written.
    pub preference: Preference,
    /// How it was written.
    pub delivery: Delivery,
}

/// What is on record, for an explanation.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Whom it is about.
    pub somebody: Somebody,
    /// When the user was seen.
    pub lifetime: Lifetime,
    /// The run.
    pub run: RunOnRecord,
    /// What the run had of the user.
    pub past: Past,
    /// What the run went by; `None`: its configuration is not on record.
    pub conditions: Option<Conditions>,
    /// The names of the console's roles by their ids, as they are known now.
    pub roles: HashMap<String, String>,
    /// What became of the user from run to run.
    pub history: History,
}

impl Explanation {
    /// Puts together what the evidence says.
    pub fn of(evidence: &Evidence) -> Self {
        let told = Told::of(evidence);
        let Evidence {
            somebody, lifetime, ..
        } = evidence;
        let mut notes = Vec::new();
        if evidence.conditions.is_none() {
            notes.push(format!(
                "the configuration {} that the run was made under is not on record, so rules are not shown",
                evidence.run.run.config_hash
            ));
        }
        let (fields, differing) = fields::explain(&told);
        if !differing.is_empty() {
            notes.push(format!(
                "what the run had in {} is shown; computed anew it would be something else, as the console's list of \
                 roles has changed since",
                differing.join(", ")
            ));
        }
        let keys = keys::explain(&told);
        if keys.matched.looked == Looked::NotOnRecord {
            notes
                .push("what the sync keys found was not kept yet when the run was made".to_owned());
        }
        Self {
            integration: somebody.integration.clone(),
            source_id: somebody.source_id.clone(),
            email: somebody.email.clone(),
            full_name: somebody.full_name.clone(),
            first_seen_at: lifetime.first_seen_at.into(),
            last_seen_at: lifetime.last_seen_at.into(),
            gone_since: lifetime.gone_since.map(Into::into),
            run: past::run(evidence),
            outcome: told.outcome(),
            user: told.user(),
            scope: told.scope(),
            sync_keys: keys.keys,
            matched: keys.matched,
            fields,
            request: request::explain(&told),
            saas_user: told.saas_user(),
            notes,
            history: history::events(&evidence.history, lifetime),
        }
    }
}
