//! Each reason for which a user is not loaded, and each kind of run.

use serde_json::{Value, json};
use simulator::{Effect, Fault, System};
use tests::Delivery;

use super::{field, text, why};
use crate::company::{Company, each};

/// Says that a user is skipped or failed for a reason, that nothing was sent, and gives the explanation.
#[track_caller]
fn is_left(company: &Company, who: &str, outcome: &str, reason: &str) -> Value {
    let explanation = company.explain(who);
    let found = &explanation["outcome"];
    assert_eq!(
        (text(found, "outcome"), text(found, "reason")),
        (outcome, reason)
    );
    assert!(!text(found, "message").is_empty(), "{found}");
    assert_eq!(explanation["request"], Value::Null);
    let fields = explanation["fields"].as_array().expect("fields");
    assert!(fields.iter().all(|field| field["sent"] == false));
    explanation
}

#[test]
fn who_is_not_in_oomnitza_was_looked_for_in_vain() {
    let company = Company::with(12, 0.5, |config| config.preference = "update_only");
    company.load();
    let explanation = is_left(
        &company,
        &company.newcomers()[0],
        "skipped",
        "not_in_oomnitza",
    );
    assert_eq!(explanation["match"]["finding"], "nobody");
    assert_eq!(explanation["sync_keys"][1]["found"], json!([]));
    assert_eq!(explanation["run"]["preference"], "update_only");
    assert_eq!(why(&explanation, "email"), "not_reached");
}

#[test]
fn who_is_in_oomnitza_already_is_named() {
    let company = Company::with(4, 0.5, |config| config.preference = "create_only");
    let email = company.colleagues().remove(0);
    company.load();
    let explanation = is_left(&company, &email, "skipped", "already_in_oomnitza");
    let person = company.person(&email);
    assert_eq!(explanation["match"]["finding"], "one");
    assert_eq!(explanation["match"]["oomnitza_id"], person["user_id"]);
    assert_eq!(explanation["match"]["key_field"], "email");
    let scope = field(&explanation, "sentinelone_scope");
    assert_eq!(
        (&scope["had_known"], &scope["had"]),
        (&json!(true), &Value::Null)
    );
}

#[test]
fn who_is_out_of_scope_is_told_by_which_expression() {
    let company = Company::plain(3, 1.0);
    let email = company.colleagues().remove(1);
    company.edit_user(&email, &json!({ "isSystem": true }));
    company.load();
    let explanation = is_left(&company, &email, "skipped", "out_of_scope");
    let scope = &explanation["scope"];
    assert_eq!(
        (&scope["where"], &scope["in_scope"]),
        (&json!("not isSystem"), &json!(false))
    );
    assert_eq!(
        scope["inputs"],
        json!([{ "name": "isSystem", "value": true }])
    );
    assert_eq!(explanation["match"]["finding"], "not_looked_up");
    assert_eq!(explanation["sync_keys"][0]["found"], Value::Null);
}

#[test]
fn who_has_no_key_was_not_looked_for() {
    let company = Company::with(3, 1.0, |config| config.sync_keys = vec!["email"]);
    let id = company.user_id(&company.colleagues()[0]);
    company.control.edit_user(&id, &json!({ "email": null }));
    company.load();
    let explanation = is_left(&company, &id, "skipped", "no_sync_key");
    assert_eq!(explanation["match"]["finding"], "not_looked_up");
    assert_eq!(explanation["sync_keys"][0]["value"], Value::Null);
}

#[test]
fn who_shares_an_address_is_told_who_goes_before() {
    let company = Company::plain(4, 1.0);
    let emails = company.colleagues();
    let mut ids = [company.user_id(&emails[0]), company.user_id(&emails[1])];
    company
        .control
        .edit_user(&ids[1], &json!({ "email": emails[0] }));
    company.load();
    ids.sort();
    let explanation = is_left(&company, &ids[1], "skipped", "duplicate_in_source");
    assert_eq!(explanation["match"]["finding"], "duplicate");
    assert_eq!(explanation["match"]["behind"], ids[0].as_str());
    let person = company.person(&emails[0]);
    assert_eq!(
        explanation["sync_keys"][1]["found"],
        json!([person["user_id"]])
    );
    assert!(
        company
            .explained(&ids[1])
            .contains(&format!("user {} goes before", ids[0]))
    );
}

#[test]
fn who_finds_several_people_is_told_by_which_keys() {
    let company = Company::plain(4, 1.0);
    let emails = company.colleagues();
    let id = company.user_id(&emails[0]);
    company.edit_person(&emails[1], &json!({ "sentinelone_user_id": id }));
    company.load_with_code(0);
    let explanation = is_left(&company, &emails[0], "skipped", "ambiguous_in_oomnitza");
    let by = |place: usize| explanation["sync_keys"][place]["found"].clone();
    assert_eq!(explanation["match"]["finding"], "ambiguous");
    assert_eq!(by(0), json!([company.person(&emails[1])["user_id"]]));
    assert_eq!(by(1), json!([company.person(&emails[0])["user_id"]]));
}

#[test]
fn what_cannot_be_mapped_names_the_field_and_is_looked_up_all_the_same() {
    let company = Company::with(4, 1.0, |config| {
        config.map("role", "{ from: lowestRole, table: { Admin: 23, Viewer: 25, C-Level: 25, IR Team: 25, IT: 25, SOC: 25 } }");
    });
    let emails = company.colleagues();
    company.edit_user(&emails[0], &json!({ "lowestRole": "SOC L2" }));
    company.load_with_code(3);
    let explanation = is_left(&company, &emails[0], "failed", "unknown_value");
    assert_eq!(why(&explanation, "role"), "not_computed");
    let role = field(&explanation, "role");
    assert_eq!(role["source"], "SOC L2");
    assert!(text(role, "issue").contains("lacks `SOC L2`"), "{role}");
    assert_eq!(field(&explanation, "email")["value"], emails[0].as_str());
    let person = company.person(&emails[0]);
    assert_eq!(explanation["match"]["oomnitza_id"], person["user_id"]);
    assert_eq!(
        explanation["sync_keys"][1]["found"],
        json!([person["user_id"]])
    );
}

#[test]
fn who_cannot_be_made_is_told_what_lacks() {
    let company = Company::plain(3, 0.0);
    let id = company.user_id(&company.newcomers()[0]);
    company.control.edit_user(&id, &json!({ "email": null }));
    company.load_with_code(3);
    let explanation = is_left(&company, &id, "failed", "mapping");
    assert_eq!(explanation["outcome"]["field"], "username");
    assert_eq!(explanation["match"]["finding"], "nobody");
}

#[test]
fn a_refusal_is_told_with_its_status_and_words() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(5, 1.0, |config| config.delivery = delivery);
        let email = company.colleagues().remove(2);
        let id = company.user_id(&email);
        let refuse = Effect::Refuse {
            status: 400,
            message: "the value is too purple".to_owned(),
        };
        let call = match delivery {
            Delivery::Rest => "PATCH /api/v3/users/*",
            _ => "POST /api/v3/bulk",
        };
        let _ = company
            .control
            .order(Fault::new(System::Oomnitza, call, refuse).with_body(&id));
        company.load_with_code(3);
        let explanation = company.explain(&email);
        let outcome = &explanation["outcome"];
        assert_eq!(
            (text(outcome, "outcome"), text(outcome, "reason")),
            ("failed", "rejected")
        );
        assert!(text(outcome, "message").contains("too purple"), "{outcome}");
        assert_eq!(explanation["request"]["state"], "failed");
        if delivery == Delivery::Rest {
            assert_eq!(explanation["request"]["status"], 400);
        }
        assert_eq!(why(&explanation, "sentinelone_scope"), "differs");
        // The next load finds it as it was, and has nobody to be refused.
        company.control.clear_faults();
        let first = company.rollcall.latest_run_id();
        company.load();
        assert_eq!(company.explain(&email)["outcome"]["outcome"], "updated");
        assert_ne!(
            company.explain_in(&email, &first)["outcome"]["resolved_at"],
            Value::Null
        );
    });
}

#[test]
fn a_plan_is_explained_before_and_after_it_is_carried_out() {
    let company = Company::plain(4, 1.0);
    let email = company.colleagues().remove(0);
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["state"], "planned");
    assert_eq!(explanation["outcome"]["outcome"], "updated");
    assert_eq!(explanation["outcome"]["intended"], true);
    assert_eq!(explanation["request"]["state"], "planned");
    assert_eq!(why(&explanation, "sentinelone_scope"), "differs");
    assert!(company.explained(&email).contains("it was not sent"));
    let _ = company.rollcall.apply(&run_id).with_code(0);
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["run_id"], run_id.as_str());
    assert_eq!(explanation["run"]["decision"], "applied");
    assert_eq!(explanation["outcome"]["intended"], false);
    assert_eq!(explanation["request"]["state"], "done");
}

#[test]
fn a_plan_that_is_parked_and_one_of_a_dry_run_are_told_as_not_done() {
    let mut company = Company::plain(4, 1.0);
    company.load();
    company
        .rollcall
        .configure(|config| config.guards = "{ update: 1 }".to_owned());
    for email in company.colleagues() {
        company.edit_person(&email, &json!({ "sentinelone_scope": "by hand" }));
    }
    let email = company.colleagues().remove(0);
    let _ = company.rollcall.run().with_code(4);
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["state"], "parked");
    assert_eq!(explanation["outcome"]["intended"], true);
    let parked = company.rollcall.latest_run_id();
    let _ = company.rollcall.run_dry();
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["dry_run"], true);
    assert_eq!(explanation["outcome"]["intended"], true);
    let discard = ["discard", &parked, "--reason", "not today"];
    let _ = company.rollcall.command(&discard).with_code(0);
    let explanation = company.explain_in(&email, &parked);
    assert_eq!(explanation["run"]["decision"], "discarded");
    assert_eq!(explanation["run"]["decision_reason"], "not today");
    assert_eq!(explanation["outcome"]["intended"], true);
}

#[test]
fn an_undo_is_told_as_what_it_put_back_and_what_it_left() {
    let company = Company::plain(4, 1.0);
    let email = company.colleagues().remove(0);
    company.load();
    let loaded = company.rollcall.latest_run_id();
    company.edit_person(&email, &json!({ "sentinelone_scope": "by hand" }));
    let _ = company.rollcall.command(&["undo", &loaded]).with_code(0);
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["kind"], "undo");
    assert_eq!(explanation["run"]["of_run_id"], loaded.as_str());
    assert_eq!(explanation["outcome"]["outcome"], "updated");
    assert_eq!(why(&explanation, "sentinelone_user_id"), "put_back");
    assert_eq!(
        field(&explanation, "sentinelone_user_id")["value"],
        Value::Null
    );
    assert_eq!(why(&explanation, "sentinelone_scope"), "left_alone");
    assert_eq!(field(&explanation, "sentinelone_scope")["had"], "by hand");
    assert_eq!(explanation["scope"]["in_scope"], Value::Null);
    assert_eq!(explanation["request"]["method"], "PATCH");
    // The run that it took back is told as it was.
    let explanation = company.explain_in(&email, &loaded);
    assert_eq!(why(&explanation, "sentinelone_scope"), "differs");
    assert_eq!(explanation["request"]["state"], "done");
}

#[test]
fn a_run_of_some_users_is_told_of_those_who_were_unchanged_too() {
    let company = Company::plain(5, 1.0);
    let emails = company.colleagues();
    company.load();
    let _ = company.rollcall.run_only(&emails[0]).with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let explanation = company.explain(&emails[0]);
    assert_eq!(explanation["run"]["run_id"], run_id.as_str());
    assert_eq!(explanation["run"]["partial"], true);
    assert_eq!(explanation["outcome"]["outcome"], "unchanged");
    assert_eq!(explanation["match"]["finding"], "one");
    // The others were not in it.
    assert_ne!(
        company.explain(&emails[1])["run"]["run_id"],
        run_id.as_str()
    );
    let ask = ["explain", &emails[1], "--run", &run_id];
    let ended = company.rollcall.command(&ask).with_code(2);
    assert!(
        ended.stderr.contains("it was of some users alone"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_replay_is_told_with_what_it_made_of_whom_it_loaded_again() {
    let company = Company::with(12, 0.5, |config| config.preference = "update_only");
    company.load();
    let first = company.rollcall.latest_run_id();
    let email = company.newcomers().remove(0);
    let replay = ["replay", &first, "--preference", "create_and_update"];
    let _ = company.rollcall.command(&replay).with_code(0);
    let explanation = company.explain(&email);
    assert_eq!(explanation["run"]["kind"], "replay");
    assert_eq!(explanation["outcome"]["outcome"], "created");
    assert_eq!(
        company.explain_in(&email, &first)["outcome"]["reason"],
        "not_in_oomnitza"
    );
}
