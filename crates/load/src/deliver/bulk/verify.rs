//! What became of a bulk load: the run log says it in sums, and a second reading user by user.
//!
//! A log without failures and with the sums of the plan is believed, once a sample bears it out:
//! the first users, and for each field the user with the longest value, which is the one to be cut.
//! Everybody is read again where the log counts otherwise, where the sample shows another form, and in small loads.

use jiff::Timestamp;
use oomnitza::{PortionId, RunLog};
use store::{Action, Notice, PlannedChange, Settlement};

use crate::deliver::{Deliverer, Look, Patience, done, failed, look_up, run_log, settle};
use crate::error::Stop;
use crate::point::{Point, reach};
use crate::progress::Phase;
use crate::reason::Reason;
use crate::settings::Bulk;

/// Changes that are looked at again together.
const LOOK: u32 = 500;
/// Loads up to this size are read again as a whole.
const SMALL: u64 = 500;
/// The first changes that are in the sample.
const FIRST: usize = 100;

/// What Oomnitza has accepted, and what it has not.
#[derive(Default)]
pub(super) struct Sent {
    /// Records to create.
    pub(super) creates: u64,
    /// Records to update.
    pub(super) updates: u64,
    /// Records that were refused.
    pub(super) refused: usize,
    /// The sample that bears out the run log.
    pub(super) witnesses: Witnesses,
}

/// Changes whose users are looked at before the run log is believed.
#[derive(Default)]
pub(super) struct Witnesses {
    first: Vec<PlannedChange>,
    /// By place of the field in the mapping: the longest value, and the change that has it.
    longest: Vec<Option<(usize, PlannedChange)>>,
}

impl Witnesses {
    /// Notes the value of a field that is about to be sent.
    pub(super) fn note(&mut self, field: usize, length: usize, change: &PlannedChange) {
        if self.first.len() < FIRST
            && self
                .first
                .last()
                .is_none_or(|last| last.change != change.change)
        {
            self.first.push(change.clone());
        }
        if field >= self.longest.len() {
            self.longest.resize(field + 1, None);
        }
        let longest = &mut self.longest[field];
        if longest.as_ref().is_none_or(|(known, _)| length > *known) {
            *longest = Some((length, change.clone()));
        }
    }

    fn changes(&self) -> Vec<PlannedChange> {
        let longest = self.longest.iter().flatten().map(|(_, change)| change);
        self.first.iter().chain(longest).cloned().collect()
    }
}

/// What the run log says of a load as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applied {
    /// Its sums are those of the plan, and it counts no failure.
    AsPlanned,
    /// It counts failures, or its sums are others.
    Otherwise,
}

/// Whether it is known what became of a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Learnt {
    /// Everything that was sent is settled.
    Everything,
    /// The run log did not say it in time.
    Nothing,
}

impl Applied {
    fn of(log: &RunLog, sent: &Sent) -> Self {
        let clean = log.failed == 0
            && log.canceled == 0
            && log.skipped == 0
            && log.added == sent.creates
            && log.updated + log.unchanged == sent.updates;
        if clean {
            Self::AsPlanned
        } else {
            Self::Otherwise
        }
    }
}

impl Deliverer<'_> {
    /// Settles everything that was sent.
    ///
    /// Where it cannot be learnt what became of it, it counts as done, for it was accepted, and a notice says so.
    pub(super) async fn verify(
        &self,
        bulk: &Bulk,
        id: PortionId,
        sent: &Sent,
        patience: Patience,
    ) -> Result<(), Stop> {
        let accepted = sent.creates + sent.updates;
        if accepted == 0 {
            return Ok(());
        }
        self.progress.begin(Phase::Verifying, Some(accepted));
        let (why, result) = match self.learn(bulk, id, sent, patience).await {
            Ok(Learnt::Everything) => return Ok(()),
            Err(stop @ Stop::Store(_)) => return Err(stop),
            Ok(Learnt::Nothing) => ("its run log did not say in time what became of it", Ok(())),
            Err(stop @ Stop::Halted(_)) => {
                let why = "the run was stopped before it had seen what became of it";
                (why, Err(stop))
            }
            Err(stop) => ("what became of it could not be read", Err(stop)),
        };
        self.begin_unverified(id, why).await?;
        self.store.settle_sent(self.key).await?;
        result
    }

    /// Learns what became of everything that was sent, and settles it.
    async fn learn(
        &self,
        bulk: &Bulk,
        id: PortionId,
        sent: &Sent,
        patience: Patience,
    ) -> Result<Learnt, Stop> {
        let waiting = run_log::wait(self.reader, &bulk.connector, &id, patience);
        let Some(log) = self
            .halt
            .or_stop(async { Ok::<_, Stop>(waiting.await) })
            .await?
        else {
            return Ok(Learnt::Nothing);
        };
        reach(Point::RunLogRead);
        let applied = Applied::of(&log, sent);
        // What it found unchanged may be shown as before because it was not taken.
        if applied == Applied::AsPlanned
            && log.unchanged == 0
            && sent.creates + sent.updates > SMALL
            && self.witnesses_agree(&sent.witnesses).await?
        {
            self.store.settle_sent(self.key).await?;
        } else {
            self.look_at_everybody(applied, &log, sent).await?;
        }
        Ok(Learnt::Everything)
    }

    /// Says whether Oomnitza shows the sample just as it was sent.
    async fn witnesses_agree(&self, witnesses: &Witnesses) -> Result<bool, Stop> {
        let changes = witnesses.changes();
        let looking = look_up(self.reader, self.mapping(), &changes);
        let looks = self.halt.or_stop(looking).await?;
        Ok(changes.iter().all(|change| {
            looks
                .get(&change.change)
                .is_some_and(|look| look.deviations.is_empty())
        }))
    }

    async fn look_at_everybody(
        &self,
        applied: Applied,
        log: &RunLog,
        sent: &Sent,
    ) -> Result<(), Stop> {
        let rejected = self
            .look_through(|change, look| self.judge(change, look, applied, log))
            .await?;
        let all_are_found = rejected >= not_applied(log, sent);
        self.look_through(|change, look| Some(self.judge_odd(change, look, all_are_found, log)))
            .await?;
        Ok(())
    }

    /// Looks at everybody who was sent and is not settled, and settles whom `judge` does not leave for later; gives how
    /// many are rejected.
    async fn look_through(
        &self,
        judge: impl Fn(&PlannedChange, Option<&Look>) -> Option<Settlement> + Sync,
    ) -> Result<u64, Stop> {
        let (mut after, mut rejected) = (0, 0);
        loop {
            let chunk = self.store.sent_changes(self.key, after, LOOK).await?;
            let Some(last) = chunk.last() else {
                return Ok(rejected);
            };
            after = last.change;
            let looking = look_up(self.reader, self.mapping(), &chunk);
            let mut looks = self.halt.or_stop(looking).await?;
            let (mut settled, mut forms) = (Vec::with_capacity(chunk.len()), Vec::new());
            for change in &chunk {
                let look = looks.remove(&change.change);
                let Some(settlement) = judge(change, look.as_ref()) else {
                    continue;
                };
                match (&settlement, look) {
                    (Settlement::Done(_), Some(look)) => forms.extend(look.forms(self.mapping())),
                    (Settlement::Failed(_), _) => rejected += 1,
                    _ => {}
                }
                settled.push(settle(change, settlement));
            }
            self.store_outcomes(&settled).await?;
            self.remember(&forms).await?;
            self.progress.advance(settled.len());
        }
    }

    /// Judges one change by what Oomnitza shows of it; `None` where that depends on the others.
    fn judge(
        &self,
        change: &PlannedChange,
        look: Option<&Look>,
        applied: Applied,
        log: &RunLog,
    ) -> Option<Settlement> {
        let Some(look) = look else {
            return Some(not_there(log));
        };
        // A clean log means that everything was applied: what differs then is shown in another form, if it can be one.
        let is_clean = applied == Applied::AsPlanned;
        let as_before = look
            .deviations
            .iter()
            .find(|one| one.as_before || one.shown.is_empty());
        let dropped = if is_clean {
            look.dropped().filter(|_| change.action == Action::Update)
        } else {
            as_before
                .map(|one| &one.field)
                .or(look.unseen.as_ref())
                .map(String::as_str)
        };
        if let Some(dropped) = dropped {
            return Some(not_as_sent(dropped, log));
        }
        let is_odd = !is_clean && look.odd(self.mapping()).is_some();
        (!is_odd).then(|| done(change, Some(look.id.clone())))
    }

    /// Judges a change that shows what was neither sent nor there before: that is another form, unless somebody is still
    /// to be found whom the log counts as not applied.
    fn judge_odd(
        &self,
        change: &PlannedChange,
        look: Option<&Look>,
        all_are_found: bool,
        log: &RunLog,
    ) -> Settlement {
        let Some(look) = look else {
            return not_there(log);
        };
        match look.odd(self.mapping()) {
            Some(odd) if !all_are_found => not_as_sent(odd, log),
            _ => done(change, Some(look.id.clone())),
        }
    }

    async fn begin_unverified(&self, id: PortionId, why: &str) -> Result<(), Stop> {
        let message = format!("Oomnitza accepted portion {id}, but {why}; the next run compares");
        let notice = Notice::new("unverified", "", message.as_str());
        self.store
            .begin_notice(Some(self.key.integration), &notice, Timestamp::now())
            .await?;
        tracing::warn!(integration.id = %self.integration.id, portion.id = %id, "The load is unverified: {why}");
        Ok(())
    }
}

/// How many of those who were sent the log does not count as applied.
fn not_applied(log: &RunLog, sent: &Sent) -> u64 {
    let applied = log.added + log.updated + log.unchanged;
    let missing = (sent.creates + sent.updates).saturating_sub(applied);
    missing.max(log.failed + log.canceled + log.skipped)
}

fn not_there(log: &RunLog) -> Settlement {
    rejected("the person is not in Oomnitza after the load", log)
}

fn not_as_sent(field: &str, log: &RunLog) -> Settlement {
    rejected(&format!("`{field}` is not as it was sent"), log)
}

fn rejected(what: &str, log: &RunLog) -> Settlement {
    let message = format!("{what}; Oomnitza's run log says: {}", words(log));
    failed(Reason::Rejected.in_words(message))
}

/// What the log says, on one line.
fn words(log: &RunLog) -> String {
    let counts = format!(
        "{} (added {}, updated {}, skipped {}, failed {})",
        log.status, log.added, log.updated, log.skipped, log.failed
    );
    match log.words.first() {
        Some(words) => format!("{counts}: {words}"),
        None => counts,
    }
}
