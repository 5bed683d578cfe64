//! Slots: one row for each due time, whatever happens to the process and the clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use store::{Cause, NewRun, NewRunSlot, NewSlot, OpenSlot, RunKey, SlotState, State};
use uuid::Uuid;

use crate::support::{Bed, at, bed};

fn due(integration: i64, minutes: &[i64]) -> Vec<NewSlot> {
    minutes
        .iter()
        .map(|minutes| NewSlot {
            integration,
            due_at: at(*minutes),
        })
        .collect()
}

async fn key(bed: &Bed, name: &str) -> i64 {
    bed.store.ledgers(&[name.to_owned()]).await.unwrap()[0].key
}

/// The slots of the view, each as its minute, state and note.
async fn ledger(bed: &Bed) -> Vec<String> {
    bed.lines(
        "SELECT (unixepoch(due_at) - unixepoch('2026-11-23')) / 60, state, note
         FROM v_slots ORDER BY integration, due_at",
    )
    .await
}

async fn begin(
    bed: &Bed,
    integration: &str,
    slot: NewRunSlot<'_>,
) -> Result<(Uuid, RunKey), store::Error> {
    let run_id = Uuid::now_v7();
    let run = NewRun {
        run_id,
        integration,
        trigger: "schedule",
        kind: store::Kind::Load,
        origin: None,
        dry_run: false,
        partial: false,
        started_at: at(0),
        config_hash: "0123456789ab",
        slot: Some(slot),
    };
    bed.store.begin_run(&run).await.map(|key| (run_id, key))
}

fn ran(slot: &OpenSlot) -> NewRunSlot<'static> {
    NewRunSlot {
        slot: slot.slot,
        state: SlotState::Ran,
        note: None,
    }
}

#[tokio::test]
async fn a_due_time_is_noticed_once() {
    let bed = bed().await;
    let (a, b) = (key(&bed, "a").await, key(&bed, "b").await);
    let times = [due(a, &[1, 2]), due(b, &[1])].concat();
    let open = bed.store.notice_slots(&times, at(2)).await.unwrap();
    let seen: Vec<_> = open
        .iter()
        .map(|slot| (slot.integration, slot.due_at, slot.state, slot.tries))
        .collect();
    assert_eq!(
        seen,
        [
            (a, at(1), SlotState::Waiting, 0),
            (a, at(2), SlotState::Waiting, 0),
            (b, at(1), SlotState::Waiting, 0),
        ]
    );
    assert_eq!(bed.store.notice_slots(&times, at(2)).await.unwrap(), open);
    assert_eq!(bed.store.open_slots().await.unwrap(), open);
    assert_eq!(bed.count("slots").await, 3);
    // What is waiting still has no fate to show.
    assert!(ledger(&bed).await.is_empty());
}

#[tokio::test]
async fn a_settled_slot_stays_as_it_is() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed
        .store
        .notice_slots(&due(a, &[1, 2, 3]), at(3))
        .await
        .unwrap();
    let fates = [
        (
            open[0].slot,
            SlotState::Missed,
            "the daemon was down".to_owned(),
        ),
        (open[1].slot, SlotState::Paused, "holidays".to_owned()),
    ];
    bed.store.settle_slots(&fates).await.unwrap();
    bed.store
        .settle_slot(open[2].slot, SlotState::Skipped, Some("overlap"))
        .await
        .unwrap();
    let settled = [
        "1|missed|the daemon was down",
        "2|paused|holidays",
        "3|skipped|overlap",
    ];
    assert_eq!(ledger(&bed).await, settled);

    let store = &bed.store;
    let slot = open[2].slot;
    assert!(!store.settle_slot(slot, SlotState::Ran, None).await.unwrap());
    assert!(!store.postpone_slot(slot, at(9), "again").await.unwrap());
    let again = [(slot, SlotState::Ran, String::new())];
    assert_eq!(store.settle_slots(&again).await.unwrap(), 0);
    let refused = begin(&bed, "a", ran(&open[2])).await.unwrap_err();
    assert_eq!(refused.cause(), Cause::Missing);
    // A restart whose cursor is behind notices them again: nothing is done twice.
    assert!(
        store
            .notice_slots(&due(a, &[1, 2, 3]), at(4))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(ledger(&bed).await, settled);
    assert_eq!(bed.count("runs").await, 0);
}

#[tokio::test]
async fn settling_many_settles_all_or_none() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed
        .store
        .notice_slots(&due(a, &[1, 2]), at(2))
        .await
        .unwrap();
    let fates = |second| {
        [
            (open[0].slot, SlotState::Missed, "down".to_owned()),
            (open[1].slot, second, "down".to_owned()),
        ]
    };
    let refused = bed.store.settle_slots(&fates(SlotState::Waiting)).await;
    assert_eq!(refused.unwrap_err().cause(), Cause::Rule);
    assert_eq!(bed.store.open_slots().await.unwrap(), open);
    let fates = fates(SlotState::Missed);
    assert_eq!(bed.store.settle_slots(&fates).await.unwrap(), 2);
    assert!(bed.store.open_slots().await.unwrap().is_empty());
    assert_eq!(bed.store.settle_slots(&[]).await.unwrap(), 0);
}

#[tokio::test]
async fn no_slot_is_settled_as_waiting() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed.store.notice_slots(&due(a, &[1]), at(1)).await.unwrap();
    let error = bed
        .store
        .settle_slot(open[0].slot, SlotState::Waiting, None)
        .await
        .unwrap_err();
    assert_eq!(error.cause(), Cause::Rule);
}

#[tokio::test]
async fn a_run_and_its_slot_begin_together() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed.store.notice_slots(&due(a, &[1]), at(1)).await.unwrap();
    let (first, first_key) = begin(&bed, "a", ran(&open[0])).await.unwrap();
    let found = bed.store.open_slots().await.unwrap();
    assert_eq!(found[0].run, Some((first.to_string(), State::Running)));
    assert_eq!((found[0].state, found[0].tries), (SlotState::Ran, 1));

    bed.store
        .end_run(
            first_key,
            State::Failed,
            &store::Counts::default(),
            Some("no console"),
            at(2),
        )
        .await
        .unwrap();
    bed.store
        .postpone_slot(open[0].slot, at(12), "failed; tried again")
        .await
        .unwrap();
    let found = bed.store.open_slots().await.unwrap();
    assert_eq!(found[0].run, Some((first.to_string(), State::Failed)));
    assert_eq!(found[0].next_try_at, Some(at(12)));

    let (second, _) = begin(&bed, "a", ran(&open[0])).await.unwrap();
    let found = bed.store.open_slots().await.unwrap();
    assert_eq!((found[0].tries, found[0].next_try_at), (2, None));
    bed.store
        .settle_slot(open[0].slot, SlotState::Ran, None)
        .await
        .unwrap();
    assert!(bed.store.open_slots().await.unwrap().is_empty());
    assert_eq!(
        bed.lines("SELECT state, run_id, note FROM v_slots").await,
        [format!("ran|{second}|failed; tried again")]
    );
    // Each of its runs names the slot; it names the latest.
    assert_eq!(
        bed.lines("SELECT run_id, due_at FROM v_runs ORDER BY run_id")
            .await,
        [
            format!("{first}|2026-11-23T00:01:00.000Z"),
            format!("{second}|2026-11-23T00:01:00.000Z"),
        ]
    );
}

#[tokio::test]
async fn a_run_of_another_integrations_slot_does_not_begin() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed.store.notice_slots(&due(a, &[1]), at(1)).await.unwrap();
    let error = begin(&bed, "b", ran(&open[0])).await.unwrap_err();
    assert_eq!(error.cause(), Cause::Missing);
    assert_eq!(bed.count("runs").await, 0);
    assert_eq!(bed.store.open_slots().await.unwrap(), open);
}

#[tokio::test]
async fn what_was_late_stays_late() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let open = bed
        .store
        .notice_slots(&due(a, &[1, 2]), at(2))
        .await
        .unwrap();
    for slot in &open {
        let late = NewRunSlot {
            state: SlotState::Late,
            note: Some("the daemon was down"),
            ..ran(slot)
        };
        begin(&bed, "a", late).await.unwrap();
        begin(&bed, "a", ran(slot)).await.unwrap();
    }
    bed.store
        .settle_slot(open[0].slot, SlotState::Ran, None)
        .await
        .unwrap();
    bed.store
        .settle_slots(&[(
            open[1].slot,
            SlotState::Ran,
            "overtaken by 00:03".to_owned(),
        )])
        .await
        .unwrap();
    assert_eq!(
        ledger(&bed).await,
        ["1|late|the daemon was down", "2|late|overtaken by 00:03"]
    );
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_left_out_is_open_again_and_what_it_ran_is_not() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let times = due(a, &[10, 20, 30, 40, 50]);
    let open = bed.store.notice_slots(&times, at(60)).await.unwrap();
    let fates = [
        (open[0].slot, SlotState::Missed, "asleep".to_owned()),
        (open[1].slot, SlotState::Skipped, "excluded".to_owned()),
        (open[2].slot, SlotState::Paused, "holidays".to_owned()),
    ];
    bed.store.settle_slots(&fates).await.unwrap();
    begin(&bed, "a", ran(&open[3])).await.unwrap();
    let late = NewRunSlot {
        state: SlotState::Late,
        ..ran(&open[4])
    };
    begin(&bed, "a", late).await.unwrap();
    for slot in &open[3..] {
        bed.store
            .settle_slot(slot.slot, SlotState::Ran, None)
            .await
            .unwrap();
    }
    // The clock is set back: these have been run, and will come again.
    let done = bed.store.slots_done_after(a, at(5)).await.unwrap();
    assert_eq!(done, [at(40), at(50)]);
    assert_eq!(
        bed.store.slots_done_after(a, at(40)).await.unwrap(),
        [at(50)]
    );
    assert!(
        bed.store
            .slots_done_after(a + 1, at(0))
            .await
            .unwrap()
            .is_empty()
    );

    let again = bed.store.notice_slots(&times, at(55)).await.unwrap();
    let minutes: Vec<_> = again.iter().map(|slot| slot.due_at).collect();
    assert_eq!(minutes, [at(10), at(20), at(30)]);
    for slot in &again {
        assert_eq!(slot.state, SlotState::Waiting);
        assert_eq!(slot.run, None);
    }
    assert_eq!(ledger(&bed).await, ["40|ran|", "50|late|"]);
    assert_eq!(bed.count("slots").await, 5);
}

#[tokio::test]
async fn more_slots_than_a_statement_takes_are_noticed_and_settled() {
    let bed = bed().await;
    let a = key(&bed, "a").await;
    let minutes: Vec<i64> = (0..12_001).collect();
    let open = bed
        .store
        .notice_slots(&due(a, &minutes), at(12_001))
        .await
        .unwrap();
    assert_eq!(open.len(), minutes.len());
    assert_eq!(open.last().unwrap().due_at, at(12_000));
    let fates: Vec<_> = open
        .iter()
        .map(|slot| {
            (
                slot.slot,
                SlotState::Missed,
                format!("down at {}", slot.due_at),
            )
        })
        .collect();
    bed.store.settle_slots(&fates).await.unwrap();
    assert!(bed.store.open_slots().await.unwrap().is_empty());
    let wrong = "SELECT count(*) FROM v_slots WHERE note <> 'down at ' || strftime('%Y-%m-%dT%H:%M:%SZ', due_at)";
    assert_eq!(bed.lines(wrong).await, ["0"]);
}

/// What may happen to the slots of an integration.
#[derive(Debug, Clone)]
enum Event {
    Notice { from: i64, until: i64 },
    Begin { slot: usize, late: bool },
    Settle { slot: usize, state: SlotState },
    SettleAll { state: SlotState },
}

fn event() -> impl Strategy<Value = Event> {
    let state = || {
        prop::sample::select(vec![
            SlotState::Ran,
            SlotState::Late,
            SlotState::Skipped,
            SlotState::Missed,
            SlotState::Paused,
        ])
    };
    prop_oneof![
        // The clock is wherever it is: it only says until when due times have come.
        (0..20_i64, 0..20_i64).prop_map(|(from, until)| Event::Notice { from, until }),
        (0..8_usize, any::<bool>()).prop_map(|(slot, late)| Event::Begin { slot, late }),
        (0..8_usize, state()).prop_map(|(slot, state)| Event::Settle { slot, state }),
        state().prop_map(|state| Event::SettleAll { state }),
    ]
}

/// What a slot should be: its state, whether it is settled, how many runs it had, and when it was noticed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Expected {
    state: SlotState,
    settled: bool,
    tries: u32,
    noticed: i64,
}

impl Expected {
    fn becomes(&mut self, state: SlotState) {
        if (self.state, state) != (SlotState::Late, SlotState::Ran) {
            self.state = state;
        }
    }
}

async fn apply(bed: &Bed, integration: i64, events: &[Event]) -> BTreeMap<i64, Expected> {
    let mut model = BTreeMap::<i64, Expected>::new();
    for event in events {
        let open = bed.store.open_slots().await.unwrap();
        match *event {
            Event::Notice { from, until } => {
                let minutes: Vec<i64> = (from..=until).collect();
                bed.store
                    .notice_slots(&due(integration, &minutes), at(until))
                    .await
                    .unwrap();
                for minute in minutes {
                    let new = Expected {
                        state: SlotState::Waiting,
                        settled: false,
                        tries: 0,
                        noticed: until,
                    };
                    let slot = model.entry(minute).or_insert(new);
                    let left_out = [SlotState::Missed, SlotState::Skipped, SlotState::Paused];
                    if slot.noticed > until && left_out.contains(&slot.state) {
                        *slot = new;
                    }
                }
            }
            Event::Begin { slot, late } => {
                if let Some(slot) = open.get(slot) {
                    let state = if late {
                        SlotState::Late
                    } else {
                        SlotState::Ran
                    };
                    let begun = NewRunSlot { state, ..ran(slot) };
                    begin(bed, "a", begun).await.unwrap();
                    let slot = model.get_mut(&minute(slot.due_at)).unwrap();
                    slot.becomes(state);
                    slot.tries += 1;
                }
            }
            Event::Settle { slot, state } => {
                if let Some(slot) = open.get(slot) {
                    bed.store.settle_slot(slot.slot, state, None).await.unwrap();
                    let slot = model.get_mut(&minute(slot.due_at)).unwrap();
                    slot.becomes(state);
                    slot.settled = true;
                }
            }
            Event::SettleAll { state } => {
                let fates: Vec<_> = open
                    .iter()
                    .map(|slot| (slot.slot, state, String::new()))
                    .collect();
                bed.store.settle_slots(&fates).await.unwrap();
                for slot in model.values_mut().filter(|slot| !slot.settled) {
                    slot.becomes(state);
                    slot.settled = true;
                }
            }
        }
    }
    model
}

fn minute(due_at: Timestamp) -> i64 {
    (due_at.as_second() - at(0).as_second()) / 60
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_each_due_time_has_one_fate(events in prop::collection::vec(event(), 1..24)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (shown, expected) = runtime.block_on(async {
            let bed = bed().await;
            let integration = key(&bed, "a").await;
            let model = apply(&bed, integration, &events).await;
            let shown = bed
                .lines(
                    "SELECT (due_at / 1000 - unixepoch('2026-11-23')) / 60, state, settled, tries
                     FROM slots ORDER BY due_at",
                )
                .await;
            let expected: Vec<String> = model
                .iter()
                .map(|(minute, slot)| {
                    let settled = u8::from(slot.settled);
                    format!("{minute}|{}|{settled}|{}", slot.state, slot.tries)
                })
                .collect();
            (shown, expected)
        });
        prop_assert_eq!(shown, expected);
    }
}
