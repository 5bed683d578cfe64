//! A scheduled run is put on record together with what becomes of its due time.

use jiff::Timestamp;
use load::{Halt, Intent, Request, Slot, SlotState, State};
use store::NewSlot;
use uuid::Uuid;

use crate::company::{By, Company, INTEGRATION, request};

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_has_the_id_it_was_given_and_its_slot_names_it() {
    let company = Company::new(By::Rest).await;
    let integration = company.store.integration(INTEGRATION).await.unwrap().key;
    let due_at = Timestamp::from_second(1_795_000_000).unwrap();
    let slots = company
        .store
        .notice_slots(
            &[NewSlot {
                integration,
                due_at,
            }],
            due_at,
        )
        .await
        .unwrap();
    let loader = company.loader(&Halt::new());
    let run_id = Uuid::now_v7();
    let request = Request {
        trigger: "schedule",
        run_id: Some(run_id),
        slot: Some(Slot {
            slot: slots[0].slot,
            state: SlotState::Late,
            note: Some("the daemon was down".to_owned()),
        }),
        ..request(Intent::DryRun)
    };
    let report = loader.run(&request).await.unwrap();
    assert_eq!(report.state, State::Completed);
    assert_eq!(report.run_id, run_id.to_string());
    let row = company
        .value("SELECT state, run_id, note FROM v_slots")
        .await;
    for text in ["late", &report.run_id, "the daemon was down"] {
        assert!(row.contains(text), "{row}");
    }
}
