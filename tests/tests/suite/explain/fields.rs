//! Each field: why it is written, and why not.

use serde_json::{Value, json};
use simulator::{Options, ShownForm, bulk_field_id};
use tests::Delivery;

use super::{field, why};
use crate::company::{Company, each, plain};

#[test]
fn a_created_user_is_sent_all_that_has_a_value() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(4, 0.0, |config| config.delivery = delivery);
        let email = company.newcomers().remove(0);
        company.edit_user(&email, &json!({ "lastLogin": null }));
        company.load();
        let explanation = company.explain(&email);
        assert_eq!(explanation["outcome"]["outcome"], "created");
        assert_eq!(explanation["match"]["finding"], "nobody");
        assert_eq!(why(&explanation, "username"), "new");
        assert_eq!(why(&explanation, "sentinelone_synced_at"), "new");
        assert_eq!(why(&explanation, "sentinelone_last_login"), "no_value");
        let person = company.person(&email);
        let request = &explanation["request"];
        assert_eq!(request["action"], "create");
        assert_eq!(request["method"], "POST");
        assert_eq!(request["oomnitza_id"], person["user_id"]);
        assert_eq!(request["state"], "done");
        for name in ["first_name", "sentinelone_user_id", "sentinelone_synced_at"] {
            assert_eq!(field(&explanation, name)["value"], person[name]);
        }
        if delivery == Delivery::Rest {
            assert_eq!(request["path"], "/api/v3/users");
            assert_eq!(request["status"], 200);
            assert_eq!(request["body"]["email"], email.as_str());
        } else {
            assert_eq!(request["path"], "/api/v3/bulk");
            assert_eq!(request["portion"], company.rollcall.latest_run()["portion"]);
            assert_eq!(request["body"]["EMAIL"], email.as_str());
        }
    });
}

#[test]
fn an_updated_user_is_sent_what_differs() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let company = Company::with(6, 1.0, |config| {
            config.delivery = delivery;
            config.map("role", "{ value: 25, write: on_create }");
        });
        company.load();
        let email = company.colleagues().remove(2);
        let user = company.user_id(&email);
        company.edit_person(
            &email,
            &json!({ "role": 23, "position": "Boss", "sentinelone_scope": "by hand",
                     "sentinelone_synced_at": "2020-01-02T03:04:05Z", "first_name": "Nobody", "username": email.to_uppercase() }),
        );
        company.edit_user(&email, &json!({ "lastLogin": null }));
        company.load();
        let explanation = company.explain(&email.to_uppercase());
        assert_eq!(explanation["outcome"]["outcome"], "updated");
        for (name, expected) in [
            ("role", "on_create"),
            ("username", "on_create"),
            ("position", "has_value"),
            ("email", "equal"),
            ("sentinelone_scope", "differs"),
            ("first_name", "differs"),
            ("sentinelone_last_login", "differs"),
            ("sentinelone_synced_at", "rides_along"),
        ] {
            assert_eq!(why(&explanation, name), expected, "{name}");
        }
        let had = |name| {
            (
                &field(&explanation, name)["had_known"],
                &field(&explanation, name)["had"],
            )
        };
        assert_eq!(had("role"), (&json!(true), &json!(23)));
        assert_eq!(had("position"), (&json!(true), &json!("Boss")));
        assert_eq!(had("sentinelone_scope"), (&json!(true), &json!("by hand")));
        assert_eq!(
            field(&explanation, "sentinelone_last_login")["value"],
            Value::Null
        );
        assert_eq!(field(&explanation, "email")["compared"], "address");
        assert_eq!(
            field(&explanation, "sentinelone_date_joined")["compared"],
            "instant"
        );
        let person = company.person(&email);
        let request = &explanation["request"];
        match delivery {
            Delivery::Rest => {
                let path = format!("/api/v3/users/{}", person["user_id"].as_str().unwrap());
                assert_eq!(
                    (&request["method"], &request["path"]),
                    (&json!("PATCH"), &json!(path))
                );
                assert_eq!(request["status"], 200);
                assert_eq!(request["sync_field"], Value::Null);
            }
            _ => assert_eq!(request["sync_field"], bulk_field_id("sentinelone_user_id")),
        }
        assert_eq!(explanation["match"]["key_field"], "sentinelone_user_id");
        assert_eq!(explanation["match"]["oomnitza_id"], person["user_id"]);
        assert_eq!(explanation["source_id"], user.as_str());

        // Nothing is left to do, and what Oomnitza has is still known.
        company.load();
        let explanation = company.explain(&email);
        assert_eq!(explanation["outcome"]["outcome"], "unchanged");
        assert_eq!(explanation["request"], Value::Null);
        for (name, expected) in [
            ("role", "on_create"),
            ("position", "has_value"),
            ("sentinelone_scope", "equal"),
            ("sentinelone_last_login", "equal"),
            ("sentinelone_synced_at", "no_change_alone"),
        ] {
            assert_eq!(why(&explanation, name), expected, "{name}");
        }
        assert_eq!(field(&explanation, "role")["had"], 23);
    });
}

#[test]
fn an_empty_value_is_kept_or_clears() {
    let company = Company::with(3, 1.0, |config| {
        config.map("sentinelone_scope", "scope");
        config.map(
            "sentinelone_last_login",
            "{ from: lastLogin, empty: clear }",
        );
    });
    company.load();
    let email = company.colleagues().remove(0);
    company.edit_user(&email, &json!({ "scope": null, "lastLogin": null }));
    company.load();
    let explanation = company.explain(&email);
    assert_eq!(why(&explanation, "sentinelone_scope"), "no_value");
    assert_eq!(
        field(&explanation, "sentinelone_scope")["had"],
        company.person(&email)["sentinelone_scope"]
    );
    assert_eq!(why(&explanation, "sentinelone_last_login"), "differs");
    assert_eq!(
        field(&explanation, "sentinelone_last_login")["value"],
        Value::Null
    );
    assert_eq!(
        explanation["request"]["body"]["sentinelone_last_login"],
        Value::Null
    );
}

#[test]
fn a_value_that_is_shown_in_another_form_is_told_as_that() {
    each([Delivery::Rest, Delivery::Bulk], |delivery| {
        let options = Options {
            shown_forms: [("sentinelone_roles".to_owned(), ShownForm::Cut(3))].into(),
            ..plain(8, 0.5)
        };
        let company = Company::of(options, |config| config.delivery = delivery);
        let email = company.newcomers().remove(0);
        company.load();
        company.load();
        let explanation = company.explain(&email);
        assert_eq!(explanation["outcome"]["outcome"], "unchanged");
        assert_eq!(why(&explanation, "sentinelone_roles"), "another_form");
        let field = field(&explanation, "sentinelone_roles");
        assert_eq!(field["had"], company.person(&email)["sentinelone_roles"]);
        assert_ne!(field["had"], field["value"]);
    });
}

#[test]
fn a_rule_is_told_with_what_it_looked_at() {
    let company = Company::with(3, 0.0, |config| {
        config.map(
            "sentinelone_source",
            "{ from: source, table: { mgmt: Local }, otherwise: Other }",
        );
    });
    let emails = company.newcomers();
    company.edit_user(
        &emails[0],
        &json!({ "source": "mgmt", "fullName": "Ann Lee" }),
    );
    company.edit_user(&emails[1], &json!({ "source": "sso_saml" }));
    company.load();
    let explanation = company.explain(&emails[0]);
    let name = field(&explanation, "first_name");
    assert_eq!(name["rule"]["expression"], "{{ fullName | first_name }}");
    assert_eq!(
        name["inputs"],
        json!([{ "name": "fullName", "value": "Ann Lee" }])
    );
    assert_eq!(
        (&name["source"], &name["value"]),
        (&json!("Ann"), &json!("Ann"))
    );
    let source = field(&explanation, "sentinelone_source");
    assert_eq!(
        (&source["source"], &source["lookup"]),
        (&json!("mgmt"), &json!("entry"))
    );
    assert_eq!(source["value"], "Local");
    assert_eq!(
        field(&company.explain(&emails[1]), "sentinelone_source")["lookup"],
        "otherwise"
    );
    let position = &field(&explanation, "position")["rule"];
    assert_eq!(
        (&position["constant"], &position["write"]),
        (&json!(true), &json!("if_empty"))
    );
    let login = &field(&explanation, "sentinelone_last_login")["rule"];
    assert_eq!(
        (&login["empty"], &login["volatile"]),
        (&json!("clear"), &json!(true))
    );
    assert_eq!(explanation["scope"]["where"], "not isSystem");
    assert_eq!(
        explanation["scope"]["inputs"],
        json!([{ "name": "isSystem", "value": false }])
    );
}

#[test]
fn what_the_run_had_is_told_when_the_names_of_roles_have_changed_since() {
    let company = Company::plain(3, 0.0);
    company
        .control
        .set_roles(vec![json!({ "id": "9", "name": "SOC L2" })]);
    let email = company.newcomers().remove(0);
    let roles = json!([{ "id": "1", "name": "Dublin", "roleId": "9", "roleName": "x" }]);
    company.edit_user(&email, &json!({ "scopeRoles": roles }));
    company.load();
    let first = company.rollcall.latest_run_id();
    company
        .control
        .set_roles(vec![json!({ "id": "9", "name": "Night shift" })]);
    company.load();
    let explanation = company.explain_in(&email, &first);
    let roles = field(&explanation, "sentinelone_roles");
    assert_eq!(
        (&roles["value"], &roles["inputs"]),
        (&json!("SOC L2"), &json!([]))
    );
    let note = explanation["notes"][0].as_str().expect("a note");
    assert!(note.contains("`sentinelone_roles`"), "{note}");
    let explanation = company.explain(&email);
    assert_eq!(
        field(&explanation, "sentinelone_roles")["value"],
        "Night shift"
    );
    assert_eq!(explanation["notes"], json!([]));
}

#[test]
fn an_older_run_is_told_under_the_configuration_that_it_had() {
    let mut company = Company::plain(3, 0.0);
    let email = company.newcomers().remove(0);
    company.load();
    let first = company.rollcall.latest_run_id();
    company.rollcall.configure(|config| {
        config.map("sentinelone_scope", "{ value: everywhere }");
        config.scope = "email";
    });
    company.load();
    let explanation = company.explain(&email);
    assert_eq!(explanation["scope"]["where"], "email");
    assert_eq!(
        field(&explanation, "sentinelone_scope")["rule"]["expression"],
        "everywhere"
    );
    let explanation = company.explain_in(&email, &first);
    assert_eq!(explanation["scope"]["where"], "not isSystem");
    assert_eq!(
        field(&explanation, "sentinelone_scope")["rule"]["expression"],
        "scope"
    );
    assert_eq!(why(&explanation, "sentinelone_scope"), "new");
    // Without it, the record says what it can.
    company.rollcall.spoil("DELETE FROM configurations");
    let explanation = company.explain_in(&email, &first);
    assert_eq!(
        field(&explanation, "sentinelone_scope")["rule"],
        Value::Null
    );
    assert_eq!(why(&explanation, "sentinelone_scope"), "new");
    assert!(
        explanation["notes"][0]
            .as_str()
            .expect("a note")
            .contains("not on record")
    );
}
