//! The file of an earlier version: what its views showed, they show after the migration.

use std::path::Path;

use sqlx::migrate::Migrator;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use store::{Cell, NewSlot, Store};

use crate::support::{at, text};

/// Rows in every table that version 0001 had.
const ROWS: &str = r#"
INSERT INTO integrations VALUES (1, 'users', 'p', 1795392000000), (2, 'others', NULL, NULL);
INSERT INTO runs (run, run_id, integration, trigger, state, dry_run, partial, started_at, finished_at,
                  seen, created, skipped, config_hash, portion, portion_open, error)
VALUES (1, 'run-1', 1, 'manual', 'completed', 0, 0, 1795392000000, 1795392060000, 2, 1, 1, '0123456789ab', NULL, 0, NULL),
       (2, 'run-2', 2, 'manual', 'running', 1, 0, 1795392000000, NULL, 0, 0, 0, 'ba9876543210', 'portion', 1, 'cut');
INSERT INTO people (person, integration, source_id, email, user_version, user_hash, record_version, record_hash,
                    first_seen_at, seen_at, present)
VALUES (1, 1, '225', 'ada@acme.com', 1, x'00', 1, x'00', 1795392000000, 1795392000000, 1);
INSERT INTO user_versions VALUES (1, 1, 1, '{"scope":"site","scopeRoles":[{"id":"10","roleId":"5"}]}');
INSERT INTO record_versions VALUES (1, 1, 1, '{"email":"ada@acme.com"}');
INSERT INTO changes VALUES (1, 1, 1, 'create', 'done', 'email', '9001');
INSERT INTO change_values VALUES (1, '"ada@acme.com"', NULL, '{"email":"ada@acme.com"}');
INSERT INTO errors VALUES (1, 1, NULL, 1795392000000, 'skipped', 'no_sync_key', NULL, 'no key', NULL, NULL, NULL);
INSERT INTO open_errors VALUES (NULL, 1, 1, 'no_sync_key', 1795392000000, 1);
INSERT INTO forms VALUES (1, '9001', 'phone', '"1"', '"2"');
INSERT INTO roles VALUES (1, '5', 'Night shift');
INSERT INTO notices VALUES (1, 1, 'unverified', '', 'no log', 1795392000000, NULL);
"#;

/// Rows of version 0008: all sites were read, then one of them, in which two are not; one of these was read alone since.
const ELSEWHERE: &str = "
INSERT INTO integrations (integration, name, population, last_read_at) VALUES (1, 'users', 'one', 1795392060000);
INSERT INTO runs (run, run_id, integration, trigger, state, dry_run, partial, started_at, read_at, planned_at, config_hash,
                  population)
VALUES (1, 'run-1', 1, 'manual', 'completed', 0, 0, 1795392000000, 1795392000001, 1795392000003, '0123456789ab', 'all'),
       (2, 'run-2', 1, 'manual', 'completed', 0, 0, 1795392060000, 1795392060001, 1795392060003, '0123456789ab', 'one'),
       (3, 'run-3', 1, 'manual', 'completed', 0, 1, 1795392120000, 1795392120001, 1795392120003, '0123456789ab', NULL);
INSERT INTO people (person, integration, source_id, user_version, user_hash, first_seen_at, seen_at, present)
VALUES (1, 1, '225', 1, x'00', 1795392000002, 1795392000002, 1),
       (2, 1, '226', 2, x'00', 1795392000002, 1795392000002, 0),
       (3, 1, '227', 3, x'00', 1795392000002, 1795392120002, 0);
INSERT INTO absences (person, run, at, gone) VALUES (2, 2, 1795392060001, 0), (3, 2, 1795392060001, 0);
";

const VIEWS: [&str; 7] = [
    "v_runs",
    "v_errors",
    "v_open_errors",
    "v_people",
    "v_access",
    "v_changes",
    "v_notices",
];

/// Makes a file as version 0001 does, with rows in it.
async fn first_version(path: &Path) -> SqliteConnection {
    version(path, 1).await
}

/// Makes a file as a version does, with rows in it.
async fn version(path: &Path, version: i64) -> SqliteConnection {
    let all: Migrator = sqlx::migrate!("../../migrations");
    let first = all.iter().filter(|migration| migration.version <= version);
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .foreign_keys(true)
        .connect()
        .await
        .unwrap();
    Migrator::with_migrations(first.cloned().collect())
        .run(&mut connection)
        .await
        .unwrap();
    let rows = if version == 1 { ROWS } else { ELSEWHERE };
    sqlx::raw_sql(rows).execute(&mut connection).await.unwrap();
    connection
}

/// What a view shows, each row as JSON, by the columns that it has in the older version.
async fn shown(connection: &mut SqliteConnection, view: &str) -> (String, Vec<String>) {
    let columns: String =
        sqlx::query_scalar("SELECT group_concat(name, ', ') FROM pragma_table_info(?)")
            .bind(view)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
    let sql = format!("SELECT json_array({columns}) FROM {view}");
    let rows = sqlx::query(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await
        .unwrap();
    (columns, rows.iter().map(|row| row.get(0)).collect())
}

#[tokio::test]
async fn the_views_keep_their_columns_and_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let mut connection = first_version(&path).await;
    let mut before = Vec::new();
    for view in VIEWS {
        let (columns, rows) = shown(&mut connection, view).await;
        assert!(!rows.is_empty(), "{view}");
        before.push((view, columns, rows));
    }
    connection.close().await.unwrap();

    let store = Store::open(&path).await.unwrap();
    for (view, columns, rows) in before {
        let sql = format!("SELECT json_array({columns}) FROM {view}");
        let after: Vec<Cell> = store.select(sql, &[]).await.unwrap().rows.concat();
        let rows: Vec<Cell> = rows.iter().map(|row| text(row)).collect();
        assert_eq!(after, rows, "{view}");
        let first = store
            .select(format!("SELECT * FROM {view}"), &[])
            .await
            .unwrap()
            .columns;
        assert!(first.join(", ").starts_with(&columns), "{view}: {first:?}");
    }
    store.close().await.unwrap();
}

#[tokio::test]
async fn what_an_earlier_version_loaded_can_be_scheduled() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    first_version(&path).await.close().await.unwrap();
    let store = Store::open(&path).await.unwrap();
    let ledgers = store.ledgers(&["users".to_owned()]).await.unwrap();
    assert_eq!((ledgers[0].key, ledgers[0].from), (1, None));
    assert_eq!(store.last_service().await.unwrap(), None);
    assert_eq!(store.unfinished_integrations().await.unwrap(), ["others"]);
    let due = [NewSlot {
        integration: 1,
        due_at: at(0),
    }];
    assert_eq!(store.notice_slots(&due, at(0)).await.unwrap().len(), 1);
    store.close().await.unwrap();
}

#[tokio::test]
async fn who_was_absent_before_an_upgrade_is_absent_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let mut connection = first_version(&path).await;
    let absent = "UPDATE runs SET planned_at = started_at, read_at = started_at WHERE run = 1;
                  UPDATE people SET present = 0, gone_since = 1795392000000";
    sqlx::raw_sql(absent)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let store = Store::open(&path).await.unwrap();
    let history = store.history(1).await.unwrap();
    assert_eq!(history.absences.len(), 1);
    let absence = &history.absences[0];
    assert_eq!(absence.run.run, 1);
    assert_eq!(absence.gone, Some((absence.run.clone(), at(0))));
    assert_eq!(history.users.len(), 1);
    store.close().await.unwrap();
}

#[tokio::test]
async fn who_was_in_a_population_that_is_not_read_any_more_is_known_after_an_upgrade() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    version(&path, 8).await.close().await.unwrap();
    let store = Store::open(&path).await.unwrap();
    let members = "SELECT person, population FROM members".to_owned();
    // Where the other one was last is not on record.
    assert_eq!(
        store.select(members, &[]).await.unwrap().rows,
        [[Cell::Integer(2), text("all")]]
    );
    store.close().await.unwrap();
}
