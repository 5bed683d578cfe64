//! Why there is no run, and why a run could not go on.

use std::fmt::Write as _;
use std::io;

use jiff::SignedDuration;
use store::State;

use crate::guards::TooMany;
use crate::halt::Cause;

/// Why no run was made, or none could be taken up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lock of the integration is taken.
    #[error("another run of `{integration}` is going on; wait for it to end")]
    Busy {
        /// The integration.
        integration: String,
    },
    /// There is no such run of the integration.
    #[error("no run has the id `{run_id}`; `rollcall runs` lists them")]
    UnknownRun {
        /// The id that was asked for.
        run_id: String,
    },
    /// The run is not one that waits to be applied.
    #[error(
        "run `{run_id}` is {state}; only a planned run can be applied, make one with `rollcall plan {integration}`"
    )]
    NotPlanned {
        /// The run.
        run_id: String,
        /// What it is.
        state: State,
        /// Its integration.
        integration: String,
    },
    /// The run is not one that a guard holds back.
    #[error("run `{run_id}` is {state}; only a parked run can be released{}", after_parking(*.state, .integration))]
    NotParked {
        /// The run.
        run_id: String,
        /// What it is.
        state: State,
        /// Its integration.
        integration: String,
    },
    /// The run has no plan that waits.
    #[error("run `{run_id}` is {state}; only a plan that waits, planned or parked, can be dropped")]
    NotWaiting {
        /// The run.
        run_id: String,
        /// What it is.
        state: State,
    },
    /// The run was parked before a plan was made.
    #[error("run `{run_id}` has no plan that could be carried out; run the integration again")]
    NoPlan {
        /// The run.
        run_id: String,
    },
    /// The run to be taken back takes back itself.
    #[error("run `{run_id}` is an undo itself; to have its way again, run the integration")]
    UndoOfUndo {
        /// The run.
        run_id: String,
    },
    /// The run to be taken back wrote nothing.
    #[error("run `{run_id}` wrote nothing that could be taken back: it is {state}")]
    WroteNothing {
        /// The run.
        run_id: String,
        /// What it is.
        state: State,
    },
    /// The run to be taken back wrote no people.
    #[error(
        "run `{run_id}` wrote SaaS users alone, which an undo leaves as they are; set them in Oomnitza, or run the integration"
    )]
    WroteSaasAlone {
        /// The run.
        run_id: String,
    },
    /// What the run to be taken back wrote is not on record any more.
    #[error(
        "what run `{run_id}` wrote is not on record any more; `retention.changes` says how long it is kept"
    )]
    ChangesGone {
        /// The run.
        run_id: String,
    },
    /// The run to be replayed has nobody who is to be loaded again.
    #[error("{}", nobody_to_replay(.run_id, *.not_loaded))]
    NobodyToReplay {
        /// The run.
        run_id: String,
        /// How many it skipped or failed.
        not_loaded: u64,
    },
    /// The run wrote nobody of whom is spoken.
    #[error(
        "run `{run_id}` wrote no user with the address or id `{only}`; `v_changes` has those whom it wrote"
    )]
    NobodyMeant {
        /// The run.
        run_id: String,
        /// Of whom is spoken.
        only: String,
    },
    /// The run wrote several of whom is spoken.
    #[error(
        "run `{run_id}` wrote several users with the address `{only}`; write the id of one instead: {source_ids}"
    )]
    SeveralMeant {
        /// The run.
        run_id: String,
        /// Of whom is spoken.
        only: String,
        /// Their ids in the console.
        source_ids: String,
    },
    /// The plan was made under another configuration.
    #[error(
        "the configuration of `{integration}` has changed since run `{run_id}` was planned; make a new plan with `rollcall plan {integration}`"
    )]
    Reconfigured {
        /// The run.
        run_id: String,
        /// Its integration.
        integration: String,
    },
    /// What dead processes left could not be closed.
    #[error(
        "could not close what earlier runs of `{integration}` left behind, which the next run tries again: {reason}"
    )]
    NotRecovered {
        /// The integration.
        integration: String,
        /// Why, in words that may stand in a log.
        reason: String,
    },
    /// The folder of the state cannot be used.
    #[error("could not take the lock of `{integration}` in `state_dir`")]
    Lock {
        /// The integration.
        integration: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Whether there was nothing to be done here, so that no load has failed.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Busy { .. }
                | Self::UnknownRun { .. }
                | Self::NotPlanned { .. }
                | Self::NotParked { .. }
                | Self::NotWaiting { .. }
                | Self::NoPlan { .. }
                | Self::UndoOfUndo { .. }
                | Self::WroteNothing { .. }
                | Self::WroteSaasAlone { .. }
                | Self::ChangesGone { .. }
                | Self::NobodyToReplay { .. }
                | Self::NobodyMeant { .. }
                | Self::SeveralMeant { .. }
                | Self::Reconfigured { .. }
        )
    }
}

/// What to do about a run that was to be released and is not parked.
fn after_parking(state: State, integration: &str) -> String {
    match state {
        State::Overtaken => {
            format!(": a newer run has taken its place, `rollcall runs {integration}` shows it")
        }
        State::Planned => "; `rollcall apply` carries out a planned one".to_owned(),
        State::Interrupted => {
            format!("; `rollcall run {integration}` compares anew and does what is left")
        }
        _ => String::new(),
    }
}

/// Why nobody is loaded again.
fn nobody_to_replay(run_id: &str, not_loaded: u64) -> String {
    if not_loaded == 0 {
        format!("run `{run_id}` skipped and failed nobody, so that nobody is to be loaded again")
    } else {
        format!(
            "the {not_loaded} users whom run `{run_id}` skipped or failed are not on record any more; \
             `retention` says how long they are"
        )
    }
}

/// Why a run ended before it was through.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    #[error("could not read the users of SentinelOne")]
    Source(#[from] sentinelone::Error),
    #[error("could not work with Oomnitza")]
    Target(#[from] oomnitza::Error),
    #[error(
        "the list of SentinelOne users is not complete: it promised {promised}, and {distinct} came, twice in a row; nothing was written"
    )]
    ShortSource { promised: u64, distinct: u64 },
    #[error(
        "the list of Oomnitza people is not complete: it promised {promised}, and {distinct} came, twice in a row; look whether the token's user may see all people; nothing was written"
    )]
    ShortTarget { promised: u64, distinct: u64 },
    #[error(
        "nobody in Oomnitza has the mapped {fields}; make the field in Oomnitza (Configuration > Data > People), or correct its name in `mapping`; nothing was written"
    )]
    UnknownFields { fields: String },
    #[error("no user of the console has the address `{0}`; nothing was written")]
    Nobody(String),
    #[error(
        "several users of the console have the e-mail address `{address}`; write the id of one instead: {source_ids}; \
         nothing was written"
    )]
    Several { address: String, source_ids: String },
    #[error(
        "could not use a scratch file in `state_dir`; see that its disk has room for a copy of both sides"
    )]
    Scratch(#[from] io::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("Oomnitza does not answer any more: {in_a_row} writes in a row were given up")]
    Unreachable { in_a_row: usize },
    #[error(
        "Oomnitza refused each of the first {records} records, so that the load itself must be wrong: see what it said \
         to them, the connector's number or name, and the ids in `fields`"
    )]
    RefusesAll { records: usize },
    #[error(
        "Oomnitza has no SaaS application `{name}`; make it there under Software > SaaS, correct `saas.name`, or set \
         `saas.create: true`; nothing was written"
    )]
    NoApplication { name: String },
    #[error(
        "Oomnitza has {found} SaaS applications `{name}`, and which of them is meant cannot be told; rename or delete \
         all but one; nothing was written"
    )]
    SeveralApplications { name: String, found: usize },
    #[error("a task of the run died")]
    Died,
    #[error("{}", reason(*.0))]
    Halted(Cause),
    #[error("somebody pressed Cancel in Oomnitza")]
    Canceled,
    #[error(
        "the users whom that run skipped or failed are all gone from the console; nothing was written"
    )]
    AllGone,
    #[error(
        "`failed`: {} of {} writes failed, and {} pass; see why in the error log, mend it and run again",
        .0.failed, .0.writes, .0.allowed
    )]
    TooManyFailed(TooMany),
    #[error("{0}")]
    Parked(String),
}

impl Stop {
    /// The state that a run ends in.
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Halted(Cause::Shutdown) => State::Interrupted,
            Self::Canceled | Self::Halted(Cause::ByHand) => State::Canceled,
            Self::Parked(_) => State::Parked,
            _ => State::Failed,
        }
    }

    /// The whole chain of causes, on one line.
    pub(crate) fn chain(&self) -> String {
        chain(self)
    }

    /// The same for the log, where nobody is named: neither by us, nor in the words of either system.
    pub(crate) fn for_log(&self) -> String {
        let cause = match self {
            Self::Source(error) => {
                without_words(error, error.status().map(|status| status.as_u16()))
            }
            Self::Target(error) => return format!("{self}: {}", for_log(error)),
            Self::Nobody(_) => {
                return "no user of the console has the address that was asked for".to_owned();
            }
            Self::Several { source_ids, .. } => {
                return format!("several users have the address that was asked for: {source_ids}");
            }
            _ => return self.chain(),
        };
        format!("{self}: {cause}")
    }
}

/// Why a run was stopped, for the operator.
fn reason(cause: Cause) -> String {
    match cause {
        Cause::Shutdown => "the run was stopped before it was through".to_owned(),
        Cause::ByHand => "canceled by hand".to_owned(),
        Cause::TooLong(limit) => {
            let limit = SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX);
            format!(
                "it took longer than `max_duration`, {limit:#}; see in the log what it waited for, \
                 or set a longer `max_duration`"
            )
        }
    }
}

/// An error of Oomnitza as the log shows it: its words may name people.
pub(crate) fn for_log(error: &oomnitza::Error) -> String {
    without_words(error, error.status().map(|status| status.as_u16()))
}

fn without_words(error: &dyn std::error::Error, status: Option<u16>) -> String {
    match status {
        Some(status @ 300..) => {
            format!("the answer was {status}, in words that are not for the log")
        }
        _ => chain(error),
    }
}

impl Error {
    /// The error and its causes, on one line, without an address.
    pub fn for_log(&self) -> String {
        match self {
            Self::NobodyMeant { run_id, .. } => {
                format!("run `{run_id}` wrote no user with the address or id that was asked for")
            }
            Self::SeveralMeant { run_id, .. } => {
                format!("run `{run_id}` wrote several users with the address that was asked for")
            }
            error => chain(error),
        }
    }
}

/// An error and its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // Writing to a String cannot fail.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_is_in_what_is_logged() {
        let only = "ann@acme.com".to_owned();
        let run_id = "r1".to_owned();
        let nobody = Error::NobodyMeant {
            run_id: run_id.clone(),
            only: only.clone(),
        };
        let several = Error::SeveralMeant {
            run_id,
            only,
            source_ids: "1, 2".to_owned(),
        };
        for error in [nobody, several] {
            assert!(error.to_string().contains("ann@acme.com"), "{error}");
            let logged = error.for_log();
            assert!(logged.contains("`r1`") && !logged.contains('@'), "{logged}");
        }
    }
}
