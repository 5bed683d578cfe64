//! What retention should leave, reckoned row by row from the rules, with no eye to speed.

use std::collections::BTreeSet;

use store::{Cell, Retention};

use crate::support::Bed;

/// The row ids of each table that retention is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) people: BTreeSet<i64>,
    pub(super) runs: BTreeSet<i64>,
    pub(super) errors: BTreeSet<i64>,
    pub(super) open: BTreeSet<i64>,
    pub(super) changes: BTreeSet<i64>,
    pub(super) values: BTreeSet<i64>,
    pub(super) users: BTreeSet<i64>,
    pub(super) records: BTreeSet<i64>,
    pub(super) sightings: BTreeSet<i64>,
    pub(super) absences: BTreeSet<i64>,
    /// By run and person.
    pub(super) bystanders: BTreeSet<(i64, i64)>,
}

impl Left {
    /// What is there.
    pub(super) async fn read(bed: &Bed) -> Self {
        let ids = async |sql: &str| -> BTreeSet<i64> {
            let rows = bed.rows(sql).await;
            rows.iter().map(|row| number(&row[0]).unwrap()).collect()
        };
        Self {
            people: ids("SELECT person FROM people").await,
            runs: ids("SELECT run FROM runs").await,
            errors: ids("SELECT error FROM errors").await,
            open: ids("SELECT error FROM open_errors").await,
            changes: ids("SELECT change FROM changes").await,
            values: ids("SELECT change FROM change_values").await,
            users: ids("SELECT user_version FROM user_versions").await,
            records: ids("SELECT record_version FROM record_versions").await,
            sightings: ids("SELECT sighting FROM sightings").await,
            absences: ids("SELECT absence FROM absences").await,
            bystanders: bystanders(bed).await,
        }
    }
}

struct Run {
    id: i64,
    integration: i64,
    waiting: bool,
    completed: bool,
    only: (i64, i64),
    began: i64,
    ended: i64,
}

struct Person {
    id: i64,
    integration: i64,
    gone_since: Option<i64>,
    user: Option<i64>,
    record: Option<i64>,
}

struct Fault {
    error: i64,
    run: i64,
    person: Option<i64>,
    at: i64,
    record: Option<i64>,
}

struct Version {
    id: i64,
    person: i64,
    run: i64,
}

/// What should be there once everything went that is to go.
pub(super) async fn expected(bed: &Bed, retention: &Retention) -> Left {
    let before = Left::read(bed).await;
    let runs = runs(bed).await;
    let people = people(bed).await;
    let faults = faults(bed).await;

    let busy: BTreeSet<i64> = runs
        .iter()
        .filter(|run| run.waiting)
        .map(|run| run.integration)
        .collect();
    let gone: BTreeSet<i64> = people
        .iter()
        .filter(|one| !busy.contains(&one.integration))
        .filter(|one| one.gone_since < Some(retention.gone_people.as_millisecond()))
        .filter(|one| one.gone_since.is_some())
        .map(|one| one.id)
        .collect();
    let has_gone = |person: &Option<i64>| person.is_some_and(|person| gone.contains(&person));
    let old: BTreeSet<i64> = runs
        .iter()
        .filter(|run| goes(run, &runs, retention))
        .map(|run| run.id)
        .collect();
    let run = |id: i64| runs.iter().find(|run| run.id == id);

    let errors_left: Vec<&Fault> = faults
        .iter()
        .filter(|fault| {
            let of = run(fault.run).unwrap();
            let past = fault.at < retention.errors.as_millisecond() || old.contains(&of.id);
            let open = before.open.contains(&fault.error);
            !has_gone(&fault.person) && (of.waiting || !past || open)
        })
        .collect();
    let runs_left: BTreeSet<i64> = before
        .runs
        .iter()
        .copied()
        .filter(|id| !old.contains(id) || errors_left.iter().any(|fault| fault.run == *id))
        .collect();
    // A run that has left the tables is older than all that are in them.
    let is_past = |id: i64| {
        !runs_left.contains(&id)
            || run(id).is_some_and(|run| run.ended < retention.changes.as_millisecond())
    };
    let superseded = |version: &Version, all: &[Version]| {
        all.iter()
            .any(|next| next.person == version.person && next.id > version.id && is_past(next.run))
    };
    let users = versions(bed, "user").await;
    let records = versions(bed, "record").await;
    let current = |person: i64| people.iter().find(|one| one.id == person).unwrap();
    let changes = triples(bed, "SELECT change, run, person FROM changes").await;
    let keeps_changes = |of: i64| {
        let of = run(of).unwrap();
        let past = of.ended < retention.changes.as_millisecond() || old.contains(&of.id);
        of.waiting || !past
    };
    let changes_left: BTreeSet<i64> = changes
        .iter()
        .filter(|(_, of, person)| !gone.contains(person) && keeps_changes(*of))
        .map(|(change, _, _)| *change)
        .collect();
    Left {
        people: &before.people - &gone,
        runs: runs_left.clone(),
        errors: errors_left.iter().map(|fault| fault.error).collect(),
        open: before
            .open
            .iter()
            .copied()
            .filter(|id| errors_left.iter().any(|fault| fault.error == *id))
            .collect(),
        changes: changes_left.clone(),
        values: changes_left,
        users: users
            .iter()
            .filter(|one| !gone.contains(&one.person))
            .filter(|one| current(one.person).user == Some(one.id) || !superseded(one, &users))
            .map(|one| one.id)
            .collect(),
        records: records
            .iter()
            .filter(|one| !gone.contains(&one.person))
            .filter(|one| {
                current(one.person).record == Some(one.id)
                    || !superseded(one, &records)
                    || errors_left.iter().any(|fault| fault.record == Some(one.id))
            })
            .map(|one| one.id)
            .collect(),
        sightings: kept_sightings(bed, &gone, &is_past).await,
        absences: kept_absences(bed, &gone, retention).await,
        bystanders: before
            .bystanders
            .iter()
            .copied()
            .filter(|(of, person)| !gone.contains(person) && keeps_changes(*of))
            .collect(),
    }
}

async fn kept_sightings(
    bed: &Bed,
    gone: &BTreeSet<i64>,
    is_past: &impl Fn(i64) -> bool,
) -> BTreeSet<i64> {
    triples(bed, "SELECT sighting, person, until_run FROM sightings")
        .await
        .iter()
        .filter(|(_, person, until)| !gone.contains(person) && !is_past(*until))
        .map(|(sighting, _, _)| *sighting)
        .collect()
}

async fn kept_absences(bed: &Bed, gone: &BTreeSet<i64>, retention: &Retention) -> BTreeSet<i64> {
    let since = retention.changes.as_millisecond();
    triples(
        bed,
        "SELECT absence, person, ifnull(back_at, 1 << 60) FROM absences",
    )
    .await
    .iter()
    .filter(|(_, person, until)| !gone.contains(person) && *until >= since)
    .map(|(absence, _, _)| *absence)
    .collect()
}

async fn bystanders(bed: &Bed) -> BTreeSet<(i64, i64)> {
    let rows = triples(bed, "SELECT run, person, 0 FROM bystanders").await;
    rows.into_iter()
        .map(|(run, person, _)| (run, person))
        .collect()
}

async fn triples(bed: &Bed, sql: &str) -> Vec<(i64, i64, i64)> {
    let rows = bed.rows(sql).await;
    rows.iter()
        .map(|row| {
            let number = |i: usize| number(&row[i]).unwrap();
            (number(0), number(1), number(2))
        })
        .collect()
}

/// Whether a run is old and the latest of nothing.
fn goes(run: &Run, runs: &[Run], retention: &Retention) -> bool {
    let mut later = runs
        .iter()
        .filter(|other| other.integration == run.integration && other.id > run.id);
    let last = later.clone().next().is_none();
    let last_completed = run.completed
        && !later.any(|other| {
            other.completed && other.only.0 <= run.only.0 && other.only.1 <= run.only.1
        });
    !run.waiting && run.ended < retention.runs.as_millisecond() && !last && !last_completed
}

async fn runs(bed: &Bed) -> Vec<Run> {
    let rows = bed
        .rows(
            "SELECT run, integration, state IN ('planned', 'running', 'parked') OR portion_open,
                    state IN ('completed', 'completed_with_errors'), dry_run, partial, started_at, finished_at
             FROM runs ORDER BY run",
        )
        .await;
    rows.iter()
        .map(|row| {
            let number = |i: usize| number(&row[i]);
            Run {
                id: number(0).unwrap(),
                integration: number(1).unwrap(),
                waiting: number(2) == Some(1),
                completed: number(3) == Some(1),
                only: (number(4).unwrap(), number(5).unwrap()),
                began: number(6).unwrap(),
                ended: number(7).or(number(6)).unwrap(),
            }
        })
        .inspect(|run| assert!(run.began <= run.ended))
        .collect()
}

async fn people(bed: &Bed) -> Vec<Person> {
    let rows = bed
        .rows(
            "SELECT person, integration, iif(present, NULL, gone_since), user_version, record_version FROM people",
        )
        .await;
    rows.iter()
        .map(|row| Person {
            id: number(&row[0]).unwrap(),
            integration: number(&row[1]).unwrap(),
            gone_since: number(&row[2]),
            user: number(&row[3]),
            record: number(&row[4]),
        })
        .collect()
}

async fn faults(bed: &Bed) -> Vec<Fault> {
    let rows = bed
        .rows("SELECT error, run, person, at, record_version FROM errors")
        .await;
    rows.iter()
        .map(|row| Fault {
            error: number(&row[0]).unwrap(),
            run: number(&row[1]).unwrap(),
            person: number(&row[2]),
            at: number(&row[3]).unwrap(),
            record: number(&row[4]),
        })
        .collect()
}

async fn versions(bed: &Bed, kind: &str) -> Vec<Version> {
    let sql = format!("SELECT {kind}_version, person, run FROM {kind}_versions");
    let rows = bed.rows(&sql).await;
    rows.iter()
        .map(|row| {
            let number = |i: usize| number(&row[i]).unwrap();
            Version {
                id: number(0),
                person: number(1),
                run: number(2),
            }
        })
        .collect()
}

fn number(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Integer(number) => Some(*number),
        _ => None,
    }
}
