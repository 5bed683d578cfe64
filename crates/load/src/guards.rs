//! Guards: limits that a whole plan must keep before its first write, and one that stops a run that mostly fails.

use mapping::Field;
use store::{Action, GuardHit, Verdict};

/// The guards of an integration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Guards {
    /// Users that are made.
    pub create: Limit,
    /// Users that are changed; changes of volatile fields alone do not count.
    pub update: Limit,
    /// Users of whom a role field changes.
    pub role_change: Limit,
    /// `SaaS` users that are deactivated.
    pub deactivate: Limit,
    /// Users of whom a field goes from a value to nothing.
    pub blank: Limit,
    /// Users by which the source is smaller than usual.
    pub source_shrink: Limit,
    /// Writes that fail.
    pub failed: Limit,
    /// As many pass, whatever a share comes to.
    pub at_least: u64,
}

/// How many a guard lets pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// A share in percent, 0 to 100.
    Percent(f64),
    /// A number.
    Number(u64),
}

impl Default for Guards {
    /// What is seldom wrong: a tenth is new, half is changed, a twentieth has another role.
    fn default() -> Self {
        Self {
            create: Limit::Percent(10.0),
            update: Limit::Percent(50.0),
            role_change: Limit::Percent(5.0),
            deactivate: Limit::Percent(5.0),
            blank: Limit::Percent(5.0),
            source_shrink: Limit::Percent(20.0),
            failed: Limit::Percent(25.0),
            at_least: 5,
        }
    }
}

impl Limit {
    /// How many of so many pass; a share of nothing is meant, and a number is one.
    pub(crate) fn allowed(self, of: u64, at_least: u64) -> u64 {
        match self {
            Self::Number(number) => number,
            Self::Percent(0.0) => 0,
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a number of users, rounded down, is between nothing and that number"
            )]
            Self::Percent(percent) => {
                // Counts of users are far below 2^53; what is added outweighs that a decimal share is not exact.
                let share = (of as f64 * percent / 100.0 + 1e-9).floor() as u64;
                share.max(at_least)
            }
        }
    }

    fn base(self, of: u64) -> Option<u64> {
        matches!(self, Self::Percent(_)).then_some(of)
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// What an update does that guards look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Effects {
    /// A field changes that is not volatile.
    pub(crate) lasting: bool,
    /// A role field changes.
    pub(crate) role: bool,
    /// A field goes from a value to nothing.
    pub(crate) blank: bool,
}

impl Effects {
    /// Notes that a field goes from one value to another, raw JSON, `""` for the empty value; of a field that is not
    /// mapped any more, everything lasts.
    pub(crate) fn note(&mut self, field: Option<&Field>, is_role: bool, old: &str, new: &str) {
        self.lasting |= field.is_none_or(|field| !field.is_volatile() && !field.uses_sync_time());
        self.role |= is_role;
        self.blank |= new.is_empty() && !old.is_empty();
    }
}

/// How many examples are kept of what a guard counts.
const EXAMPLES: usize = 10;

/// Users that a guard counts.
#[derive(Debug, Default)]
struct Count {
    found: u64,
    examples: Vec<String>,
}

impl Count {
    fn add(&mut self, source_id: &str, counts: bool) {
        if !counts {
            return;
        }
        self.found += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(source_id.to_owned());
        }
    }
}

/// What guards count while a plan is made.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Users of the read that are in scope.
    pub(crate) in_scope: u64,
    /// Elements of the read without an id: anybody who is known may be one of them.
    pub(crate) nameless: u64,
    /// `SaaS` users whom the integration has assigned and not deactivated.
    pub(crate) assigned: u64,
    create: Count,
    update: Count,
    role_change: Count,
    blank: Count,
    deactivate: Count,
}

impl Tally {
    /// Notes what is planned for a user.
    pub(crate) fn plan(&mut self, source_id: &str, verdict: &Verdict, effects: Effects) {
        match verdict {
            Verdict::Fault(_) => {}
            // Its SaaS user may be changed all the same.
            Verdict::Unchanged => self.update.add(source_id, effects.lasting),
            Verdict::Change(change) => self.plan_change(source_id, change.action, effects),
        }
    }

    /// Notes that the `SaaS` user of somebody who is gone is to be deactivated.
    pub(crate) fn deactivate(&mut self, source_id: &str) {
        self.deactivate.add(source_id, true);
    }

    fn plan_change(&mut self, source_id: &str, action: Action, effects: Effects) {
        match action {
            Action::Create => self.create.add(source_id, true),
            Action::Update => {
                self.update.add(source_id, effects.lasting);
                self.role_change.add(source_id, effects.role);
                self.blank.add(source_id, effects.blank);
            }
        }
    }
}

/// What of a plan is measured, and by what.
pub(crate) struct Measure<'a> {
    pub(crate) guards: &'a Guards,
    pub(crate) tally: &'a Tally,
    /// Users of a complete read; `None` of a partial run.
    pub(crate) seen: Option<u64>,
    /// How many users earlier complete reads of the population had, the newest first.
    pub(crate) earlier: &'a [u64],
    /// Somebody looked at what is made and changed: it is started by hand, for the first time or after a review.
    pub(crate) reviewed: bool,
    /// The integration has delivered nothing yet, and its schedule starts the run.
    pub(crate) first: bool,
}

impl Measure<'_> {
    /// Lists the guards that a plan is over.
    pub(crate) fn hits(&self) -> Vec<GuardHit> {
        let Self { guards, tally, .. } = self;
        let mut hits = Vec::new();
        if self.first {
            hits.push(self.first_run());
        }
        let mut check = |guard: &str, limit: Limit, count: &Count, of: u64, what: &str| {
            let allowed = limit.allowed(of, guards.at_least);
            if count.found > allowed {
                let found = count.found;
                hits.push(GuardHit {
                    guard: guard.to_owned(),
                    found,
                    allowed,
                    base: limit.base(of),
                    message: format!(
                        "`{guard}`: {found} of {of} {what}, and {allowed} pass ({limit})"
                    ),
                    examples: count.examples.clone(),
                });
            }
        };
        let of = tally.in_scope;
        if !self.reviewed {
            let (made, changed) = (
                "users in scope would be made",
                "users in scope would be changed",
            );
            check("create", guards.create, &tally.create, of, made);
            check("update", guards.update, &tally.update, of, changed);
        }
        let role = "users in scope would get another value in a field of `role_fields`";
        check(
            "role_change",
            guards.role_change,
            &tally.role_change,
            of,
            role,
        );
        let blank = "users in scope would lose a value for nothing";
        check("blank", guards.blank, &tally.blank, of, blank);
        let gone = "SaaS users that this integration assigned would be deactivated";
        check(
            "deactivate",
            guards.deactivate,
            &tally.deactivate,
            tally.assigned,
            gone,
        );
        hits.extend(self.shrink());
        hits
    }

    fn first_run(&self) -> GuardHit {
        let (made, changed) = (self.tally.create.found, self.tally.update.found);
        GuardHit {
            guard: "first_run".to_owned(),
            found: made + changed,
            allowed: 0,
            base: None,
            message: format!(
                "the first load of an integration waits when its schedule starts it: \
                 {made} users would be made and {changed} changed"
            ),
            examples: [&self.tally.create, &self.tally.update]
                .into_iter()
                .flat_map(|count| count.examples.iter().cloned())
                .take(EXAMPLES)
                .collect(),
        }
    }

    fn shrink(&self) -> Option<GuardHit> {
        let (limit, seen) = (self.guards.source_shrink, self.seen?);
        let usual = median(self.earlier)?;
        let missing = usual.saturating_sub(seen);
        let allowed = limit.allowed(usual, self.guards.at_least);
        (missing > allowed).then(|| GuardHit {
            guard: "source_shrink".to_owned(),
            found: missing,
            allowed,
            base: limit.base(usual),
            message: format!(
                "`source_shrink`: the console shows {seen} users, {missing} fewer than usual \
                 (the median of its last {} complete reads is {usual}), and {allowed} fewer pass ({limit})",
                self.earlier.len()
            ),
            examples: Vec::new(),
        })
    }
}

/// The guard of a console that shows nobody, after it showed somebody.
pub(crate) fn empty_source(present: u64) -> GuardHit {
    GuardHit {
        guard: "empty_source".to_owned(),
        found: present,
        allowed: 0,
        base: None,
        message: format!(
            "the console shows nobody, and the complete read before it showed {present}: nothing is written on the \
             strength of that; look at the console and at what the token may see"
        ),
        examples: Vec::new(),
    }
}

/// What a run says that is parked: all guards that its plan is over; names nobody.
pub fn sentence(hits: &[GuardHit]) -> String {
    let messages: Vec<&str> = hits.iter().map(|hit| hit.message.as_str()).collect();
    messages.join("; ")
}

/// The middle of some numbers, of two middles the lower.
fn median(numbers: &[u64]) -> Option<u64> {
    let mut numbers = numbers.to_vec();
    numbers.sort_unstable();
    let middle = numbers.len().checked_sub(1)? / 2;
    numbers.get(middle).copied()
}

/// As many writes failed, of so many, and so many may.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TooMany {
    pub(crate) failed: u64,
    pub(crate) writes: u64,
    pub(crate) allowed: u64,
}

/// Writes before which nothing is said about how many fail.
const FEW: u64 = 20;

impl Guards {
    /// Says whether too many of so many writes have failed; gives how many would pass.
    pub(crate) fn too_many_failed(&self, writes: u64, failed: u64) -> Option<u64> {
        let allowed = self.failed.allowed(writes, self.at_least);
        (writes >= FEW && failed > allowed).then_some(allowed)
    }
}

#[cfg(test)]
mod tests;
