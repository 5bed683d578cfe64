//! The explanation of a user, as it is printed; `docs/explain.md` says what each member means.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An instant; in JSON a text as the views of the database have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl From<Timestamp> for At {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl Serialize for At {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = self.0.strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
        serializer.collect_str(&text)
    }
}

/// A value as JSON, just as it is on record; the empty value is null.
#[derive(Debug, Clone, Default)]
pub struct Raw(Option<Box<RawValue>>);

impl Raw {
    /// Takes raw JSON; `""`, and what is no JSON, is the empty value.
    pub(crate) fn new(raw: &str) -> Self {
        let kept = (!raw.is_empty()).then(|| RawValue::from_string(raw.to_owned()).ok());
        Self(kept.flatten())
    }

    /// The JSON; `None` for the empty value.
    pub fn as_json(&self) -> Option<&str> {
        let json = self.0.as_ref().map(|raw| raw.get());
        json.filter(|json| !matches!(*json, "null" | "\"\""))
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.as_json() {
            Some(_) => self.0.serialize(serializer),
            None => serializer.serialize_none(),
        }
    }
}

/// Why a user is as it is: what a run had of it, decided and did, and what became of it from run to run.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// The id of the integration in the YAML.
    pub integration: String,
    /// The id in the console.
    pub source_id: String,
    /// The address as the console has it now.
    pub email: Option<String>,
    /// The name as the console has it now.
    pub full_name: Option<String>,
    /// When the user was first seen.
    pub first_seen_at: At,
    /// When the user was last seen.
    pub last_seen_at: At,
    /// When a read of everybody first lacked it, while it does.
    pub gone_since: Option<At>,
    /// The run that is explained.
    pub run: RunExplained,
    /// What became of the user in it.
    pub outcome: OutcomeExplained,
    /// The user as it came.
    pub user: UserExplained,
    /// Whether it was in scope.
    pub scope: ScopeExplained,
    /// The sync keys, and what each found.
    pub sync_keys: Vec<KeyExplained>,
    /// Whom they found.
    #[serde(rename = "match")]
    pub matched: MatchExplained,
    /// Each mapped field.
    pub fields: Vec<FieldExplained>,
    /// What was to be sent, and the answer.
    pub request: Option<RequestExplained>,
    /// What was to be changed of the `SaaS` user, and what became of it.
    pub saas_user: Option<SaasUserExplained>,
    /// What could not be told, and why.
    pub notes: Vec<String>,
    /// What became of the user from run to run, the oldest first.
    pub history: Vec<Event>,
}

/// The run that is explained.
#[derive(Debug, Clone, Serialize)]
pub struct RunExplained {
    /// Its id.
    pub run_id: String,
    /// Load, replay or undo.
    pub kind: &'static str,
    /// The id of the run that it replays or undoes.
    pub of_run_id: Option<String>,
    /// What started it.
    pub trigger: String,
    /// Its state.
    pub state: String,
    /// Whether its plan is never delivered.
    pub dry_run: bool,
    /// Whether it was of some users alone.
    pub partial: bool,
    /// When it began.
    pub started_at: At,
    /// When it ended, or its plan was made.
    pub finished_at: Option<At>,
    /// The hash of its configuration.
    pub config_hash: String,
    /// `preference` of that configuration.
    pub preference: Option<&'static str>,
    /// What became of a plan that waited.
    pub decision: Option<String>,
    /// When somebody decided that.
    pub decided_at: Option<At>,
    /// Who did.
    pub decided_by: Option<String>,
    /// Why, in their words.
    pub decision_reason: Option<String>,
}

/// What became of the user.
#[derive(Debug, Clone, Serialize)]
pub struct OutcomeExplained {
    /// Created, updated, unchanged, skipped or failed.
    pub outcome: String,
    /// Whether that is what the plan comes to, and was not done, or is not done yet.
    pub intended: bool,
    /// The stable code.
    pub reason: Option<String>,
    /// The Oomnitza field concerned.
    pub field: Option<String>,
    /// For a person.
    pub message: Option<String>,
    /// The YAML to change.
    pub hint: Option<String>,
    /// When a later run loaded the user, or found it gone or out of scope.
    pub resolved_at: Option<At>,
}

/// The user as it came.
#[derive(Debug, Clone, Serialize)]
pub struct UserExplained {
    /// The run since which it is so.
    pub since_run_id: Option<String>,
    /// When that run began.
    pub since: Option<At>,
    /// The JSON.
    pub json: Raw,
}

/// What an expression looked up.
#[derive(Debug, Clone, Serialize)]
pub struct InputExplained {
    /// The name, with those of members behind it, as `apiToken.expiresAt`.
    pub name: String,
    /// What it found there.
    pub value: Raw,
}

/// Whether the user was in scope.
#[derive(Debug, Clone, Serialize)]
pub struct ScopeExplained {
    /// `where` as written; `None`: there is none, and all users are in scope.
    #[serde(rename = "where")]
    pub expression: Option<String>,
    /// What it looked up.
    pub inputs: Vec<InputExplained>,
    /// Whether it was true; `None`: it could not be evaluated, or was not asked for.
    pub in_scope: Option<bool>,
}

/// A sync key.
#[derive(Debug, Clone, Serialize)]
pub struct KeyExplained {
    /// The Oomnitza field.
    pub field: String,
    /// Its value for the user.
    pub value: Raw,
    /// The `user_id` of each person that it found; `None`: it is not known, or nobody was looked up by it.
    pub found: Option<Vec<String>>,
}

/// Whether somebody was looked up, and what that came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Looked {
    /// Nobody was found.
    Nobody,
    /// One person.
    One,
    /// Several people.
    Ambiguous,
    /// Another user goes before.
    Duplicate,
    /// Nobody was looked up.
    NotLookedUp,
    /// It was not kept.
    NotOnRecord,
}

/// Whom the sync keys found.
#[derive(Debug, Clone, Serialize)]
pub struct MatchExplained {
    /// What it came to.
    #[serde(rename = "finding")]
    pub looked: Looked,
    /// The `user_id` of the match.
    pub oomnitza_id: Option<String>,
    /// The sync key that found it.
    pub key_field: Option<String>,
    /// The `user_id`s of all who were found.
    pub found: Vec<String>,
    /// The id of the user that goes before.
    pub behind: Option<String>,
}

/// How a field is mapped.
#[derive(Debug, Clone, Serialize)]
pub struct Rule {
    /// Where its value comes from, as written: a path, a template or a constant.
    pub expression: String,
    /// Whether that is a constant.
    pub constant: bool,
    /// Whether what it gives is looked up in a table.
    pub table: bool,
    /// `write`: `always`, `on_create` or `if_empty`.
    pub write: &'static str,
    /// `empty`: keep or clear.
    pub empty: &'static str,
    /// `volatile`.
    pub volatile: bool,
}

/// Why a field was written or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Sent: the person is new.
    New,
    /// Sent: it differed.
    Differs,
    /// Sent along with others: it uses `connector_sync_time`, and makes no change alone.
    RidesAlong,
    /// Sent by an undo: what was replaced is put back.
    PutBack,
    /// Not sent by an undo: somebody had changed it since.
    LeftAlone,
    /// Not sent: Oomnitza had an equal value.
    Equal,
    /// Not sent: Oomnitza shows the value in another form than it was sent in.
    AnotherForm,
    /// Not sent: `write: on_create`, and the person was there.
    OnCreate,
    /// Not sent: `write: if_empty`, and Oomnitza had a value.
    HasValue,
    /// Not sent: there is no value, and `empty: keep` leaves the field alone.
    NoValue,
    /// Not sent: it uses `connector_sync_time`, and makes no change alone.
    NoChangeAlone,
    /// Not sent: its value could not be computed.
    NotComputed,
    /// Not sent: it did not come to that, as the user was skipped or failed before.
    NotReached,
    /// Not sent: it was equal or not to be written over; which of them was not kept.
    NotOnRecord,
}

impl Why {
    /// Whether the field is in what was to be sent.
    pub fn is_sent(self) -> bool {
        matches!(
            self,
            Self::New | Self::Differs | Self::RidesAlong | Self::PutBack
        )
    }
}

/// By what a value was compared with what Oomnitza had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ComparedAs {
    /// As an address: without case and white space around.
    Address,
    /// As an instant, to the second.
    Instant,
    /// As it was written; numbers and booleans also with texts.
    Value,
}

/// A mapped field: rule, input, value, what Oomnitza had, and whether it was written.
#[derive(Debug, Clone, Serialize)]
pub struct FieldExplained {
    /// The Oomnitza field.
    pub field: String,
    /// How it is mapped; `None`: that is not on record, or a run that takes back did not ask for it.
    pub rule: Option<Rule>,
    /// What the expression looked up.
    pub inputs: Vec<InputExplained>,
    /// What the expression gave.
    pub source: Raw,
    /// What in the table gave the value: entry or otherwise.
    pub lookup: Option<&'static str>,
    /// The value.
    pub value: Raw,
    /// Why there is none, where it could not be computed.
    pub issue: Option<String>,
    /// What Oomnitza had.
    pub had: Raw,
    /// Whether it is known what Oomnitza had; of a value that is equal the form may have been another.
    pub had_known: bool,
    /// By what the two were compared.
    pub compared: Option<ComparedAs>,
    /// Whether it is in what was to be sent.
    pub sent: bool,
    /// Why, or why not.
    pub why: Why,
}

/// What was to be sent, and the answer.
#[derive(Debug, Clone, Serialize)]
pub struct RequestExplained {
    /// Create or update.
    pub action: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path.
    pub path: String,
    /// The bulk portion, once there is one.
    pub portion: Option<String>,
    /// The key by which bulk finds the person.
    pub sync_field: Option<String>,
    /// What is sent of the user.
    pub body: Raw,
    /// Planned, sent, done, failed or withdrawn.
    pub state: String,
    /// The HTTP status of the answer.
    pub status: Option<u16>,
    /// `user_id` of the person, of a create once it is known.
    pub oomnitza_id: Option<String>,
}

/// What was to be changed of the `SaaS` user.
#[derive(Debug, Clone, Serialize)]
pub struct SaasUserExplained {
    /// Update or deactivate.
    pub action: String,
    /// What Oomnitza showed of what changes.
    pub before: Raw,
    /// What was to be there: `assigned`, `external_id`, `roles`, `active`.
    pub after: Raw,
    /// Planned, sent, done, failed or withdrawn.
    pub state: String,
    /// The HTTP status of the answer that refused it.
    pub status: Option<u16>,
    /// Why it is not done.
    pub error: Option<String>,
}

/// A value that changed.
#[derive(Debug, Clone, Serialize)]
pub struct ValueChange {
    /// The field, with the names of members behind it.
    pub field: String,
    /// What it was.
    pub old: Raw,
    /// What it is.
    pub new: Raw,
}

/// Something that became of the user in a run.
#[derive(Debug, Clone, Serialize)]
pub struct Event {
    /// What: `first_seen`, `user_changed`, `record_changed`, `created`, `updated`, `saas_updated`, `deactivated`, `not_written`, `skipped`, `failed`, `gone`,
    /// `absent` or `back`.
    pub event: &'static str,
    /// The run; `None`: it is not on record any more.
    pub run_id: Option<String>,
    /// When.
    pub at: Option<At>,
    /// Load, replay or undo.
    pub kind: Option<&'static str>,
    /// The state of the run, or of what was to be written.
    pub state: Option<String>,
    /// What changed, or was written.
    pub changes: Vec<ValueChange>,
    /// The stable code of why the user was not loaded.
    pub reason: Option<String>,
    /// The same for a person.
    pub message: Option<String>,
    /// Of several runs in a row: how many.
    pub runs: Option<u64>,
    /// Of several runs in a row: the last.
    pub until_run_id: Option<String>,
    /// When a later run loaded the user, or found it gone or out of scope.
    pub resolved_at: Option<At>,
}
