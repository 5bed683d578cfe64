//! What a simulator is started with.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Everything that decides how the two systems look and behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// Decides the whole population: the same seed gives the same users and people.
    pub seed: u64,
    /// Who is in the SentinelOne console.
    pub users: Users,
    /// Who is in Oomnitza before the first load.
    pub people: People,
    /// The custom fields that Oomnitza's users have, by external id; null where nothing was written yet.
    pub custom_fields: Vec<String>,
    /// Custom fields that a REST write may only set with the header `Oomnitza-Ignore-Meta-Restriction: 1`.
    pub edit_only_fields: Vec<String>,
    /// Dropdown fields with the values that they take; any other value is refused.
    pub dropdowns: BTreeMap<String, Vec<String>>,
    /// Fields that show what is written in another form.
    pub shown_forms: BTreeMap<String, ShownForm>,
    /// The role numbers that exist in Oomnitza, with their names.
    pub roles: Vec<(u64, String)>,
    /// The number of the integration that exists in Oomnitza.
    pub connector_id: u64,
    /// The name of that integration.
    pub connector_name: String,
    /// Under which forms of `ident` that integration's run logs are found; the contract leaves it open.
    pub run_log_idents: Idents,
    /// The fields that identify a record when `sync_field` is empty, as upper-case field ids.
    pub sync_keys: Vec<String>,
    /// When the records of a portion are applied.
    pub bulk_timing: BulkTiming,
    /// What null does in a bulk record; the contract leaves it open.
    pub bulk_null: BulkNull,
    /// Bulk records that are accepted and then not applied.
    pub bulk_drops: Vec<BulkDrop>,
    /// The `SaaS` applications that Oomnitza has before the first load.
    pub applications: Vec<String>,
    /// What the listing of an application's users shows; the contract leaves it open.
    pub saas_listing: SaasListing,
    /// How filters and bulk keys compare texts. Usernames are unique whatever their case.
    pub letters: Letters,
    /// The value of `X-CSRF-Token` that the probe hands out; `None` for an instance that asks for none.
    pub csrf_token: Option<String>,
    /// The end of the console's API token, as the console writes it.
    pub token_expires_at: String,
    /// Whether the console still offers the operations that newer consoles dropped.
    pub legacy_actions: bool,
    /// Calls a second above which the console answers 429.
    pub sentinelone_rate: Option<u32>,
    /// Calls a second above which Oomnitza answers 429.
    pub oomnitza_rate: Option<u32>,
    /// Time that passes before each answer of either system.
    pub latency: Duration,
    /// Whether calls and their bodies are kept for [`Control::requests`](crate::Control::requests).
    pub record_requests: bool,
    /// The ports to listen on.
    pub ports: Ports,
}

impl Options {
    /// A small company for a demonstration: 250 users with every oddity, 70 % of them in Oomnitza already.
    pub fn demo() -> Self {
        Self::default()
    }

    /// A plain population of `count` users, all of them in Oomnitza already, and as little cost as possible:
    /// no calls are kept, and bulk records are applied as they arrive.
    pub fn bench(count: u32) -> Self {
        Self {
            users: Users::Generated {
                count,
                oddities: false,
            },
            people: People::Matching { share: 1.0 },
            bulk_timing: BulkTiming::AtOnce,
            record_requests: false,
            ..Self::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            users: Users::Generated {
                count: 250,
                oddities: true,
            },
            people: People::Matching { share: 0.7 },
            custom_fields: [
                "sentinelone_user_id",
                "sentinelone_scope",
                "sentinelone_two_fa",
                "sentinelone_last_login",
                "sentinelone_roles",
                "sentinelone_console",
                "sentinelone_synced_at",
                "sentinelone_source",
                "sentinelone_lowest_role",
                "sentinelone_date_joined",
                "sentinelone_email_verified",
            ]
            .map(str::to_owned)
            .to_vec(),
            edit_only_fields: Vec::new(),
            dropdowns: BTreeMap::new(),
            shown_forms: BTreeMap::new(),
            roles: [(1, "Super Administrator"), (23, "Admin"), (25, "Employee")]
                .map(|(number, name)| (number, name.to_owned()))
                .to_vec(),
            connector_id: 268,
            connector_name: "rollcall".to_owned(),
            run_log_idents: Idents::Both,
            sync_keys: vec!["EMAIL".to_owned()],
            bulk_timing: BulkTiming::AfterPolls(2),
            bulk_null: BulkNull::Clears,
            bulk_drops: Vec::new(),
            applications: Vec::new(),
            saas_listing: SaasListing::default(),
            letters: Letters::Exact,
            csrf_token: Some("csrf-5d41402abc4b2a76".to_owned()),
            token_expires_at: "2027-05-01T00:00:00Z".to_owned(),
            legacy_actions: false,
            sentinelone_rate: None,
            oomnitza_rate: None,
            latency: Duration::ZERO,
            record_requests: true,
            ports: Ports::default(),
        }
    }
}

/// Who is in the console.
#[derive(Clone, Debug)]
pub enum Users {
    /// A population made on the fly.
    Generated {
        /// How many users.
        count: u32,
        /// Whether they have the oddities of real ones: null addresses, one address in two spellings,
        /// system users, absent fields, custom roles, unknown sources.
        oddities: bool,
    },
    /// Exactly these, each with a text `id`.
    Given(Vec<Value>),
}

/// Who is in Oomnitza before the first load.
#[derive(Clone, Debug)]
pub enum People {
    /// Nobody.
    None,
    /// This share, from 0 to 1, of the generated users who have an address, some with stale values;
    /// nothing was loaded from SentinelOne yet. Nobody where users are given.
    Matching {
        /// The share, from 0 to 1.
        share: f64,
    },
    /// Exactly these. A `user_id` and the dates are added where they lack; their unknown fields become
    /// custom fields.
    Given(Vec<Value>),
}

/// The form in which a field shows what was written to it.
#[derive(Clone, Debug, PartialEq)]
pub enum ShownForm {
    /// Only the first so many characters.
    Cut(usize),
    /// Another text for some values, as a dropdown shows a label; keys are the written values as text.
    Labels(BTreeMap<String, String>),
    /// An ISO 8601 time as Unix seconds.
    UnixSeconds,
}

/// What the listing of an application's users shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaasListing {
    /// Whether it shows `saas_user_id`.
    pub ids: bool,
    /// How it tells who is active.
    pub activity: ActivityShown,
    /// Whether it shows `user_external_id`.
    pub external_ids: bool,
    /// How it shows roles.
    pub roles: RolesShown,
}

impl Default for SaasListing {
    fn default() -> Self {
        Self {
            ids: true,
            activity: ActivityShown::Told,
            external_ids: true,
            roles: RolesShown::List,
        }
    }
}

/// How the listing of an application's users tells who is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityShown {
    /// It says so of each.
    Told,
    /// It does not say.
    Untold,
    /// It does not say, and leaves out who is not.
    Hidden,
}

/// How the listing of an application's users shows roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RolesShown {
    /// A list of objects, each with `role_external_id`.
    List,
    /// One object, from a number of Oomnitza's own to the role's label.
    Object,
    /// Not at all.
    Nothing,
}

/// When the records of a portion are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkTiming {
    /// As each batch arrives; the run log is complete once the portion is finalized.
    AtOnce,
    /// After finalize, when the run log has shown the portion as processing this many times. A new
    /// session's probe (`mappings?name=AuthTest`) applies whatever waits.
    AfterPolls(u32),
}

/// What null does in a bulk record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BulkNull {
    /// It clears the field.
    Clears,
    /// It leaves the field alone.
    Ignored,
}

/// Bulk records that are accepted and then not applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BulkDrop {
    /// A text that the record's JSON contains.
    pub containing: String,
    /// What the run log says of it, counted as failed; `None` for a record that vanishes without a word.
    pub words: Option<String>,
}

/// Which forms of `ident` find the run logs of the integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idents {
    /// Its number and `connector_<name>`.
    Both,
    /// Only its number.
    Number,
    /// Only `connector_<name>`.
    Name,
}

/// How texts are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Letters {
    /// Letter by letter.
    Exact,
    /// Without regard to case.
    Folded,
}

/// The ports to listen on, on 127.0.0.1; 0 takes a free one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ports {
    /// Of the SentinelOne console.
    pub sentinelone: u16,
    /// Of the Oomnitza instance.
    pub oomnitza: u16,
    /// Of the simulator's own interface.
    pub admin: u16,
}
