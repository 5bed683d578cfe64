//! Loads that failed, wait, did not come, or show something that was never there.

use jiff::Timestamp;
use store::{Missed, Notice, PastRun, State};

use crate::watch::IntegrationFacts;

pub(super) fn notices(id: &str, facts: &IntegrationFacts, now: Timestamp) -> Vec<Notice> {
    let mut notices = Vec::new();
    notices.extend(facts.runs.first().and_then(latest));
    notices.extend(facts.missed.as_ref().map(missed));
    if facts.overdue_at.is_some_and(|overdue_at| now >= overdue_at) && !facts.paused {
        notices.push(no_success(facts.last_success));
    }
    for new in &facts.learned.new {
        let (field, value) = (new.field.as_str(), &new.value);
        let what = match field {
            "two_fa_status" => "state of 2FA",
            other => other,
        };
        notices.push(
            Notice::new(
                "new_value",
                &format!("{field} {value}"),
                format!("the {what} `{value}` is new: no user of this integration had it before"),
            )
            .with_hint(
                "look whether the mapping does the right thing with it, its tables above all",
            ),
        );
    }
    for field in &facts.learned.gone {
        notices.push(
            Notice::new(
                "field_gone",
                field,
                format!("`{field}`, which the mapping reads, is empty for all users of the console, and was not before"),
            )
            .with_hint("the console may not send it any more, or the token may not see it: `rollcall fields` shows what it sends"),
        );
    }
    for field in &facts.another_form {
        notices.push(Notice::new(
            "another_form",
            field,
            format!("Oomnitza shows values of `{field}` in another form than they are sent in"),
        ));
    }
    notices.into_iter().map(|notice| notice.of(id)).collect()
}

fn latest(run: &PastRun) -> Option<Notice> {
    let began = run.started_at.strftime("%Y-%m-%d %H:%M UTC");
    let why = run.outline.as_deref().unwrap_or("`rollcall runs` says why");
    let run_id = &run.run_id;
    let notice = match run.state {
        State::Failed => Some(
            Notice::new("run_failed", "", format!("the load of {began} failed: {why}"))
                .with_hint(format!("mend that, or let it be tried again; `rollcall errors {run_id}` shows what it left undone")),
        ),
        State::Parked => Some(
            Notice::new("run_parked", "", format!("the load of {began} is parked, and nothing was written: {why}"))
                .with_hint(format!("look at it: run {run_id}")),
        ),
        _ => None,
    };
    let mut notice = notice?;
    notice.details.clone_from(&run.error);
    Some(notice)
}

fn missed(missed: &Missed) -> Notice {
    let at = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
    let message = if missed.slots == 1 {
        format!(
            "the load due at {} was missed: {}",
            at(missed.last),
            missed.note
        )
    } else {
        format!(
            "{} loads due from {} to {} were missed: {}",
            missed.slots,
            at(missed.first),
            at(missed.last),
            missed.note
        )
    };
    Notice::new("slot_missed", "", message)
        .with_hint("`rollcall run` makes a load now; `catch_up` says how late one is made up")
}

fn no_success(last: Option<Timestamp>) -> Notice {
    let since = match last {
        Some(last) => format!("since {}", last.strftime("%Y-%m-%d %H:%M UTC")),
        None => "ever".to_owned(),
    };
    Notice::new(
        "no_success",
        "",
        format!("no load has succeeded {since}: for more than twice its interval"),
    )
    .with_hint("`rollcall runs` and `rollcall slots` show what became of them")
}

#[cfg(test)]
mod tests {
    use store::{Counts, Learned, NewValue};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn run(state: State) -> PastRun {
        PastRun {
            run_id: "019a".to_owned(),
            state,
            started_at: at("2026-11-23T02:00:00Z"),
            finished_at: at("2026-11-23T02:01:00Z"),
            counts: Counts::default(),
            error: Some("the console answered 401: no Anna here".to_owned()),
            outline: Some("the console answered 401".to_owned()),
        }
    }

    fn kinds(facts: &IntegrationFacts, now: &str) -> Vec<String> {
        let notices = notices("a", facts, at(now));
        assert!(
            notices
                .iter()
                .all(|notice| notice.integration.as_deref() == Some("a"))
        );
        notices
            .into_iter()
            .map(|notice| {
                format!("{} {}", notice.kind, notice.subject)
                    .trim()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn the_latest_load_says_whether_it_failed_or_waits() {
        for (states, expected) in [
            (vec![State::Failed, State::Completed], vec!["run_failed"]),
            (vec![State::Completed, State::Failed], vec![]),
            (vec![State::CompletedWithErrors, State::Failed], vec![]),
            (vec![State::Parked, State::Failed], vec!["run_parked"]),
            (vec![], vec![]),
        ] {
            let facts = IntegrationFacts {
                runs: states.into_iter().map(run).collect(),
                ..Default::default()
            };
            assert_eq!(kinds(&facts, "2026-11-23T03:00:00Z"), expected);
        }
    }

    #[test]
    fn a_success_that_does_not_come_is_told_unless_the_integration_is_paused() {
        let facts = IntegrationFacts {
            overdue_at: Some(at("2026-11-25T02:00:00Z")),
            ..Default::default()
        };
        assert!(kinds(&facts, "2026-11-25T01:59:59Z").is_empty());
        assert_eq!(kinds(&facts, "2026-11-25T02:00:00Z"), ["no_success"]);
        let paused = IntegrationFacts {
            paused: true,
            ..facts
        };
        assert!(kinds(&paused, "2026-11-25T02:00:00Z").is_empty());
    }

    #[test]
    fn what_is_new_or_gone_is_told_one_by_one() {
        let new = |field: &str, value: &str| NewValue {
            field: field.to_owned(),
            value: value.to_owned(),
        };
        let facts = IntegrationFacts {
            learned: Learned {
                new: vec![new("role", "SOC L2"), new("two_fa_status", "enrolled")],
                gone: vec!["lastLogin".to_owned()],
            },
            missed: Some(Missed {
                slots: 1,
                first: at("2026-11-23T02:00:00Z"),
                last: at("2026-11-23T02:00:00Z"),
                note: "the daemon was down".to_owned(),
            }),
            ..Default::default()
        };
        assert_eq!(
            kinds(&facts, "2026-11-23T03:00:00Z"),
            [
                "slot_missed",
                "new_value role SOC L2",
                "new_value two_fa_status enrolled",
                "field_gone lastLogin"
            ]
        );
    }
}
