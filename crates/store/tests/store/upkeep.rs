//! Upkeep and backups, while others use the database.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use sqlx::{AssertSqlSafe, ConnectOptions, Executor};
use store::Verdict::Unchanged;
use store::{Cause, Store};

use crate::support::{Bed, at, bed, seen};

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .connect()
        .await
        .unwrap()
}

async fn value(path: &Path, sql: &str) -> String {
    let mut connection = raw(path).await;
    let sql = format!("SELECT CAST(value AS TEXT) FROM (SELECT ({sql}) AS value)");
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

fn roles(count: usize) -> Vec<(String, String)> {
    (0..count)
        .map(|i| (i.to_string(), "x".repeat(1000)))
        .collect()
}

/// Fills the database with some megabytes, and empties it again.
async fn swell(bed: &Bed) {
    let key = bed.store.integration("a").await.unwrap().key;
    bed.store.replace_roles(key, &roles(5000)).await.unwrap();
    bed.store.replace_roles(key, &[]).await.unwrap();
}

#[tokio::test]
async fn free_pages_are_given_back_some_at_a_time() {
    let bed = bed().await;
    swell(&bed).await;
    assert!(bed.store.checkpoint().await.unwrap());
    let full = bed.store.size().unwrap();
    assert!(full > 4 << 20, "{full} bytes");
    let mut steps = 0;
    while bed.store.optimize(100).await.unwrap() {
        steps += 1;
    }
    assert!(steps > 4, "{steps} steps");
    assert!(bed.store.checkpoint().await.unwrap());
    let left = bed.store.size().unwrap();
    assert!(left < 1 << 20, "{left} bytes");
    assert_eq!(bed.store.quick_check().await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_file_of_the_first_version_is_rewritten_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    // Its tables were made without the setting.
    let mut connection = raw(&path).await;
    connection
        .execute("PRAGMA journal_mode = WAL; CREATE TABLE made_before (id INTEGER) STRICT")
        .await
        .unwrap();
    drop(connection);
    let store = Store::open(&path).await.unwrap();
    let key = store.integration("a").await.unwrap().key;
    store.replace_roles(key, &roles(5000)).await.unwrap();
    store.replace_roles(key, &[]).await.unwrap();
    assert!(!store.optimize(100).await.unwrap());
    assert!(store.vacuum().await.unwrap());
    assert!(!store.vacuum().await.unwrap());
    assert_eq!(
        value(&path, "SELECT auto_vacuum FROM pragma_auto_vacuum").await,
        "2"
    );
    assert!(store.checkpoint().await.unwrap());
    assert!(store.size().unwrap() < 1 << 20);
    store.replace_roles(key, &roles(1)).await.unwrap();
}

#[tokio::test]
async fn the_log_is_written_back_unless_somebody_reads() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let mut reader = raw(&bed.path()).await;
    reader
        .execute("BEGIN; SELECT count(*) FROM people")
        .await
        .unwrap();
    bed.run(&[seen("1", Unchanged)], 1).await;
    assert!(!bed.store.checkpoint().await.unwrap());
    reader.execute("COMMIT").await.unwrap();
    assert!(bed.store.checkpoint().await.unwrap());
    let log = fs::metadata(format!("{}-wal", bed.path().display())).unwrap();
    assert_eq!(log.len(), 0);
    // It is still there for readers, and written to again.
    bed.run(&[seen("1", Unchanged)], 2).await;
    assert_eq!(bed.count("runs").await, 3);
}

#[tokio::test]
async fn memory_is_given_back_and_everything_goes_on() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    bed.store.shrink_memory().await.unwrap();
    bed.run(&[seen("1", Unchanged)], 1).await;
    assert_eq!(bed.count("runs").await, 2);
}

#[tokio::test]
async fn damage_is_found() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    assert_eq!(bed.store.quick_check().await.unwrap(), [""; 0]);
    let mut connection = raw(&bed.path()).await;
    connection
        .execute(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'people')
             WHERE name = 'forms'",
        )
        .await
        .unwrap();
    let found = bed.store.quick_check().await;
    assert!(
        found.as_ref().map_or_else(
            |error| error.cause() == Cause::Damaged,
            |lines| !lines.is_empty()
        ),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_backup_made_while_others_write_is_whole() {
    let bed = bed().await;
    let key = bed.store.integration("a").await.unwrap().key;
    bed.store.replace_roles(key, &roles(2000)).await.unwrap();
    let reader = Store::open_read_only(&bed.path()).await.unwrap();
    let copies: Vec<_> = (0..5)
        .map(|i| bed.folder.path().join(format!("it's copy {i}.db")))
        .collect();
    let backups = async {
        for copy in &copies {
            reader.backup(copy).await.unwrap();
        }
    };
    let writes = async {
        // Either all of the first kind or all of the second, never some.
        loop {
            bed.store.replace_roles(key, &roles(3)).await.unwrap();
            bed.store.replace_roles(key, &roles(2000)).await.unwrap();
        }
    };
    tokio::select! {
        () = backups => {}
        () = writes => {}
    }
    for copy in &copies {
        let mode = fs::metadata(copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        assert!(!fs::exists(format!("{}.part", copy.display())).unwrap());
        // It needs no log beside it.
        assert!(!fs::exists(format!("{}-wal", copy.display())).unwrap());
        assert_eq!(
            value(copy, "SELECT integrity_check FROM pragma_integrity_check").await,
            "ok"
        );
        let roles = value(copy, "SELECT count(*) FROM roles").await;
        assert!(["3", "2000"].contains(&roles.as_str()), "{roles}");
        let store = Store::open(copy).await.unwrap();
        store.integration("b").await.unwrap();
        assert!(!store.vacuum().await.unwrap());
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn a_backup_replaces_nothing_and_leaves_nothing_when_it_fails() {
    let bed = bed().await;
    let folder = bed.folder.path();
    let refused = async |to: &Path| bed.store.backup(to).await.unwrap_err();
    let there = folder.join("there.db");
    fs::write(&there, "mine").unwrap();
    let error = refused(&there).await;
    assert_eq!(error.cause(), Cause::Exists);
    assert_eq!(
        error.to_string(),
        format!(
            "could not write a backup to `{}`: there is a file of that name already; choose another name",
            there.display()
        )
    );
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    assert_eq!(refused(folder).await.cause(), Cause::Exists);
    let error = refused(&folder.join("nowhere/copy.db")).await;
    assert_eq!(error.cause(), Cause::NoFolder);
    assert_eq!(
        refused(&there.join("copy.db")).await.cause(),
        Cause::NoFolder
    );
    let left = fs::read_dir(folder).unwrap().count();
    // The database, its two companions, and the file that was there.
    assert_eq!(left, 4);
}

#[tokio::test]
async fn what_a_backup_left_that_was_killed_is_replaced_and_one_that_goes_on_is_not() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let to = bed.folder.path().join("copy.db");
    let part = bed.folder.path().join("copy.db.part");
    fs::write(&part, "half of a database").unwrap();
    let going_on = fs::File::open(&part).unwrap();
    going_on.lock().unwrap();
    let error = bed.store.backup(&to).await.unwrap_err();
    assert_eq!(error.cause(), Cause::GoingOn);
    assert!(part.exists());
    drop(going_on);
    bed.store.backup(&to).await.unwrap();
    assert!(!part.exists());
    assert_eq!(value(&to, "SELECT count(*) FROM runs").await, "1");
}

#[tokio::test]
async fn a_backup_that_is_dropped_leaves_nothing() {
    let bed = bed().await;
    swell(&bed).await;
    let to = bed.folder.path().join("copy.db");
    let patience = std::time::Duration::from_micros(500);
    let dropped = tokio::time::timeout(patience, bed.store.backup(&to)).await;
    assert!(dropped.is_err() || to.exists());
    assert!(!bed.folder.path().join("copy.db.part").exists());
    let again = bed.folder.path().join("again.db");
    bed.store.backup(&again).await.unwrap();
    assert!(bed.store.integration("a").await.unwrap().last_read_at < Some(at(0)));
}
