//! Runs that clients ask for, and their being canceled.

use load::{Cause, Decision};
use schedule::Fate;
use uuid::Uuid;

use super::Driver;
use super::desk::Event;
use super::runs::stopping;
use super::state::Active;
use crate::control::{Order, Peer, Refusal, Started, Work, account_of, discarded};
use crate::exit::Exit;
use crate::notify::Notifier;
use crate::serve::running::Task;

impl Driver {
    pub(super) fn cancel(&mut self, run_id: &str, peer: &Peer) -> Result<String, Refusal> {
        let found = self.integrations.iter().find_map(|(id, served)| {
            let active = served.active.as_ref()?;
            (active.run_id == run_id).then_some((id.clone(), active.launched, active.halt.clone()))
        });
        let Some((id, launched, halt)) = found else {
            return Err(Refusal::new(
                Exit::Usage,
                format!("no run `{run_id}` goes on; `rollcall status` shows those that do"),
            ));
        };
        if launched {
            halt.stop(Cause::ByHand);
            Ok(format!(
                "the run of `{id}` is being canceled; it stops at its next batch"
            ))
        } else {
            self.withdraw(&id, run_id, &format!("canceled by {peer}"));
            Ok(format!(
                "the run of `{id}` is canceled; it had not begun yet"
            ))
        }
    }

    /// Drops a plan that waits; whoever wants to know of plans is told that there is one less.
    pub(super) async fn discard(
        &mut self,
        run_id: &str,
        reason: Option<&str>,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        let decision = Decision {
            by: account_of(peer.user.as_deref(), peer.uid),
            reason: reason.map(str::to_owned),
            at: self.clock.now(),
        };
        let dropped = load::discard(&self.store, run_id, &decision).await;
        let run = dropped.map_err(|error| {
            let exit = if error.is_refusal() {
                Exit::Usage
            } else {
                Exit::Failed
            };
            Refusal::new(exit, load::chain(&error))
        })?;
        self.notifier.wake();
        Ok(discarded(&run.integration))
    }

    /// Takes a run out of the queue; one that was launched already stops by itself.
    pub(super) fn withdraw(&mut self, id: &str, run_id: &str, why: &str) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        let waits = |active: &mut Active| active.run_id == run_id && !active.launched;
        let Some(active) = served.active.take_if(waits) else {
            return;
        };
        served.dirty = true;
        self.queue.retain(|launch| launch.integration != id);
        if let Some(due_at) = active.due_at {
            self.settle_as(id, due_at, Fate::Skipped, why);
        }
        if let Some(report) = active.report {
            let refusal = Refusal::new(
                Exit::Interrupted,
                format!("the run was withdrawn before it began: {why}"),
            );
            let _ = report.send(Err(refusal));
        }
    }

    pub(super) async fn take_order(
        &mut self,
        order: &Order,
        peer: &Peer,
    ) -> Result<Started, Refusal> {
        let (result, subject) = match self.resolve(order).await {
            Ok(id) => (self.begin_order(&id, order, peer), id),
            Err(refusal) => (Err(refusal), order.integration.clone()),
        };
        let (command, detail) = describe(&order.work);
        let answer = match &result {
            Ok((run_id, _)) => format!("run {run_id}"),
            Err(refusal) => refusal.sentence.clone(),
        };
        self.put_on_record(peer, command, Some(&subject), detail.as_deref(), &answer)
            .await;
        result.map(|(_, started)| started)
    }

    /// Lets those be tested who are told, if they are the ones whom the client means.
    pub(super) async fn take_test(
        &mut self,
        channels: &[String],
        peer: &Peer,
    ) -> Result<Notifier, Refusal> {
        let result = self.resolve_test(channels).await;
        let answer = match &result {
            Ok(_) => "a test is sent".to_owned(),
            Err(refusal) => refusal.sentence.clone(),
        };
        self.put_on_record(peer, "notify", None, Some("test"), &answer)
            .await;
        result
    }

    async fn resolve_test(&mut self, channels: &[String]) -> Result<Notifier, Refusal> {
        if self.stopping {
            return Err(stopping());
        }
        let differ = |driver: &Self| !driver.config.notify.names().eq(channels);
        if differ(self) {
            // The file was edited a moment ago.
            self.reload().await;
        }
        if differ(self) {
            return Err(Refusal::new(
                Exit::Usage,
                format!(
                    "the daemon tells others than your configuration names: it reads `{}`; \
                     see `rollcall status`, or name that file with `--config`",
                    self.path.display()
                ),
            ));
        }
        Ok(self.notifier.clone())
    }

    /// Finds the integration of an order, served under the text that the client has read.
    async fn resolve(&mut self, order: &Order) -> Result<String, Refusal> {
        if self.stopping {
            return Err(stopping());
        }
        let mut id = order.integration.clone();
        if let (Some(run_id), true) = (order.work.of_run(), id.is_empty()) {
            let unknown = || load::Error::UnknownRun {
                run_id: run_id.to_owned(),
            };
            let run = self
                .store
                .run(run_id)
                .await
                .map_err(|error| Refusal::new(Exit::Failed, load::chain(&error)))?;
            id = run
                .ok_or_else(|| Refusal::new(Exit::Usage, unknown().to_string()))?
                .integration;
        }
        let in_force = |driver: &Self| {
            let integration = driver.config.integration(&id);
            integration.map(|integration| integration.config_hash.clone())
        };
        let differs = |hash: Option<String>| {
            hash.is_none_or(|hash| !order.config_hash.is_empty() && hash != order.config_hash)
        };
        if differs(in_force(self)) {
            // The file was edited a moment ago.
            self.reload().await;
        }
        match in_force(self) {
            None => Err(Refusal::new(
                Exit::Usage,
                format!(
                    "the daemon serves no integration `{id}`: it reads `{}`",
                    self.path.display()
                ),
            )),
            hash if differs(hash.clone()) => Err(Refusal::new(
                Exit::Usage,
                format!(
                    "the daemon serves `{id}` as it stands in `{}` (configuration {}), and yours is another ({}); \
                     see `rollcall status`, or name that file with `--config`",
                    self.path.display(),
                    hash.unwrap_or_default(),
                    order.config_hash,
                ),
            )),
            Some(_) => Ok(id),
        }
    }

    fn begin_order(
        &mut self,
        id: &str,
        order: &Order,
        peer: &Peer,
    ) -> Result<(String, Started), Refusal> {
        let busy = || {
            let integration = id.to_owned();
            Refusal::new(Exit::Busy, load::Error::Busy { integration }.to_string())
        };
        if self
            .integrations
            .get(id)
            .is_none_or(|served| served.active.is_some())
        {
            return Err(busy());
        }
        let now = self.clock.now();
        let task = Task::Work(
            order
                .work
                .clone()
                .asked_by(account_of(peer.user.as_deref(), peer.uid)),
        );
        let run_id = Uuid::now_v7();
        let enqueued = self
            .enqueue(id, task, "manual", None, run_id, now)
            .ok_or_else(busy)?;
        self.launch_queued();
        let active = self
            .integrations
            .get(id)
            .and_then(|served| served.active.as_ref());
        let launched = active.is_some_and(|active| active.launched);
        let run_id = active
            .map(|active| active.run_id.clone())
            .unwrap_or_default();
        if !launched {
            let (halt, sender) = (enqueued.halt.clone(), self.sender.clone());
            let (id, run_id) = (id.to_owned(), run_id.clone());
            tokio::spawn(async move {
                halt.stopped().await;
                let _ = sender.send(Event::Withdraw { id, run_id }).await;
            });
        }
        let waiting = (!launched).then(|| {
            if self.is_forgetting() {
                return "somebody is being forgotten".to_owned();
            }
            format!(
                "{} runs go on already, and `max_concurrent_runs` allows no more",
                self.running()
            )
        });
        let started = Started {
            progress: enqueued.progress,
            waiting,
            halt: enqueued.halt,
            report: enqueued.answer,
        };
        Ok((run_id, started))
    }
}

/// The command behind an order, and its options; nobody is named.
fn describe(work: &Work) -> (&'static str, Option<String>) {
    let only = |only: &Option<String>| only.as_ref().map(|_| "one user".to_owned());
    match work {
        Work::Load { only: one } => ("run", only(one)),
        Work::DryRun { only: one } => (
            "run",
            Some(format!(
                "dry run{}",
                if one.is_some() { " of one user" } else { "" }
            )),
        ),
        Work::Plan => ("plan", None),
        Work::Apply { run_id, .. } => ("apply", Some(run_id.clone())),
        Work::Release { run_id, reason, .. } => ("release", Some(format!("{run_id}: {reason}"))),
        Work::Replay { run_id, .. } => ("replay", Some(run_id.clone())),
        Work::Undo {
            run_id, only, dry, ..
        } => {
            let dry = if *dry { ", dry run" } else { "" };
            let one = if only.is_some() { ", one user" } else { "" };
            ("undo", Some(format!("{run_id}{dry}{one}")))
        }
    }
}
