//! What the states of runs, changes, errors and people should be, reckoned from the rules on plain lists.

use std::collections::{BTreeMap, BTreeSet};

use store::{Counts, State};

/// A user of the source, by a number below [`USERS`].
pub(super) type User = usize;

pub(super) const USERS: usize = 5;

/// What is decided about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Unchanged,
    Create,
    Update,
    Skip(&'static str),
    Fail(&'static str),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Person {
    pub(super) outcome: Option<(&'static str, Option<&'static str>)>,
    pub(super) present: bool,
    pub(super) gone_since: Option<i64>,
    /// The minute of the run that put the person down first.
    pub(super) first_run: i64,
    /// When the person arrived, or was read alone.
    pub(super) read_at: i64,
    pub(super) open: Option<Open>,
}

/// An error that is still so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) run: usize,
    pub(super) reason: &'static str,
    pub(super) since: i64,
    pub(super) times: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) action: &'static str,
    pub(super) state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub(super) outcome: &'static str,
    pub(super) reason: &'static str,
    pub(super) at: i64,
    pub(super) resolved_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) id: String,
    pub(super) state: State,
    pub(super) dry: bool,
    pub(super) partial: bool,
    pub(super) started_at: i64,
    pub(super) planned_at: Option<i64>,
    /// What `v_runs` shows.
    pub(super) counts: Counts,
    pub(super) seen: BTreeSet<User>,
    pub(super) changes: BTreeMap<User, Change>,
    pub(super) errors: BTreeMap<User, Error>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) runs: Vec<Run>,
    pub(super) people: BTreeMap<User, Person>,
    /// Who was in the last complete read of each population.
    pub(super) members: BTreeMap<&'static str, BTreeSet<User>>,
}

impl Run {
    pub(super) fn waits(&self) -> bool {
        matches!(self.state, State::Planned | State::Parked)
    }

    /// What was intended, before anything is delivered.
    pub(super) fn intents(&self) -> Counts {
        self.count(|_| true)
    }

    /// What became of it.
    pub(super) fn outcomes(&self) -> Counts {
        self.count(|change| change.state == "done")
    }

    fn count(&self, counts: impl Fn(&Change) -> bool) -> Counts {
        let changes = |action| {
            self.changes
                .values()
                .filter(|change| change.action == action && counts(change))
                .count()
        };
        let errors = |outcome| {
            self.errors
                .values()
                .filter(|error| error.outcome == outcome)
                .count()
        };
        let idle = |user: &&User| {
            let failed_since = self.changes.contains_key(user);
            !failed_since && !self.errors.contains_key(user)
        };
        let unchanged = self.seen.iter().filter(idle).count();
        // Counts that nothing here has anything to do with are 0.
        let counts = serde_json::json!({
            "seen": self.seen.len(), "created": changes("create"), "updated": changes("update"),
            "unchanged": unchanged, "skipped": errors("skipped"), "failed": errors("failed"),
        });
        serde_json::from_value(counts).unwrap()
    }

    pub(super) fn in_state(&self, state: &str) -> Vec<User> {
        let users = self
            .changes
            .iter()
            .filter(|(_, change)| change.state == state);
        users.map(|(user, _)| *user).collect()
    }

    pub(super) fn settle(
        &mut self,
        user: User,
        state: &'static str,
        reason: &'static str,
        at: i64,
    ) {
        self.changes.get_mut(&user).unwrap().state = state;
        if state != "done" {
            self.errors.insert(
                user,
                Error {
                    outcome: "failed",
                    reason,
                    at,
                    resolved_at: None,
                },
            );
        }
    }
}

impl Model {
    /// A chunk of users is put down.
    pub(super) fn read(&mut self, run: usize, users: &[(User, What)], at: i64) {
        let run = &mut self.runs[run];
        for (user, what) in users {
            self.people.entry(*user).or_insert_with(|| Person {
                present: !run.partial,
                first_run: run.started_at,
                read_at: at,
                ..Person::default()
            });
            run.seen.insert(*user);
            let mut change = |action| {
                let state = "planned";
                run.changes.insert(*user, Change { action, state });
            };
            let mut error = |outcome, reason| {
                let resolved_at = None;
                run.errors.insert(
                    *user,
                    Error {
                        outcome,
                        reason,
                        at,
                        resolved_at,
                    },
                );
            };
            match *what {
                What::Unchanged => {}
                What::Create => change("create"),
                What::Update => change("update"),
                What::Skip(reason) => error("skipped", reason),
                What::Fail(reason) => error("failed", reason),
            }
        }
    }

    /// The plan is complete, and a whole read says who is there.
    pub(super) fn complete(&mut self, run: usize, population: &'static str, at: i64) {
        let run = &mut self.runs[run];
        run.planned_at = Some(at);
        run.counts = run.intents();
        if run.partial {
            for user in &run.seen {
                self.people.get_mut(user).unwrap().read_at = at;
            }
            return;
        }
        let before = self.members.insert(population, run.seen.clone());
        let before = before.unwrap_or_default();
        for (user, person) in &mut self.people {
            match (run.seen.contains(user), person.present) {
                (true, false) => {
                    person.present = true;
                    person.gone_since = None;
                    person.read_at = at;
                }
                (false, _) => {
                    person.present = false;
                    let is_gone = before.contains(user);
                    person.gone_since = person.gone_since.or(is_gone.then_some(at));
                }
                (true, true) => {}
            }
        }
    }

    /// A plan that never was complete is dropped, and who came with it was not there.
    pub(super) fn drop_plan(&mut self, run: usize) {
        let run = &mut self.runs[run];
        run.changes.clear();
        run.errors.clear();
        for person in self
            .people
            .values_mut()
            .filter(|person| person.first_run >= run.started_at)
        {
            person.present = false;
        }
    }

    /// What the run says of people; of those whom it saw, and of nobody else.
    pub(super) fn publish(&mut self, number: usize, among: Option<&BTreeSet<User>>, at: i64) {
        let run = self.runs[number].clone();
        let mut resolved = BTreeSet::new();
        for (user, person) in &mut self.people {
            let error = run.errors.get(user);
            let spoken_of = match among {
                Some(among) => among.contains(user),
                // Who was read again since has a later word.
                None => person.present && Some(person.read_at) <= run.planned_at,
            };
            let is_gone = among.is_none() && person.gone_since.is_some();
            if let Some(open) = &person.open {
                let is_over = match error {
                    Some(error) => error.reason == "out_of_scope" && open.reason != "out_of_scope",
                    None => {
                        spoken_of || is_gone || (among.is_none() && run.changes.contains_key(user))
                    }
                };
                if is_over {
                    person.open = None;
                    resolved.insert(*user);
                }
            }
            if let Some(error) = error {
                let before = person
                    .open
                    .take()
                    .filter(|open| open.reason == error.reason);
                let open = match before {
                    Some(open) if open.run == number => open,
                    Some(open) => Open {
                        run: number,
                        times: open.times + 1,
                        ..open
                    },
                    None => Open {
                        run: number,
                        reason: error.reason,
                        since: error.at,
                        times: 1,
                    },
                };
                person.open = Some(open);
                person.outcome = Some((error.outcome, Some(error.reason)));
            } else if let Some(change) = run.changes.get(user) {
                if change.state == "done" {
                    let outcome = if change.action == "create" {
                        "created"
                    } else {
                        "updated"
                    };
                    person.outcome = Some((outcome, None));
                }
            } else if spoken_of {
                person.outcome = Some(("unchanged", None));
            }
        }
        for (other, run) in self.runs.iter_mut().enumerate() {
            let errors = run
                .errors
                .iter_mut()
                .filter(|(user, _)| other != number && resolved.contains(user));
            for (_, error) in errors {
                error.resolved_at = error.resolved_at.or(Some(at));
            }
        }
    }

    /// Plans of runs before this one wait no more.
    pub(super) fn overtake(&mut self, run: usize) {
        for earlier in self.runs[..run].iter_mut().filter(|run| run.waits()) {
            earlier.state = State::Overtaken;
        }
    }

    /// Nothing is left of somebody but the counts.
    pub(super) fn forget(&mut self, user: User) {
        self.people.remove(&user);
        for members in self.members.values_mut() {
            members.remove(&user);
        }
        for run in &mut self.runs {
            run.changes.remove(&user);
            run.errors.remove(&user);
        }
    }

    /// Everything that the views show, a line each.
    pub(super) fn shown(&self) -> Shown {
        let minute = |minute: Option<i64>| minute.map_or_else(String::new, super::minute_text);
        let runs = self.runs.iter().map(|run| {
            let Counts {
                seen,
                created,
                updated,
                unchanged,
                skipped,
                failed,
                ..
            } = run.counts;
            let dry = i64::from(run.dry);
            format!(
                "{}|{}|{dry}|{seen}|{created}|{updated}|{unchanged}|{skipped}|{failed}",
                run.id, run.state
            )
        });
        let people = self.people.iter().map(|(user, person)| {
            let (outcome, reason) = person.outcome.unwrap_or_default();
            let reason = reason.unwrap_or_default();
            format!("u{user}|{outcome}|{reason}|{}", minute(person.gone_since))
        });
        let open = self.people.iter().filter_map(|(user, person)| {
            let open = person.open.as_ref()?;
            let (run, since) = (&self.runs[open.run].id, minute(Some(open.since)));
            Some(format!(
                "u{user}|{run}|{}|{since}|{}",
                open.reason, open.times
            ))
        });
        let changes = self.runs.iter().flat_map(|run| {
            let changes = run.changes.iter();
            changes.map(|(user, change)| {
                format!("{}|u{user}|{}|{}", run.id, change.action, change.state)
            })
        });
        let errors = self.runs.iter().flat_map(|run| {
            run.errors.iter().map(|(user, error)| {
                let (outcome, reason) = (error.outcome, error.reason);
                format!(
                    "{}|u{user}|{outcome}|{reason}|{}",
                    run.id,
                    minute(error.resolved_at)
                )
            })
        });
        let sorted = |lines: Vec<String>| lines.into_iter().collect();
        Shown {
            runs: sorted(runs.collect()),
            people: sorted(people.collect()),
            open: sorted(open.collect()),
            changes: sorted(changes.collect()),
            errors: sorted(errors.collect()),
        }
    }
}

/// What the views show.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) runs: BTreeSet<String>,
    pub(super) people: BTreeSet<String>,
    pub(super) open: BTreeSet<String>,
    pub(super) changes: BTreeSet<String>,
    pub(super) errors: BTreeSet<String>,
}
