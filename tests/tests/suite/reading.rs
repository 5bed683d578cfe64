//! Reading back: the promised views, and the commands that show them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tests::INTEGRATION;

use crate::company::Company;

/// The views as they are promised, each with its columns in order.
const VIEWS: [(&str, &str); 9] = [
    (
        "v_runs",
        "run_id integration trigger state dry_run started_at finished_at duration_ms seen created updated unchanged \
         skipped failed deactivated source_calls target_calls config_hash portion error",
    ),
    (
        "v_errors",
        "run_id integration at source_id email full_name outcome reason field message hint resolved_at record",
    ),
    (
        "v_open_errors",
        "run_id integration at source_id email full_name outcome reason field message hint resolved_at record since runs",
    ),
    (
        "v_people",
        "integration source_id email full_name scope role source two_fa_enabled two_fa_status email_verified is_system \
         date_joined first_login last_login api_token_expires_at oomnitza_id oomnitza_suspended last_outcome \
         last_reason first_seen_at last_seen_at gone_since record",
    ),
    (
        "v_access",
        "integration source_id email scope_level scope_id scope_name account_name role_id role_name",
    ),
    (
        "v_changes",
        "run_id integration source_id email oomnitza_id action state before after",
    ),
    ("v_slots", "integration due_at state run_id note"),
    ("v_notices", "kind integration subject message since until"),
    (
        "v_actions",
        "action_id workflow preset source_id email state requested_by reason at status answer",
    ),
];

/// The queries that README.md gives.
fn documented() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let lines = readme
        .lines()
        .filter(|line| line.starts_with("sqlite3 -readonly "));
    lines
        .map(|line| {
            let (_, query) = line.split_once('"').unwrap();
            query.strip_suffix('"').unwrap().to_owned()
        })
        .collect()
}

/// A load of ten users of whom one is rejected by the mapping.
fn company() -> Company {
    let company = Company::plain(10, 0.5);
    let email = company.newcomers().remove(0);
    company.edit_user(&email, &json!({ "email": null }));
    let _ = company.rollcall.run().with_code(3);
    company
}

#[test]
fn each_view_has_the_promised_columns_in_order() {
    let company = company();
    let mut database = company.rollcall.database();
    for (view, columns) in VIEWS {
        let promised: Vec<&str> = columns.split_whitespace().collect();
        let columns = database.columns(view);
        assert!(columns.len() >= promised.len(), "{view}: {columns:?}");
        assert_eq!(columns[..promised.len()], promised, "{view}");
    }
}

#[test]
fn every_documented_query_is_answered() {
    let company = company();
    let mut database = company.rollcall.database();
    let queries = documented();
    assert!(queries.len() >= 3, "{queries:?}");
    for query in queries {
        database.rows(&query);
    }
}

#[test]
fn the_views_say_what_the_console_shows() {
    let company = company();
    let users = company.control.users();
    let rows = company
        .rollcall
        .query("SELECT * FROM v_people ORDER BY length(source_id), source_id");
    assert_eq!(rows.len(), users.len());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let boolean = |value: &Value| value.as_bool().map(i64::from);
    for (row, user) in rows.iter().zip(&users) {
        assert_eq!(text(&row["source_id"]), text(&user["id"]));
        for (column, member) in [
            ("email", "email"),
            ("full_name", "fullName"),
            ("scope", "scope"),
            ("role", "lowestRole"),
            ("source", "source"),
        ] {
            assert_eq!(text(&row[column]), text(&user[member]), "{column}");
        }
        for (column, member) in [
            ("two_fa_enabled", "twoFaEnabled"),
            ("email_verified", "emailVerified"),
            ("is_system", "isSystem"),
        ] {
            assert_eq!(row[column].as_i64(), boolean(&user[member]), "{column}");
        }
        let (shown, came) = (text(&row["last_login"]), text(&user["lastLogin"]));
        assert_eq!(
            shown.as_deref().map(|at| &at[..19]),
            came.as_deref().map(|at| &at[..19])
        );
        assert!(shown.is_none_or(|at| at.len() == "2026-11-23T02:00:00.000Z".len()));
        let matched = row["oomnitza_id"]
            .as_str()
            .and_then(|id| company.control.person_by("user_id", id));
        let matched = matched.map(|person| person["email"].clone());
        assert_eq!(matched.unwrap_or_default(), user["email"]);
    }
    let access: usize = users
        .iter()
        .map(|user| user["scopeRoles"].as_array().unwrap().len())
        .sum();
    assert_eq!(
        company.rollcall.value("SELECT count(*) FROM v_access"),
        access
    );
}

#[test]
fn runs_errors_and_people_are_printed_as_tables_json_and_csv() {
    let company = company();
    let rollcall = &company.rollcall;
    let run_id = rollcall.latest_run_id();
    let commands: [(&[&str], usize); 7] = [
        (&["runs"], 1),
        (
            &["runs", INTEGRATION, "--state", "completed_with_errors"],
            1,
        ),
        (&["runs", "--state", "failed"], 0),
        (&["errors"], 1),
        (
            &[
                "errors",
                &run_id,
                "--reason",
                "mapping",
                "--outcome",
                "failed",
            ],
            1,
        ),
        (&["people", "--integration", INTEGRATION], 10),
        (&["people", "--where", "email IS NULL"], 1),
    ];
    for (arguments, rows) in commands {
        let with = |format: &str| {
            let arguments: Vec<&str> = arguments.iter().copied().chain([format]).collect();
            rollcall.command(&arguments).with_code(0)
        };
        let _ = rollcall.command(arguments).with_code(0);
        let json = with("--json").json();
        assert_eq!(json.as_array().map(Vec::len), Some(rows), "{arguments:?}");
        let csv = with("--csv").stdout;
        let header = csv.lines().next().unwrap();
        let columns: Vec<String> = rollcall.database().columns(match arguments[0] {
            "runs" => "v_runs",
            "people" => "v_people",
            _ if arguments.len() > 1 => "v_errors",
            _ => "v_open_errors",
        });
        assert_eq!(header, columns.join(","));
    }
}

#[test]
fn errors_stand_together_by_cause_with_what_mends_them() {
    let company = company();
    let rollcall = &company.rollcall;
    let run_id = rollcall.latest_run_id();
    for arguments in [&["errors"][..], &["errors", &run_id]] {
        let shown = rollcall.command(arguments).with_code(0).stdout;
        assert!(shown.starts_with("1 user: "), "{shown}");
        assert!(shown.contains("  for example: "), "{shown}");
        assert!(shown.contains("integrations:\n"), "{shown}");
        let with = |option| {
            let arguments: Vec<&str> = arguments.iter().copied().chain(option).collect();
            rollcall.command(&arguments).with_code(0)
        };
        let groups = with(["--groups", "--json"]).json();
        assert_eq!(groups[0]["users"], 1);
        assert!(groups[0]["examples"].is_array(), "{groups}");
        assert!(with(["--rows", "--limit=1"]).stdout.contains("outcome"));
        let none = with(["--reason", "rejected"]);
        assert_eq!(none.stdout, "");
        assert!(none.stderr.contains("no user was skipped or failed"));
    }
}

/// What is promised is promised to the SQLite of the system too, which may be years older than ours.
#[test]
fn the_sqlite_of_this_system_reads_every_view() {
    let company = company();
    let path = company.rollcall.database_path();
    for (view, _) in VIEWS
        .iter()
        .chain(&[("v_error_groups", ""), ("v_guards", "")])
    {
        let asked = std::process::Command::new("sqlite3")
            .arg("-readonly")
            .arg(&path)
            .arg(format!("SELECT count(*) FROM {view}"))
            .output();
        let Ok(asked) = asked else {
            println!("skipped: there is no sqlite3 here");
            return;
        };
        let said = String::from_utf8_lossy(&asked.stderr);
        assert!(asked.status.success(), "{view}: {said}");
    }
}

#[test]
fn a_question_that_makes_no_sense_is_a_mistake_of_usage() {
    let company = company();
    for condition in ["nonsense = 1", "1; DROP TABLE people", "email = "] {
        let ended = company
            .rollcall
            .command(&["people", "--where", condition])
            .with_code(2);
        assert!(ended.stderr.contains("v_people"), "{}", ended.stderr);
    }
    assert_eq!(company.rollcall.value("SELECT count(*) FROM v_people"), 10);
    let _ = company
        .rollcall
        .command(&["errors", "no-such-run"])
        .with_code(2);
}

#[test]
fn people_cannot_be_changed_by_asking_for_them() {
    let company = company();
    let conditions = [
        "1) ; DELETE FROM errors; --",
        "1=1); DELETE FROM errors; SELECT * FROM v_people WHERE (1=1",
    ];
    for condition in conditions {
        let _ = company.rollcall.command(&["people", "--where", condition]);
        assert_eq!(company.rollcall.value("SELECT count(*) FROM v_errors"), 1);
    }
}

#[test]
fn fields_shows_both_systems_and_the_roles_in_use() {
    let company = Company::plain(20, 1.0);
    let json = company
        .rollcall
        .command(&["fields", INTEGRATION, "--json"])
        .with_code(0)
        .json();
    let fields = json["fields"].as_array().unwrap();
    let has = |system: &str, field: &str| {
        fields
            .iter()
            .any(|row| row["system"] == system && row["field"] == field)
    };
    assert!(has("SentinelOne", "fullName") && has("SentinelOne", "scopeRoles.0.roleName"));
    assert!(has("Oomnitza", "sentinelone_user_id") && has("Oomnitza", "role"));
    let roles = json["roles"].as_array().unwrap();
    let people: i64 = roles.iter().filter_map(|row| row["people"].as_i64()).sum();
    assert_eq!(people, 20);
    let csv = company
        .rollcall
        .command(&["fields", INTEGRATION, "--csv"])
        .with_code(0)
        .stdout;
    assert!(csv.starts_with("system,field,filled,example\n"), "{csv}");
    let table = company
        .rollcall
        .command(&["fields", INTEGRATION])
        .with_code(0)
        .stdout;
    assert!(table.contains("25"), "{table}");
    assert_eq!(company.control.writes(), []);
    assert!(!company.rollcall.database_path().exists());
    company.no_violations();
}

#[test]
fn the_summary_of_a_run_is_json_on_demand() {
    let company = Company::plain(10, 0.5);
    let summary = company
        .rollcall
        .command(&["run", INTEGRATION, "--json"])
        .with_code(0)
        .json();
    let run = company.rollcall.latest_run();
    for member in [
        "run_id",
        "state",
        "seen",
        "created",
        "updated",
        "unchanged",
        "skipped",
        "failed",
    ] {
        assert_eq!(summary[member], run[member], "{member}");
    }
    let plan = company
        .rollcall
        .command(&["plan", INTEGRATION, "--json"])
        .with_code(0)
        .json();
    assert_eq!(plan["changes"], json!([]));
    assert_eq!(plan["summary"]["unchanged"], 10);
}
