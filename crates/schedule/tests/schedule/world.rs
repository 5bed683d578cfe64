//! A small daemon with a clock that is set by hand, a ledger in memory, and runs that last.
//!
//! It carries out what timetables say, as the real one does, and checks at each step what must hold
//! always: one row for each due time, never two runs of an integration at once, nothing run again
//! that was over, and at most one made up for each absence.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use schedule::{Absence, AbsenceKind, Fate, Open, Schedule, Standing, Timetable, Verdict};

/// A turn that comes so much later than the one before finds that the machine was asleep.
const ASLEEP: SignedDuration = SignedDuration::from_mins(15);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Waiting,
    Ran,
    Late,
    Skipped,
    Missed,
    Paused,
}

#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) state: State,
    pub(crate) settled: bool,
    pub(crate) note: Option<String>,
    pub(crate) tries: u32,
    next_try_at: Option<Timestamp>,
    interrupted: bool,
}

impl Row {
    fn waiting() -> Self {
        Self {
            state: State::Waiting,
            settled: false,
            note: None,
            tries: 0,
            next_try_at: None,
            interrupted: false,
        }
    }
}

#[derive(Debug)]
struct Run {
    due_at: Timestamp,
    ends_at: Timestamp,
    succeeds: bool,
}

pub(crate) struct Integration {
    id: String,
    schedule: Arc<Schedule>,
    timetable: Option<Timetable>,
    run: Option<Run>,
    pub(crate) ledger: BTreeMap<Timestamp, Row>,
    /// All that was due so far, found out without the timetable.
    expected: BTreeSet<Timestamp>,
    /// The number of the absence for which a slot was made up last.
    made_up_for: Option<u32>,
}

pub(crate) struct World {
    pub(crate) now: Timestamp,
    /// The latest turn, which is also what is on record as the last sign of life.
    alive_at: Timestamp,
    absence: Absence,
    /// How many absences there were.
    absences: u32,
    pub(crate) paused: Option<&'static str>,
    /// How long the next runs last, and whether they succeed.
    pub(crate) runs_last: Duration,
    pub(crate) runs_succeed: bool,
    /// How many runs there may be at once.
    pub(crate) permits: usize,
    pub(crate) integrations: Vec<Integration>,
}

impl World {
    pub(crate) fn new(schedules: Vec<Schedule>, now: Timestamp) -> Self {
        let integrations = schedules.into_iter().enumerate();
        let integrations = integrations.map(|(number, schedule)| Integration {
            id: format!("users-{number}"),
            schedule: Arc::new(schedule),
            timetable: None,
            run: None,
            ledger: BTreeMap::new(),
            expected: BTreeSet::new(),
            made_up_for: None,
        });
        let mut world = Self {
            now,
            alive_at: now,
            absence: Absence {
                from: None,
                to: now,
                kind: AbsenceKind::Down,
            },
            absences: 0,
            paused: None,
            runs_last: Duration::from_mins(1),
            runs_succeed: true,
            permits: usize::MAX,
            integrations: integrations.collect(),
        };
        world.start();
        world
    }

    pub(crate) fn is_up(&self) -> bool {
        self.integrations[0].timetable.is_some()
    }

    /// Starts the daemon on what the one before left on record.
    pub(crate) fn start(&mut self) {
        let (now, alive_at) = (self.now, self.alive_at);
        for integration in &mut self.integrations {
            let mut timetable =
                Timetable::new(&integration.id, Arc::clone(&integration.schedule), alive_at);
            if now < alive_at {
                timetable.rewind(now, integration.done_after(now));
            }
            let offset = integration.schedule.offset(&integration.id);
            for (due_at, row) in integration.ledger.iter().filter(|(_, row)| !row.settled) {
                timetable.restore(Open {
                    due_at: *due_at,
                    start_at: row.next_try_at.unwrap_or(*due_at + offset),
                    tries: row.tries,
                    interrupted: row.interrupted,
                    late: row.state == State::Late,
                });
            }
            integration.timetable = Some(timetable);
        }
        self.absences += 1;
        self.absence = Absence {
            from: Some(alive_at),
            to: now,
            kind: AbsenceKind::Down,
        };
        // What happened while it was down is no sleep.
        for integration in &mut self.integrations {
            integration.expect(alive_at, now);
        }
        self.alive_at = now;
        self.turn();
    }

    /// Ends the daemon without a word.
    pub(crate) fn kill(&mut self) {
        for integration in &mut self.integrations {
            integration.timetable = None;
            if let Some(run) = integration.run.take() {
                integration.row(run.due_at).interrupted = true;
            }
        }
    }

    /// Lets time pass; a daemon that is up has its turn whenever it asked for one.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.is_up() {
            let ends = self.integrations.iter().filter_map(|integration| {
                let run = integration.run.as_ref()?;
                Some(run.ends_at)
            });
            let wakes = self.integrations.iter().filter_map(|integration| {
                let wake_at = integration.timetable.as_ref()?.wake_at(self.now)?;
                assert!(wake_at > self.now, "{} cannot sleep", integration.id);
                Some(wake_at)
            });
            // It has one every so often at least, as a sign of life.
            let heartbeat = self.now + Duration::from_mins(10);
            let next = ends.chain(wakes).fold(heartbeat, Timestamp::min);
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.turn();
        }
        self.now = until;
    }

    /// Sets the clock; or lets the machine sleep, which is the same seen from inside.
    pub(crate) fn jump(&mut self, time: SignedDuration) {
        self.now += time;
        if self.is_up() {
            self.turn();
        }
    }

    pub(crate) fn edit(&mut self, number: usize, schedule: Schedule) {
        if self.is_up() {
            self.turn();
        }
        let now = self.now;
        let integration = &mut self.integrations[number];
        integration.schedule = Arc::new(schedule);
        if let Some(timetable) = &mut integration.timetable {
            timetable.replace(Arc::clone(&integration.schedule), now);
        }
        if self.is_up() {
            self.turn();
        }
    }

    /// One turn of the daemon.
    pub(crate) fn turn(&mut self) {
        let (now, before) = (self.now, self.alive_at);
        let set_back = now < before;
        if set_back {
            self.absence.to = self.absence.to.min(now);
        } else if now.duration_since(before) > ASLEEP {
            self.absences += 1;
            self.absence = Absence {
                from: Some(before),
                to: now,
                kind: AbsenceKind::Asleep,
            };
        }
        for number in 0..self.integrations.len() {
            if set_back {
                let done = self.integrations[number].done_after(now);
                self.integrations[number].timetable().rewind(now, done);
            }
            self.integrations[number].expect(before, now);
            self.integrations[number].notice(now);
            self.integrations[number].end_run(now);
        }
        let going_on = self.integrations.iter();
        let going_on = going_on.filter(|integration| integration.run.is_some());
        let mut permits = self.permits - going_on.count();
        for number in 0..self.integrations.len() {
            self.decide(number, &mut permits);
        }
        self.alive_at = now;
        for integration in &self.integrations {
            integration.check();
        }
    }

    fn decide(&mut self, number: usize, permits: &mut usize) {
        let (now, absence) = (self.now, self.absence);
        let standing = Standing {
            paused: self.paused,
            busy: None,
        };
        let integration = &mut self.integrations[number];
        for verdict in integration.timetable().decide(now, &absence, &standing) {
            match verdict {
                Verdict::Start { due_at, late, note } if *permits > 0 => {
                    *permits -= 1;
                    if note.is_some() && late {
                        let made_up_for = integration.made_up_for.replace(self.absences);
                        assert_ne!(made_up_for, Some(self.absences), "two for one absence");
                    }
                    let ends_at = now + self.runs_last;
                    let run = Run {
                        due_at,
                        ends_at,
                        succeeds: self.runs_succeed,
                    };
                    integration.begin(run, late, note, now);
                }
                Verdict::Start { .. } => {}
                Verdict::Settle { due_at, fate, note } => integration.settle(due_at, fate, note),
            }
        }
    }
}

impl Integration {
    fn timetable(&mut self) -> &mut Timetable {
        self.timetable.as_mut().expect("the daemon is up")
    }

    fn row(&mut self, due_at: Timestamp) -> &mut Row {
        self.ledger.get_mut(&due_at).expect("it was put on record")
    }

    fn done_after(&self, now: Timestamp) -> BTreeSet<Timestamp> {
        let done = |row: &Row| matches!(row.state, State::Ran | State::Late);
        let later = self
            .ledger
            .iter()
            .filter(|(due_at, row)| **due_at > now && done(row));
        later.map(|(due_at, _)| *due_at).collect()
    }

    fn expect(&mut self, after: Timestamp, until: Timestamp) {
        self.expected
            .extend(self.schedule.due_between(after, until));
    }

    /// Puts due times on record, a few at a time.
    fn notice(&mut self, now: Timestamp) {
        loop {
            let due = self.timetable().due(now, 100);
            let mut fresh = Vec::new();
            for due_at in &due.times {
                // After the clock was set back, and after a restart then, it may be on record.
                let row = self.ledger.get(due_at);
                assert!(
                    row.is_none_or(|row| row.settled),
                    "{due_at} is open: {row:?}"
                );
                if !row.is_some_and(|row| matches!(row.state, State::Ran | State::Late)) {
                    self.ledger.insert(*due_at, Row::waiting());
                    fresh.push(*due_at);
                }
            }
            self.timetable().noticed(&fresh, due.until);
            if due.until >= now {
                return;
            }
        }
    }

    fn begin(&mut self, run: Run, late: bool, note: Option<String>, now: Timestamp) {
        assert!(self.run.is_none(), "two runs at once");
        let catch_up = self.schedule.catch_up;
        let row = self.row(run.due_at);
        assert!(!row.settled, "{} is run again: {row:?}", run.due_at);
        if late && row.state != State::Late {
            let age = now.duration_since(run.due_at);
            assert!(age <= SignedDuration::try_from(catch_up).expect("a short time"));
            assert!(note.is_some());
        }
        row.state = if late { State::Late } else { State::Ran };
        row.note = note.or(row.note.take());
        row.tries += 1;
        row.next_try_at = None;
        row.interrupted = false;
        self.timetable().started(run.due_at);
        self.run = Some(run);
    }

    fn end_run(&mut self, now: Timestamp) {
        let Some(run) = self.run.take_if(|run| run.ends_at <= now) else {
            return;
        };
        let tries = self.row(run.due_at).tries;
        let wait = self.timetable().retry_after(tries);
        if let Some(wait) = wait.filter(|_| !run.succeeds) {
            self.timetable().again(run.due_at, now + wait, tries);
            self.row(run.due_at).next_try_at = Some(now + wait);
        } else {
            self.timetable().settled(run.due_at);
            self.row(run.due_at).settled = true;
        }
    }

    fn settle(&mut self, due_at: Timestamp, fate: Fate, note: String) {
        let row = self.row(due_at);
        assert!(!row.settled, "{due_at} is settled twice: {row:?}");
        let state = match fate {
            Fate::Ran => State::Ran,
            Fate::Late => State::Late,
            Fate::Skipped => State::Skipped,
            Fate::Missed => State::Missed,
            Fate::Paused => State::Paused,
        };
        // One that has had a run is never said not to have had one, and the other way round.
        let stays = matches!(fate, Fate::Ran | Fate::Late);
        assert_eq!(row.tries > 0, stays, "{due_at} became {fate:?}: {note}");
        assert!(!stays || row.state == state);
        row.state = state;
        row.settled = true;
        row.note = Some(note);
        self.timetable().settled(due_at);
    }

    fn check(&self) {
        let is_whole = self.ledger.keys().eq(&self.expected);
        let on_record = self.ledger.keys();
        assert!(
            is_whole,
            "{}: {:?} are not {on_record:?}",
            self.id, self.expected
        );
        if let Some(run) = &self.run {
            assert!(!self.ledger[&run.due_at].settled);
        }
    }

    pub(crate) fn states(&self) -> Vec<State> {
        self.ledger.values().map(|row| row.state).collect()
    }
}
