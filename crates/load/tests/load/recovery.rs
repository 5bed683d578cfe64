//! What dead processes left is closed without a run.

use jiff::Timestamp;
use load::{Error, Halt};
use simulator::{Effect, Fault, System};
use store::{Kind, NewRun, RunKey};
use uuid::Uuid;

use crate::company::{By, Company, INTEGRATION};

/// Puts a run on record as if its process had died right after it opened a portion.
async fn dead_run(company: &Company) -> RunKey {
    let run = NewRun {
        run_id: Uuid::now_v7(),
        integration: INTEGRATION,
        trigger: "schedule",
        kind: Kind::Load,
        origin: None,
        dry_run: false,
        partial: false,
        started_at: Timestamp::now(),
        config_hash: "0123456789ab",
        slot: None,
    };
    let key = company.store.begin_run(&run).await.unwrap();
    let portion = Uuid::new_v4();
    company.store.open_portion(key, portion).await.unwrap();
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_closed_and_nobody_is_contacted_without_it() {
    let company = Company::new(By::Bulk).await;
    let loader = company.loader(&Halt::new());
    assert_eq!(loader.recover_only().await.unwrap(), 0);
    assert_eq!(company.control().requests(), []);

    let key = dead_run(&company).await;
    assert_eq!(loader.recover_only().await.unwrap(), 1);
    let runs = company.value("SELECT state, error FROM v_runs").await;
    assert!(runs.contains("interrupted"), "{runs}");
    let open = company.store.open_portions(key.integration).await.unwrap();
    assert_eq!(open, []);

    company.control().clear_requests();
    assert_eq!(loader.recover_only().await.unwrap(), 0);
    assert_eq!(company.control().requests(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_closed_now_stays_for_the_next_run() {
    let company = Company::new(By::Bulk).await;
    let loader = company.loader(&Halt::new());
    let key = dead_run(&company).await;
    company.control().order(Fault::new(
        System::Oomnitza,
        "GET /api/v2/mappings",
        Effect::Status(401),
    ));
    let error = loader.recover_only().await.unwrap_err();
    assert!(matches!(error, Error::NotRecovered { .. }), "{error:?}");
    assert!(
        error.to_string().contains("does not accept the token")
            || error.to_string().contains("401"),
        "{error}"
    );
    let open = company.store.open_portions(key.integration).await.unwrap();
    assert_eq!(open.len(), 1);
    company.control().clear_faults();
    assert_eq!(loader.recover_only().await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recovered_while_a_run_goes_on() {
    let company = Company::new(By::Rest).await;
    company.control().order(Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::TimeOut,
    ));
    let halt = Halt::new();
    let going = company.begin(&halt);
    company
        .received(1, |call| call.path.ends_with("/users"))
        .await;
    let error = company.loader(&halt).recover_only().await.unwrap_err();
    assert!(matches!(error, Error::Busy { .. }), "{error:?}");
    halt.stop(load::Cause::Shutdown);
    going.await.unwrap();
}
