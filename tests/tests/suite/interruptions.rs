//! Runs that are cut off: by `kill -9`, by SIGTERM, by each other.

use std::time::Duration;

use simulator::{BulkTiming, Effect, Fault, Options, Recorded, System};
use tests::{Config, Delivery};

use crate::company::{Company, each, plain};

const USERS: u32 = 60;

/// Enough that a test can look in between.
const SLOW: Effect = Effect::Slow {
    delay: Duration::from_millis(60),
};

fn company(delivery: Delivery) -> Company {
    Company::with(USERS, 0.5, |config: &mut Config| {
        config.delivery = delivery;
        config.batch = 7;
    })
}

/// A moment of a run, as the simulator sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Moment {
    /// The first call.
    FirstCall,
    /// The first page of users was asked for.
    Reading,
    /// So many writes were received.
    Writes(usize),
    /// Finalize was received.
    Finalized,
}

impl Moment {
    /// Whether it has come.
    pub(crate) fn has_come(self, company: &Company) -> bool {
        let any =
            |wanted: &dyn Fn(&Recorded) -> bool| company.control.requests().iter().any(wanted);
        match self {
            Self::FirstCall => any(&|_| true),
            Self::Reading => any(&|call| call.path.ends_with("/users")),
            Self::Writes(count) => company.control.writes().len() >= count,
            Self::Finalized => any(&|call| call.path.ends_with("/finalize")),
        }
    }
}

#[test]
fn after_kill_9_the_next_run_leaves_oomnitza_as_an_undisturbed_one() {
    let mut cases = Vec::new();
    for delivery in [Delivery::Rest, Delivery::Bulk] {
        for moment in [
            Moment::FirstCall,
            Moment::Reading,
            Moment::Writes(1),
            Moment::Writes(3),
            Moment::Writes(8),
        ] {
            cases.push((delivery, moment));
        }
    }
    cases.extend([11, 19, 26, 37, 55].map(|writes| (Delivery::Rest, Moment::Writes(writes))));
    cases.push((Delivery::Bulk, Moment::Finalized));

    let undisturbed = [Delivery::Rest, Delivery::Bulk].map(|delivery| {
        let company = company(delivery);
        company.load();
        company.people()
    });
    each(cases, |(delivery, moment)| {
        let company = company(delivery);
        company
            .control
            .order(Fault::new(System::Oomnitza, "* /api/v3/users", SLOW));
        company
            .control
            .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", SLOW));
        company
            .control
            .order(Fault::new(System::Oomnitza, "POST /api/v3/bulk", SLOW));
        let finalize = "POST /api/v3/bulk/*/finalize";
        company.control.order(Fault::new(
            System::Oomnitza,
            finalize,
            Effect::TimeOutAfterApplying,
        ));
        let mut going = company.rollcall.start_run();
        going.wait_until(|| moment.has_come(&company));
        let ended = going.kill();
        assert_eq!(
            ended.code, None,
            "{delivery:?} {moment:?}: it was through before"
        );
        company.control.clear_faults();

        let ended = company.rollcall.run();
        assert_eq!(
            ended.code,
            Some(0),
            "{delivery:?} {moment:?}: {}",
            ended.talk()
        );
        let expected = &undisturbed[usize::from(delivery == Delivery::Bulk)];
        assert_eq!(&company.people(), expected, "{delivery:?} {moment:?}");
        let states = company
            .rollcall
            .query("SELECT state FROM v_runs ORDER BY run_id");
        let states: Vec<_> = states.iter().map(|row| &row["state"]).collect();
        assert!(
            states == ["interrupted", "completed"] || states == ["completed"],
            "{moment:?}: {states:?}"
        );
        if matches!(moment, Moment::Writes(_)) {
            assert_eq!(states.len(), 2);
            let seen = "SELECT seen FROM v_runs ORDER BY run_id LIMIT 1";
            assert_eq!(company.rollcall.value(seen), USERS);
        }
        company.sums_hold();
        company.portions_are_finalized();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn sigterm_in_delivery_interrupts_and_the_next_run_does_the_rest() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        let slow = Effect::Slow {
            delay: Duration::from_millis(200),
        };
        company.control.order(Fault::new(
            System::Oomnitza,
            "PATCH /api/v3/users/*",
            slow.clone(),
        ));
        company.control.order(Fault::new(
            System::Oomnitza,
            "POST /api/v3/users",
            slow.clone(),
        ));
        company
            .control
            .order(Fault::new(System::Oomnitza, "POST /api/v3/bulk", slow));
        let mut going = company.rollcall.start_run();
        going.wait_until(|| Moment::Writes(2).has_come(&company));
        going.terminate();
        let _ = going.end().with_code(6);
        assert_eq!(company.rollcall.latest_state(), "interrupted");
        company.sums_hold();
        company.portions_are_finalized();
        let reasons = company.rollcall.latest_reasons();
        assert!(
            reasons
                .iter()
                .any(|(why, _)| why == "failed(not_attempted)"),
            "{reasons:?}"
        );
        assert_eq!(company.count("seen"), USERS as usize);

        company.control.clear_faults();
        company.load();
        assert_eq!(company.people().len(), USERS as usize);
        assert_eq!(
            company.rollcall.value("SELECT count(*) FROM v_open_errors"),
            0
        );
        company.portions_are_finalized();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}

#[test]
fn sigterm_while_reading_interrupts_and_writes_nothing() {
    let company = company(Delivery::Rest);
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    going.terminate();
    let _ = going.end().with_code(6);
    assert_eq!(company.rollcall.latest_state(), "interrupted");
    assert_eq!(company.control.writes(), []);
    company.sums_hold();
}

#[test]
fn two_runs_of_an_integration_never_overlap() {
    let company = company(Delivery::Rest);
    company.control.order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
    let mut going = company.rollcall.start_run();
    going.wait_until(|| Moment::Reading.has_come(&company));
    for arguments in [&["run"][..], &["run", "--dry-run"], &["plan"]] {
        let arguments: Vec<&str> = arguments
            .iter()
            .copied()
            .chain([tests::INTEGRATION])
            .collect();
        let ended = company.rollcall.command(&arguments).with_code(5);
        assert!(ended.stderr.contains("another run"), "{}", ended.stderr);
    }
    // Readers are not kept waiting meanwhile.
    assert_eq!(company.rollcall.latest_state(), "running");
    let _ = company.rollcall.command(&["runs"]).with_code(0);
    assert_eq!(going.kill().code, None);
    company.control.clear_faults();
    company.load();
}

#[test]
fn after_kill_9_in_the_wait_for_the_run_log_the_next_run_waits_for_it_too() {
    let options = Options {
        bulk_timing: BulkTiming::AfterPolls(4),
        csrf_token: None,
        ..plain(USERS, 0.5)
    };
    let company = Company::of(options, |config| config.delivery = Delivery::Bulk);
    company.control.order(Fault::new(
        System::Oomnitza,
        "GET /api/v3/connector_run_logs/*",
        SLOW,
    ));
    let mut going = company.rollcall.start_run();
    let is_log = |call: &Recorded| call.path.contains("connector_run_logs");
    going.wait_until(|| company.control.requests().iter().any(is_log));
    assert_eq!(going.kill().code, None);

    // A probe that is not answered by the instance itself does not hurry it.
    let words = Effect::ErrorInSuccess {
        message: String::new(),
    };
    company
        .control
        .order(Fault::new(System::Oomnitza, "GET /api/v2/mappings", words));
    company.control.clear_requests();
    company.load();
    assert_eq!(company.people().len(), USERS as usize);
    assert_eq!(company.control.writes(), [], "all was sent before");
    company.sums_hold();
    company.portions_are_finalized();
    company.no_violations();
}

#[test]
fn a_plan_whose_delivery_is_killed_is_interrupted_and_not_applied_again() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = company(delivery);
        let _ = company.rollcall.plan().with_code(0);
        let run_id = company.rollcall.latest_run_id();
        company
            .control
            .order(Fault::new(System::Oomnitza, "* /api/v3/users/*", SLOW));
        company
            .control
            .order(Fault::new(System::Oomnitza, "POST /api/v3/bulk", SLOW));
        let mut going = company.rollcall.start(&["apply", &run_id]);
        going.wait_until(|| Moment::Writes(3).has_come(&company));
        assert_eq!(going.kill().code, None);
        company.control.clear_faults();
        let _ = company.rollcall.apply(&run_id).with_code(2);
        company.load();
        let state = format!("SELECT state FROM v_runs WHERE run_id = '{run_id}'");
        assert_eq!(company.rollcall.value(&state), "interrupted");
        assert_eq!(company.people().len(), USERS as usize);
        company.sums_hold();
        company.portions_are_finalized();
        company.next_load_sends_nothing();
        company.no_violations();
    });
}
