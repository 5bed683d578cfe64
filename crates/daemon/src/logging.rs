//! Where logs go: to stderr for people, and as JSON lines to daily files in `state_dir/logs`.

use std::io::IsTerminal as _;

use anyhow::Context as _;
use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, filter};

use crate::app::make_folder;
use crate::config::Config;

/// Our own crates: only they may be asked for more than INFO.
const OURS: [&str; 8] = [
    "daemon",
    "load",
    "mapping",
    "oomnitza",
    "sentinelone",
    "simulator",
    "store",
    "transport",
];

/// Keeps the log files open; what is still in memory is written when it goes.
pub(crate) struct Logging {
    _files: WorkerGuard,
}

/// Begins to log: `RUST_LOG`, or else `log.level`, says what.
pub(crate) fn begin(config: &Config) -> anyhow::Result<Logging> {
    let folder = config.state_dir.join("logs");
    make_folder(&folder)?;
    let files = RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix("rollcall")
        .filename_suffix("jsonl")
        .max_log_files(config.log.keep_files)
        .build(&folder)
        .with_context(|| format!("could not open a log file in `{}`", folder.display()))?;
    // Lines are waited for rather than lost.
    let (files, guard) = NonBlockingBuilder::default().lossy(false).finish(files);

    let stderr = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // On a terminal there is a progress bar and a summary: the log repeats neither.
        .with_filter(if std::io::stderr().is_terminal() {
            LevelFilter::WARN
        } else {
            LevelFilter::TRACE
        });
    let json = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(files);
    tracing_subscriber::registry()
        .with(level(config)?)
        .with(filter::filter_fn(may_be_logged))
        .with(stderr)
        .with(json)
        .init();
    Ok(Logging { _files: guard })
}

fn level(config: &Config) -> anyhow::Result<EnvFilter> {
    match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.trim().is_empty() => {
            EnvFilter::try_new(&directives).map_err(|error| {
                crate::exit::Usage(format!(
                    "`RUST_LOG` cannot be read ({error}); write such as `info,load=debug`"
                ))
                .into()
            })
        }
        _ => EnvFilter::try_new(&config.log.level).context("could not read `log.level`"),
    }
}

/// Other crates log URLs and headers below INFO, which must reach no log.
fn may_be_logged(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    let krate = target.split("::").next().unwrap_or(target);
    *metadata.level() <= tracing::Level::INFO || OURS.contains(&krate)
}
