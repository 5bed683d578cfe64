//! Forget: one person out of the history, and out of every byte of the database.

use std::fs;

use serde_json::{Value, json};
use simulator::{Effect, Fault, System};
use tests::INTEGRATION;

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
fn an_address_goes_from_what_is_kept_of_others_in_any_letters() {
    let company = Company::plain(4, 1.0);
    let users = company.control.users();
    let [one, other, third] = [0, 1, 2].map(|place| users[place].clone());
    let address = text(&one["email"]);
    let spelt = [address.to_uppercase(), address.to_lowercase()];
    let edit = |user: &Value, changes: Value| {
        company.control.edit_user(&text(&user["id"]), &changes);
    };
    edit(&other, json!({ "fullName": spelt[0] }));
    let mut roles = third["scopeRoles"].clone();
    roles[0]["accountName"] = json!(spelt[0]);
    roles[0]["roleName"] = json!(spelt[1]);
    edit(&third, json!({ "scopeRoles": roles }));
    company.load();
    let _ = company.rollcall.command(&["forget", &address]).with_code(0);
    for address in &spelt {
        assert!(!is_left(&company, address), "{address}");
    }
    let name = format!(
        "SELECT full_name FROM v_people WHERE source_id = '{}'",
        text(&other["id"])
    );
    assert_eq!(company.rollcall.value(&name), "…");
    let account = format!(
        "SELECT count(*) FROM v_access WHERE source_id = '{}' AND account_name = '…'",
        text(&third["id"])
    );
    assert_eq!(company.rollcall.value(&account), 1);
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
}

#[test]
fn where_a_daemon_holds_the_state_it_forgets() {
    let company = company();
    let people = company
        .rollcall
        .query("SELECT email, source_id FROM v_people ORDER BY email");
    let [one, other] = [0, 1].map(|place| text(&people[place]["email"]));
    let serving = company.rollcall.serve();
    let forgotten = company.rollcall.command(&["forget", &one, "--json"]);
    let forgotten = forgotten.with_code(0).json();
    assert_eq!(forgotten[0]["source_id"], people[0]["source_id"]);
    assert_eq!(forgotten[0]["integration"], INTEGRATION);
    assert!(!is_left(&company, &one));
    // Whom nobody knows is refused as without a daemon.
    let ended = company.rollcall.command(&["forget", &one]).with_code(2);
    assert!(ended.stderr.contains(&one), "{}", ended.stderr);
    // Who asked is on record, and for whom is not.
    let asked = "SELECT command, subject, detail, answer FROM v_requests ORDER BY at";
    let asked = company.rollcall.query(asked);
    let answers: Vec<String> = asked.iter().map(|row| text(&row["answer"])).collect();
    assert_eq!(
        answers,
        ["a user is forgotten", "refused, with exit code 2"]
    );
    assert!(asked.iter().all(|row| row["command"] == "forget"));
    assert!(asked.iter().all(|row| row["detail"].is_null()), "{asked:?}");

    // A load that goes on has them in its hands.
    let held = Fault::new(System::SentinelOne, "GET /users", Effect::TimeOut);
    let held = company.control.order(held);
    company.control.clear_requests();
    let mut loading = company.rollcall.start_run();
    loading.wait_until(|| company.calls() > 0);
    let ended = company.rollcall.command(&["forget", &other]).with_code(5);
    assert!(ended.stderr.contains("another run"), "{}", ended.stderr);
    loading.interrupt();
    let _ = loading.end().with_code(6);
    company.control.cancel_fault(held);
    let _ = company.rollcall.command(&["forget", &other]).with_code(0);
    // The daemon goes on, and whoever is still in the console comes back.
    company.load();
    assert_eq!(
        company.rollcall.query("SELECT * FROM v_people").len(),
        people.len()
    );
    serving.stop();
    company.sums_hold();
}

#[test]
fn nobody_is_forgotten_whom_a_run_that_was_cut_off_still_needs() {
    let company = Company::plain(8, 0.5);
    let going = company
        .rollcall
        .start_with(&["run", INTEGRATION], |command| {
            command.env("ROLLCALL_KILL_AT", "plan_settled");
        });
    assert_eq!(going.end().code, None);
    let person = text(&company.rollcall.query("SELECT email FROM v_people")[0]["email"]);
    let ended = company.rollcall.command(&["forget", &person]).with_code(2);
    assert!(ended.stderr.contains("was cut off"), "{}", ended.stderr);
    // It is closed all the same, and then they may be forgotten.
    company.load();
    company.sums_hold();
    let _ = company.rollcall.command(&["forget", &person]).with_code(0);
}

/// Somebody who was forgotten by a process that died before it had written the file anew; and the id, which is left.
fn half_forgotten(company: &Company) -> (String, String) {
    let person = &company
        .rollcall
        .query("SELECT email, source_id FROM v_people")[0];
    let (email, id) = (text(&person["email"]), text(&person["source_id"]));
    let dying = company.rollcall.start_with(&["forget", &email], |command| {
        command.env("ROLLCALL_KILL_AT", "forgotten");
    });
    assert_eq!(dying.end().code, None);
    let left = format!("SELECT count(*) FROM v_people WHERE source_id = '{id}'");
    assert_eq!(company.rollcall.value(&left), 0);
    assert!(is_left(company, &id));
    (email, id)
}

#[test]
fn what_a_process_that_died_left_of_somebody_goes_when_that_is_asked_again() {
    let company = company();
    let (email, id) = half_forgotten(&company);
    let ended = company.rollcall.command(&["forget", &email]).with_code(0);
    assert!(ended.stderr.contains("is written anew"), "{}", ended.stderr);
    assert!(!is_left(&company, &id));
    // Now there is nothing to do any more.
    let _ = company.rollcall.command(&["forget", &email]).with_code(2);

    let (_, id) = half_forgotten(&company);
    let other = text(&company.rollcall.query("SELECT email FROM v_people")[0]["email"]);
    let _ = company.rollcall.command(&["forget", &other]).with_code(0);
    assert!(!is_left(&company, &id));
    let _ = company.rollcall.command(&["forget", &other]).with_code(2);
}

#[test]
fn what_a_process_that_died_left_of_somebody_goes_with_the_next_daemon() {
    let company = company();
    let (email, id) = half_forgotten(&company);
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| !is_left(&company, &id));
    serving.stop();
    let _ = company.rollcall.command(&["forget", &email]).with_code(2);

    // So it does when it dies itself.
    let email = text(&company.rollcall.query("SELECT email FROM v_people")[0]["email"]);
    let dying = company.rollcall.serve_with(|command| {
        command.env("ROLLCALL_KILL_AT", "forgotten");
    });
    let _ = company.rollcall.command(&["forget", &email]).with_code(1);
    assert_eq!(dying.end().code, None);
    let mut serving = company.rollcall.serve();
    serving.wait_until(|| {
        let again = company.rollcall.command(&["forget", &email]);
        again.code == Some(2)
    });
    assert!(!is_left(&company, &email));
    serving.stop();
}
