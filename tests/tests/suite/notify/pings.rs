//! Dead-man's switches: told of every load, and of nothing else.

use tests::{Answer, INTEGRATION, Receiver};

use crate::company::Company;

/// A company, and a switch that is told of its loads.
fn company(receiver: &Receiver, more: &str) -> Company {
    Company::with(5, 1.0, |config| {
        config.notify = format!("  - ping: {}\n{more}", receiver.url("/ping/5a1e-uuid"));
        config.timeout = "2s";
    })
}

fn paths(receiver: &Receiver) -> Vec<String> {
    let taken = receiver.taken().into_iter();
    taken
        .map(|one| one.path.replacen("/ping/5a1e-uuid", "", 1))
        .collect()
}

#[test]
fn a_switch_is_told_of_the_start_and_of_the_success_with_its_counts() {
    let receiver = Receiver::open();
    let company = company(&receiver, "");
    let mut serving = company.rollcall.serve();
    company.load();
    serving.wait_until(|| paths(&receiver).len() == 2);
    // None of these is a load.
    let email = company.colleagues()[0].clone();
    let _ = company.rollcall.run_dry().with_code(0);
    let _ = company.rollcall.run_only(&email).with_code(0);
    let _ = company.rollcall.plan().with_code(0);
    let _ = company.rollcall.apply("no-such-run").with_code(2);
    assert_eq!(paths(&receiver), ["/start", ""]);
    // This is one, of which it shows only then that it can be made.
    let planned = company.rollcall.latest_run_id();
    let _ = company.rollcall.apply(&planned).with_code(0);
    serving.wait_until(|| paths(&receiver).len() == 3);
    serving.stop();
    assert_eq!(paths(&receiver), ["/start", "", ""]);
    let body = receiver.taken()[1].body.clone();
    for line in [
        format!("integration={INTEGRATION}"),
        "state=completed".to_owned(),
        "seen=5".to_owned(),
        "failed=0".to_owned(),
    ] {
        assert!(body.lines().any(|one| one == line), "{body}");
    }
    assert!(!company.rollcall.logs().contains("5a1e-uuid"));
}

#[test]
fn a_load_that_fails_is_told_with_the_reason_and_one_that_cannot_begin_too() {
    let receiver = Receiver::open();
    let company = company(&receiver, "    on: [failed]\n");
    let mut serving = company.rollcall.serve();
    company
        .rollcall
        .write_token("oomnitza.token", "a-token-that-is-wrong-0123456789");
    let _ = company.rollcall.run().with_code(1);
    serving.wait_until(|| paths(&receiver) == ["/fail"]);
    let body = receiver.taken()[0].body.clone();
    assert!(
        body.contains("state=failed\n") && body.contains("\nerror=could not work with Oomnitza"),
        "{body}"
    );
    std::fs::remove_file(company.rollcall.folder().join("oomnitza.token")).unwrap();
    let _ = company.rollcall.run().with_code(1);
    serving.wait_until(|| paths(&receiver) == ["/fail", "/fail"]);
    serving.stop();
}

#[test]
fn a_switch_that_hangs_holds_up_no_load_and_hears_the_latest_when_it_listens() {
    let receiver = Receiver::open();
    let company = company(&receiver, "");
    receiver.answers(Answer::Hang);
    let mut serving = company.rollcall.serve();
    company.load();
    company.load();
    let longest = company
        .rollcall
        .value("SELECT max(duration_ms) < 1500 FROM v_runs");
    assert_eq!(longest, 1);
    receiver.answers(Answer::Status(200, None));
    serving.wait_until(|| paths(&receiver).last().is_some_and(String::is_empty));
    serving.stop();
    // Of what had become old in the meantime it did not hear.
    assert_eq!(
        paths(&receiver)
            .iter()
            .filter(|path| path.is_empty())
            .count(),
        1
    );
}

#[test]
fn without_a_daemon_the_command_that_loads_tells_it() {
    let receiver = Receiver::open();
    let company = company(&receiver, "");
    company.load();
    assert_eq!(paths(&receiver).last().map(String::as_str), Some(""));
    let _ = company.rollcall.run_dry().with_code(0);
    assert_eq!(paths(&receiver).last().map(String::as_str), Some(""));
    company
        .rollcall
        .write_token("oomnitza.token", "a-token-that-is-wrong-0123456789");
    let _ = company.rollcall.run().with_code(1);
    assert_eq!(paths(&receiver).last().map(String::as_str), Some("/fail"));
}
