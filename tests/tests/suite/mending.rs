//! What `errors` says would mend them: pasted into the file it is taken, and the next load has none of them.

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

/// Loads a company that has just one group of errors, and pastes what would mend it, with what is written for its `…`.
#[track_caller]
fn mends(change: impl FnOnce(&mut Config), written: &str) {
    let company = Company::with(8, 0.5, change);
    company.load_with_code(3);
    let rollcall = &company.rollcall;
    let groups = rollcall.command(&["errors", "--groups", "--json"]);
    let groups = groups.with_code(0).json();
    let printed = groups[0]["yaml"].as_str().expect("what would mend it");
    let shown = rollcall.command(&["errors"]).with_code(0).stdout;
    for line in printed.lines() {
        assert!(shown.contains(line), "{shown}");
    }

    let mut yaml: Value = serde_yaml::from_str(&rollcall.yaml()).unwrap();
    let entry = printed.replace('…', written);
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
