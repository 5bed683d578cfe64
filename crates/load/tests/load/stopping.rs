//! A run that is stopped ends at once, wherever it is, in the state that the cause asks for.

use std::time::{Duration, Instant};

use load::{Cause, Halt, Report, State};
use simulator::{Effect, Fault, Recorded, System};

use crate::company::{By, Company, USERS};

/// How long a run may take to end once it is stopped.
const AT_ONCE: Duration = Duration::from_secs(2);

/// What makes a call wait for longer than anybody does.
fn obstacles() -> [Effect; 2] {
    [
        Effect::TimeOut,
        Effect::TooMany {
            retry_after: Some("300".to_owned()),
        },
    ]
}

fn is(call: &Recorded, method: &str, end: &str) -> bool {
    call.method == method && call.path.ends_with(end)
}

/// Loads until `wanted` was received so often, and stops the load then.
async fn stop_after(
    company: &Company,
    count: usize,
    wanted: impl Fn(&Recorded) -> bool,
    cause: Cause,
) -> Report {
    let halt = Halt::new();
    let going = company.begin(&halt);
    company.received(count, wanted).await;
    halt.stop(cause);
    let stopped = Instant::now();
    let report = going.await.unwrap();
    let took = stopped.elapsed();
    assert!(took < AT_ONCE, "{took:?}");
    assert!(report.counts.add_up(), "{report:?}");
    report
}

/// Asserts that the next load does what is left, and that the one after it has nothing to do.
async fn the_rest_is_loaded(company: &Company) {
    company.control().clear_faults();
    let rest = company.load().await;
    let why = company
        .value("SELECT reason, message FROM v_errors ORDER BY run_id DESC LIMIT 1")
        .await;
    assert_eq!(rest.state, State::Completed, "{why}");
    company.control().clear_requests();
    let report = company.load().await;
    assert_eq!(report.counts.unchanged, u64::from(USERS), "{report:?}");
    assert_eq!(company.control().writes(), []);
    company.is_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_reading_writes_nothing_and_names_the_cause() {
    let calls = [
        (System::Oomnitza, "GET", "/mappings"),
        (System::SentinelOne, "GET", "/roles"),
        (System::SentinelOne, "GET", "/users"),
        (System::Oomnitza, "GET", "/api/v3/users"),
    ];
    let causes = [
        (
            Cause::Shutdown,
            State::Interrupted,
            "the run was stopped before it was through",
        ),
        (Cause::ByHand, State::Canceled, "canceled by hand"),
        (
            Cause::TooLong(Duration::from_hours(6)),
            State::Failed,
            "it took longer than `max_duration`, 6h; see in the log what it waited for, or set a longer `max_duration`",
        ),
    ];
    for (place, (system, method, end)) in calls.into_iter().enumerate() {
        for obstacle in obstacles() {
            let company = Company::new(By::Rest).await;
            let path = match (system, end) {
                (System::SentinelOne, "/roles") => "GET /rbac/roles".to_owned(),
                (System::Oomnitza, "/mappings") => "GET /api/v2/mappings".to_owned(),
                _ => format!("{method} {end}"),
            };
            company.control().order(Fault::new(system, &path, obstacle));
            let (cause, state, error) = causes[place % causes.len()];
            let wanted = |call: &Recorded| call.system == system && is(call, method, end);
            let report = stop_after(&company, 1, wanted, cause).await;
            assert_eq!(report.state, state, "{path}");
            assert_eq!(report.error.as_deref(), Some(error));
            assert_eq!(report.counts.seen, 0);
            assert_eq!(company.control().writes(), []);
            the_rest_is_loaded(&company).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_that_were_held_back_are_not_attempted() {
    for (by, write) in [
        (By::Rest, "PATCH /api/v3/users/*"),
        (By::Bulk, "POST /api/v3/bulk"),
    ] {
        let company = Company::new(by).await;
        let [_, too_many] = obstacles();
        let fault = Fault::new(System::Oomnitza, write, too_many).after(2);
        company.control().order(fault);
        let wanted = |call: &Recorded| call.is_write() && call.status == Some(429);
        let report = stop_after(&company, 1, wanted, Cause::Shutdown).await;
        assert_eq!(report.state, State::Interrupted, "{by:?}: {report:?}");
        assert_eq!(report.counts.seen, u64::from(USERS));
        let done = report.counts.created + report.counts.updated;
        let mut reasons: Vec<&str> = report.reasons.iter().map(|one| one.1.as_str()).collect();
        reasons.sort_unstable();
        // The finalize is held back as well, without which nothing of a batch is applied.
        let expected: (u64, &[&str]) = match by {
            By::Rest => (2, &["not_attempted"]),
            By::Bulk => (0, &["not_attempted", "unreachable"]),
        };
        assert_eq!((done, &*reasons), expected, "{by:?}");
        the_rest_is_loaded(&company).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_out_is_waited_for() {
    for (by, write) in [
        (By::Rest, "PATCH /api/v3/users/*"),
        (By::Bulk, "POST /api/v3/bulk"),
    ] {
        let company = Company::new(by).await;
        let slow = Effect::Slow {
            delay: Duration::from_millis(600),
        };
        company
            .control()
            .order(Fault::new(System::Oomnitza, write, slow));
        let report = stop_after(&company, 1, Recorded::is_write, Cause::ByHand).await;
        assert_eq!(report.state, State::Canceled, "{by:?}");
        let mut writes = company.control().writes();
        writes.retain(|call| !call.path.ends_with("/finalize"));
        let written = writes.len() as u64;
        let done = report.counts.created + report.counts.updated;
        assert_eq!(done, if by == By::Rest { written } else { 7 * written });
        the_rest_is_loaded(&company).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_failed_is_not_repeated() {
    for (by, write) in [
        (By::Rest, "PATCH /api/v3/users/*"),
        (By::Bulk, "POST /api/v3/bulk"),
    ] {
        let company = Company::new(by).await;
        let fault = Fault::new(System::Oomnitza, write, Effect::BadGatewayAfterApplying);
        company.control().order(fault);
        let answered = |call: &Recorded| call.is_write() && call.status.is_some();
        let report = stop_after(&company, 1, answered, Cause::Shutdown).await;
        assert_eq!(report.state, State::Interrupted, "{by:?}: {report:?}");
        assert!(
            report.reasons.iter().any(|one| one.1 == "unreachable"),
            "{report:?}"
        );
        the_rest_is_loaded(&company).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portion_that_cannot_be_finalized_now_is_finalized_by_the_next_run() {
    for obstacle in [Effect::Status(503), obstacles()[1].clone()] {
        let company = Company::new(By::Bulk).await;
        company.control().order(Fault::new(
            System::Oomnitza,
            "POST /api/v3/bulk/*/finalize",
            obstacle,
        ));
        let slow = Effect::Slow {
            delay: Duration::from_millis(50),
        };
        company
            .control()
            .order(Fault::new(System::Oomnitza, "POST /api/v3/bulk", slow));
        let report = stop_after(&company, 2, Recorded::is_write, Cause::Shutdown).await;
        assert_eq!(report.state, State::Interrupted);
        let open = "SELECT count(*) FROM runs WHERE portion_open = 1";
        assert!(company.value(open).await.contains('1'));
        the_rest_is_loaded(&company).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_while_verifying_leaves_a_notice_until_the_next_run() {
    for obstacle in obstacles() {
        let company = Company::new(By::Bulk).await;
        let log = "GET /api/v3/connector_run_logs/*";
        company
            .control()
            .order(Fault::new(System::Oomnitza, log, obstacle));
        let wanted = |call: &Recorded| call.path.contains("/connector_run_logs/");
        let report = stop_after(&company, 1, wanted, Cause::ByHand).await;
        assert_eq!(report.state, State::Canceled, "{report:?}");
        assert_eq!(report.counts.failed, 0);
        assert_eq!(
            report.counts.created + report.counts.updated,
            u64::from(USERS)
        );
        let standing = "SELECT count(*) FROM v_notices WHERE kind = 'unverified' AND until IS NULL";
        assert!(company.value(standing).await.contains('1'));
        the_rest_is_loaded(&company).await;
        assert!(company.value(standing).await.contains('0'));
    }
}

#[tokio::test]
async fn the_first_cause_counts() {
    let halt = Halt::new();
    assert!(!halt.is_stopped());
    halt.stop(Cause::ByHand);
    halt.clone().stop(Cause::Shutdown);
    halt.stopped().await;
    assert_eq!(halt.cause(), Some(Cause::ByHand));
}
