//! Which of those who are to be told cannot be: a notice itself, of which the others hear.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use store::Notice;
use tokio::sync::Notify;

/// The kind of the notice.
pub(super) const KIND: &str = "notify_failed";
/// So many tries in vain are a failure worth telling of.
const TRIES: u32 = 3;
/// And so is one that lasts so long.
const LONG: SignedDuration = SignedDuration::from_mins(1);

/// Who could not be told when it was last tried.
#[derive(Debug, Default)]
pub(super) struct Health {
    failures: Mutex<Failures>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Failures {
    by_name: BTreeMap<String, Failure>,
    /// Those who were said to fail when it was last looked.
    said: BTreeSet<String>,
}

#[derive(Debug)]
struct Failure {
    since: Timestamp,
    tries: u32,
    why: String,
}

impl Health {
    /// Notes a try in vain, of which the database counts `tries`; says how many there were in a row.
    pub(super) fn failed(&self, name: &str, tries: u32, why: &str, now: Timestamp) -> u32 {
        let mut failures = self.lock();
        let failure = failures.by_name.entry(name.to_owned()).or_insert(Failure {
            since: now,
            tries: 0,
            why: String::new(),
        });
        failure.tries = failure.tries.saturating_add(1).max(tries);
        why.clone_into(&mut failure.why);
        let tries = failure.tries;
        drop(failures);
        self.look(now);
        tries
    }

    /// Notes that somebody was told; says whether it could not be before.
    pub(super) fn told(&self, name: &str, now: Timestamp) -> bool {
        let failed = self.lock().by_name.remove(name).is_some();
        if failed {
            self.look(now);
        }
        failed
    }

    /// Takes up what is known of the time before this process: a failure that stands until the next success.
    pub(super) fn take_up(&self, name: &str, now: Timestamp) {
        let mut failures = self.lock();
        failures.by_name.entry(name.to_owned()).or_insert(Failure {
            since: now,
            tries: TRIES,
            why: "it failed time and again".to_owned(),
        });
        // Whoever asks from now on is told of it, and need not be told that there is something to ask.
        failures.said.insert(name.to_owned());
    }

    /// Forgets all but these.
    pub(super) fn keep(&self, names: &BTreeSet<&str>, now: Timestamp) {
        self.lock()
            .by_name
            .retain(|name, _| names.contains(name.as_str()));
        self.look(now);
    }

    /// Returns the notices that should stand.
    pub(super) fn failing(&self, now: Timestamp) -> Vec<Notice> {
        let failures = self.lock();
        let failing = failures
            .by_name
            .iter()
            .filter(|(_, failure)| failure.is_worth_telling(now));
        failing
            .map(|(name, failure)| {
                Notice::new(KIND, name, format!("`{name}` cannot be told of anything: {}", failure.why))
                    .with_hint("`rollcall notify --test` tries it; what it was not told yet it is told once it can be")
            })
            .collect()
    }

    /// Waits until another set of notices should stand.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Looks whether another set of notices should stand.
    pub(super) fn look(&self, now: Timestamp) {
        let mut failures = self.lock();
        let failing = failures
            .by_name
            .iter()
            .filter(|(_, failure)| failure.is_worth_telling(now));
        let failing: BTreeSet<String> = failing.map(|(name, _)| name.clone()).collect();
        if failing != failures.said {
            failures.said = failing;
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Failures> {
        // Nothing panics while the lock is held.
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failure {
    fn is_worth_telling(&self, now: Timestamp) -> bool {
        self.tries >= TRIES || now.duration_since(self.since) >= LONG
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
    }

    fn names(health: &Health, seconds: i64) -> Vec<String> {
        let notices = health.failing(at(seconds));
        notices.into_iter().map(|notice| notice.subject).collect()
    }

    /// Whether somebody who waits for a change would be woken now.
    async fn is_rung(health: &Health) -> bool {
        tokio::time::timeout(std::time::Duration::ZERO, health.changed())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn the_third_try_in_vain_is_a_failure_and_the_next_success_its_end() {
        let health = Health::default();
        for tries in 1..3 {
            assert_eq!(health.failed("a", 0, "no", at(tries.into())), tries);
            assert!(!is_rung(&health).await && names(&health, 3).is_empty());
        }
        health.failed("a", 0, "no", at(4));
        assert!(is_rung(&health).await);
        assert_eq!(names(&health, 4), ["a"]);
        health.failed("a", 0, "still no", at(5));
        assert!(!is_rung(&health).await, "nothing is new");
        assert!(health.told("a", at(6)));
        assert!(is_rung(&health).await && names(&health, 6).is_empty());
        assert!(!health.told("a", at(7)));
    }

    #[tokio::test]
    async fn one_failure_that_lasts_a_minute_is_one_too() {
        let health = Health::default();
        health.failed("a", 0, "no", at(0));
        health.look(at(59));
        assert!(!is_rung(&health).await);
        health.look(at(60));
        assert!(is_rung(&health).await);
        assert_eq!(names(&health, 60), ["a"]);
    }

    #[tokio::test]
    async fn what_failed_before_this_process_fails_until_it_is_told() {
        let health = Health::default();
        health.take_up("a", at(0));
        assert_eq!(names(&health, 0), ["a"]);
        assert!(health.told("a", at(1)));
        assert!(is_rung(&health).await && names(&health, 1).is_empty());
    }

    #[tokio::test]
    async fn whoever_is_not_to_be_told_any_more_fails_no_more() {
        let health = Health::default();
        health.take_up("a", at(0));
        health.keep(&BTreeSet::from(["b"]), at(1));
        assert!(is_rung(&health).await && names(&health, 1).is_empty());
    }
}
