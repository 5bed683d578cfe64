//! What docs/ and deploy/ promise: the columns of the views, the queries, the directives of the service.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::Database;

use crate::company::Company;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn document(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A column as docs/sql.md describes it.
struct Column {
    name: String,
    kind: String,
    null: String,
}

/// The views of docs/sql.md: the tables under the headings `## v_…`.
fn documented_views() -> BTreeMap<String, Vec<Column>> {
    let mut views = BTreeMap::<String, Vec<Column>>::new();
    let mut view = None;
    for line in document("docs/sql.md").lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            view = heading.starts_with("v_").then(|| heading.to_owned());
        } else if let Some(view) = &view
            && let Some(row) = line.strip_prefix("| `")
        {
            let cells: Vec<&str> = row.trim_end_matches('|').split(" | ").collect();
            let [name, kind, _, null] = cells.as_slice() else {
                panic!("a row of four cells: {line}");
            };
            views.entry(view.clone()).or_default().push(Column {
                name: name.trim_end_matches('`').to_owned(),
                kind: (*kind).to_owned(),
                null: null.trim().to_owned(),
            });
        }
    }
    views
}

/// The queries of docs/sql.md, each with the question that it answers.
fn documented_queries() -> Vec<(String, String)> {
    let text = document("docs/sql.md");
    let mut queries = Vec::new();
    let mut question = "";
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(heading) = line.strip_prefix("### ") {
            question = heading;
        } else if line == "```sql" {
            let query: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            queries.push((question.to_owned(), query.join("\n")));
        }
    }
    queries
}

/// A company of which every documented query finds something.
fn eventful() -> Company {
    let company = Company::plain(20, 0.5);
    let newcomers = company.newcomers();
    let colleagues = company.colleagues();
    company.edit_user(
        &newcomers[0],
        &json!({ "email": "grace.hopper@acme.com", "fullName": "Grace Hopper" }),
    );
    // Whoever has no address has no username, and is not created, load after load.
    company.edit_user(&newcomers[1], &json!({ "email": null }));
    for _ in 0..8 {
        let _ = company.rollcall.run().with_code(3);
    }

    let now = |shift: &str| {
        let sql = format!("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '{shift}')");
        company.rollcall.value(&sql)
    };
    let admin = json!([{ "id": "225494730938493804", "name": "Head office", "accountName": "Acme",
        "roleId": "1", "roleName": "Admin", "roles": ["Admin"] }]);
    company.edit_user(
        &colleagues[0],
        &json!({ "email": "root@acme.com", "twoFaEnabled": false, "scope": "site", "scopeRoles": admin }),
    );
    company.edit_user(&colleagues[1], &json!({ "lastLogin": now("-200 days") }));
    let token = json!({ "createdAt": now("-20 days"), "expiresAt": now("+10 days") });
    company.edit_user(
        &colleagues[2],
        &json!({ "email": "robot@acme.com", "apiToken": token }),
    );
    // Somebody leaves, and somebody is renamed.
    assert!(
        company
            .control
            .remove_user(&company.user_id(&colleagues[3]))
    );
    company.edit_user(&colleagues[4], &json!({ "fullName": "Ada Lovelace" }));
    let _ = company.rollcall.run().with_code(3);
    plant(&mut Database::open_to_write(
        &company.rollcall.database_path(),
    ));
    company
}

/// Plants what takes months, or somebody at the socket: slots, tries, requests, a notice, a configuration.
fn plant(database: &mut Database) {
    database.execute(
        "BEGIN;
         CREATE TEMP TABLE due AS
             SELECT run, min(started_at) OVER () / 60000 * 60000 - 60000 * row_number() OVER (ORDER BY run) AS at FROM runs;
         INSERT INTO slots (integration, due_at, noticed_at, state, settled, run, tries)
             SELECT integration, at, at, 'ran', 1, run, 1 FROM due JOIN runs USING (run) ORDER BY run DESC LIMIT 5;
         UPDATE runs SET trigger = 'schedule', slot = (SELECT slot FROM slots s WHERE s.run = runs.run);
         UPDATE runs SET slot = (SELECT max(slot) FROM slots) WHERE run = 1;
         INSERT INTO slots (integration, due_at, noticed_at, state, settled, note)
             SELECT integration, unixepoch() * 1000, unixepoch() * 1000, 'missed', 1,
                    'the daemon was down from … to …; older than catch_up (12h)' FROM integrations;
         INSERT INTO requests (at, uid, user, pid, command, subject, detail, answer)
             SELECT unixepoch() * 1000, 1000, 'anna', 4711, 'pause', name, 'the merger', 'paused' FROM integrations;
         INSERT INTO notices (integration, kind, message, since)
             SELECT integration, 'unverified', 'the run log did not say in time', unixepoch() * 1000 FROM integrations;
         INSERT OR IGNORE INTO configurations (integration, config_hash, since, text)
             SELECT integration, config_hash, min(started_at), 'preference: create_and_update' FROM runs;
         COMMIT",
    );
}

#[test]
fn every_column_of_every_view_is_documented_and_holds_what_is_said() {
    let company = eventful();
    let mut database = company.rollcall.database();
    let documented = documented_views();
    let views = database.rows(
        "SELECT name FROM sqlite_schema WHERE type = 'view' AND name GLOB 'v_*' ORDER BY name",
    );
    let views: Vec<&str> = views
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    assert_eq!(views, documented.keys().collect::<Vec<_>>());
    for (view, columns) in &documented {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(database.columns(view), names, "{view}");
        for Column { name, kind, null } in columns {
            let holds = match kind.as_str() {
                "text" => format!("typeof({name}) = 'text'"),
                "time" => format!(
                    "{name} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T[0-9][0-9]:[0-9][0-9]:[0-9][0-9].[0-9][0-9][0-9]Z'"
                ),
                "integer" => format!("typeof({name}) = 'integer'"),
                "boolean" => format!("typeof({name}) = 'integer' AND {name} IN (0, 1)"),
                "JSON array" => format!("json_type({name}) = 'array'"),
                "JSON" => format!("json_type({name}) = 'object'"),
                other => panic!("{view}.{name} is of no type that docs/sql.md explains: {other}"),
            };
            let empty = match null.as_str() {
                "never" => "0",
                "always" => "1",
                _ => "NULL",
            };
            // Where a value may be missing or not, both are as documented.
            let sql = format!(
                "SELECT count(*) FROM {view} WHERE ({name} IS NULL) <> {empty}
                     OR {name} IS NOT NULL AND NOT ({holds})"
            );
            assert_eq!(
                database.value(&sql),
                0,
                "{view}.{name}: {kind}, NULL: {null}"
            );
        }
    }
}

#[test]
fn every_documented_question_is_answered() {
    let company = eventful();
    let mut database = company.rollcall.database();
    let queries = documented_queries();
    assert!(queries.len() >= 20, "{}", queries.len());
    for (question, query) in queries {
        assert!(!database.rows(&query).is_empty(), "{question}");
    }
}

#[test]
fn the_answers_are_those_of_the_company() {
    let company = eventful();
    let mut database = company.rollcall.database();
    let queries: BTreeMap<String, String> = documented_queries().into_iter().collect();
    let mut answer = |question: &str, column: &str| -> Vec<Value> {
        let rows = database.rows(&queries[question]);
        rows.iter().map(|row| row[column].clone()).collect()
    };
    let open = answer(
        "Which errors has nobody mended for more than seven runs?",
        "runs",
    );
    assert_eq!(open, [json!(9)]);
    let admins = answer(
        "Who is an administrator without two-factor authentication?",
        "email",
    );
    assert!(admins.contains(&json!("root@acme.com")), "{admins:?}");
    let tokens = answer("Whose API token ends within 30 days?", "email");
    assert!(tokens.contains(&json!("robot@acme.com")), "{tokens:?}");
    let history = answer("What is the history of a person?", "what");
    assert_eq!(history, [json!("create done")]);
    let renamed = answer(
        "The same field by field: which value took the place of which?",
        "after",
    );
    assert!(renamed.contains(&json!("Lovelace")), "{renamed:?}");
    let gone = answer(
        "Who is gone from the console, and still active in Oomnitza?",
        "oomnitza_id",
    );
    assert_eq!(gone.len(), 1);
    let tries = answer("Which loads had to be tried more than once?", "tries");
    assert_eq!(tries, [json!(2)]);
}

/// The value of a directive that stands once in the unit.
#[track_caller]
fn directive<'u>(unit: &'u str, name: &str) -> &'u str {
    let values: Vec<&str> = unit
        .lines()
        .filter_map(|line| line.strip_prefix(name)?.strip_prefix('='))
        .collect();
    let [value] = values.as_slice() else {
        panic!("{name} stands {} times in the unit", values.len());
    };
    value
}

#[test]
fn the_service_says_what_is_promised() {
    let unit = document("deploy/systemd/rollcall.service");
    for (name, value) in [
        ("Type", "notify"),
        ("ExecStartPre", "/usr/bin/rollcall check"),
        ("ExecStart", "/usr/bin/rollcall serve"),
        ("ExecReload", "/bin/kill -HUP $MAINPID"),
        ("WatchdogSec", "60"),
        ("Restart", "on-failure"),
        ("User", "rollcall"),
        ("Group", "rollcall"),
        ("StateDirectory", "rollcall"),
        ("RuntimeDirectory", "rollcall"),
        ("UMask", "0027"),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
    ] {
        assert_eq!(directive(&unit, name), value, "{name}");
    }
    // Peers of the socket must keep their names, and the systems may be anywhere.
    for name in ["PrivateUsers", "IPAddressDeny", "PrivateNetwork"] {
        assert!(!unit.contains(&format!("\n{name}=")), "{name}");
    }
    // The credentials of the configurations that are shipped are those that the service hands over.
    for file in [
        "config/minimal.yaml",
        "config/rollcall.yaml",
        "deploy/deb/rollcall.yaml",
    ] {
        let yaml = document(file);
        let names: Vec<&str> = yaml
            .split("systemd: ")
            .skip(1)
            .map(|rest| rest.split([' ', '\n', '}']).next().unwrap())
            .collect();
        assert_eq!(names.len(), 2, "{file}");
        for name in names {
            assert!(
                unit.contains(&format!("\nLoadCredential={name}:")),
                "{file}: {name}"
            );
        }
    }
}

#[test]
fn systemd_finds_nothing_to_say_about_the_service() {
    if Command::new("systemd-analyze")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("skipped: there is no systemd-analyze here");
        return;
    }
    let ended = Command::new(root().join("deploy/check.sh"))
        .output()
        .unwrap();
    assert!(
        ended.status.success(),
        "{}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[test]
fn the_configuration_of_the_package_is_right_and_loads_nothing_by_itself() {
    let company = Company::plain(1, 1.0);
    let yaml = document("deploy/deb/rollcall.yaml");
    company.rollcall.write_config(&yaml);
    let ended = company.rollcall.check().with_code(0);
    assert!(!ended.talk().contains("warning"), "{}", ended.talk());
    assert!(yaml.contains("\n      paused: "));
}
