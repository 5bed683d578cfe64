//! Dry runs, plans that are applied, and single users.

use serde_json::{Value, json};
use tests::Delivery;

use crate::company::{Company, each};

/// The changes of a run, as its plan promised them.
fn changes(company: &Company, run_id: &str) -> Vec<Value> {
    let sql = format!(
        "SELECT source_id, action, after FROM v_changes WHERE run_id = '{run_id}' ORDER BY source_id"
    );
    company
        .rollcall
        .query(&sql)
        .into_iter()
        .map(Value::from)
        .collect()
}

#[test]
fn a_dry_run_and_a_plan_write_nothing_and_say_what_would_be() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(20, 0.5, |config| config.delivery = delivery);
        let before = company.control.people();
        let ended = company.rollcall.run_dry().with_code(0);
        assert!(ended.stdout.contains("intents"), "{}", ended.stdout);
        let dry = company.rollcall.latest_run();
        assert_eq!(
            (&dry["state"], &dry["dry_run"]),
            (&json!("completed"), &json!(1))
        );

        let _ = company.rollcall.plan().with_code(0);
        let plan = company.rollcall.latest_run();
        assert_eq!(
            (&plan["state"], &plan["dry_run"]),
            (&json!("planned"), &json!(0))
        );
        for column in [
            "seen",
            "created",
            "updated",
            "unchanged",
            "skipped",
            "failed",
        ] {
            assert_eq!(dry[column], plan[column], "{column}");
        }
        assert_eq!(
            (company.count("created"), company.count("updated")),
            (company.newcomers().len(), company.colleagues().len())
        );
        assert_eq!(company.control.writes(), []);
        assert_eq!(company.control.people(), before);
        assert_eq!(company.control.portions(), []);
        assert_eq!(company.rollcall.query("SELECT * FROM v_open_errors"), []);
        company.no_violations();

        // Neither says anything about who was loaded.
        let outcomes = "SELECT count(*) FROM v_people WHERE last_outcome IS NOT NULL";
        assert_eq!(company.rollcall.value(outcomes), 0);
    });
}

#[test]
fn a_plan_is_applied_exactly_as_it_was_made_and_once() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(20, 0.5, |config| config.delivery = delivery);
        let _ = company.rollcall.plan().with_code(0);
        let run_id = company.rollcall.latest_run_id();
        let planned = changes(&company, &run_id);
        // What happens in the console afterwards is no part of the plan.
        let newcomer = company.newcomers().remove(0);
        company.edit_user(&newcomer, &json!({ "fullName": "Somebody Else" }));

        let _ = company.rollcall.apply(&run_id).with_code(0);
        assert_eq!(company.rollcall.latest_run_id(), run_id);
        assert_eq!(company.rollcall.latest_state(), "completed");
        assert_eq!(changes(&company, &run_id), planned);
        assert_ne!(company.person(&newcomer)["first_name"], "Somebody");
        let undone = "SELECT count(*) FROM v_changes WHERE state <> 'done'";
        assert_eq!(company.rollcall.value(undone), 0);
        company.sums_hold();
        company.portions_are_finalized();

        company.control.clear_requests();
        let ended = company.rollcall.apply(&run_id).with_code(2);
        assert!(ended.stderr.contains("completed"), "{}", ended.stderr);
        assert_eq!(company.control.writes(), []);
        company.no_violations();
    });
}

#[test]
fn a_person_who_was_edited_since_the_plan_is_a_conflict_and_left_alone() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(20, 0.5, |config| config.delivery = delivery);
        let edited = company.colleagues().remove(0);
        let arrived = company.newcomers().remove(0);
        let _ = company.rollcall.plan().with_code(0);
        let run_id = company.rollcall.latest_run_id();
        company.edit_person(&edited, &json!({ "sentinelone_scope": "by hand" }));
        company
            .control
            .add_person(&json!({ "username": arrived, "email": arrived, "role": 25 }));
        let before = [company.person(&edited), company.person(&arrived)];

        let _ = company.rollcall.apply(&run_id).with_code(3);
        assert_eq!(company.rollcall.latest_state(), "completed_with_errors");
        let conflicts = company.rollcall.query(
            "SELECT email FROM v_errors WHERE outcome = 'failed' AND reason = 'conflict' ORDER BY email",
        );
        let mut emails = [edited.clone(), arrived.clone()];
        emails.sort();
        assert_eq!(conflicts.len(), 2);
        assert!(
            conflicts
                .iter()
                .zip(&emails)
                .all(|(row, email)| row["email"] == **email)
        );
        assert_eq!([company.person(&edited), company.person(&arrived)], before);
        assert_eq!(company.count("failed"), 2);
        company.sums_hold();
        company.no_violations();

        // The next run takes both up.
        company.load();
        assert_ne!(company.person(&edited)["sentinelone_scope"], "by hand");
        let open = "SELECT count(*) FROM v_open_errors";
        assert_eq!(company.rollcall.value(open), 0);
        company.next_load_sends_nothing();
    });
}

#[test]
fn a_newer_run_overtakes_a_plan() {
    let company = Company::plain(10, 1.0);
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let _ = company.rollcall.run_dry().with_code(0);
    let state = format!("SELECT state FROM v_runs WHERE run_id = '{run_id}'");
    assert_eq!(company.rollcall.value(&state), "planned");
    company.load();
    assert_eq!(company.rollcall.value(&state), "overtaken");
    company.control.clear_requests();
    let ended = company.rollcall.apply(&run_id).with_code(2);
    assert!(ended.stderr.contains("overtaken"), "{}", ended.stderr);
    assert_eq!(company.control.requests(), []);
}

#[test]
fn a_plan_of_another_configuration_is_refused() {
    let mut company = Company::plain(10, 1.0);
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    company
        .rollcall
        .configure(|config| config.map("last_name", "{ value: Changed }"));
    let ended = company.rollcall.apply(&run_id).with_code(2);
    assert!(
        ended.stderr.contains("has changed since"),
        "{}",
        ended.stderr
    );
    assert_eq!(company.control.writes(), []);

    // Comments and spacing are no change.
    company
        .rollcall
        .configure(|config| config.map("last_name", r#""{{ fullName | last_name }}""#));
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let spaced = company
        .rollcall
        .yaml()
        .replace("state_dir: state", "# a comment\nstate_dir:   state\n");
    company.rollcall.write_config(&spaced);
    let _ = company.rollcall.apply(&run_id).with_code(0);
}

#[test]
fn a_run_that_does_not_exist_cannot_be_applied() {
    let company = Company::plain(1, 1.0);
    company.load();
    let ended = company
        .rollcall
        .apply("019ab1c2-7d10-7c3e-9f5a-2b7d1c0e4f33")
        .with_code(2);
    assert!(
        ended.stderr.contains("no run has the id"),
        "{}",
        ended.stderr
    );
}

#[test]
fn only_the_named_user_is_loaded() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(20, 0.5, |config| config.delivery = delivery);
        company.load();
        let emails = company.colleagues();
        let gone = company.user_id(&emails[5]);
        for email in &emails[..2] {
            company.edit_user(email, &json!({ "fullName": "New Name" }));
        }
        assert!(company.control.remove_user(&gone));
        let before = company.people();

        let _ = company
            .rollcall
            .run_only(&emails[0].to_uppercase())
            .with_code(0);
        assert_eq!((company.count("seen"), company.count("updated")), (1, 1));
        let mut after = company.people();
        assert_eq!(after[&emails[0]]["last_name"], "Name");
        after.insert(emails[0].clone(), before[&emails[0]].clone());
        assert_eq!(after, before);
        let gone_since = "SELECT count(*) FROM v_people WHERE gone_since IS NOT NULL";
        assert_eq!(company.rollcall.value(gone_since), 0);
        company.no_violations();
    });
}

#[test]
fn an_address_of_nobody_fails_and_writes_nothing() {
    let company = Company::plain(5, 0.5);
    let ended = company.rollcall.run_only("nobody@acme.example");
    let error = company.failed_without_a_write(ended);
    assert!(error.contains("nobody@acme.example"), "{error}");
}

#[test]
fn only_finds_a_person_whose_address_is_spelt_in_another_way() {
    let company = Company::plain(10, 1.0);
    let email = company.colleagues().remove(0);
    let shouted = email.to_uppercase();
    company.edit_person(
        &email,
        &json!({ "email": shouted, "username": "other.name" }),
    );
    let _ = company.rollcall.run_only(&email).with_code(0);
    assert_eq!(
        (company.count("updated"), company.control.people().len()),
        (1, 10)
    );
    let user_id = company.user_id(&email);
    assert_eq!(company.person(&shouted)["sentinelone_user_id"], *user_id);
}

#[test]
fn only_does_not_take_the_person_of_another_user() {
    let company = Company::plain(10, 1.0);
    company.load();
    let emails = company.colleagues();
    let (first, second) = (company.user_id(&emails[0]), company.user_id(&emails[1]));
    // The first user takes the address that the person of the second one has; the second user's own is another.
    company.edit_user(&emails[1], &json!({ "email": "second@acme.example" }));
    company.edit_user(&emails[0], &json!({ "email": emails[1] }));
    let orphan = company.person(&emails[0])["user_id"].to_string();
    assert!(company.control.remove_person(orphan.trim_matches('"')));

    let _ = company.rollcall.run_only(&emails[1]).with_code(0);
    let reasons =
        "SELECT source_id, reason FROM v_errors WHERE run_id = (SELECT max(run_id) FROM v_runs)";
    let rows = company.rollcall.query(reasons);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["source_id"], first);
    assert_eq!(rows[0]["reason"], "duplicate_in_source");
    assert_eq!(company.person(&emails[1])["sentinelone_user_id"], *second);
}

#[test]
fn an_address_of_several_is_refused_and_the_id_of_one_is_taken() {
    let company = Company::plain(6, 1.0);
    let emails = company.colleagues();
    let ids = [0, 1].map(|place: usize| company.user_id(&emails[place]));
    company.edit_user(&emails[1], &json!({ "email": emails[0].to_uppercase() }));
    let error = company.failed_without_a_write(company.rollcall.run_only(&emails[0]));
    for id in &ids {
        assert!(error.contains(id.as_str()), "{error}");
    }
    assert!(error.contains("write the id of one"), "{error}");
    let _ = company.rollcall.run_only(&ids[0]).with_code(0);
    assert_eq!((company.count("seen"), company.count("updated")), (1, 1));
    let ended = company.rollcall.run_only(" ").with_code(2);
    assert!(ended.stderr.contains("it is empty"), "{}", ended.stderr);
}

#[test]
fn a_run_of_a_database_that_is_not_there_is_refused() {
    let company = Company::plain(1, 1.0);
    for command in [
        &["apply", "7"][..],
        &["release", "7", "--reason", "why"],
        &["discard", "7", "--reason", "why"],
        &["replay", "7"],
        &["undo", "7"],
    ] {
        let ended = company.rollcall.command(command).with_code(2);
        assert!(
            ended.stderr.contains("there is no database"),
            "{}",
            ended.stderr
        );
    }
}
