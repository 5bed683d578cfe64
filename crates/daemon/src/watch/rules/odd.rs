//! A success that is odd: unlike the last ten.

use jiff::SignedDuration;
use store::{Notice, PastRun, State};

use crate::watch::IntegrationFacts;

/// Completed loads that the latest is compared with, at most.
const BEFORE: usize = 10;
/// Below as many there is no telling what is usual, but for the number of users.
const ENOUGH: usize = 3;
/// A population that differs by fewer users is never odd.
const FEW_USERS: u64 = 5;
/// Changes, skips and failures come and go: fewer than this on top of the usual are never odd.
const SOME: u64 = 20;
/// What usually takes less is not worth a word when it is fast.
const SHORT: SignedDuration = SignedDuration::from_millis(500);

pub(super) fn notices(id: &str, facts: &IntegrationFacts) -> Vec<Notice> {
    let mut completed = facts
        .runs
        .iter()
        .filter(|run| matches!(run.state, State::Completed | State::CompletedWithErrors));
    let Some(latest) = completed.next() else {
        return Vec::new();
    };
    let before: Vec<&PastRun> = completed.take(BEFORE).collect();
    let mut notices = Vec::new();
    let mut tell = |subject: &str, message: String| {
        let hint = format!(
            "`rollcall errors {}` and `rollcall people` show what is behind it",
            latest.run_id
        );
        notices.push(
            Notice::new("odd_run", subject, message)
                .of(id)
                .with_hint(hint),
        );
    };
    users(latest, &before, &mut tell);
    if before.len() >= ENOUGH {
        counts(latest, &before, &mut tell);
        duration(latest, &before, &mut tell);
    }
    notices
}

/// A number of a run.
type Measure = fn(&PastRun) -> u64;

/// Nobody, far fewer, or far more: a population hardly changes from day to day.
fn users(latest: &PastRun, before: &[&PastRun], tell: &mut impl FnMut(&str, String)) {
    let counts = &latest.counts;
    let loaded = counts.created + counts.updated + counts.unchanged;
    if counts.seen > 0 && loaded == 0 {
        tell(
            "loaded",
            format!(
                "the load succeeded, and nobody was loaded: all {} users were skipped or failed",
                counts.seen
            ),
        );
    }
    let Some(usual) = median(before.iter().map(|run| run.counts.seen)) else {
        return;
    };
    let seen = counts.seen;
    let differs = seen.abs_diff(usual);
    // Whoever comes to an empty console is no surprise.
    if usual == 0 {
        return;
    }
    if seen == 0 {
        tell(
            "seen",
            format!("the console shows nobody, and usually {usual} users"),
        );
    } else if differs >= FEW_USERS && differs * 4 >= usual {
        let word = if seen < usual {
            "far fewer"
        } else {
            "far more"
        };
        tell(
            "seen",
            format!("the console shows {seen} users, {word} than the usual {usual}"),
        );
    }
}

fn counts(latest: &PastRun, before: &[&PastRun], tell: &mut impl FnMut(&str, String)) {
    let measures: [(&str, &str, Measure); 3] = [
        ("changes", "were created or updated", |run| {
            run.counts.created + run.counts.updated
        }),
        ("skipped", "were skipped", |run| run.counts.skipped),
        ("failed", "failed", |run| run.counts.failed),
    ];
    for (subject, words, measure) in measures {
        let Some(usual) = median(before.iter().map(|run| measure(run))) else {
            continue;
        };
        let now = measure(latest);
        if now >= usual + SOME && now > usual * 3 {
            tell(
                subject,
                format!("{now} users {words}, far more than the usual {usual}"),
            );
        } else if usual >= SOME && now * 5 < usual {
            tell(
                subject,
                format!("{now} users {words}, far fewer than the usual {usual}"),
            );
        }
    }
}

fn duration(latest: &PastRun, before: &[&PastRun], tell: &mut impl FnMut(&str, String)) {
    let took = |run: &PastRun| run.finished_at.duration_since(run.started_at);
    let Some(usual) = median(before.iter().map(|run| took(run))) else {
        return;
    };
    let now = took(latest);
    if usual >= SHORT && now * 10 <= usual {
        tell(
            "duration",
            format!(
                "the load took {:.1} s, a tenth or less of the usual {:.1} s",
                now.as_secs_f64(),
                usual.as_secs_f64()
            ),
        );
    }
}

/// The middle one; of an even number the lower of the two in the middle.
fn median<T: Ord + Copy>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    let middle = values.len().checked_sub(1)? / 2;
    values.get(middle).copied()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use store::Counts;

    use super::*;

    /// A completed load: seen, changes, skipped, failed, milliseconds.
    type Load = (u64, u64, u64, u64, i64);

    fn run((seen, updated, skipped, failed, took): Load) -> PastRun {
        let started_at = Timestamp::UNIX_EPOCH;
        PastRun {
            run_id: "019a".to_owned(),
            state: State::Completed,
            started_at,
            finished_at: started_at + SignedDuration::from_millis(took),
            counts: Counts {
                deactivated: 0,
                seen,
                created: 0,
                updated,
                unchanged: seen - updated - skipped - failed,
                skipped,
                failed,
            },
            error: None,
            outline: None,
        }
    }

    /// The subjects that are odd about a load after others.
    fn odd(latest: Load, before: &[Load]) -> Vec<String> {
        let runs = std::iter::once(latest)
            .chain(before.iter().copied())
            .map(run)
            .collect();
        let facts = IntegrationFacts {
            runs,
            ..Default::default()
        };
        notices("a", &facts)
            .into_iter()
            .map(|notice| notice.subject)
            .collect()
    }

    #[test]
    fn what_is_unlike_the_loads_before_is_odd() {
        let usual = [(100, 2, 10, 0, 60_000); 10];
        for (latest, expected) in [
            ((100, 2, 10, 0, 60_000), vec![]),
            ((101, 12, 14, 3, 40_000), vec![]),
            ((50, 2, 10, 0, 60_000), vec!["seen"]),
            ((76, 2, 10, 0, 60_000), vec![]),
            ((75, 2, 10, 0, 60_000), vec!["seen"]),
            ((140, 2, 10, 0, 60_000), vec!["seen"]),
            ((0, 0, 0, 0, 60_000), vec!["seen"]),
            ((100, 90, 10, 0, 60_000), vec!["changes"]),
            ((100, 0, 100, 0, 60_000), vec!["loaded", "skipped"]),
            ((100, 0, 10, 60, 60_000), vec!["failed"]),
            ((100, 2, 10, 0, 6_000), vec!["duration"]),
            ((100, 2, 10, 0, 6_001), vec![]),
        ] {
            assert_eq!(odd(latest, &usual), expected, "{latest:?}");
        }
    }

    #[test]
    fn the_first_loads_are_not_compared_but_for_the_population() {
        assert!(odd((100, 100, 0, 0, 60_000), &[]).is_empty());
        assert!(odd((100, 0, 0, 0, 600), &[(100, 100, 0, 0, 60_000)]).is_empty());
        assert!(odd((5, 5, 0, 0, 600), &[(0, 0, 0, 0, 600); 2]).is_empty());
        assert_eq!(
            odd((50, 0, 0, 0, 600), &[(100, 100, 0, 0, 60_000)]),
            ["seen"]
        );
        assert_eq!(
            odd((100, 0, 100, 0, 600), &[]),
            ["loaded"],
            "a green run that loaded nobody"
        );
        assert!(
            odd((0, 0, 0, 0, 600), &[]).is_empty(),
            "the load itself tells of a console that was always empty"
        );
    }

    #[test]
    fn a_few_users_more_or_less_are_never_odd() {
        assert!(odd((6, 0, 0, 0, 10), &[(10, 0, 0, 0, 10); 5]).is_empty());
        assert_eq!(odd((5, 0, 0, 0, 10), &[(10, 0, 0, 0, 10); 5]), ["seen"]);
    }
}
