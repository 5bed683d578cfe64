//! Exit codes, as they are promised, and the sentence that goes with an error.

use std::process::ExitCode;

use load::{Report, State};

use crate::control::Refusal;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: it failed.
    Failed,
    /// 2: the command line or the configuration is wrong.
    Usage,
    /// 3: done, but users failed.
    UsersFailed,
    /// 3: nothing is wrong, and something is to be seen to.
    Warned,
    /// 4: parked, nothing written.
    Parked,
    /// 5: another run of the integration is going on.
    Busy,
    /// 6: interrupted or canceled.
    Interrupted,
}

impl Exit {
    /// Its code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::UsersFailed | Exit::Warned => 3,
            Exit::Parked => 4,
            Exit::Busy => 5,
            Exit::Interrupted => 6,
        }
    }

    /// What a code means; one that was never promised is a failure.
    pub(crate) fn from_code(code: u8) -> Self {
        const ALL: [Exit; 7] = [
            Exit::Done,
            Exit::Failed,
            Exit::Usage,
            Exit::UsersFailed,
            Exit::Parked,
            Exit::Busy,
            Exit::Interrupted,
        ];
        ALL.into_iter()
            .find(|exit| exit.code() == code)
            .unwrap_or(Exit::Failed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A mistake in what was asked for: exit code 2.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// The exit code of a run.
pub(crate) fn of_report(report: &Report) -> Exit {
    match report.state {
        State::Parked => Exit::Parked,
        State::Interrupted | State::Canceled => Exit::Interrupted,
        State::CompletedWithErrors => Exit::UsersFailed,
        // A dry run that would have been parked.
        State::Completed | State::Planned if !report.guards.is_empty() && report.intents => {
            Exit::Parked
        }
        State::Completed | State::Planned if report.counts.failed > 0 => Exit::UsersFailed,
        State::Completed | State::Planned => Exit::Done,
        State::Failed | State::Running | State::Discarded | State::Overtaken => Exit::Failed,
    }
}

/// The exit code of an error.
pub(crate) fn of_error(error: &anyhow::Error) -> Exit {
    if error.is::<Usage>() {
        return Exit::Usage;
    }
    if let Some(refusal) = error.downcast_ref::<Refusal>() {
        return refusal.exit;
    }
    match error.downcast_ref::<load::Error>() {
        Some(load::Error::Busy { .. }) => Exit::Busy,
        Some(error) if error.is_refusal() => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// The error and its causes, on one line.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
    causes.join(": ")
}
