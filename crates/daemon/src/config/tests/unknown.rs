//! Names that nobody knows, each answered with the one that was meant.

use std::fmt::Write as _;

use super::{faults, read, with};

/// For every place at which a name can be unknown: what is written instead of what, and what was meant.
const UNKNOWN: &[(&[(&str, &str)], &str)] = &[
    // Keys, at every depth.
    (&[("timezone:", "timezon:")], "timezone"),
    (&[("sync_keys:", "synckeys:")], "sync_keys"),
    (&[("otherwise:", "otherwize:")], "otherwise"),
    (&[("level: info", "levle: info")], "level"),
    (&[("{ env:", "{ evn:")], "env"),
    (&[("at: \"02:00\"", "atl: \"02:00\"")], "at"),
    // Words of which some are allowed.
    (
        &[("preference: update_only", "preference: update_olny")],
        "update_only",
    ),
    (&[("delivery: rest", "delivery: rets")], "rest"),
    (
        &[("kind: oomnitza.users", "kind: oomnitza.user")],
        "oomnitza.users",
    ),
    (
        &[(
            "email: email\n",
            "email: { from: email, write: on_creat }\n",
        )],
        "on_create",
    ),
    (
        &[("email: email\n", "email: { from: email, empty: claer }\n")],
        "clear",
    ),
    (&[("level: info", "level: load=degub")], "debug"),
    // What is named elsewhere in the file.
    (
        &[("credential: oomnitza\n", "credential: oomnitzza\n")],
        "oomnitza",
    ),
    (
        &[("variables['Console']", "variables['Consoel']")],
        "Console",
    ),
    (&[("sync_keys: [email]", "sync_keys: [emial]")], "email"),
    (
        &[(
            "    schedule:\n",
            "    role_fields: [rloe]\n    schedule:\n",
        )],
        "role",
    ),
    (
        &[("email: email\n", "email: \"{{ variables['Consle'] }}\"\n")],
        "Console",
    ),
    // Zones.
    (
        &[("timezone: Europe/Dublin", "timezone: Europe/Dubin")],
        "Europe/Dublin",
    ),
    (
        &[("at: \"02:00\"", "at: \"02:00\"\n      timezone: berlin")],
        "Europe/Berlin",
    ),
    // Fields of a user, and what is in them.
    (&[("email: email\n", "email: emial\n")], "email"),
    (&[("from: lowestRole", "from: lowestrole")], "lowestRole"),
    (
        &[("email: email\n", "email: scopeRoles.0.rolename\n")],
        "roleName",
    ),
    (
        &[("email: email\n", "email: \"{{ fullname }}\"\n")],
        "fullName",
    ),
    (
        &[("where: not isSystem", "where: not issystem")],
        "isSystem",
    ),
    // Filters, tests and functions.
    (
        &[("email: email\n", "email: \"{{ fullName | frist_name }}\"\n")],
        "first_name",
    ),
    (
        &[("where: not isSystem", "where: email is definde")],
        "defined",
    ),
    (
        &[("email: email\n", "email: \"{{ rnage(3) }}\"\n")],
        "range",
    ),
    // Fields of bulk.
    (
        &[
            ("delivery: rest", "delivery: bulk\n      connector_id: 1"),
            ("email: email\n", "email: email\n      phone: email\n"),
        ],
        "phone_number",
    ),
    (
        &[
            (
                "delivery: rest",
                "delivery: bulk\n      connector_id: 1\n      fields: { s1_user_id: 24DCF85294E411E38A52066B556BA4EE }",
            ),
            ("email: email\n", "email: email\n      s1_userid: id\n"),
        ],
        "s1_user_id",
    ),
];

#[test]
fn every_unknown_name_is_answered_with_the_nearest_that_is_known() {
    let mut told = String::new();
    for (changes, meant) in UNKNOWN {
        let found = faults(&with(changes));
        let asked = format!("did you mean `{meant}`");
        let told_to = format!("; write `{meant}`");
        let is_answered = found.contains(&asked) || found.contains(&told_to);
        assert!(is_answered, "{changes:?}: {found}");
        writeln!(told, "{found}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_value_that_is_nearly_one_that_the_field_has_is_asked_about() {
    let table = "table: { Admin: 23 }";
    for (from, value, meant) in [
        ("lowestRole", "Viewre", "Viewer"),
        ("scope", "acount", "account"),
        ("source", "sso_smal", "sso_saml"),
        ("twoFaStatus", "notconfigured", "not_configured"),
        ("scopeRoles.0.roleName", "c-level", "C-Level"),
    ] {
        let table_of = format!("table: {{ {value}: 23 }}");
        let from = format!("from: {from}");
        let text = with(&[
            (table, table_of.as_str()),
            ("from: lowestRole", from.as_str()),
        ]);
        let warnings = super::lines(&read(&text).unwrap().warnings);
        let asked = format!("did you mean `{meant}`?");
        assert!(warnings.contains(&asked), "{warnings}");
    }
    // Roles are made by people, too.
    let own = with(&[(table, "table: { Forensics: 23, SOC2: 24, L1: 25 }")]);
    assert_eq!(read(&own).unwrap().warnings, []);
}
