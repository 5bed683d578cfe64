//! The marked points of runs, armed by the environment: the process writes down where it comes by, or dies there.
//!
//! Packages are built without this. It is for the tests in `tests/`, which list the points with `rollcall points`.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use load::Point;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::exit::{Exit, Usage};
use crate::output;

/// Where the process kills itself: `plan_completed`, or `batch_sent:3` for the third time.
const KILL_AT: &str = "ROLLCALL_KILL_AT";
/// The file that gets the name of each point that is reached, a line each.
const POINTS_TO: &str = "ROLLCALL_POINTS_TO";

/// Arms the points, where the environment wants it.
///
/// # Errors
/// There is no point of that name, or the file cannot be written.
pub(crate) fn arm() -> anyhow::Result<()> {
    let end = match std::env::var(KILL_AT) {
        Ok(text) => Some(parse(&text)?),
        Err(_) => None,
    };
    let log = std::env::var_os(POINTS_TO).map(PathBuf::from);
    let log = log.as_deref().map(open).transpose()?;
    if end.is_none() && log.is_none() {
        return Ok(());
    }
    let reached: Mutex<HashMap<&str, u32>> = Mutex::default();
    load::arm(move |point| {
        if let Some(mut log) = log.as_ref() {
            // What is missing there is missed by the test.
            let _ = writeln!(log, "{}", point.name());
        }
        let mut reached = reached.lock().unwrap_or_else(PoisonError::into_inner);
        let times = reached.entry(point.name()).or_default();
        *times += 1;
        if end == Some((point, *times)) {
            die();
        }
    });
    Ok(())
}

/// Prints the names of all points.
pub(crate) fn points() -> anyhow::Result<Exit> {
    for point in Point::ALL {
        output::say!("{}", point.name())?;
    }
    Ok(Exit::Done)
}

fn parse(text: &str) -> anyhow::Result<(Point, u32)> {
    let (name, time) = text.split_once(':').unwrap_or((text, "1"));
    let point = Point::ALL.into_iter().find(|point| point.name() == name);
    match (point, time.parse()) {
        (Some(point), Ok(time)) => Ok((point, time)),
        _ => Err(Usage(format!(
            "`{KILL_AT}` says `{text}`; write a name that `rollcall points` prints, and `:2` for the second time"
        ))
        .into()),
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("could not open `{}`", path.display()))
}

/// Dies as by `kill -9`: nothing is flushed, closed or told.
fn die() {
    // It cannot fail: a process may always kill itself.
    let _ = kill(Pid::this(), Signal::SIGKILL);
    loop {
        // The signal stops the other threads a moment later than this one could go on.
        std::thread::park();
    }
}
