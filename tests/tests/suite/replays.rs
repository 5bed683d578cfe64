//! Replay: just those whom a run skipped or failed are loaded again, read anew.

use crate::company::Company;

#[test]
fn what_an_update_only_run_skipped_is_uploaded_after_a_review() {
    let company = Company::with(60, 0.5, |config| {
        config.preference = "update_only";
        config.guards.clear();
    });
    let _ = company.rollcall.run().with_code(0);
    let first = company.rollcall.latest_run_id();
    let skipped = company.count("skipped");
    assert!(skipped > 10, "more than pass unseen: {skipped}");
    company.control.clear_requests();
    let replay = ["replay", &first, "--preference", "create_and_update"];
    let _ = company.rollcall.command(&replay).with_code(0);
    let run = company.rollcall.latest_run();
    assert_eq!(run["seen"], skipped);
    assert_eq!(run["created"], skipped);
    assert_eq!(run["kind"], "replay");
    assert_eq!(run["of_run_id"], first.as_str());
    assert_eq!(company.control.writes().len(), skipped);
    // They are loaded now, and nobody is gone because the others were left out.
    let open = company.rollcall.query("SELECT * FROM v_open_errors");
    assert_eq!(open, []);
    let unresolved = "SELECT * FROM v_errors WHERE resolved_at IS NULL";
    assert_eq!(company.rollcall.query(unresolved), []);
    let gone = "SELECT * FROM v_people WHERE gone_since IS NOT NULL";
    assert_eq!(company.rollcall.query(gone), []);
    // Once more there is nobody to be made.
    let _ = company.rollcall.command(&replay).with_code(0);
    assert_eq!(company.count("unchanged"), skipped);
    company.no_violations();
    company.sums_hold();
}

#[test]
fn a_replay_of_nobody_is_refused_and_writes_nothing() {
    let company = Company::with(20, 0.5, |config| config.preference = "update_only");
    let _ = company.rollcall.run().with_code(0);
    let first = company.rollcall.latest_run_id();
    let skipped = company
        .rollcall
        .query("SELECT source_id FROM v_open_errors");
    for user in &skipped {
        company
            .control
            .remove_user(user["source_id"].as_str().expect("an id"));
    }
    company.control.clear_requests();
    let ended = company.rollcall.command(&["replay", &first]).with_code(1);
    assert!(
        ended.stdout.contains("gone from the console"),
        "{}",
        ended.stdout
    );
    assert_eq!(company.control.writes(), []);
    // Without anybody to load again, there is no run at all.
    let _ = company.rollcall.run().with_code(0);
    let clean = company.rollcall.latest_run_id();
    let runs = company.rollcall.run_states().len();
    let ended = company.rollcall.command(&["replay", &clean]).with_code(2);
    assert!(ended.stderr.contains("nobody"), "{}", ended.stderr);
    let unknown = "019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33";
    let ended = company.rollcall.command(&["replay", unknown]).with_code(2);
    assert!(ended.stderr.contains(unknown), "{}", ended.stderr);
    assert_eq!(company.rollcall.run_states().len(), runs);
}
