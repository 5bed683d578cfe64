//! Who and which run is asked for, and what is refused: a sentence each.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::company::Company;

/// Demands that a command is refused, and that the sentence says all of this.
#[track_caller]
fn refused(company: &Company, arguments: &[&str], sayings: &[&str]) {
    let arguments = [&["explain"], arguments].concat();
    let ended = company.rollcall.command(&arguments).with_code(2);
    for saying in sayings {
        assert!(ended.stderr.contains(saying), "{saying}: {}", ended.stderr);
    }
    assert_eq!(ended.stdout, "");
    assert_eq!(ended.stderr.trim().lines().count(), 1, "{}", ended.stderr);
}

#[test]
fn a_user_is_named_by_its_address_in_any_case_or_by_its_id() {
    let company = Company::plain(3, 1.0);
    let email = company.colleagues().remove(0);
    let id = company.user_id(&email);
    company.edit_user(
        &email,
        &json!({ "email": "J\u{d6}rg.Gro\u{df}@Acme.example" }),
    );
    company.load();
    for who in [
        "j\u{f6}rg.gro\u{df}@acme.example",
        " J\u{d6}RG.gro\u{df}@ACME.example ",
        &id,
    ] {
        assert_eq!(company.explain(who)["source_id"], id.as_str(), "{who}");
    }
    let other = company.colleagues().remove(1);
    assert_eq!(
        company.explain(&other.to_uppercase())["email"],
        other.as_str()
    );
}

#[test]
fn nobody_and_several_are_a_sentence_each() {
    let company = Company::plain(4, 1.0);
    let emails = company.colleagues();
    let ids = [company.user_id(&emails[0]), company.user_id(&emails[1])];
    company
        .control
        .edit_user(&ids[1], &json!({ "email": emails[0] }));
    company.load();
    refused(
        &company,
        &["nobody@nowhere.example"],
        &["`nobody@nowhere.example`", "rollcall people"],
    );
    refused(&company, &["7"], &["`7`"]);
    refused(
        &company,
        &[&emails[0]],
        &[&ids[0], &ids[1], "write the id of one"],
    );
}

#[test]
fn a_database_that_is_not_there_yet_is_a_sentence() {
    let company = Company::plain(1, 1.0);
    let ended = company
        .rollcall
        .command(&["explain", "somebody"])
        .with_code(1);
    assert!(
        ended.stderr.contains("there is no database"),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_run_that_says_nothing_of_the_user_is_refused() {
    let company = Company::with(3, 1.0, |config| {
        config.others = vec!["other-users".to_owned()];
    });
    company.load();
    let email = company.colleagues().remove(0);
    let run_id = company.rollcall.latest_run_id();
    refused(&company, &[&email, "--run", "7"], &["`7`"]);
    // One that made no plan.
    let _ = company
        .rollcall
        .start_with(&["run", "other-users"], |_| {})
        .end();
    let other = company.rollcall.latest_run_id();
    company.rollcall.spoil(&format!(
        "UPDATE runs SET planned_at = NULL, state = 'failed' WHERE run_id = '{other}';"
    ));
    refused(&company, &[&email, "--run", &other], &["made no plan"]);
    // One of another integration, which does not know the user.
    company.rollcall.spoil(&format!(
        "UPDATE runs SET planned_at = started_at, state = 'completed' WHERE run_id = '{other}';
         DELETE FROM people WHERE integration = (SELECT integration FROM runs WHERE run_id = '{other}');"
    ));
    refused(
        &company,
        &[&email, "--run", &other],
        &["`other-users`", "`console-users`"],
    );
    refused(
        &company,
        &[&email, "--integration", "other-users"],
        &["`console-users`"],
    );
    refused(
        &company,
        &[&email, "--integration", "console-user"],
        &["did you mean `console-users`"],
    );
    // One that was before the user.
    company
        .rollcall
        .spoil("UPDATE user_versions SET run = run + 100; DELETE FROM changes;");
    refused(
        &company,
        &[&email, "--run", &run_id],
        &["did not see the user", "first seen"],
    );
}

#[test]
fn a_run_that_is_older_than_what_is_kept_of_changes_is_refused() {
    let company = Company::plain(3, 1.0);
    company.load();
    let first = company.rollcall.latest_run_id();
    let days = Duration::from_hours(91 * 24).as_millis();
    company.rollcall.spoil(&format!(
        "UPDATE runs SET started_at = started_at - {days}, finished_at = finished_at - {days};"
    ));
    let email = company.colleagues().remove(0);
    refused(
        &company,
        &[&email],
        &["explanations go back to", "`retention.changes`"],
    );
    company.load();
    company.explain(&email);
    refused(
        &company,
        &[&email, "--run", &first],
        &["explanations go back to", "`retention.changes`"],
    );
    let yaml = format!(
        "retention: {{ changes: 100d }}\n{}",
        company.rollcall.yaml()
    );
    company.rollcall.write_config(&yaml);
    assert_eq!(
        company.explain_in(&email, &first)["outcome"]["outcome"],
        "updated"
    );
}

#[test]
fn a_user_of_several_integrations_is_explained_for_each() {
    let company = Company::with(3, 1.0, |config| {
        config.others = vec!["other-users".to_owned()];
    });
    company.load();
    let _ = company
        .rollcall
        .command(&["run", "other-users"])
        .with_code(0);
    let email = company.colleagues().remove(0);
    let explanations = company
        .rollcall
        .command(&["explain", &email, "--json"])
        .with_code(0)
        .json();
    let explanations = explanations.as_array().expect("a list");
    let of: Vec<_> = explanations.iter().map(|one| &one["integration"]).collect();
    assert_eq!(of, ["console-users", "other-users"]);
    let one = company.explain_with(&["explain", &email, "--integration", "other-users", "--json"]);
    assert_eq!(one["integration"], "other-users");
    // A run is of one of them.
    let run_id = company.rollcall.latest_run_id();
    assert_eq!(
        company.explain_in(&email, &run_id)["integration"],
        "other-users"
    );
}

#[test]
fn a_member_of_the_group_may_ask_while_a_daemon_runs() {
    let company = Company::plain(3, 1.0);
    company.load();
    let email = company.colleagues().remove(0);
    let daemon = company.rollcall.serve();
    assert_eq!(company.explain(&email)["outcome"]["outcome"], "updated");
    daemon.stop();
    company.no_violations();
}

/// The names in backticks of a line of the document.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_document_names_every_member_of_an_explanation() {
    let company = Company::plain(3, 1.0);
    company.load();
    let email = company.colleagues().remove(0);
    company.edit_user(&email, &json!({ "scope": "site" }));
    company.load();
    let explanation = company.explain(&email);
    let document = crate::documents::document("docs/explain.md");
    let rows = document
        .lines()
        .filter(|line| line.starts_with("| `"))
        .filter_map(|line| line[2..].split_once(" | "));
    let mut documented: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (members, meaning) in rows {
        for member in names(members) {
            documented.entry(member).or_default().extend(names(meaning));
        }
    }
    let members = |value: &Value| {
        value
            .as_object()
            .map_or(Vec::new(), |members| members.keys().cloned().collect())
    };
    for member in members(&explanation) {
        let means = documented.get(&*member);
        let means = means.unwrap_or_else(|| panic!("`{member}` is not documented"));
        let value = &explanation[&*member];
        let inner = value
            .as_array()
            .map_or(value, |list| list.first().unwrap_or(&Value::Null));
        for inner in members(inner) {
            assert!(
                means.contains(&&*inner),
                "`{inner}` of `{member}` is not documented"
            );
        }
    }
    for rule in members(&explanation["fields"][0]["rule"]) {
        assert!(documented["fields[].rule"].contains(&&*rule), "{rule}");
    }
}
