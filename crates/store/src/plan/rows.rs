//! The rows that the lines of a chunk become, table by table.

mod people;

use jiff::Timestamp;
use sqlx::query_builder::Separated;
use sqlx::sqlite::SqliteConnection;
use sqlx::{QueryBuilder, Sqlite};

use self::people::Latest;
use super::{Action, Line, Verdict, explanations};
use crate::faults::{FaultRow, Severity, insert_faults};
use crate::people::PersonRow;
use crate::runs::{Counts, RunKey};
use crate::saas::SaasPlan;

/// How many rows an INSERT takes: with 17 columns well below SQLite's 32,766 parameters.
const ROWS: usize = 500;

/// What a chunk came to, for the summary of its plan.
pub(super) struct Written {
    pub(super) counts: Counts,
    /// Who was seen, and whether the row says already that they are present.
    pub(super) seen: Vec<(PersonRow, bool)>,
}

/// Writes the lines of a chunk.
pub(super) async fn write(
    connection: &mut SqliteConnection,
    key: RunKey,
    lines: Vec<Line>,
    complete: bool,
    at: Timestamp,
) -> Result<Written, sqlx::Error> {
    let mut rows = Rows::behind(Last::read(connection).await?);
    let mut written = Written {
        counts: Counts::default(),
        seen: Vec::with_capacity(lines.len()),
    };
    for line in lines {
        count(&mut written.counts, &line);
        let new = line.person.is_none();
        let present = line.present || (new && complete);
        let unchanged = matches!(line.verdict, Verdict::Unchanged);
        if let Some(person) = rows.add(line) {
            if unchanged && !complete {
                rows.bystanders.push(person);
            }
            written.seen.push((person, present));
        }
    }
    rows.insert(connection, key, complete, at).await?;
    Ok(written)
}

fn count(counts: &mut Counts, line: &Line) {
    counts.seen += 1;
    let outcome = match &line.verdict {
        Verdict::Unchanged if line.saas.is_some() => &mut counts.updated,
        Verdict::Unchanged => &mut counts.unchanged,
        Verdict::Change(change) => match change.action {
            Action::Create => &mut counts.created,
            Action::Update => &mut counts.updated,
        },
        Verdict::Fault(fault) => match fault.severity {
            Severity::Skipped => &mut counts.skipped,
            Severity::Failed => &mut counts.failed,
        },
    };
    *outcome += 1;
}

/// The highest row ids in use; the transaction keeps those behind them ours.
struct Last {
    person: PersonRow,
    user_version: i64,
    record_version: i64,
    change: i64,
}

impl Last {
    async fn read(connection: &mut SqliteConnection) -> Result<Self, sqlx::Error> {
        let (person, user_version, record_version, change) = sqlx::query_as(
            "SELECT ifnull((SELECT max(person) FROM people), 0),
                    ifnull((SELECT max(user_version) FROM user_versions), 0),
                    ifnull((SELECT max(record_version) FROM record_versions), 0),
                    ifnull((SELECT max(change) FROM changes), 0)",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            person,
            user_version,
            record_version,
            change,
        })
    }
}

fn next(last: &mut i64) -> i64 {
    *last += 1;
    *last
}

/// A row of `user_versions` or `record_versions`.
struct Version {
    id: i64,
    person: PersonRow,
    json: String,
}

/// A row of `changes`.
struct ChangeRow {
    change: i64,
    person: Option<PersonRow>,
    action: Action,
    key_field: String,
    oomnitza_id: Option<String>,
    standing: Option<i64>,
}

/// A row of `change_values`.
struct ChangeValues {
    change: i64,
    key_value: String,
    before: Option<String>,
    after: String,
    left_alone: Option<String>,
}

/// The rows of a chunk: lines taken apart, so that their texts are moved and never copied.
struct Rows {
    last: Last,
    newcomers: Vec<Latest>,
    known: Vec<Latest>,
    bystanders: Vec<PersonRow>,
    users: Vec<Version>,
    records: Vec<Version>,
    changes: Vec<ChangeRow>,
    values: Vec<ChangeValues>,
    saas: Vec<(PersonRow, SaasPlan)>,
    faults: Vec<FaultRow>,
}

impl Rows {
    fn behind(last: Last) -> Self {
        Self {
            last,
            newcomers: Vec::new(),
            known: Vec::new(),
            bystanders: Vec::new(),
            users: Vec::new(),
            records: Vec::new(),
            changes: Vec::new(),
            values: Vec::new(),
            saas: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// Takes a line apart; gives the row of its person, new or not.
    fn add(&mut self, line: Line) -> Option<PersonRow> {
        let person = match line.person {
            None if line.source_id.is_empty() => None,
            None => Some(next(&mut self.last.person)),
            known => known,
        };
        self.add_verdict(person, line.has_record, line.verdict);
        let person = person?;
        self.saas.extend(line.saas.map(|saas| (person, saas)));
        let user = line.user.map(|user| {
            let version = next(&mut self.last.user_version);
            self.users.push(Version {
                id: version,
                person,
                json: user.json,
            });
            (version, user.hash)
        });
        let record = line.record.map(|record| {
            let version = next(&mut self.last.record_version);
            self.records.push(Version {
                id: version,
                person,
                json: record.json,
            });
            (version, record.hash)
        });
        let row = Latest {
            person,
            source_id: line.source_id,
            email: line.email,
            full_name: line.full_name,
            user,
            record,
            matched: line.matched,
            sighting: line.sighting,
        };
        if line.person.is_none() {
            self.newcomers.push(row);
        } else if row.user.is_some()
            || row.record.is_some()
            || row.matched.is_some()
            || row.sighting.is_some()
        {
            self.known.push(row);
        }
        Some(person)
    }

    /// A change of nobody is left to the table, which refuses it.
    fn add_verdict(&mut self, person: Option<PersonRow>, with_record: bool, verdict: Verdict) {
        match verdict {
            Verdict::Unchanged => {}
            Verdict::Change(planned) => {
                let change = next(&mut self.last.change);
                self.changes.push(ChangeRow {
                    change,
                    person,
                    action: planned.action,
                    key_field: planned.key_field,
                    oomnitza_id: planned.oomnitza_id,
                    standing: planned.standing.map(u64::cast_signed),
                });
                self.values.push(ChangeValues {
                    change,
                    key_value: planned.key_value,
                    before: planned.before,
                    after: planned.after,
                    left_alone: planned.left_alone,
                });
            }
            Verdict::Fault(fault) => self.faults.push(FaultRow {
                person,
                with_record,
                fault: *fault,
            }),
        }
    }

    /// Writes the rows, those first that others point to.
    async fn insert(
        self,
        connection: &mut SqliteConnection,
        key: RunKey,
        complete: bool,
        at: Timestamp,
    ) -> Result<(), sqlx::Error> {
        let absent: Vec<PersonRow> = if complete {
            Vec::new()
        } else {
            self.newcomers.iter().map(|one| one.person).collect()
        };
        people::insert_newcomers(connection, key, self.newcomers, complete, at).await?;
        explanations::insert_absences(connection, key, absent, at).await?;
        people::update_known(connection, key, self.known).await?;
        explanations::insert_bystanders(connection, key, self.bystanders).await?;
        insert(
            connection,
            "INSERT INTO user_versions (user_version, person, run, user) ",
            self.users,
            |mut row, user| {
                row.push_bind(user.id).push_bind(user.person);
                row.push_bind(key.run).push_bind(user.json);
            },
        )
        .await?;
        insert(
            connection,
            "INSERT INTO record_versions (record_version, person, run, record) ",
            self.records,
            |mut row, record| {
                row.push_bind(record.id).push_bind(record.person);
                row.push_bind(key.run).push_bind(record.json);
            },
        )
        .await?;
        insert(
            connection,
            "INSERT INTO changes (change, run, person, action, state, key_field, oomnitza_id, standing) ",
            self.changes,
            |mut row, one| {
                row.push_bind(one.change)
                    .push_bind(key.run)
                    .push_bind(one.person);
                row.push_bind(one.action.as_str()).push("'planned'");
                row.push_bind(one.key_field)
                    .push_bind(one.oomnitza_id)
                    .push_bind(one.standing);
            },
        )
        .await?;
        insert(
            connection,
            "INSERT INTO change_values (change, key_value, before, after, left_alone) ",
            self.values,
            |mut row, one| {
                row.push_bind(one.change).push_bind(one.key_value);
                row.push_bind(one.before)
                    .push_bind(one.after)
                    .push_bind(one.left_alone);
            },
        )
        .await?;
        insert(
            connection,
            "INSERT INTO saas_changes (run, person, action, state, oomnitza_id, before, after) ",
            self.saas,
            |mut row, (person, saas)| {
                row.push_bind(key.run).push_bind(person);
                row.push("'update'").push("'planned'");
                row.push_bind(saas.oomnitza_id)
                    .push_bind(saas.before)
                    .push_bind(saas.after);
            },
        )
        .await?;
        insert_faults(connection, key, self.faults, at).await
    }
}

/// Runs an INSERT over all rows, a few hundred at a time.
pub(super) async fn insert<T>(
    connection: &mut SqliteConnection,
    head: &str,
    rows: Vec<T>,
    mut bind: impl FnMut(Separated<'_, Sqlite, &'static str>, T),
) -> Result<(), sqlx::Error> {
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut sql = QueryBuilder::<Sqlite>::new(head);
        sql.push_values(rows.by_ref().take(ROWS), &mut bind);
        sql.build().execute(&mut *connection).await?;
    }
    Ok(())
}
