//! Where logs go: to the journal or to stderr, and as JSON lines to daily files in
//! `state_dir/logs`.
//!
//! Lines are waited for rather than lost. Those that a file cannot take, since the disk is full, are
//! counted, and said to be missing.

mod files;
mod journal;
mod outage;

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, filter, reload};

use crate::app::make_folder;
use crate::config::Config;
use crate::exit::Usage;
use files::{Files, Keep};
use outage::Accounted;

/// Our own crates: only they may be asked for more than INFO.
const OURS: [&str; 9] = [
    "daemon",
    "load",
    "mapping",
    "oomnitza",
    "schedule",
    "sentinelone",
    "simulator",
    "store",
    "transport",
];

/// Lines that may wait to be written: a burst of a busy second, and little memory, for all of their
/// places are made at the start.
const WAITING_LINES: usize = 4_096;

/// Who reads along on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Somebody who has a progress bar and a summary too, which a log on a terminal must not repeat.
    Command,
    /// Somebody to whom the log is all there is.
    Service,
}

/// Keeps the log going; what is still in memory is written when it goes.
pub(crate) struct Logging {
    level: reload::Handle<EnvFilter, Registry>,
    keep: Keep,
    _files: WorkerGuard,
}

/// Begins to log: `RUST_LOG`, or else `log.level`, says what.
///
/// # Errors
///
/// Says why where no log file can be opened, and where `RUST_LOG` cannot be read.
pub(crate) fn begin(config: &Config, audience: Audience) -> anyhow::Result<Logging> {
    let folder = config.state_dir.join("logs");
    make_folder(&folder)?;
    let keep = Keep::new(config.log.keep_files);
    let files = Files::open(&folder, keep.clone())
        .with_context(|| format!("could not open a log file in `{}`", folder.display()))?;
    let (files, guard) = NonBlockingBuilder::default()
        .lossy(false)
        .buffered_lines_limit(WAITING_LINES)
        .finish(Accounted::new(files, io::stderr(), journal::error_mark()));
    let from_environment = from_environment()?;
    let stands_above = from_environment.is_some();
    let (level, handle) = reload::Layer::new(match from_environment {
        Some(level) => level,
        None => from_text(&config.log.level)?,
    });
    subscriber(level, audience, files)
        .try_init()
        .context("could not begin to log")?;
    if stands_above {
        tracing::info!("RUST_LOG is set and stands above `log.level` of the configuration");
    }
    Ok(Logging {
        level: handle,
        keep,
        _files: guard,
    })
}

impl Logging {
    /// Puts another `log.level` in force, unless `RUST_LOG` stands above it.
    ///
    /// # Errors
    ///
    /// Says why where the text is no filter; the old level stays then.
    pub(crate) fn set_level(&self, level: &str) -> anyhow::Result<()> {
        if from_environment()?.is_some() {
            return Ok(());
        }
        self.level
            .reload(from_text(level)?)
            .context("could not change the level of the log")
    }

    /// Keeps so many daily files from now on; those beyond go with the next line.
    pub(crate) fn set_keep_files(&self, keep_files: usize) {
        self.keep.set(keep_files);
    }
}

/// What takes up events: filters first, then the two places where they are written.
fn subscriber(
    level: reload::Layer<EnvFilter, Registry>,
    audience: Audience,
    lines: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(lines);
    tracing_subscriber::registry()
        .with(level)
        .with(filter::filter_fn(may_be_logged))
        .with(talk(audience))
        .with(json)
}

/// What people read: the journal where it listens to our stderr, else stderr.
fn talk<S>(audience: Audience) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    // Where its socket cannot be reached, it still has what goes to stderr.
    if let Some(journal) = journal::connected()
        .then(journal::layer)
        .and_then(Result::ok)
    {
        return journal.boxed();
    }
    let on_a_terminal = io::stderr().is_terminal();
    let most = if on_a_terminal && audience == Audience::Command {
        LevelFilter::WARN
    } else {
        LevelFilter::TRACE
    };
    tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(on_a_terminal)
        .with_filter(most)
        .boxed()
}

fn from_environment() -> anyhow::Result<Option<EnvFilter>> {
    let Ok(directives) = std::env::var("RUST_LOG") else {
        return Ok(None);
    };
    if directives.trim().is_empty() {
        return Ok(None);
    }
    let level = EnvFilter::try_new(&directives).map_err(|error| {
        Usage(format!(
            "`RUST_LOG` cannot be read ({error}); write such as `info,load=debug`"
        ))
    })?;
    Ok(Some(level))
}

fn from_text(level: &str) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(level).context("could not read `log.level`")
}

/// Other crates log URLs and headers below INFO, which must reach no log; and the scheduler tells of
/// every tick what the ledger has.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let krate = target.split("::").next().unwrap_or(target);
    let most = match krate {
        "tokio_cron_scheduler" => LevelFilter::WARN,
        ours if OURS.contains(&ours) => LevelFilter::TRACE,
        _ => LevelFilter::INFO,
    };
    *metadata.level() <= most
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn read(&self) -> Vec<Value> {
            let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
            let lines = text.lines();
            lines
                .map(|line| serde_json::from_str(line).unwrap())
                .collect()
        }

        fn messages(&self) -> Vec<String> {
            let lines = self.read();
            let messages = lines.iter().map(|line| line["message"].as_str().unwrap());
            messages.map(str::to_owned).collect()
        }
    }

    /// Does something under a log of some level, which `act` can change.
    fn log(level: &str, act: impl FnOnce(&reload::Handle<EnvFilter, Registry>)) -> Lines {
        let lines = Lines::default();
        let writer = lines.clone();
        let (level, handle) = reload::Layer::new(from_text(level).unwrap());
        let subscriber = subscriber(level, Audience::Service, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || act(&handle));
        lines
    }

    #[test]
    fn another_level_is_in_force_at_once_also_for_one_crate() {
        let lines = log("info", |level| {
            let speak = |at| {
                tracing::debug!(target: "load::plan", "load {at}");
                tracing::debug!(target: "store", "store {at}");
            };
            speak("before");
            level.reload(from_text("info,load=debug").unwrap()).unwrap();
            speak("after");
            level.reload(from_text("off").unwrap()).unwrap();
            tracing::error!(target: "load", "off");
        });
        assert_eq!(lines.messages(), ["load after"]);
    }

    #[test]
    fn foreign_crates_are_not_heard_below_info_and_the_scheduler_not_below_warn() {
        let lines = log("trace", |_| {
            tracing::debug!(target: "hyper::client", "a header");
            tracing::info!(target: "hyper::client", "said");
            tracing::info!(target: "tokio_cron_scheduler::scheduler", "a tick");
            tracing::warn!(target: "tokio_cron_scheduler::scheduler", "a warning");
            tracing::trace!(target: "transport::send", "ours");
        });
        assert_eq!(lines.messages(), ["said", "a warning", "ours"]);
    }

    #[test]
    fn an_error_stands_in_the_log_with_its_causes_and_fields_with_their_names() {
        let lines = log("info", |_| {
            let error = anyhow::anyhow!("no space left").context("could not write");
            tracing::error!(
                run.id = "019ab1c2",
                error = %crate::exit::sentence(&error),
                "A run failed"
            );
        });
        let [line] = lines.read().try_into().unwrap();
        assert_eq!(line["run.id"], "019ab1c2");
        assert_eq!(line["error"], "could not write: no space left");
        assert_eq!(line["level"], "ERROR");
    }
}
