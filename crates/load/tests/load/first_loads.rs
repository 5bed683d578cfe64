//! The first load of an integration, and what goes on with one that was cut off.

use jiff::Timestamp;
use load::{Cause, Halt, Intent, Loader, Report, Request, State};
use store::Decision;

use crate::company::{By, Company, USERS, request};

/// Makes a load that something starts.
async fn start(loader: &Loader, trigger: &'static str) -> Report {
    let request = Request {
        trigger,
        ..request(Intent::Deliver(loader.writer()))
    };
    loader.run(&request).await.unwrap()
}

async fn by_hand(loader: Loader) -> Report {
    start(&loader, "manual").await
}

/// Makes a load that the schedule starts.
async fn due(company: &Company) -> Report {
    start(&company.loader(&Halt::new()), "schedule").await
}

/// Does something that is stopped once the first person is written.
async fn cut_off<F: Future<Output = Report>>(
    company: &Company,
    cause: Cause,
    act: impl FnOnce(Loader) -> F,
) -> Report {
    let halt = Halt::new();
    let written = async {
        company
            .received(1, |call| call.method == "PATCH" || call.method == "POST")
            .await;
        halt.stop(cause);
    };
    let (report, ()) = tokio::join!(act(company.loader(&halt)), written);
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_load_by_hand_that_was_cut_off_is_gone_on_with_by_the_schedule() {
    let company = Company::new(By::Rest).await;
    let report = cut_off(&company, Cause::Shutdown, by_hand).await;
    assert_eq!(report.state, State::Interrupted, "{report:?}");
    let report = due(&company).await;
    assert_eq!(report.state, State::Completed, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_first_load_that_was_canceled_waits_for_somebody() {
    let company = Company::new(By::Rest).await;
    let report = cut_off(&company, Cause::ByHand, by_hand).await;
    assert_eq!(report.state, State::Canceled, "{report:?}");
    let report = due(&company).await;
    assert_eq!(report.state, State::Parked, "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_of_a_release_that_was_cut_off_waits_again() {
    let company = Company::new(By::Rest).await;
    let parked = due(&company).await;
    assert_eq!(parked.state, State::Parked, "{parked:?}");
    let release = |loader: Loader| async move {
        let decision = Decision {
            by: "alice".to_owned(),
            reason: Some("it is the first".to_owned()),
            at: Timestamp::now(),
        };
        let released = loader.release(&parked.run_id, &decision, loader.writer());
        released.await.unwrap()
    };
    let report = cut_off(&company, Cause::Shutdown, release).await;
    assert_eq!(report.state, State::Interrupted, "{report:?}");
    let report = due(&company).await;
    assert_eq!(report.state, State::Parked, "{report:?}");
    let guards: Vec<&str> = report.guards.iter().map(|hit| hit.guard.as_str()).collect();
    assert!(guards.contains(&"create"), "{guards:?}");
    assert!(!guards.contains(&"first_run"), "{guards:?}");
    // Whoever starts one by hand has looked at it.
    let report = company.load().await;
    assert_eq!(report.state, State::Completed, "{report:?}");
    assert_eq!(report.counts.seen, u64::from(USERS), "{report:?}");
}
