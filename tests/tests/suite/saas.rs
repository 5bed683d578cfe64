//! SaaS users: each person who is loaded has a place in the application, with its id and its roles, and who is gone
//! has none that is active.

mod gone;
mod others;
mod outcomes;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use simulator::{ActivityShown, Options, People, RolesShown, SaasListing, Users};
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
