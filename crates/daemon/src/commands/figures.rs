//! What a process used, for `bench`: processor time and peak memory, as the kernel counts them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use load::Report;
use serde::{Deserialize, Serialize};

/// What a process used.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Figures {
    /// Processor time of user and kernel together.
    pub(crate) cpu: Duration,
    /// The largest resident memory, in bytes.
    pub(crate) peak_memory: u64,
    /// The time of the work itself.
    pub(crate) wall: Duration,
    /// HTTP requests sent.
    pub(crate) calls: u64,
    /// The users who were seen, and those of them who were written.
    pub(crate) users: u64,
    pub(crate) written: u64,
}

impl Figures {
    /// Reads what this process has used so far.
    pub(crate) fn so_far(wall: Duration, calls: u64) -> anyhow::Result<Self> {
        Ok(Self {
            cpu: cpu_time()?,
            peak_memory: memory("self", "VmHWM:")?,
            wall,
            calls,
            users: 0,
            written: 0,
        })
    }

    /// Writes the figures where who started the process reads them.
    pub(crate) fn write(&self, file: &Path) -> anyhow::Result<()> {
        Ok(fs::write(file, serde_json::to_vec(self)?)?)
    }
}

/// Sums the processor time of all threads, which the kernel's scheduler counts in nanoseconds.
fn cpu_time() -> anyhow::Result<Duration> {
    // Threads that have ended are in the process's own ticks alone, so the larger of the two counts.
    let mut threads = 0;
    for thread in fs::read_dir("/proc/self/task")? {
        let counts = fs::read_to_string(thread?.path().join("schedstat")).unwrap_or_default();
        threads += counts
            .split_whitespace()
            .next()
            .and_then(|ns| ns.parse().ok())
            .unwrap_or(0);
    }
    Ok(Duration::from_nanos(threads).max(ticks("self")?))
}

/// Reads the processor time of a process, those of its threads included that have ended, to the tick.
pub(crate) fn ticks(process: &str) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    // Linux shows 100 ticks a second to user space on every architecture that Rollcall is built for.
    Ok(Duration::from_millis(ticks * 10))
}

/// Reads a line of a process's memory, such as `VmRSS:`, in bytes.
pub(crate) fn memory(process: &str, line: &str) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kib = status
        .lines()
        .find_map(|found| found.strip_prefix(line))
        .and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok())
        .with_context(|| format!("the kernel tells no `{line}`"))?;
    Ok(kib * 1024)
}

/// Writes the figures of a run.
pub(crate) fn write(file: &Path, report: &Report) -> anyhow::Result<()> {
    let calls = report.source_calls + report.target_calls;
    let mut figures = Figures::so_far(report.duration, calls)?;
    figures.users = report.counts.seen;
    figures.written = report.counts.created + report.counts.updated;
    figures.write(file)
}
