//! SaaS users: each person who is loaded has a place in the application, with its id and its roles, and who is gone
//! has none that is active.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{
    ActivityShown, Effect, Fault, Options, People, RolesShown, SaasListing, System, Users,
};
use tests::{Config, Delivery};

use crate::company::{Company, plain};

const APPLICATION: &str = "SentinelOne";
/// What the only column of a query has.
fn texts(company: &Company, sql: &str) -> Vec<String> {
    let rows = company.rollcall.query(sql).into_iter();
    rows.map(|row| {
        let value = row.into_iter().next().expect("a column").1;
        value.as_str().expect("a text").to_owned()
    })
    .collect()
}

const DELIVERIES: [Delivery; 2] = [Delivery::Rest, Delivery::Bulk];

pub(crate) fn with_saas(delivery: Delivery) -> impl FnOnce(&mut Config) {
    move |config| {
        config.delivery = delivery;
        config.saas = Some("{ name: SentinelOne, create: true }");
        config.missing = "deactivate";
    }
}

fn company(count: u32, share: f64, delivery: Delivery) -> Company {
    Company::of(plain(count, share), with_saas(delivery))
}

/// What must be there of the users of the application, by the address of the person, computed from the console alone.
fn wanted(company: &Company) -> BTreeMap<String, Value> {
    let users = company.control.users().into_iter();
    users
        .map(|user| {
            let mut roles: Vec<&str> = Vec::new();
            for scope in user["scopeRoles"].as_array().expect("a list") {
                let role = scope["roleName"].as_str().expect("a text");
                if !roles.contains(&role) {
                    roles.push(role);
                }
            }
            let email = user["email"].as_str().expect("plain users have one");
            let place = json!({ "external_id": user["id"], "roles": roles, "active": true });
            (email.to_lowercase(), place)
        })
        .collect()
}

/// What is there of them.
pub(crate) fn places(company: &Company) -> BTreeMap<String, Value> {
    let users = company.control.saas_users(APPLICATION).into_iter();
    users
        .map(|mut place| {
            let id = place["user_id"].as_str().expect("an id").to_owned();
            let person = company.control.person_by("user_id", &id).expect("a person");
            place.as_object_mut().expect("an object").remove("user_id");
            let email = person["email"].as_str().expect("an address");
            (email.to_lowercase(), place)
        })
        .collect()
}

/// The place of the person with an address.
fn place(company: &Company, email: &str) -> Value {
    places(company)[&email.to_lowercase()].clone()
}

fn person_id(company: &Company, email: &str) -> String {
    let person = company.person(email);
    person["user_id"].as_str().expect("an id").to_owned()
}

/// The addresses of all users.
fn emails(company: &Company) -> Vec<String> {
    let users = company.control.users().into_iter();
    users
        .map(|user| user["email"].as_str().expect("an address").to_owned())
        .collect()
}

#[test]
fn everybody_who_is_loaded_is_assigned_with_id_and_roles_and_the_next_load_sends_nothing() {
    for delivery in DELIVERIES {
        let company = company(40, 0.5, delivery);
        let newcomers = company.newcomers().len();
        company.load();
        assert_eq!(places(&company), wanted(&company), "{delivery:?}");
        assert_eq!(company.count("created"), newcomers);
        assert_eq!(company.count("updated"), 40 - newcomers);
        company.next_load_sends_nothing();
        company.no_violations();
        company.sums_hold();
    }
}

#[test]
fn the_application_is_made_only_where_that_is_wanted() {
    let company = Company::with(5, 1.0, |config| {
        config.saas = Some("{ name: SentinelOne }");
    });
    let error = company.failed_without_a_write(company.rollcall.run());
    assert!(
        error.contains("no SaaS application `SentinelOne`"),
        "{error}"
    );
    assert_eq!(company.control.saas_users(APPLICATION), [Value::Null; 0]);

    let options = Options {
        applications: vec!["Slack".to_owned(), APPLICATION.to_owned()],
        ..plain(5, 1.0)
    };
    let company = Company::of(options, |config| {
        config.saas = Some("{ name: SentinelOne }");
    });
    company.load();
    assert_eq!(places(&company), wanted(&company));
    assert_eq!(company.control.saas_users("Slack"), [Value::Null; 0]);
}

#[test]
fn a_lost_answer_to_the_making_of_the_application_makes_no_second_one() {
    let company = company(5, 1.0, Delivery::Rest);
    let lost = Fault::new(
        System::Oomnitza,
        "POST /api/v3/saas",
        Effect::BadGatewayAfterApplying,
    );
    company.control.order(lost.times(1));
    company.load();
    assert_eq!(places(&company), wanted(&company));
}

#[test]
fn people_alone_leave_all_of_it_alone() {
    let company = Company::plain(10, 0.5);
    company
        .control
        .set_saas_user(APPLICATION, "somebody", &json!({}));
    company.load();
    let asked = company.control.requests().into_iter();
    let of_saas = asked.filter(|request| request.path.contains("saas"));
    assert_eq!(of_saas.count(), 0);
}

#[test]
fn a_dry_run_and_a_plan_change_nothing_of_it() {
    for delivery in DELIVERIES {
        let company = company(10, 0.5, delivery);
        let _ = company.rollcall.run_dry().with_code(0);
        let _ = company.rollcall.plan().with_code(0);
        assert_eq!(company.control.writes(), []);
        assert_eq!(company.count("created"), company.newcomers().len());
        assert_eq!(company.count("updated"), company.colleagues().len());
    }
}

#[test]
fn only_what_differs_is_written() {
    for delivery in DELIVERIES {
        let company = company(12, 1.0, delivery);
        company.load();
        let emails = emails(&company);
        let by_hand = |email: &str, changes: Value| {
            let id = person_id(&company, email);
            company.control.set_saas_user(APPLICATION, &id, &changes);
        };
        by_hand(&emails[0], json!({ "roles": ["Somebody's own"] }));
        by_hand(&emails[1], json!({ "external_id": "7" }));
        let removed = person_id(&company, &emails[2]);
        assert!(company.control.remove_saas_user(APPLICATION, &removed));
        company.control.clear_requests();
        company.load();
        assert_eq!(places(&company), wanted(&company), "{delivery:?}");
        let run = company.rollcall.latest_run();
        assert_eq!((&run["updated"], &run["unchanged"]), (&json!(3), &json!(9)));
        // One assignment, two ids, two lists of roles; and nobody is written as a person.
        let writes = company.control.writes();
        assert_eq!(writes.len(), 5, "{writes:?}");
        assert!(writes.iter().all(|write| write.path.contains("/saas/")));
        let changes = company.rollcall.query(
            "SELECT action, target, after FROM v_changes JOIN (SELECT max(run_id) AS run_id FROM v_runs) USING (run_id)
             WHERE target = 'saas_user' ORDER BY length(after)",
        );
        assert_eq!(changes.len(), 3);
        company.next_load_sends_nothing();
    }
}

#[test]
fn a_change_of_roles_in_the_console_comes_through() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = &emails(&company)[0];
    let user = company.control.users().remove(0);
    let mut scopes = user["scopeRoles"].clone();
    scopes[0]["roleName"] = json!("Auditor");
    scopes[0]["roleId"] = json!("4711");
    company.edit_user(email, &json!({ "scopeRoles": scopes }));
    company.load();
    assert_eq!(places(&company), wanted(&company));
    assert_eq!(place(&company, email)["roles"][0], "Auditor");
}

#[test]
fn roles_can_be_mapped_and_left_alone() {
    let company = Company::with(8, 1.0, |config| {
        config.saas = Some(
            "{ name: SentinelOne, create: true, roles: { from: lowestRole, table: { Admin: Owner }, otherwise: null } }",
        );
    });
    company.load();
    for user in company.control.users() {
        let roles = if user["lowestRole"] == "Admin" {
            json!(["Owner"])
        } else {
            json!([])
        };
        let email = user["email"].as_str().expect("an address");
        assert_eq!(place(&company, email)["roles"], roles, "{user}");
    }
    company.next_load_sends_nothing();
}

#[test]
fn what_is_shown_in_another_form_or_not_at_all_is_not_sent_again() {
    let bare = SaasListing {
        ids: false,
        activity: ActivityShown::Untold,
        external_ids: false,
        roles: RolesShown::Nothing,
    };
    let object = SaasListing {
        roles: RolesShown::Object,
        ..SaasListing::default()
    };
    for listing in [bare, object] {
        for delivery in DELIVERIES {
            let company = company(10, 0.5, delivery);
            company.control.set_saas_listing(listing);
            company.load();
            assert_eq!(places(&company), wanted(&company));
            company.next_load_sends_nothing();
        }
    }
}

#[test]
fn who_is_gone_is_deactivated_and_activated_when_it_is_back() {
    for activity in [
        ActivityShown::Told,
        ActivityShown::Untold,
        ActivityShown::Hidden,
    ] {
        for delivery in DELIVERIES {
            let company = company(12, 1.0, delivery);
            company.control.set_saas_listing(SaasListing {
                activity,
                ..SaasListing::default()
            });
            company.load();
            let email = emails(&company).remove(3);
            let users = company.control.users();
            assert!(company.control.remove_user(&company.user_id(&email)));
            company.load();
            assert_eq!(company.count("deactivated"), 1);
            assert_eq!(place(&company, &email)["active"], false);
            let active = places(&company);
            let active = active.values().filter(|place| place["active"] == true);
            assert_eq!(active.count(), 11);
            let gone = texts(
                &company,
                "SELECT email FROM v_people WHERE gone_since IS NOT NULL",
            );
            assert_eq!(gone, [email.as_str()]);
            company.next_load_sends_nothing();

            company.control.set_users(&users);
            company.load();
            assert_eq!(
                places(&company),
                wanted(&company),
                "{activity:?} {delivery:?}"
            );
            assert_eq!(company.count("updated"), 1);
            company.next_load_sends_nothing();
            company.no_violations();
            company.sums_hold();
        }
    }
}

#[test]
fn nobody_is_deactivated_whom_somebody_else_assigned() {
    let company = company(10, 1.0, Delivery::Rest);
    let emails = emails(&company);
    let other = person_id(&company, &emails[0]);
    company
        .control
        .set_saas_user(APPLICATION, &other, &json!({}));
    company.load();
    assert_eq!(places(&company), wanted(&company));
    for email in &emails[..2] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    assert_eq!(place(&company, &emails[0])["active"], true);
    assert_eq!(place(&company, &emails[1])["active"], false);
}

#[test]
fn who_was_deactivated_by_hand_stays_so() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(0);
    let id = person_id(&company, &email);
    let inactive = json!({ "active": false });
    company.control.set_saas_user(APPLICATION, &id, &inactive);
    company.next_load_sends_nothing();
    assert_eq!(place(&company, &email)["active"], false);
}

#[test]
fn who_has_another_account_by_now_keeps_the_place() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(0);
    let mut users = company.control.users();
    let user = users
        .iter_mut()
        .find(|user| user["email"] == email.as_str());
    user.expect("a user")["id"] = json!("1999999999999999999");
    company.control.set_users(&users);
    company.load();
    assert_eq!(company.count("deactivated"), 0);
    assert_eq!(places(&company), wanted(&company));
    company.next_load_sends_nothing();
}

#[test]
fn nobody_is_deactivated_by_a_partial_or_a_short_read_or_in_another_population_or_with_keep() {
    let mut company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    assert!(company.control.remove_user(&company.user_id(&emails[0])));
    let _ = company.rollcall.run_only(&emails[1]).with_code(0);
    assert_eq!(company.count("deactivated"), 0);

    let short = Fault::new(
        System::SentinelOne,
        "GET /users",
        Effect::ShortTotal { missing: 1 },
    );
    company.control.order(short);
    let _ = company.rollcall.run().with_code(1);
    company.control.clear_faults();
    assert_eq!(place(&company, &emails[0])["active"], true);

    company.rollcall.configure(|config| config.missing = "keep");
    company.load();
    assert_eq!(place(&company, &emails[0])["active"], true);

    // Gone is gone, from whenever on deactivating is wanted.
    company
        .rollcall
        .configure(|config| config.missing = "deactivate");
    company.load();
    assert_eq!(place(&company, &emails[0])["active"], false);
}

#[test]
fn what_fails_for_one_is_its_own_outcome() {
    let company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    for email in &emails[..3] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    let stubborn = person_id(&company, &emails[1]);
    let words = Some("the contract owner cannot be deactivated");
    company.control.refuse_activity(&stubborn, words);
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.rollcall.latest_state(), "completed_with_errors");
    assert_eq!(company.count("deactivated"), 2);
    let error = company.rollcall.latest_run()["error"].clone();
    let error = error.as_str().expect("an error");
    assert!(error.contains("1 SaaS users who are gone"), "{error}");
    assert!(error.contains("the contract owner"), "{error}");
    let changes = texts(
        &company,
        "SELECT email || ' ' || state || ' ' || ifnull(error, '') FROM v_changes WHERE action = 'deactivate' ORDER BY state",
    );
    assert_eq!(changes.len(), 3);
    assert_eq!(place(&company, &emails[0])["active"], false);
    assert_eq!(place(&company, &emails[1])["active"], true);
    assert_eq!(place(&company, &emails[2])["active"], false);
    // It is tried again, and only for the one.
    company.control.refuse_activity(&stubborn, None);
    company.load();
    assert_eq!(company.count("deactivated"), 1);
    assert_eq!(place(&company, &emails[1])["active"], false);
    company.sums_hold();
}

#[test]
fn without_ids_in_the_listing_nobody_is_deactivated_and_that_is_said() {
    let mut company = company(8, 1.0, Delivery::Rest);
    company.control.set_saas_listing(SaasListing {
        ids: false,
        ..SaasListing::default()
    });
    company.load();
    let email = emails(&company).remove(0);
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(place(&company, &email)["active"], true);
    let standing =
        "SELECT message FROM v_notices WHERE kind = 'saas_ids_missing' AND until IS NULL";
    let said = texts(&company, standing);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("1 SaaS users"));
    // It is over when nobody is to be deactivated any more, and when the ids are shown.
    company.rollcall.configure(|config| config.missing = "keep");
    company.load();
    assert_eq!(texts(&company, standing), [""; 0]);
    company
        .rollcall
        .configure(|config| config.missing = "deactivate");
    company.load();
    assert_eq!(texts(&company, standing).len(), 1);
    company.control.set_saas_listing(SaasListing::default());
    company.load();
    assert_eq!(place(&company, &email)["active"], false);
    assert_eq!(texts(&company, standing), [""; 0]);
}

#[test]
fn who_cannot_be_assigned_fails_alone_and_is_loaded_again_later() {
    for delivery in DELIVERIES {
        let company = company(30, 1.0, delivery);
        let email = emails(&company).remove(4);
        let id = person_id(&company, &email);
        let refused = || {
            let refuse = Effect::Refuse {
                status: 400,
                message: "no licence is left".to_owned(),
            };
            Fault::new(System::Oomnitza, "PATCH /api/v3/saas/*/roles/users", refuse).with_body(&id)
        };
        company.control.order(refused());
        let _ = company.rollcall.run().with_code(3);
        assert_eq!(company.count("failed"), 1);
        assert_eq!(company.count("updated"), 29);
        let errors = texts(
            &company,
            "SELECT email || ' ' || reason || ' ' || field || ' ' || message FROM v_errors",
        );
        let error = &errors[0];
        assert_eq!(errors.len(), 1);
        assert!(
            error.starts_with(&format!("{email} rejected saas")),
            "{error}"
        );
        assert!(error.contains("no licence is left"), "{error}");
        company.control.clear_faults();
        company.load();
        assert_eq!(places(&company), wanted(&company), "{delivery:?}");
        company.next_load_sends_nothing();
        company.sums_hold();
    }
}

#[test]
fn one_who_cannot_be_assigned_is_found_among_many() {
    let company = company(30, 1.0, Delivery::Rest);
    let email = emails(&company).remove(9);
    let id = person_id(&company, &email);
    let refuse = Effect::Refuse {
        status: 400,
        message: "cannot be assigned".to_owned(),
    };
    let fault = Fault::new(System::Oomnitza, "POST /api/v3/saas/*/users", refuse);
    company.control.order(fault.with_body(&format!("\"{id}\"")));
    let _ = company.rollcall.run().with_code(3);
    assert_eq!(company.count("failed"), 1);
    assert_eq!(places(&company).len(), 29);
    // Somebody else assigns it later: it is not this integration's.
    company.control.clear_faults();
    company.control.set_saas_user(APPLICATION, &id, &json!({}));
    company.load();
    assert_eq!(places(&company), wanted(&company));
    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    assert_eq!(company.count("deactivated"), 0);
}

#[test]
fn who_is_not_loaded_has_no_place() {
    let users = vec![
        json!({"id": "225", "email": "ann@acme.com", "fullName": "Ann Ash", "lowestRole": "Viewer", "scopeRoles": []}),
        json!({"id": "226", "email": "ben@acme.com", "fullName": "Ben Birch", "lowestRole": "Viewer", "scopeRoles": []}),
        json!({"id": "227", "email": "cyd@acme.com", "fullName": "Cyd Cole", "lowestRole": "Viewer", "isSystem": true,
            "scopeRoles": []}),
    ];
    let options = Options {
        users: Users::Given(users),
        people: People::Given(vec![
            json!({"user_id": "P1", "username": "ann@acme.com", "email": "ann@acme.com", "role": 25}),
            json!({"user_id": "P3", "username": "cyd@acme.com", "email": "cyd@acme.com", "role": 25}),
        ]),
        ..Options::default()
    };
    let company = Company::of(options, |config| {
        with_saas(Delivery::Rest)(config);
        config.preference = "update_only";
    });
    let _ = company.rollcall.run().with_code(0);
    assert_eq!(
        places(&company).into_keys().collect::<Vec<_>>(),
        ["ann@acme.com"]
    );
}

#[test]
fn the_guard_holds_back_who_would_be_deactivated() {
    let mut company = company(40, 1.0, Delivery::Rest);
    company.load();
    company.rollcall.configure(|config| {
        config.guards = "{ deactivate: 5%, source_shrink: 100% }".to_owned();
    });
    let emails = emails(&company);
    for email in &emails[..10] {
        assert!(company.control.remove_user(&company.user_id(email)));
    }
    company.control.clear_requests();
    let _ = company.rollcall.run().with_code(4);
    assert_eq!(company.control.writes(), []);
    let guards = texts(
        &company,
        "SELECT guard || ' ' || found || ' of ' || base || ', ' || allowed FROM v_guards",
    );
    assert_eq!(guards, ["deactivate 10 of 40, 5"]);
    assert_eq!(company.count("deactivated"), 10);
    let run_id = company.rollcall.latest_run_id();
    let release = ["release", &run_id, "--reason", "they left"];
    let _ = company.rollcall.command(&release).with_code(0);
    assert_eq!(company.count("deactivated"), 10);
    assert_eq!(place(&company, &emails[0])["active"], false);
}

#[test]
fn whom_somebody_changed_since_the_plan_is_not_written() {
    let company = company(10, 1.0, Delivery::Rest);
    company.load();
    let emails = emails(&company);
    let id = |place: usize| person_id(&company, &emails[place]);
    let own = json!({ "roles": ["Somebody's own"] });
    company.control.set_saas_user(APPLICATION, &id(0), &own);
    company.control.set_saas_user(APPLICATION, &id(1), &own);
    let _ = company.rollcall.plan().with_code(0);
    let run_id = company.rollcall.latest_run_id();
    let other = json!({ "roles": ["Another one"] });
    company.control.set_saas_user(APPLICATION, &id(1), &other);
    let _ = company.rollcall.command(&["apply", &run_id]).with_code(3);
    let errors = texts(&company, "SELECT email || ' ' || reason FROM v_errors");
    assert_eq!(errors, [format!("{} conflict", emails[1]).as_str()]);
    assert_eq!(place(&company, &emails[1])["roles"], json!(["Another one"]));
    assert_eq!(places(&company)[&emails[0]], wanted(&company)[&emails[0]]);
}

#[test]
fn an_undo_leaves_places_as_they_are() {
    let company = company(8, 1.0, Delivery::Rest);
    company.load();
    let before = places(&company);
    let run_id = company.rollcall.latest_run_id();
    let _ = company.rollcall.command(&["undo", &run_id]).with_code(0);
    assert_eq!(places(&company), before);
    company.load();
    let id = person_id(&company, &emails(&company)[0]);
    let own = json!({ "roles": ["Somebody's own"] });
    company.control.set_saas_user(APPLICATION, &id, &own);
    company.load();
    let run_id = company.rollcall.latest_run_id();
    let ended = company.rollcall.command(&["undo", &run_id]).with_code(2);
    assert!(
        ended.stderr.contains("SaaS users alone"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_replay_assigns_whom_it_loads() {
    let mut company = company(12, 0.5, Delivery::Rest);
    company
        .rollcall
        .configure(|config| config.preference = "update_only");
    company.load();
    assert_eq!(places(&company).len(), company.colleagues().len());
    let run_id = company.rollcall.latest_run_id();
    let replay = ["replay", &run_id, "--preference", "create_and_update"];
    let _ = company.rollcall.command(&replay).with_code(0);
    assert_eq!(places(&company), wanted(&company));
}

#[test]
fn a_bulk_record_carries_the_application() {
    let company = company(10, 0.5, Delivery::Bulk);
    company.load();
    let writes = company.control.writes();
    let mut records = 0;
    for write in writes.iter().filter(|write| write.path == "/api/v3/bulk") {
        for record in write.body["records"].as_array().expect("a list") {
            let carried =
                json!({ "sync_key": "email", "selected_saas_id": "1", "name": APPLICATION });
            assert_eq!(record["SAAS"], carried);
            records += 1;
        }
    }
    assert_eq!(records, 10);
    // Nobody is left to be assigned by REST.
    let assigned = writes
        .iter()
        .filter(|write| write.path == "/api/v3/saas/1/users");
    assert_eq!(assigned.count(), 0);
}

#[test]
fn an_explanation_tells_of_the_place_and_what_became_of_it() {
    let company = company(6, 1.0, Delivery::Rest);
    company.load();
    let email = emails(&company).remove(2);
    let explain = || {
        let ended = company.rollcall.command(&["explain", &email, "--json"]);
        ended.with_code(0).json()[0].clone()
    };
    let explained = explain();
    assert_eq!(explained["outcome"]["outcome"], "updated");
    let place = &explained["saas_user"];
    assert_eq!(
        (&place["action"], &place["state"]),
        (&json!("update"), &json!("done"))
    );
    assert_eq!(place["after"]["external_id"], company.user_id(&email));
    let text = company.rollcall.command(&["explain", &email]).with_code(0);
    assert!(text.stdout.contains("SaaS user: update"), "{}", text.stdout);

    assert!(company.control.remove_user(&company.user_id(&email)));
    company.load();
    let history = explain()["history"].clone();
    let events = history.as_array().expect("a list").iter();
    let events: Vec<&str> = events.filter_map(|event| event["event"].as_str()).collect();
    assert!(events.contains(&"saas_updated"), "{events:?}");
    assert!(events.contains(&"deactivated"), "{events:?}");
}
