//! What an operator may do at once with a run that has died and that nobody has closed yet.

use tests::{Delivery, INTEGRATION};

use super::aftermath::demand_order;
use super::{BOTH, until};
use crate::company::{Company, each};
use crate::undo;

const RUN: [&str; 2] = ["run", INTEGRATION];

/// Where a load dies when a part of it is written.
fn on_its_way(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Rest => "write_answered:9",
        Delivery::Bulk | Delivery::BulkByName => "batch_sent:3",
    }
}

/// A company with a load that died on its way; with its id.
fn died(delivery: Delivery, share: f64, preference: &'static str) -> (Company, String) {
    let company = Company::with(30, share, |config| {
        config.delivery = delivery;
        config.batch = 5;
        config.preference = preference;
    });
    assert_eq!(until(&company, &RUN, on_its_way(delivery)).code, None);
    let run_id = company.rollcall.latest_run_id();
    assert_eq!(company.rollcall.latest_state(), "running");
    (company, run_id)
}

#[test]
fn what_a_dead_run_wrote_can_be_taken_back() {
    each(BOTH, |delivery| {
        let company = Company::with(30, 1.0, |config| {
            config.delivery = delivery;
            config.batch = 5;
        });
        let before = undo::people(&company);
        let ended = until(&company, &RUN, on_its_way(delivery));
        assert_eq!(ended.code, None);
        let run_id = company.rollcall.latest_run_id();
        let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
        assert_eq!(undo::people(&company), before, "{delivery:?}");
        assert!(company.count("updated") > 5, "{delivery:?}");
        assert_eq!(company.rollcall.run_states(), ["interrupted", "completed"]);
        demand_order(&company, "undone");
    });
}

#[test]
fn those_whom_a_dead_run_did_not_reach_can_be_loaded_again() {
    each(BOTH, |delivery| {
        let (company, run_id) = died(delivery, 1.0, "update_only");
        let _ = company.rollcall.command(&["replay", &run_id]).with_code(0);
        let open = company.rollcall.query("SELECT * FROM v_open_errors");
        assert!(
            open.iter().all(|row| row["reason"] == "out_of_scope"),
            "{open:?}"
        );
        assert!(company.count("updated") > 5, "{delivery:?}");
        company.next_load_sends_nothing();
        demand_order(&company, "replayed");
    });
}

#[test]
fn a_plan_whose_release_died_is_not_gone_on_with_and_says_what_is() {
    let company = Company::with(30, 0.5, |config| {
        config.guards = "{ create: 3, at_least: 1 }".to_owned();
    });
    let _ = company.rollcall.run_dry();
    company.rollcall.was_loaded_once();
    let _ = company.rollcall.run().with_code(4);
    let run_id = company.rollcall.latest_run_id();
    let release = ["release", &run_id, "--reason", "all is well"];
    assert_eq!(until(&company, &release, "write_answered:2").code, None);
    let ended = company.rollcall.command(&release).with_code(2);
    let says = format!("run `{run_id}` is interrupted");
    assert!(ended.stderr.contains(&says), "{}", ended.stderr);
    let advises = format!("`rollcall run {INTEGRATION}`");
    assert!(ended.stderr.contains(&advises), "{}", ended.stderr);
    demand_order(&company, "released");
}

#[test]
fn a_dry_run_leaves_a_load_that_died_with_its_portion_open_to_the_next_that_writes() {
    let (company, run_id) = died(Delivery::Bulk, 0.5, "create_and_update");
    company.control.clear_requests();
    let _ = company.rollcall.run_dry().with_code(0);
    assert_eq!(company.control.writes(), []);
    let ended = company
        .rollcall
        .command(&["undo", &run_id, "--dry-run"])
        .with_code(1);
    assert!(ended.stderr.contains("portion"), "{}", ended.stderr);
    assert_eq!(company.control.writes(), []);
    company.load();
    // What had arrived is on record as done: only the rest was left to the load.
    let done =
        format!("SELECT count(*) FROM v_changes WHERE run_id = '{run_id}' AND state = 'done'");
    assert_eq!(company.rollcall.value(&done), 15);
    assert_eq!(
        company.rollcall.run_states(),
        ["interrupted", "completed", "completed"]
    );
    company.next_load_sends_nothing();
    demand_order(&company, "made up");
}

#[test]
fn an_undo_that_died_before_it_suspended_anybody_does_not_say_that_it_did() {
    let company = Company::plain(8, 0.0);
    company.load();
    let load = company.rollcall.latest_run_id();
    let undo = ["undo", &load, "--created", "suspend"];
    assert_eq!(until(&company, &undo, "changes_marked").code, None);
    let dead = company.rollcall.latest_run_id();
    let _ = company.rollcall.command(&undo).with_code(0);
    let states = |run_id: &str| {
        let sql = format!("SELECT DISTINCT state FROM v_changes WHERE run_id = '{run_id}'");
        company.rollcall.query(&sql)
    };
    let state = |rows: Vec<_>| {
        let rows: Vec<serde_json::Map<_, _>> = rows;
        rows.into_iter()
            .map(|row| row["state"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(state(states(&dead)), ["failed"]);
    assert_eq!(state(states(&company.rollcall.latest_run_id())), ["done"]);
    demand_order(&company, "suspended");
}
