//! Forget: one person out of the history, and out of every byte of the database.

use std::fs;

use serde_json::{Value, json};

use crate::company::Company;

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Whether the files of the database hold a text somewhere.
fn is_left(company: &Company, what: &str) -> bool {
    let database = company.rollcall.database_path();
    let log = format!("{}-wal", database.display());
    [fs::read(&database), fs::read(log)]
        .into_iter()
        .flatten()
        .any(|bytes| {
            bytes
                .windows(what.len())
                .any(|window| window == what.as_bytes())
        })
}

/// A company with some history of everybody.
fn company() -> Company {
    let company = Company::with(12, 0.5, |config| config.preference = "update_only");
    company.load();
    for (number, user) in company.control.users().iter().enumerate() {
        let changes =
            json!({"scope": "site", "lastLogin": format!("2026-11-2{}T01:02:03Z", number % 9)});
        company
            .control
            .edit_user(user["id"].as_str().expect("an id"), &changes);
    }
    company.load();
    company
}

#[test]
fn nothing_is_left_of_who_is_forgotten_and_counts_stay() {
    let company = company();
    let counts = "SELECT seen, updated, skipped, unchanged FROM v_runs ORDER BY run_id";
    let before = company.rollcall.query(counts);
    let people = company
        .rollcall
        .query("SELECT email, full_name, source_id FROM v_people");
    // Of a name that others have too, something is left.
    let is_unique = |name: &serde_json::Value| {
        people
            .iter()
            .filter(|person| person["full_name"] == *name)
            .count()
            == 1
    };
    let known: Vec<_> = people
        .iter()
        .filter(|person| is_unique(&person["full_name"]))
        .collect();
    for person in &known[..2] {
        let marks = [&person["email"], &person["full_name"], &person["source_id"]].map(text);
        assert!(
            marks.iter().all(|mark| is_left(&company, mark)),
            "{marks:?}"
        );
        let ended = company
            .rollcall
            .command(&["forget", &marks[0].to_uppercase()])
            .with_code(0);
        assert!(ended.stdout.contains(&marks[2]), "{}", ended.stdout);
        for mark in &marks {
            assert!(!is_left(&company, mark), "{mark}");
        }
    }
    assert_eq!(
        company.rollcall.query("SELECT * FROM v_people").len(),
        people.len() - 2
    );
    assert_eq!(company.rollcall.query(counts), before);
    // Who is still in the console comes back.
    company.load();
    assert_eq!(
        company.rollcall.query("SELECT * FROM v_people").len(),
        people.len()
    );
    company.sums_hold();
}

#[test]
fn nobody_is_forgotten_whom_a_plan_waits_for_or_whom_nobody_knows() {
    let company = Company::plain(6, 1.0);
    let ended = company
        .rollcall
        .command(&["forget", "ann@nowhere.example"])
        .with_code(1);
    assert!(!ended.stderr.is_empty());
    let _ = company.rollcall.plan().with_code(0);
    let ended = company
        .rollcall
        .command(&["forget", "ann@nowhere.example"])
        .with_code(2);
    assert!(
        ended.stderr.contains("ann@nowhere.example"),
        "{}",
        ended.stderr
    );
    let person = text(&company.rollcall.query("SELECT email FROM v_people")[0]["email"]);
    let run_id = company.rollcall.latest_run_id();
    let ended = company.rollcall.command(&["forget", &person]).with_code(2);
    assert!(ended.stderr.contains(&run_id), "{}", ended.stderr);
    let _ = company.rollcall.command(&["discard", &run_id]).with_code(0);
    // Beside a daemon as well.
    let serving = company.rollcall.serve();
    let _ = company.rollcall.command(&["forget", &person]).with_code(0);
    assert!(!is_left(&company, &person));
    serving.stop();
}
