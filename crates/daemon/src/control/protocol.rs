//! What is said: one JSON object on a line.
//!
//! A client asks one question and gets any number of signs of life, then one answer that is final.
//! While a run goes on it may send [`Question::Stop`] on the same connection, and nothing else.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::status::{Status, instant};
use crate::doctor::Finding;
use crate::exit::Exit;
use crate::forget::Forgotten;
use crate::notify::Trial;

/// The version of this program, as it introduces itself.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Question {
    /// How the daemon and its integrations are.
    Status,
    /// What is to be seen to: tokens, both systems, files, the disk, the database.
    Doctor {
        /// The file of the client's own configuration, as an absolute path; it is compared by its name alone.
        config: PathBuf,
    },
    /// That an integration, or all of them, makes no scheduled runs.
    Pause {
        /// The id of the integration; `None`: all of them.
        integration: Option<String>,
        /// Why, for those who look later.
        reason: String,
    },
    /// That it makes them again.
    Resume {
        /// The id of the integration; `None`: what was paused for all of them.
        integration: Option<String>,
    },
    /// That a run stops, and ends as canceled.
    Cancel {
        /// The id of the run.
        run_id: String,
    },
    /// That a plan that waits is dropped.
    Discard {
        /// The id of the run.
        run_id: String,
        /// Why, for those who look later.
        reason: Option<String>,
    },
    /// That everybody with an address is removed from the history.
    Forget {
        /// The e-mail address.
        email: String,
    },
    /// That everybody in `notify` is sent a test.
    TestNotify {
        /// Who that is in the client's own configuration.
        channels: Vec<String>,
    },
    /// That a run begins, now.
    Start(Order),
    /// That the run which this connection started stops, and ends as interrupted.
    Stop,
}

/// A run that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The id of the integration; empty for work on an earlier run when the client cannot read the database.
    pub(crate) integration: String,
    /// What is to be done.
    pub(crate) work: Work,
    /// The hash of the client's own configuration of the integration; empty where the integration is.
    pub(crate) config_hash: String,
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Work {
    /// Load everybody, or just one user.
    Load {
        /// The e-mail address of that user.
        only: Option<String>,
    },
    /// As `Load`, without writing.
    DryRun {
        /// The e-mail address of that user.
        only: Option<String>,
    },
    /// Make a plan.
    Plan,
    /// Carry out a plan.
    Apply {
        /// The id of the planned run.
        run_id: String,
        /// The account of who asks; the daemon knows it by itself.
        #[serde(skip)]
        by: String,
    },
    /// Let a parked plan go on.
    Release {
        /// The id of the parked run.
        run_id: String,
        /// Why, for those who look later.
        reason: String,
        /// As in `Apply`.
        #[serde(skip)]
        by: String,
    },
    /// Load again those whom a run skipped or failed.
    Replay {
        /// The id of that run.
        run_id: String,
        /// What may be written, if not what the configuration says.
        preference: Option<Wish>,
    },
    /// Write back what a run replaced.
    Undo {
        /// The id of that run.
        run_id: String,
        /// Only of this user.
        only: Option<String>,
        /// Whether people whom it made are suspended.
        suspend: bool,
        /// Whether nothing is written.
        dry: bool,
    },
}

/// A preference, as it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum Wish {
    /// People who are in Oomnitza are updated.
    UpdateOnly,
    /// People who are not in Oomnitza are made, the others updated.
    CreateAndUpdate,
    /// People who are not in Oomnitza are made.
    CreateOnly,
}

impl From<Wish> for load::Preference {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::UpdateOnly => Self::UpdateOnly,
            Wish::CreateAndUpdate => Self::CreateAndUpdate,
            Wish::CreateOnly => Self::CreateOnly,
        }
    }
}

impl Work {
    /// The id of the run that it is about, if it is about one.
    pub(crate) fn of_run(&self) -> Option<&str> {
        match self {
            Self::Load { .. } | Self::DryRun { .. } | Self::Plan => None,
            Self::Apply { run_id, .. }
            | Self::Release { run_id, .. }
            | Self::Replay { run_id, .. }
            | Self::Undo { run_id, .. } => Some(run_id),
        }
    }

    /// Whether it loads everybody, and for good.
    pub(crate) fn is_a_load(&self) -> bool {
        matches!(
            self,
            Self::Load { only: None } | Self::Apply { .. } | Self::Release { .. }
        )
    }

    /// The id of the run that it goes on with; what makes a run of its own has none.
    pub(crate) fn goes_on_with(&self) -> Option<&str> {
        match self {
            Self::Apply { run_id, .. } | Self::Release { run_id, .. } => Some(run_id),
            _ => None,
        }
    }

    /// Notes who asks for it.
    pub(crate) fn asked_by(mut self, account: String) -> Self {
        if let Self::Apply { by, .. } | Self::Release { by, .. } = &mut self {
            *by = account;
        }
        self
    }
}

/// Says that a plan was dropped, by the daemon or without it.
pub(crate) fn discarded(integration: &str) -> String {
    format!("the plan of `{integration}` is dropped; its next load plans anew")
}

/// What the daemon answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The run waits before it begins; more answers follow.
    Waiting {
        /// What it waits for.
        what: String,
    },
    /// How far the run is; more answers follow.
    Progress(load::Progress),
    /// The run is over.
    Report(Box<load::Report>),
    /// How the daemon is.
    Status(Box<Status>),
    /// What was found.
    Findings {
        /// One for each thing that was looked at.
        findings: Vec<Finding>,
    },
    /// Who is forgotten.
    Forgotten(Forgotten),
    /// What came of a test of `notify`.
    Tried {
        /// In the order of the configuration.
        trials: Vec<Trial>,
    },
    /// It was done.
    Done {
        /// What was done.
        sentence: String,
    },
    /// It was not done.
    Refused {
        /// Why, and what to do.
        sentence: String,
        /// The exit code of the command.
        exit: u8,
    },
}

/// Why the daemon does not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Refusal {
    /// Why, and what to do.
    pub(crate) sentence: String,
    /// How the command ends that asked for it.
    pub(crate) exit: Exit,
}

impl Refusal {
    /// Makes a refusal.
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            exit,
        }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        Self::Refused {
            sentence: refusal.sentence,
            exit: refusal.exit.code(),
        }
    }
}

impl Question {
    /// Writes the question, and the version of who asks, as a line.
    pub(crate) fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        /// The version stands beside the question, so that even one that is not understood names it.
        #[derive(Serialize)]
        struct Asked<'q> {
            version: &'static str,
            #[serde(flatten)]
            question: &'q Question,
        }
        line(&Asked {
            version: VERSION,
            question: self,
        })
    }

    /// Reads a line; one that is not understood is refused with the versions of both sides.
    pub(crate) fn from_line(line: &[u8]) -> Result<Self, Refusal> {
        let mut asked: Value = serde_json::from_slice(line).map_err(|error| {
            Refusal::new(
                Exit::Usage,
                format!("what was sent is no line of JSON: {error}"),
            )
        })?;
        let version = asked
            .as_object_mut()
            .and_then(|members| members.remove("version"));
        serde_json::from_value(asked).map_err(|error| {
            let theirs = match version.as_ref().and_then(Value::as_str) {
                Some(version) => format!("Rollcall {version}"),
                None => "a program that names no version".to_owned(),
            };
            Refusal::new(
                Exit::Usage,
                format!(
                    "the daemon is Rollcall {VERSION} and does not understand what {theirs} asks: {error}; \
                     where the versions differ, restart the daemon"
                ),
            )
        })
    }
}

impl Answer {
    /// Writes the answer as a line.
    pub(crate) fn to_line(&self) -> serde_json::Result<Vec<u8>> {
        line(self)
    }
}

fn line(what: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    Ok(line)
}

/// The daemon that holds a `state_dir`, as its file `locks/daemon` names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incumbent {
    /// The id of its process.
    pub(crate) pid: u32,
    /// The version of Rollcall.
    pub(crate) version: String,
    /// Its control socket.
    pub(crate) socket: PathBuf,
    /// When it was started.
    #[serde(with = "instant")]
    pub(crate) since: Timestamp,
}

impl fmt::Display for Incumbent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Rollcall {} (process {}, since {})",
            self.version,
            self.pid,
            self.since.strftime("%Y-%m-%d %H:%M:%S UTC")
        )
    }
}
