//! `bench --daemon`: what the daemon needs while it has nothing to do, and how punctual it is.
//!
//! What takes time by itself is measured side by side: the minutes in which nothing happens, the due times,
//! and the minute after a load. Starts are measured before that, one after another.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use comfy_table::{Cell, CellAlignment};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::{Cell as Value, Store};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{interval, sleep, timeout};

use super::service::Service;
use super::{Running, megabytes, start_stand_ins};
use crate::arguments::{Bench, Lengths};
use crate::commands::stand_ins::{INTEGRATION, Shape, StandIns, write};
use crate::exit::Exit;
use crate::{app, output};

/// A schedule that is due on 29 February alone.
const HARDLY_EVER: &str = "{ cron: '0 0 29 2 *' }";
/// A schedule that is due as often as one can be.
const EACH_MINUTE: &str = "{ cron: '* * * * *' }";
/// Where the state is, as elsewhere not beside the configuration: each change of that folder is looked at.
const STATE_DIR: &str = "state";

/// A year of history has a run for each day, and some that were made by hand.
const RUNS_OF_A_YEAR: u32 = 400;
/// The people of that year.
const PEOPLE_OF_A_YEAR: u32 = 10_000;

/// One figure, and what it is held to.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    name: String,
    measured: f64,
    /// At most this; `None`: it is told, and held to nothing.
    bound: Option<f64>,
    unit: &'static str,
    kept: bool,
}

impl Figure {
    pub(super) fn new(
        name: impl Into<String>,
        measured: f64,
        bound: impl Into<Option<f64>>,
        unit: &'static str,
    ) -> Self {
        let bound = bound.into();
        Self {
            name: name.into(),
            measured,
            bound,
            unit,
            kept: bound.is_none_or(|bound| measured <= bound),
        }
    }
}

/// Measures all figures of the daemon.
pub(super) async fn measure(command: &Bench) -> anyhow::Result<Exit> {
    let lengths = &command.lengths;
    let users = command.users.iter().copied().max().unwrap_or_default();
    let nobody = start_stand_ins(1)?;
    output::talk!("{} starts on a new database …", lengths.starts);
    let (mut figures, idle_one) = on_new_databases(&nobody.ready, lengths).await?;
    output::talk!("{} starts with a year of history …", lengths.starts);
    figures.extend(with_a_year(&nobody.ready, lengths).await?);
    output::talk!("{LOADS} loads of {users} users …");
    let loaded = Loaded::new(users).await?;
    output::talk!(
        "{} s with nothing to do, {} due times …",
        lengths.idle,
        lengths.due_times
    );
    let (idle, punctual, after_load) = tokio::try_join!(
        before_a_load(&idle_one.service, lengths),
        due_times(lengths.due_times),
        loaded.measure(users, lengths),
    )?;
    figures.extend(idle);
    figures.extend(after_load);
    figures.push(punctual);
    idle_one.service.stop().await?;
    loaded.service.stop().await?;
    tell(&figures, command.json)
}

/// Prints the figures; says whether each bound is kept.
pub(super) fn tell(figures: &[Figure], as_json: bool) -> anyhow::Result<Exit> {
    if as_json {
        output::json(figures)?;
    } else {
        print(figures)?;
    }
    let kept = figures.iter().all(|figure| figure.kept);
    Ok(if kept { Exit::Done } else { Exit::Failed })
}

/// A daemon, and the folder that it serves from.
struct Served {
    service: Service,
    _folder: TempDir,
}

/// Starts on databases that are not there yet; the daemon of the last one goes on.
async fn on_new_databases(
    ready: &StandIns,
    lengths: &Lengths,
) -> anyhow::Result<(Vec<Figure>, Served)> {
    let mut times = Vec::new();
    loop {
        let folder = folder(ready, HARDLY_EVER)?;
        let service = Service::start(folder.path()).await?;
        times.push(service.ready());
        if times.len() >= lengths.starts as usize {
            let served = Served {
                service,
                _folder: folder,
            };
            // Making the tables waits for the disk; nothing is promised of it.
            let figures = starts("ready on a new database", &mut times, None);
            return Ok((figures, served));
        }
        service.stop().await?;
    }
}

/// Starts on a database with a year of history.
async fn with_a_year(ready: &StandIns, lengths: &Lengths) -> anyhow::Result<Vec<Figure>> {
    let folder = folder(ready, HARDLY_EVER)?;
    let state_dir = folder.path().join(STATE_DIR);
    app::make_folder(&state_dir)?;
    let store = Store::open(&state_dir.join("rollcall.db")).await?;
    let (errors, until) = (lengths.errors, Timestamp::now());
    store
        .fill_with_history(INTEGRATION, RUNS_OF_A_YEAR, errors, PEOPLE_OF_A_YEAR, until)
        .await?;
    store.close().await?;
    let mut times = Vec::new();
    for _ in 0..lengths.starts.max(1) {
        let service = Service::start(folder.path()).await?;
        times.push(service.ready());
        service.stop().await?;
    }
    Ok(starts(
        "ready with a year of history",
        &mut times,
        Some(100.0),
    ))
}

/// The longest and the median of some starts.
fn starts(what: &str, times: &mut [Duration], bound: Option<f64>) -> Vec<Figure> {
    times.sort_unstable();
    let figure = |which, time: Duration| {
        let ms = time.as_secs_f64() * 1e3;
        Figure::new(format!("{what}, {which}"), ms, bound, "ms")
    };
    let (median, longest) = (times.get(times.len() / 2), times.last());
    let figures = [
        median.map(|&time| figure("median", time)),
        longest.map(|&time| figure("longest", time)),
    ];
    figures.into_iter().flatten().collect()
}

/// What a daemon uses that has never loaded anybody, and has nothing to do.
async fn before_a_load(service: &Service, lengths: &Lengths) -> anyhow::Result<Vec<Figure>> {
    let at_first = service.resident()?;
    let share = idle(service, lengths.idle).await?;
    let resident = megabytes(at_first.max(service.resident()?));
    Ok(vec![
        Figure::new("memory before the first load", resident, 20.0, "MB"),
        share_of_a_core("idle before the first load", share),
    ])
}

/// So many loads are made: the first changes everybody, and memory must not grow with each.
const LOADS: u32 = 3;

/// A daemon that has made loads.
struct Loaded {
    service: Service,
    over: Instant,
    _folder: TempDir,
    _stand_ins: Running,
}

impl Loaded {
    /// Lets a daemon make loads by bulk.
    async fn new(users: u32) -> anyhow::Result<Self> {
        let stand_ins = start_stand_ins(users)?;
        let folder = folder(&stand_ins.ready, HARDLY_EVER)?;
        let service = Service::start(folder.path()).await?;
        for _ in 0..LOADS {
            let ran = Command::new(std::env::current_exe()?)
                .args(["run", INTEGRATION, "--config"])
                .arg(folder.path().join("rollcall.yaml"))
                .output()
                .await?;
            if !ran.status.success() {
                let said = String::from_utf8_lossy(&ran.stderr);
                bail!("a load ended with {}:\n{said}", ran.status);
            }
        }
        Ok(Self {
            service,
            over: Instant::now(),
            _folder: folder,
            _stand_ins: stand_ins,
        })
    }

    async fn measure(&self, users: u32, lengths: &Lengths) -> anyhow::Result<Vec<Figure>> {
        let after = Duration::from_secs(lengths.after_load);
        sleep(after.saturating_sub(self.over.elapsed())).await;
        let resident = megabytes(self.service.resident()?);
        let share = idle(&self.service, lengths.idle).await?;
        // It must not grow again.
        let later = megabytes(self.service.resident()?);
        let what = format!(
            "memory from {} s after {LOADS} loads of {users} users",
            lengths.after_load
        );
        Ok(vec![
            Figure::new(what, resident.max(later), 30.0, "MB"),
            share_of_a_core("idle after these loads", share),
        ])
    }
}

/// The share of one core that a daemon takes in some seconds, in percent.
async fn idle(service: &Service, seconds: u64) -> anyhow::Result<f64> {
    let (began, before) = (Instant::now(), service.cpu()?);
    sleep(Duration::from_secs(seconds)).await;
    let used = service.cpu()?.saturating_sub(before);
    Ok(100.0 * used.as_secs_f64() / began.elapsed().as_secs_f64())
}

fn share_of_a_core(what: &str, share: f64) -> Figure {
    Figure::new(what, share, 0.05, "% of one core")
}

/// How long after its due time a run begins: the longest of some due times.
async fn due_times(count: u32) -> anyhow::Result<Figure> {
    let stand_ins = start_stand_ins(100)?;
    let folder = folder(&stand_ins.ready, EACH_MINUTE)?;
    let service = Service::start(folder.path()).await?;
    let longest = Duration::from_mins(u64::from(count) + 1);
    let late = timeout(longest, begun(&folder.path().join(STATE_DIR), count))
        .await
        .context("due times pass without a run")??;
    service.stop().await?;
    let late = late.iter().max().copied().unwrap_or_default();
    let what = format!("a due run begins, latest of {count}");
    Ok(Figure::new(what, late.as_secs_f64(), 1.0, "s"))
}

/// Waits until so many scheduled runs are over; says how long after their due times they began.
async fn begun(state_dir: &Path, count: u32) -> anyhow::Result<Vec<SignedDuration>> {
    let store = app::read_store_in(state_dir).await?;
    let mut looks = interval(Duration::from_millis(500));
    loop {
        looks.tick().await;
        let sql = "SELECT due_at, started_at FROM v_runs WHERE due_at IS NOT NULL AND finished_at IS NOT NULL";
        let runs = store.select(sql.to_owned(), &[]).await?.rows;
        if runs.len() >= count as usize {
            store.close().await?;
            return runs.iter().map(|run| late(run)).collect();
        }
    }
}

fn late(run: &[Value]) -> anyhow::Result<SignedDuration> {
    let [Value::Text(due_at), Value::Text(started_at)] = run else {
        bail!("a run has no times: {run:?}");
    };
    let [due_at, started_at]: [Timestamp; 2] = [due_at.parse()?, started_at.parse()?];
    Ok(started_at.duration_since(due_at))
}

/// Makes a folder with a configuration that leads to the stand-ins.
fn folder(ready: &StandIns, schedule: &str) -> anyhow::Result<TempDir> {
    let folder = tempfile::tempdir()?;
    let shape = Shape {
        preference: "update_only",
        bulk: true,
        scope: "not isSystem",
        state_dir: STATE_DIR,
        schedule: Some(schedule),
    };
    write(folder.path(), ready, &shape)?;
    Ok(folder)
}

fn print(figures: &[Figure]) -> anyhow::Result<()> {
    let mut table = output::new_table();
    table.set_header(["figure", "measured", "at most", "unit", "bound"]);
    for figure in figures {
        let [measured, bound] = [Some(figure.measured), figure.bound].map(|number| {
            let text = number.map(|number| number_text(number, figure.unit));
            Cell::new(text.unwrap_or_default()).set_alignment(CellAlignment::Right)
        });
        let verdict = match (figure.bound, figure.kept) {
            (None, _) => "",
            (Some(_), true) => "kept",
            (Some(_), false) => "missed",
        };
        table.add_row(vec![
            Cell::new(&figure.name),
            measured,
            bound,
            Cell::new(figure.unit),
            Cell::new(verdict),
        ]);
    }
    Ok(output::say!("{table}")?)
}

/// As many digits as say something.
fn number_text(number: f64, unit: &str) -> String {
    match unit {
        "ms" => format!("{number:.0}"),
        "MB" => format!("{number:.1}"),
        _ => format!("{number:.3}"),
    }
}
