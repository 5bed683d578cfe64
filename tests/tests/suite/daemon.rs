//! Due times that come while the daemon is awake: these tests wait for the next minute of the clock.

use std::time::Duration;

use simulator::{Effect, Fault, System};
use tests::{INTEGRATION, MINUTE, Minute};

use crate::company::{Company, at};
use crate::interruptions::Moment;

/// A minute that comes so soon that it can be waited for, and not so soon that the daemon may be late.
fn next() -> Minute {
    let soon = Minute::now().before(-1);
    if soon.is_further_than(Duration::from_secs(5)) {
        soon
    } else {
        soon.before(-1)
    }
}

#[test]
fn a_due_time_has_its_run_within_a_second_and_once() {
    let minute = next();
    let company = Company::with(6, 1.0, |config| {
        config.schedule = at(&[minute]);
        config.others = vec!["others".to_owned()];
        config.max_concurrent_runs = 1;
    });
    let slow = Effect::Slow {
        delay: Duration::from_millis(300),
    };
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", slow));
    company.rollcall.serve().stop();
    company.rollcall.was_loaded_once();
    let mut serving = company.rollcall.serve();
    let line = format!(
        "STATUS=nothing runs; next {INTEGRATION} at {}",
        minute.in_views()[..16].replace('T', " ")
    );
    serving.wait_until_told(&line);
    serving.wait_for("SELECT count(*) FROM v_slots", 2);
    serving.wait_until_settled();
    let due_at = minute.in_views();
    for integration in [INTEGRATION, "others"] {
        let slots = company.rollcall.slots_of(integration);
        assert_eq!(slots.len(), 1, "{slots:?}");
        assert_eq!(slots[0].due_at, due_at);
        // One that had to wait for another integration ran all the same.
        assert_eq!(slots[0].state, "ran");
        assert_eq!(slots[0].note, "");
    }
    let runs = company
        .rollcall
        .query("SELECT * FROM v_runs ORDER BY started_at");
    assert_eq!(runs.len(), 2);
    for run in &runs {
        assert_eq!(run["due_at"], due_at.as_str());
        assert_eq!(run["trigger"], "schedule");
        assert_eq!(run["state"], "completed");
    }
    let late = "SELECT round(86400000 * (julianday(min(started_at)) - julianday(min(due_at)))) FROM v_runs";
    let late = company.rollcall.value(late).as_f64().unwrap();
    assert!((0.0..1000.0).contains(&late), "{late} ms late");
    assert!(
        runs[1]["started_at"].as_str() >= runs[0]["finished_at"].as_str(),
        "{runs:?}"
    );

    // Its schedule is edited after the run, to the same minute and some that have been: nothing runs again.
    let mut rollcall = company.rollcall;
    let told = serving.systemd().told().len();
    rollcall.configure(|config| config.schedule = at(&[minute, minute.before(5)]));
    serving.wait_until_told_after(told, "READY=1");
    serving.wait_until_settled();
    serving.stop();
    let mut serving = rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(rollcall.slots().len(), 1);
    assert_eq!(rollcall.run_states().len(), 2);
    serving.stop();
}

#[test]
fn a_run_on_time_that_is_killed_is_made_up_late_and_one_that_overlaps_is_skipped() {
    let minute = next();
    let company = Company::with(30, 0.5, |config| {
        config.schedule = at(&[minute]);
        config.others = vec!["others".to_owned()];
        config.preference = "update_only";
        // Longer than until the next minute.
        config.timeout = "300s";
    });
    company.rollcall.serve().stop();
    company.rollcall.was_loaded_once();
    let mut serving = company.rollcall.serve();
    // `others` is busy with a run by hand when its time comes.
    company
        .control
        .order(Fault::new(System::SentinelOne, "GET /users", Effect::TimeOut).times(1));
    let mut by_hand = company.rollcall.start(&["run", "others"]);
    by_hand.wait_until(|| Moment::Reading.has_come(&company));
    let slow = Effect::Slow {
        delay: Duration::from_millis(150),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "PATCH /api/v3/users/*", slow));

    serving.wait_until(|| Moment::Writes(2).has_come(&company));
    let skipped = company.rollcall.slots_of("others");
    assert_eq!(skipped.len(), 1, "{skipped:?}");
    assert_eq!(skipped[0].state, "skipped");
    assert!(skipped[0].note.starts_with("overlap: run "), "{skipped:?}");
    let run_of_others = "SELECT run_id FROM v_runs WHERE integration = 'others'";
    let busy = company.rollcall.value(run_of_others);
    assert!(
        skipped[0].note.contains(busy.as_str().unwrap()),
        "{skipped:?}"
    );
    assert_eq!(company.rollcall.slot_states(), ["ran"]);
    serving.kill();
    let _ = by_hand.end().with_code(6);
    company.control.clear_faults();

    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    assert_eq!(company.rollcall.slot_states(), ["late"]);
    let of_it =
        format!("SELECT state FROM v_runs WHERE integration = '{INTEGRATION}' ORDER BY run_id");
    let states = company.rollcall.query(&of_it);
    let states: Vec<_> = states.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["interrupted", "completed"]);
    // Nobody asks for the run by hand again, and it is closed all the same.
    let closed = "SELECT state FROM v_runs WHERE integration = 'others'";
    assert_eq!(company.rollcall.value(closed), "interrupted");
    company.sums_hold();
    serving.stop();
}

#[test]
fn every_minute_has_its_slot_whatever_happens_in_it() {
    let company = Company::with(6, 1.0, |config| {
        config.schedule = "cron: \"* * * * *\", overlap: queue, max_duration: 1m".to_owned();
    });
    company.was_served_ago(10 * MINUTE);
    let before = Minute::now();
    let mut serving = company.rollcall.serve();
    serving.wait_until_settled();
    serving.wait_for("SELECT max(state = 'ran') FROM v_slots", 1);
    serving.wait_until_settled();
    let slots = company.rollcall.slots();
    let mut expected: Vec<_> = (0..10)
        .rev()
        .map(|age| before.before(age).in_views())
        .collect();
    expected.push(before.before(-1).in_views());
    let found: Vec<_> = slots.iter().map(|slot| slot.due_at.clone()).collect();
    assert_eq!(found[found.len() - expected.len()..], expected, "{found:?}");
    assert!(found.len() <= expected.len() + 1, "{found:?}");
    let states = company.rollcall.slot_states();
    let (on_time, missed) = states.split_last().unwrap();
    let (late, missed) = missed.split_last().unwrap();
    assert_eq!((on_time.as_str(), late.as_str()), ("ran", "late"));
    assert!(missed.iter().all(|state| state == "missed"), "{states:?}");
    assert_eq!(company.rollcall.run_states(), ["completed"; 2]);
    serving.stop();
}
