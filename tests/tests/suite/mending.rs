//! What `errors` says would mend them: pasted into the file it is taken, and the next load has none of them.

use serde_json::json;
use serde_yaml::Value;
use tests::Config;

use crate::company::Company;

/// Pastes YAML into a configuration: maps into maps, everything else in the place of what was there.
fn paste(into: &mut Value, pasted: Value) {
    match (into, pasted) {
        (Value::Mapping(into), Value::Mapping(pasted)) => {
            for (key, value) in pasted {
                match into.get_mut(&key) {
                    Some(there) => paste(there, value),
                    None => {
                        into.insert(key, value);
                    }
                }
            }
        }
        (into, pasted) => *into = pasted,
    }
}

/// Loads a company that is configured so and has errors of one kind; pastes what would mend it.
#[track_caller]
fn mends(change: impl FnOnce(&mut Config), written: &str) {
    mends_in(&Company::with(8, 0.5, change), written);
}

/// The same in a company, with what is written for the `…` of what is shown.
#[track_caller]
fn mends_in(company: &Company, written: &str) {
    company.load_with_code(3);
    let rollcall = &company.rollcall;
    let shown = rollcall.command(&["errors"]).with_code(0).stdout;
    // A paragraph for each group; they want the same.
    let paragraph = shown.split("\n\n").next().unwrap();
    let lines: Vec<&str> = paragraph
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    let entry = lines.join("\n").replace('…', written);

    let mut yaml: Value = serde_yaml::from_str(&rollcall.yaml()).unwrap();
    paste(&mut yaml, serde_yaml::from_str(&entry).unwrap());
    rollcall.write_config(&serde_yaml::to_string(&yaml).unwrap());
    let _ = rollcall.check().with_code(0);
    company.load();
    assert_eq!(
        rollcall.value("SELECT count(*) FROM v_open_errors"),
        0,
        "{entry}"
    );
}

/// A table that has all roles of plain users but one.
const SHORT: &str =
    "{ from: lowestRole, table: { Admin: 23, C-Level: 25, IR Team: 25, IT: 25, SOC: 25 } }";

#[test]
fn the_yaml_for_a_value_that_a_table_lacks_mends_it() {
    mends(|config| config.map("role", SHORT), "25");
}

#[test]
fn the_yaml_for_a_value_that_cannot_be_shown_mends_it_too() {
    let company = Company::with(8, 0.5, |config| {
        config.map("role", "{ from: lowestRole, table: { Viewer: 25, Admin: 23, C-Level: 25, IR Team: 25, IT: 25 } }");
    });
    let odd = json!({ "lowestRole": "\u{1b}[2J\u{7}Boss\u{85}\u{202e}\n\"" });
    company.edit_user(&company.newcomers()[0], &odd);
    mends_in(&company, "25");
}

#[test]
fn the_yaml_for_a_field_without_a_value_mends_it() {
    mends(|config| config.map("username", "nickname"), "email");
}

#[test]
fn the_yaml_for_a_role_that_the_table_of_saas_roles_lacks_mends_it() {
    let change = |config: &mut Config| {
        config.saas = Some(
            "{ name: SentinelOne, create: true, roles: { from: lowestRole, table: { Admin: Owner, C-Level: Boss, \
             IR Team: Team, IT: Team, SOC: Team } } }",
        );
    };
    mends(change, "Reader");
}

#[test]
fn the_yaml_for_saas_roles_that_are_none_mends_them() {
    let change = |config: &mut Config| {
        config.saas = Some("{ name: SentinelOne, create: true, roles: emailVerified }");
    };
    mends(change, "role_names");
}
