//! Whether a run did what the oracle says, in the database and in Oomnitza.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use simulator::Control;

use crate::oracle::{Expected, Oracle, Outcome};
use crate::rollcall::Rollcall;

/// Both systems as they were before a run.
#[derive(Debug)]
pub struct Snapshot {
    users: Vec<Value>,
    people: Vec<Value>,
}

impl Snapshot {
    /// Looks at both systems now.
    pub fn of(control: &Control) -> Self {
        Self {
            users: control.users(),
            people: control.people(),
        }
    }

    /// What must come of a load at an instant.
    pub fn expect(&self, rollcall: &Rollcall, synced_at: &str) -> Expected {
        let config = rollcall.config();
        let oracle = Oracle {
            users: &self.users,
            people: &self.people,
            preference: config.preference,
            sync_keys: &config.sync_keys,
            console_url: &config.sentinelone_url,
            synced_at,
        };
        oracle.expect()
    }
}

/// The latest run beside what must have come of it.
#[derive(Debug)]
pub struct Agreement {
    /// What must have come of it.
    pub expected: Expected,
    run: Map<String, Value>,
}

impl Agreement {
    /// Compares everything that the latest run left behind with what must have come of it.
    ///
    /// # Panics
    /// Something differs.
    #[track_caller]
    pub fn check(rollcall: &Rollcall, before: &Snapshot, control: &Control) -> Self {
        let run = rollcall.latest_run();
        // The load's own instant is when it began, to the second.
        let started_at = text(&run["started_at"]);
        let synced_at = format!("{}Z", &started_at[..19]);
        let expected = before.expect(rollcall, &synced_at);
        let this = Self { expected, run };
        this.check_counts();
        this.check_errors(rollcall);
        this.check_changes(rollcall);
        this.check_people(rollcall);
        this.check_oomnitza(control);
        assert_eq!(control.violations(), [""; 0]);
        this
    }

    #[track_caller]
    fn check_counts(&self) {
        let run = &self.run;
        let count = |column: &str| run[column].as_i64().unwrap_or(-1);
        let mut expected: BTreeMap<&str, i64> = BTreeMap::new();
        for outcome in self.expected.outcomes.values() {
            *expected.entry(outcome.words().0).or_default() += 1;
        }
        for column in ["created", "updated", "unchanged", "skipped", "failed"] {
            let wanted = expected.get(column).copied().unwrap_or_default();
            assert_eq!(count(column), wanted, "{column} in {run:?}");
        }
        let seen = i64::try_from(self.expected.outcomes.len()).expect("few users");
        assert_eq!(count("seen"), seen);
        assert_eq!(count("deactivated"), 0);
        let state = if count("failed") == 0 {
            "completed"
        } else {
            "completed_with_errors"
        };
        assert_eq!(run["state"], state);
        assert_eq!(run["error"], Value::Null);
    }

    #[track_caller]
    fn check_errors(&self, rollcall: &Rollcall) {
        let run_id = text(&self.run["run_id"]);
        let of_run = format!("SELECT * FROM v_errors WHERE run_id = '{run_id}'");
        let mut found = BTreeMap::new();
        for row in rollcall.query(&of_run) {
            assert!(!text(&row["message"]).is_empty(), "{row:?}");
            let why = (text(&row["outcome"]), text(&row["reason"]));
            let earlier = found.insert(text(&row["source_id"]), why);
            assert_eq!(earlier, None, "two rows for one user: {row:?}");
        }
        let expected: BTreeMap<String, (String, String)> = self
            .expected
            .outcomes
            .iter()
            .filter_map(|(id, outcome)| {
                let (word, reason) = outcome.words();
                Some((id.clone(), (word.to_owned(), reason?.to_owned())))
            })
            .collect();
        assert_eq!(found, expected);
        let open = rollcall.query("SELECT source_id, reason FROM v_open_errors ORDER BY source_id");
        let open: Vec<(String, String)> = open
            .iter()
            .map(|row| (text(&row["source_id"]), text(&row["reason"])))
            .collect();
        let mut still: Vec<(String, String)> = expected
            .into_iter()
            .map(|(id, (_, reason))| (id, reason))
            .collect();
        still.sort();
        let mut open = open;
        open.sort();
        assert_eq!(open, still, "v_open_errors");
    }

    #[track_caller]
    fn check_changes(&self, rollcall: &Rollcall) {
        let run_id = text(&self.run["run_id"]);
        let rows = rollcall.query(&format!(
            "SELECT * FROM v_changes WHERE run_id = '{run_id}'"
        ));
        assert_eq!(rows.len(), self.expected.changes.len(), "changes");
        for row in &rows {
            let id = text(&row["source_id"]);
            let change = self.expected.changes.get(&id);
            let change = change.unwrap_or_else(|| panic!("nothing was to be written: {row:?}"));
            let json = |column: &str| match &row[column] {
                Value::String(text) => serde_json::from_str(text).expect("it is JSON"),
                _ => Value::Null,
            };
            assert_eq!(row["action"], change.action, "{id}");
            assert_eq!(json("after"), Value::Object(change.after.clone()), "{id}");
            let before = change.before.clone().map_or(Value::Null, Value::Object);
            assert_eq!(json("before"), before, "{id}");
            let state = match self.expected.outcomes[&id] {
                Outcome::Failed(_) => "failed",
                _ => "done",
            };
            assert_eq!(row["state"], state, "{id}");
        }
    }

    #[track_caller]
    fn check_people(&self, rollcall: &Rollcall) {
        let rows = rollcall.query("SELECT * FROM v_people WHERE gone_since IS NULL");
        assert_eq!(rows.len(), self.expected.outcomes.len(), "v_people");
        for row in &rows {
            let id = text(&row["source_id"]);
            let outcome = self.expected.outcomes.get(&id);
            let (word, reason) = outcome.expect("a user of the console").words();
            assert_eq!(row["last_outcome"], word, "{row:?}");
            assert_eq!(
                row["last_reason"],
                reason.map_or(Value::Null, Value::from),
                "{row:?}"
            );
            if let Some(matched) = self.expected.matches.get(&id) {
                assert_eq!(&text(&row["oomnitza_id"]), matched, "{row:?}");
            }
        }
    }

    #[track_caller]
    fn check_oomnitza(&self, control: &Control) {
        let mut shown: BTreeMap<String, Value> = BTreeMap::new();
        for mut person in control.people() {
            let user_id = text(&person["user_id"]);
            let is_new = !self.expected.people.contains_key(&user_id);
            if is_new {
                // What was made here is known by its user.
                let source_id = text(&person["sentinelone_user_id"]);
                as_sent(&mut person);
                let twice = shown.insert(source_id, person);
                assert!(twice.is_none(), "made twice: {twice:?}");
            } else {
                shown.insert(user_id, person);
            }
        }
        let ids = |people: &BTreeMap<String, Value>| people.keys().cloned().collect::<Vec<_>>();
        assert_eq!(
            ids(&shown),
            ids(&self.expected.people),
            "who is in Oomnitza"
        );
        for (id, mut person) in shown {
            let mut expected = self.expected.people[&id].clone();
            for side in [&mut person, &mut expected] {
                let members = side.as_object_mut().expect("a person is an object");
                members.remove("change_date");
                members.remove("changed_by");
            }
            assert_eq!(person, expected, "{id}");
        }
    }
}

/// Leaves out of a person that was made what Oomnitza gave it by itself, and what it has nothing in.
fn as_sent(person: &mut Value) {
    let members = person.as_object_mut().expect("a person is an object");
    for own in [
        "user_id",
        "uid",
        "suspended",
        "email_subscription",
        "creation_date",
        "created_by",
    ] {
        members.remove(own);
    }
    members.retain(|_, value| !value.is_null());
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
