//! The file: made, opened by several, refused, left behind.

use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

use sqlx::{ConnectOptions, Connection, Executor};
use store::Verdict::Unchanged;
use store::{Cause, Store};

use crate::support::{bed, seen};

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    sqlx::sqlite::SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

async fn refusal(path: &Path) -> store::Error {
    match Store::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_new_file_may_be_read_by_the_group_and_nobody_else() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    for suffix in ["", "-wal", "-shm"] {
        let file = format!("{}{suffix}", bed.path().display());
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640, "{file}");
    }
}

#[tokio::test]
async fn the_log_stays_after_closing_and_is_empty() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    let path = bed.path();
    bed.store.close().await.unwrap();
    let log = fs::metadata(format!("{}-wal", path.display())).unwrap();
    assert_eq!(log.len(), 0);
    assert!(fs::exists(format!("{}-shm", path.display())).unwrap());
    let store = Store::open_read_only(&path).await.unwrap();
    let rows = store
        .select("SELECT source_id FROM v_people".to_owned(), &[])
        .await
        .unwrap();
    assert_eq!(rows.rows.len(), 1);
    store.close().await.unwrap();
    assert!(fs::exists(format!("{}-wal", path.display())).unwrap());
}

#[tokio::test]
async fn a_reader_sees_what_a_writer_has_just_written() {
    let bed = bed().await;
    let reader = Store::open_read_only(&bed.path()).await.unwrap();
    bed.run(&[seen("1", Unchanged)], 0).await;
    let rows = reader
        .select("SELECT source_id FROM v_people".to_owned(), &[])
        .await
        .unwrap();
    assert_eq!(rows.rows.len(), 1);
}

#[tokio::test]
async fn what_was_opened_for_reading_cannot_be_written() {
    let bed = bed().await;
    let reader = Store::open_read_only(&bed.path()).await.unwrap();
    let error = reader.integration("a").await.unwrap_err();
    assert_eq!(error.cause(), Cause::ReadOnly);
    assert!(
        error
            .to_string()
            .contains(&bed.path().display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn opening_again_keeps_everything() {
    let bed = bed().await;
    bed.run(&[seen("1", Unchanged)], 0).await;
    bed.store.close().await.unwrap();
    let store = Store::open(&bed.folder.path().join("rollcall.db"))
        .await
        .unwrap();
    assert_eq!(
        store
            .integration("sentinelone-users")
            .await
            .unwrap()
            .present,
        1
    );
    let others: Vec<_> = fs::read_dir(bed.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("before"))
        .collect();
    assert!(others.is_empty(), "no migration, no copy: {others:?}");
}

#[tokio::test]
async fn many_may_open_a_new_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let opening = (0..8).map(|i| {
        let path = path.clone();
        tokio::spawn(async move {
            let store = Store::open(&path).await.unwrap();
            store
                .integration(&format!("integration-{i}"))
                .await
                .unwrap();
        })
    });
    for task in opening.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let store = Store::open_read_only(&path).await.unwrap();
    let rows = store
        .select("SELECT name FROM integrations".to_owned(), &[])
        .await
        .unwrap();
    assert_eq!(rows.rows.len(), 8);
}

#[test]
fn many_processes_may_open_a_new_file_at_once() {
    // This test starts itself again; in there the variable says which file to open.
    const FILE: &str = "STORE_TEST_FILE";
    let open = |path: &Path| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = Store::open(path).await.unwrap();
            store
                .integration(&std::process::id().to_string())
                .await
                .unwrap();
        });
    };
    if let Some(path) = std::env::var_os(FILE) {
        open(Path::new(&path));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let program = std::env::current_exe().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            std::process::Command::new(&program)
                .args([
                    "--exact",
                    "opening::many_processes_may_open_a_new_file_at_once",
                ])
                .env(FILE, &path)
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let rows = runtime.block_on(async {
        let store = Store::open_read_only(&path).await.unwrap();
        store
            .select("SELECT name FROM integrations".to_owned(), &[])
            .await
            .unwrap()
            .rows
    });
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_relative_path_without_a_folder_is_in_the_working_folder() {
    let error = refusal(Path::new("Cargo.toml")).await;
    assert_eq!(error.cause(), Cause::NotADatabase);
}

#[tokio::test]
async fn a_newer_file_is_refused_and_left_as_it_is() {
    let bed = bed().await;
    let path = bed.path();
    bed.store.close().await.unwrap();
    let mut connection = raw(&path).await;
    connection
        .execute(
            "INSERT INTO _sqlx_migrations VALUES (9999, 'later', current_timestamp, 1, x'00', 1)",
        )
        .await
        .unwrap();
    connection.close().await.unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.cause(), Cause::Newer);
    assert!(
        error.to_string().contains("newer version of Rollcall"),
        "{error}"
    );
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    let error = Store::open_read_only(&path).await.err().unwrap();
    assert_eq!(error.cause(), Cause::Newer);
}

#[tokio::test]
async fn another_kind_of_file_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let text = "This is a letter, not a database. ".repeat(100);
    fs::write(&path, &text).unwrap();
    let error = refusal(&path).await;
    assert_eq!(error.cause(), Cause::NotADatabase);
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn a_damaged_file_is_told_from_others() {
    const PAGE: u64 = 8192;
    let bed = bed().await;
    let users: Vec<_> = ["1", "2", "3", "4", "5", "6", "7", "8", "9"]
        .map(|id| seen(id, Unchanged))
        .into();
    bed.run(&users, 0).await;
    let path = bed.path();
    bed.store.close().await.unwrap();
    // All pages but the first lose their heads; the first says where the tables are.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    for page in 1..file.metadata().unwrap().len() / PAGE {
        file.write_all_at(&[0xA5; 512], page * PAGE).unwrap();
    }
    drop(file);
    let error = match Store::open(&path).await {
        Err(error) => error,
        Ok(store) => store.integration("sentinelone-users").await.unwrap_err(),
    };
    assert_eq!(error.cause(), Cause::Damaged);
    assert!(error.to_string().contains("the file is damaged"), "{error}");
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent").join("rollcall.db");
    let error = refusal(&path).await;
    assert_eq!(error.cause(), Cause::CannotOpen);
    assert!(
        error.to_string().contains(&path.display().to_string()),
        "{error}"
    );
    let error = Store::open_read_only(&path).await.err().unwrap();
    assert_eq!(error.cause(), Cause::CannotOpen);
    assert!(!fs::exists(folder.path().join("absent")).unwrap());
}

#[tokio::test]
async fn a_folder_in_place_of_the_file_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    fs::create_dir(&path).unwrap();
    assert_eq!(refusal(&path).await.cause(), Cause::CannotOpen);
}
