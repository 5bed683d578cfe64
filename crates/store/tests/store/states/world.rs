//! Operations, carried out on a real store as `load` does it, and on the model beside it.

use std::collections::BTreeSet;

use store::{
    Action, Cause, Counts, Decision, PersonRow, PlanSummary, RunKey, Settled, Settlement, Severity,
    State, Store,
};

use super::model::{Model, Run, Shown, User, What};
use super::operations::{Answer, End, Intent, Operation};
use crate::support::{Bed, at, bed, create, fail, fault, line, seen, skip, update};

const IDS: [&str; super::model::USERS] = ["u0", "u1", "u2", "u3", "u4"];

/// A store and what is expected of it.
pub(super) struct World {
    bed: Bed,
    pub(super) model: Model,
    keys: Vec<RunKey>,
    active: Option<Active>,
    now: i64,
}

/// The run that this process is at.
struct Active {
    run: usize,
    intent: Intent,
    is_complete: bool,
    was_taken_up: bool,
    summary: PlanSummary,
}

impl World {
    pub(super) async fn new() -> Self {
        Self {
            bed: bed().await,
            model: Model::default(),
            keys: Vec::new(),
            active: None,
            now: 0,
        }
    }

    /// What the views show.
    pub(super) async fn shown(&self) -> Shown {
        let lines = async |sql| self.bed.lines(sql).await.into_iter().collect();
        Shown {
            runs: lines("SELECT run_id, state, dry_run, seen, created, updated, unchanged, skipped, failed FROM v_runs").await,
            people: lines("SELECT source_id, last_outcome, last_reason, gone_since FROM v_people").await,
            open: lines("SELECT source_id, run_id, reason, since, runs FROM v_open_errors").await,
            changes: lines("SELECT run_id, source_id, action, state FROM v_changes").await,
            errors: lines("SELECT run_id, source_id, outcome, reason, resolved_at FROM v_errors").await,
        }
    }

    /// Whether the database is whole, and every run that has ended has one outcome for each user.
    pub(super) async fn is_sound(&self) -> bool {
        let odd = "SELECT run_id FROM v_runs WHERE finished_at IS NOT NULL
                   AND seen <> created + updated + unchanged + skipped + failed";
        let whole = self.bed.store.quick_check().await.unwrap().is_empty();
        whole && self.bed.lines(odd).await.is_empty()
    }

    pub(super) async fn carry_out(&mut self, operation: &Operation) {
        self.now += 1;
        match operation {
            Operation::Begin { intent, partial } => self.begin(*intent, *partial).await,
            Operation::Read(users) => self.read(users).await,
            Operation::Complete { population } => self.complete(population).await,
            Operation::Send(most) => self.send(*most).await,
            Operation::Settle(answers) => self.settle(answers).await,
            Operation::End(end) => self.end(*end).await,
            Operation::Die => self.die().await,
            Operation::TakeUp { run, parked } => self.take_up(*run, *parked).await,
            Operation::Discard { run } => self.discard(*run).await,
            Operation::Forget(user) => self.forget(*user).await,
            Operation::EndWrongly => self.end_wrongly().await,
            Operation::SettleNothing => self.settle_nothing().await,
        }
    }

    async fn begin(&mut self, intent: Intent, partial: bool) {
        if self.active.is_some() {
            return;
        }
        self.recover().await;
        let dry = intent == Intent::DryRun;
        let drive = self.bed.begin(dry, partial, self.now).await;
        self.keys.push(drive.key);
        self.model.runs.push(Run {
            id: drive.run_id.to_string(),
            state: State::Running,
            dry,
            partial,
            started_at: self.now,
            planned_at: None,
            counts: Counts::default(),
            seen: BTreeSet::new(),
            changes: std::collections::BTreeMap::new(),
            errors: std::collections::BTreeMap::new(),
        });
        self.active = Some(Active {
            run: self.keys.len() - 1,
            intent,
            is_complete: false,
            was_taken_up: false,
            summary: PlanSummary::default(),
        });
    }

    async fn read(&mut self, users: &[(User, What)]) {
        let Some(active) = self.active.as_mut().filter(|active| !active.is_complete) else {
            return;
        };
        let run = &self.model.runs[active.run];
        let mut taken = run.seen.clone();
        let users: Vec<(User, What)> = users
            .iter()
            .filter(|(user, _)| taken.insert(*user))
            .copied()
            .collect();
        let ids: Vec<&str> = users.iter().map(|(user, _)| IDS[*user]).collect();
        let key = self.keys[active.run];
        let known = self.bed.store.known(key.integration, &ids).await.unwrap();
        let lines = users.iter().zip(&known).map(|((user, what), known)| {
            let verdict = match *what {
                What::Unchanged => store::Verdict::Unchanged,
                What::Create => create(),
                What::Update => update("9001"),
                What::Skip(reason) => skip(reason),
                What::Fail(reason) => fail(reason),
            };
            line(&seen(IDS[*user], verdict), known.as_ref())
        });
        let (lines, complete) = (lines.collect(), !run.partial);
        let added =
            self.bed
                .store
                .add_to_plan(key, lines, complete, at(self.now), &mut active.summary);
        added.await.unwrap();
        self.model.read(active.run, &users, self.now);
    }

    async fn complete(&mut self, population: &'static str) {
        let Some(active) = self.active.as_mut().filter(|active| !active.is_complete) else {
            return;
        };
        let (key, now) = (self.keys[active.run], at(self.now));
        let partial = self.model.runs[active.run].partial;
        let counts = active.summary.counts;
        let read = (!partial).then_some(population);
        self.bed.complete(key, &counts, read, &[], now).await;
        let store = &self.bed.store;
        if partial {
            store
                .touch(&active.summary.presence.people(), now)
                .await
                .unwrap();
        } else {
            store
                .settle_presence(key, population, &active.summary.presence, now)
                .await
                .unwrap();
        }
        active.is_complete = true;
        self.model.complete(active.run, population, self.now);
    }

    /// The run whose plan is being delivered.
    fn delivering(&self) -> Option<usize> {
        let active = self.active.as_ref()?;
        (active.is_complete && active.intent == Intent::Deliver).then_some(active.run)
    }

    async fn send(&mut self, most: u32) {
        let Some(run) = self.delivering() else {
            return;
        };
        let key = self.keys[run];
        for group in self.bed.store.groups(key).await.unwrap() {
            let changes = self
                .bed
                .store
                .next_changes(key, &group, 0, most)
                .await
                .unwrap();
            let rows: Vec<i64> = changes.iter().map(|change| change.change).collect();
            self.bed.store.mark_sent(&rows).await.unwrap();
            for change in changes {
                let user = self.user(change.person).await;
                self.model.runs[run].changes.get_mut(&user).unwrap().state = "sent";
            }
        }
    }

    async fn settle(&mut self, answers: &[Answer]) {
        if let Some(run) = self.delivering() {
            self.settle_sent(run, answers, "rejected").await;
        }
    }

    /// Settles what was sent and not answered, with these answers in turn.
    async fn settle_sent(&mut self, run: usize, answers: &[Answer], reason: &'static str) {
        let key = self.keys[run];
        let sent = self.bed.store.sent_changes(key, 0, 1000).await.unwrap();
        let mut settled = Vec::new();
        for (change, answer) in sent.iter().zip(answers.iter().cycle()) {
            let failed = Box::new(fault(Severity::Failed, reason));
            let (settlement, state) = match answer {
                Answer::Done => {
                    let id = (change.action == Action::Create).then(|| "9001".to_owned());
                    (Settlement::Done(id), "done")
                }
                Answer::Failed => (Settlement::Failed(failed), "failed"),
                Answer::Withdrawn => (Settlement::Withdrawn(failed), "withdrawn"),
            };
            settled.push(Settled {
                change: change.change,
                person: change.person,
                settlement,
                status: None,
            });
            let user = self.user(change.person).await;
            self.model.runs[run].settle(user, state, reason, self.now);
        }
        self.bed
            .store
            .settle(key, &settled, at(self.now))
            .await
            .unwrap();
    }

    async fn end(&mut self, end: End) {
        let Some(Active {
            run,
            intent,
            is_complete,
            was_taken_up,
            ..
        }) = self.active.take()
        else {
            return;
        };
        let is_whole = !self.model.runs[run].partial;
        let overtakes = is_complete && is_whole && intent == Intent::Deliver;
        let is_untouched = !was_taken_up
            && self.model.runs[run].in_state("planned").len() == self.model.runs[run].changes.len();
        let cut_off = match end {
            End::Cancel => State::Canceled,
            _ => State::Failed,
        };
        match (end, intent) {
            _ if !is_complete => {
                self.bed.store.drop_plan(self.keys[run]).await.unwrap();
                self.model.drop_plan(run);
                self.close(run, cut_off, Counts::default()).await;
            }
            (End::Park, Intent::Deliver | Intent::Plan) if is_untouched => {
                let intents = self.model.runs[run].intents();
                self.close(run, State::Parked, intents).await;
            }
            (End::Finish | End::Park, Intent::Plan) => {
                let intents = self.model.runs[run].intents();
                self.close(run, State::Planned, intents).await;
            }
            (End::Finish | End::Park, Intent::DryRun) => {
                let intents = self.model.runs[run].intents();
                self.close(run, State::Completed, intents).await;
            }
            (End::Finish | End::Park, Intent::Deliver) => self.deliver_all(run).await,
            (_, Intent::Deliver) => {
                self.settle_sent(run, &[Answer::Failed], "unreachable")
                    .await;
                self.end_early(run, cut_off).await;
            }
            _ => {
                let intents = self.model.runs[run].intents();
                self.close(run, cut_off, intents).await;
            }
        }
        if overtakes {
            self.bed.store.overtake(self.keys[run]).await.unwrap();
            self.model.overtake(run);
        }
    }

    /// Delivers what is left, and ends the run.
    async fn deliver_all(&mut self, run: usize) {
        self.settle_sent(run, &[Answer::Done], "rejected").await;
        let key = self.keys[run];
        for group in self.bed.store.groups(key).await.unwrap() {
            let changes = self
                .bed
                .store
                .next_changes(key, &group, 0, 1000)
                .await
                .unwrap();
            let rows: Vec<i64> = changes.iter().map(|change| change.change).collect();
            self.bed.store.mark_sent(&rows).await.unwrap();
        }
        for user in self.model.runs[run].in_state("planned") {
            self.model.runs[run].changes.get_mut(&user).unwrap().state = "sent";
        }
        self.settle_sent(run, &[Answer::Done], "rejected").await;
        self.publish(run).await;
        let outcomes = self.model.runs[run].outcomes();
        let state = if outcomes.failed > 0 {
            State::CompletedWithErrors
        } else {
            State::Completed
        };
        self.close(run, state, outcomes).await;
    }

    /// Ends a run whose plan was not carried out to the end.
    async fn end_early(&mut self, run: usize, state: State) {
        let not_attempted = fault(Severity::Failed, "not_attempted");
        self.bed
            .store
            .withdraw_rest(self.keys[run], &not_attempted, &not_attempted, at(self.now))
            .await
            .unwrap();
        for user in self.model.runs[run].in_state("planned") {
            self.model.runs[run].settle(user, "withdrawn", "not_attempted", self.now);
        }
        self.publish(run).await;
        let outcomes = self.model.runs[run].outcomes();
        self.close(run, state, outcomes).await;
    }

    async fn publish(&mut self, run: usize) {
        let among = self.among(run);
        let people = match &among {
            Some(users) => Some(self.rows_of(run, users).await),
            None => None,
        };
        let (store, key) = (&self.bed.store, self.keys[run]);
        assert_eq!(
            store.outcomes(key).await.unwrap(),
            self.model.runs[run].outcomes()
        );
        store
            .publish_outcomes(key, people.as_deref(), at(self.now))
            .await
            .unwrap();
        self.model.publish(run, among.as_ref(), self.now);
    }

    /// Of whom a partial run speaks: once it was taken up or its process died, of those alone whom it did something about.
    fn among(&self, run: usize) -> Option<BTreeSet<User>> {
        let run = &self.model.runs[run];
        run.partial.then(|| {
            run.changes
                .keys()
                .chain(run.errors.keys())
                .copied()
                .collect()
        })
    }

    async fn rows_of(&self, run: usize, users: &BTreeSet<User>) -> Vec<PersonRow> {
        let ids: Vec<&str> = users.iter().map(|user| IDS[*user]).collect();
        let known = self
            .bed
            .store
            .known(self.keys[run].integration, &ids)
            .await
            .unwrap();
        known
            .into_iter()
            .flatten()
            .map(|known| known.person)
            .collect()
    }

    async fn close(&mut self, run: usize, state: State, counts: Counts) {
        let ended = self
            .bed
            .store
            .end_run(self.keys[run], state, &counts, None, at(self.now));
        ended.await.unwrap();
        self.model.runs[run].state = state;
        self.model.runs[run].counts = counts;
    }

    async fn die(&mut self) {
        self.active = None;
        self.bed.store = Store::open(&self.bed.path()).await.unwrap();
    }

    /// Closes what dead processes left.
    async fn recover(&mut self) {
        let Some(key) = self.keys.first() else {
            return;
        };
        let unfinished = self.bed.store.unfinished(key.integration).await.unwrap();
        for left in unfinished {
            let run = self.keys.iter().position(|key| *key == left.key).unwrap();
            assert_eq!(left.planned, self.model.runs[run].planned_at.is_some());
            if !left.planned {
                self.bed.store.drop_plan(left.key).await.unwrap();
                self.model.drop_plan(run);
                self.close(run, State::Interrupted, Counts::default()).await;
            } else if left.dry_run {
                let intents = self.bed.store.intents(left.key).await.unwrap().unwrap();
                assert_eq!(intents, self.model.runs[run].intents());
                self.close(run, State::Interrupted, intents).await;
            } else {
                self.settle_sent(run, &[Answer::Done, Answer::Failed], "unreachable")
                    .await;
                self.end_early(run, State::Interrupted).await;
            }
        }
        assert!(
            self.model
                .runs
                .iter()
                .all(|run| run.state != State::Running)
        );
    }

    /// The number of a run, if there is any.
    fn pick(&self, run: usize) -> Option<usize> {
        run.checked_rem(self.keys.len())
    }

    fn decision(&self) -> Decision {
        Decision {
            by: "ada".into(),
            reason: None,
            at: at(self.now),
        }
    }

    async fn take_up(&mut self, run: usize, parked: bool) {
        let Some(run) = self.pick(run).filter(|_| self.active.is_none()) else {
            return;
        };
        self.recover().await;
        let from = if parked {
            State::Parked
        } else {
            State::Planned
        };
        let taken = self
            .bed
            .store
            .take_up(self.keys[run], from, &self.decision())
            .await;
        if self.model.runs[run].state != from {
            assert_eq!(taken.unwrap_err().cause(), Cause::Missing);
            return;
        }
        taken.unwrap();
        self.model.runs[run].state = State::Running;
        self.active = Some(Active {
            run,
            intent: Intent::Deliver,
            is_complete: true,
            was_taken_up: true,
            summary: PlanSummary::default(),
        });
    }

    async fn discard(&mut self, run: usize) {
        let Some(run) = self.pick(run) else {
            return;
        };
        let dropped = self
            .bed
            .store
            .discard(self.keys[run], &self.decision())
            .await
            .unwrap();
        assert_eq!(dropped, self.model.runs[run].waits());
        if dropped {
            self.model.runs[run].state = State::Discarded;
        }
    }

    async fn forget(&mut self, user: User) {
        // Whoever is in a plan that waits stays, or its counts would no longer add up.
        let in_it = |run: &Run| run.changes.contains_key(&user) || run.errors.contains_key(&user);
        let needs = |run: &Run| run.state == State::Running || run.waits() && in_it(run);
        if self.model.runs.iter().any(needs) || !self.model.people.contains_key(&user) {
            return;
        }
        let everybody = self.bed.store.everybody().await.unwrap();
        let somebody = everybody
            .iter()
            .find(|somebody| somebody.source_id == IDS[user])
            .unwrap();
        self.bed
            .store
            .forget(somebody, crate::support::fold)
            .await
            .unwrap();
        self.model.forget(user);
    }

    async fn end_wrongly(&mut self) {
        let Some(active) = &self.active else {
            return;
        };
        let counts = Counts {
            seen: 7,
            updated: 6,
            ..Counts::default()
        };
        let key = self.keys[active.run];
        let ended = self
            .bed
            .store
            .end_run(key, State::Completed, &counts, None, at(self.now))
            .await;
        ended.unwrap_err();
    }

    async fn settle_nothing(&mut self) {
        let Some(run) = self.delivering() else {
            return;
        };
        let key = self.keys[run];
        let sent = self.bed.store.sent_changes(key, 0, 1000).await.unwrap();
        let there = sent.iter().map(|change| (change.change, change.person));
        let settled: Vec<Settled> = there
            .chain([(999_999, 1)])
            .map(|(change, person)| Settled {
                change,
                person,
                settlement: Settlement::Done(None),
                status: None,
            })
            .collect();
        let refused = self
            .bed
            .store
            .settle(key, &settled, at(self.now))
            .await
            .unwrap_err();
        assert_eq!(refused.cause(), Cause::Missing);
        self.bed.store.mark_sent(&[999_999]).await.unwrap_err();
    }

    /// The user of a row.
    async fn user(&self, person: PersonRow) -> User {
        let everybody = self.bed.store.everybody().await.unwrap();
        let somebody = everybody
            .iter()
            .find(|somebody| somebody.person == person)
            .unwrap();
        IDS.iter().position(|id| *id == somebody.source_id).unwrap()
    }
}
