//! `bench --history`: how large the database is after a year of daily loads, and how long an explanation takes with it.
//!
//! The loads are real ones, of a console in which some users change between any two; only the days between them are made up.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use simulator::{Control, Options, People, Simulator};
use store::{Pruning, Retention, Store};

use super::daemon::{Figure, tell};
use super::{load_process, megabytes};
use crate::app;
use crate::arguments::Bench;
use crate::commands::stand_ins::{INTEGRATION, Shape, StandIns, write};
use crate::exit::Exit;
use crate::output;

/// One of so many users changes from one day to the next: 2 %.
const ONE_OF: usize = 50;
/// So many users are explained.
const ASKED: usize = 20;

pub(super) async fn measure(command: &Bench) -> anyhow::Result<Exit> {
    let (days, people) = (command.year.days, command.year.people);
    let folder = tempfile::tempdir()?;
    let simulator = Simulator::launch(Options {
        people: People::Matching {
            share: 1.0 - command.year.missing / 100.0,
        },
        ..Options::bench(people)
    })?;
    let shape = Shape {
        preference: "update_only",
        bulk: true,
        scope: "not isSystem",
        state_dir: ".",
        schedule: None,
    };
    write(folder.path(), &StandIns::of(&simulator), &shape)?;
    output::talk!("{days} daily loads of {people} users, of whom 2 % change a day …");
    let control = simulator.control();
    let ids = ids(&control)?;
    for day in 0..days as usize {
        if day > 0 {
            change(&control, &ids, day);
        }
        load_process(folder.path())?;
    }
    drop(simulator);
    age(folder.path()).await?;
    let database = folder.path().join("rollcall.db");
    let size = std::fs::metadata(&database)?.len();
    let mut figures = vec![Figure::new(
        format!("the database after {days} days of {people} users"),
        megabytes(size),
        200.0,
        "MB",
    )];
    figures.extend(explanations(folder.path(), &ids)?);
    tell(&figures, command.json)
}

fn ids(control: &Control) -> anyhow::Result<Vec<String>> {
    let users = control.users();
    let id = |user: &Value| user["id"].as_str().map(str::to_owned);
    let ids: Option<Vec<String>> = users.iter().map(id).collect();
    ids.context("a user has no id")
}

/// Changes some users as people do: most of them have logged in, a few have another role.
fn change(control: &Control, ids: &[String], day: usize) {
    for (place, id) in ids
        .iter()
        .enumerate()
        .filter(|(place, _)| (place + day).is_multiple_of(ONE_OF))
    {
        let at = format!(
            "2026-{:02}-{:02}T08:{:02}:00Z",
            day / 28 % 12 + 1,
            day % 28 + 1,
            place % 60
        );
        let mut changes = json!({ "lastLogin": at });
        if (place / ONE_OF + day).is_multiple_of(10) {
            let role = format!("Role {}", day % 7);
            changes["scopeRoles"] =
                json!([{ "id": "1", "name": "Dublin", "roleId": "9", "roleName": role }]);
        }
        control.edit_user(id, &changes);
    }
}

/// Makes it as if a day had passed between any two loads, and lets go of what is past its retention.
async fn age(folder: &Path) -> anyhow::Result<()> {
    let config = app::configuration(&folder.join("rollcall.yaml"))?;
    let store = Store::open(&folder.join("rollcall.db")).await?;
    store.spread_over_days().await?;
    let before = |kept: Duration| -> anyhow::Result<Timestamp> {
        Ok(Timestamp::now().checked_sub(SignedDuration::try_from(kept)?)?)
    };
    let mut pruning = Pruning::new(Retention {
        runs: before(config.retention.runs)?,
        errors: before(config.retention.errors)?,
        changes: before(config.retention.changes)?,
        gone_people: before(config.retention.gone_people)?,
    });
    while store.prune(&mut pruning, 1000).await?.more {}
    while store.optimize(10_000).await? {}
    store.checkpoint().await?;
    store.close().await?;
    Ok(())
}

/// How long the whole command takes, of some users all over.
fn explanations(folder: &Path, ids: &[String]) -> anyhow::Result<Vec<Figure>> {
    let mut times = Vec::new();
    for id in ids.iter().step_by((ids.len() / ASKED).max(1)) {
        let began = Instant::now();
        let output = Command::new(std::env::current_exe()?)
            .args(["explain", id, "--config"])
            .arg(folder.join("rollcall.yaml"))
            .output()?;
        times.push(began.elapsed());
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!(
                "an explanation in `{INTEGRATION}` ended with {}:\n{said}",
                output.status
            );
        }
    }
    times.sort_unstable();
    let figure = |which, time: Option<&Duration>| {
        let ms = time.map_or(0.0, |time| time.as_secs_f64() * 1e3);
        Figure::new(format!("an explanation, {which}"), ms, 50.0, "ms")
    };
    Ok(vec![
        figure("median", times.get(times.len() / 2)),
        figure("longest", times.last()),
    ])
}
