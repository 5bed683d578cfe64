//! A look through the file without writing anything, not even what SQLite keeps beside it.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::error::{Cause, Error};
use crate::migrate::{MIGRATIONS, check_version, newest_version};
use crate::open::BUSY;

/// What a look through a database showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// The version of its tables; `None`: it has none yet.
    pub version: Option<i64>,
    /// The version that this program brings them to.
    pub newest: i64,
    /// What is damaged, as SQLite words it; empty: nothing.
    pub damage: Vec<String>,
}

/// Looks through the database at `path`, which may be in use.
///
/// A reader by any other way may make the `-wal` and `-shm` files of SQLite, or write into the latter.
///
/// # Errors
/// It cannot be opened, is no database, or is of a newer version; the error names it.
pub async fn examine(path: &Path) -> Result<Examination, Error> {
    const DOING: &str = "look for damage";
    let failed = |source| Error::new(path, DOING, source);
    let options =
        without_a_trace(path).ok_or_else(|| Error::because(path, DOING, Cause::CannotOpen))?;
    let mut connection = options.connect().await.map_err(failed)?;
    let version = check_version(path, &mut connection, &MIGRATIONS).await?;
    let mut damage: Vec<String> = sqlx::query_scalar("PRAGMA quick_check")
        .fetch_all(&mut connection)
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;
    damage.retain(|line| line != "ok");
    Ok(Examination {
        version,
        newest: newest_version(&MIGRATIONS),
        damage,
    })
}

/// How to open a file so that nothing is written; `None`: its path is no text.
fn without_a_trace(path: &Path) -> Option<SqliteConnectOptions> {
    let log = beside(path, "-wal");
    // A log that is empty, or not there, adds nothing to the file, and nobody writes without one.
    let is_whole = fs::metadata(&log).is_ok_and(|log| log.len() == 0) || !log.exists();
    let options = if is_whole && !beside(path, "-shm").exists() {
        SqliteConnectOptions::new().filename(path).immutable(true)
    } else {
        // The index of the log is not written: SQLite makes one of its own in memory where nobody keeps it.
        let path: String = path.to_str()?.bytes().map(escaped).collect();
        SqliteConnectOptions::new().filename(format!("file:{path}?readonly_shm=1"))
    };
    let options = options
        .read_only(true)
        .busy_timeout(BUSY)
        .disable_statement_logging()
        .pragma("cache_size", "-512");
    Some(options)
}

/// A byte as the path of a URI has it.
fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

/// The file of that name with something behind it.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Store;

    /// Every file of a folder with what it holds and when it was written.
    fn files(folder: &Path) -> BTreeMap<PathBuf, (Vec<u8>, std::time::SystemTime)> {
        let files = fs::read_dir(folder).unwrap().map(|entry| {
            let path = entry.unwrap().path();
            let written = fs::metadata(&path).unwrap().modified().unwrap();
            let bytes = fs::read(&path).unwrap();
            (path, (bytes, written))
        });
        files.collect()
    }

    /// Looks, and demands that every file is as it was.
    async fn look(path: &Path) -> Result<Examination, Error> {
        let folder = path.parent().unwrap();
        let before = files(folder);
        let found = examine(path).await;
        assert!(files(folder) == before, "something was written");
        found
    }

    /// A copy of a database in a folder of its own, with some of the files beside it.
    fn copy(path: &Path, suffixes: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("it's 100% rollcall.db");
        for suffix in [""].iter().chain(suffixes) {
            fs::copy(beside(path, suffix), beside(&copy, suffix)).unwrap();
        }
        (folder, copy)
    }

    #[tokio::test]
    async fn a_sound_file_is_looked_through_without_a_trace_in_every_state() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let store = Store::open(&path).await.unwrap();
        store.integration("a").await.unwrap();
        let (_in_use, killed) = copy(&path, &["-wal", "-shm"]);
        let found = look(&killed).await.unwrap();
        assert_eq!(found.version, Some(found.newest));
        assert_eq!(found.damage, [""; 0]);
        // The daemon looks while it uses the file itself.
        assert_eq!(examine(&path).await.unwrap(), found);
        store.integration("b").await.unwrap();
        store.close().await.unwrap();
        assert_eq!(look(&path).await.unwrap(), found);
        let (_restored, restored) = copy(&path, &[]);
        assert_eq!(look(&restored).await.unwrap(), found);
    }

    #[tokio::test]
    async fn what_is_wrong_with_a_file_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        Store::open(&path).await.unwrap().close().await.unwrap();
        let (_holding, damaged) = copy(&path, &[]);
        let mut bytes = fs::read(&damaged).unwrap();
        let end = bytes.len();
        bytes[8192..end].fill(0x5a);
        fs::write(&damaged, &bytes).unwrap();
        match look(&damaged).await {
            Ok(found) => assert_ne!(found.damage, [""; 0]),
            Err(error) => assert_eq!(error.cause(), Cause::Damaged),
        }
        fs::write(&damaged, "a letter to the operator, and no database at all").unwrap();
        let error = look(&damaged).await.unwrap_err();
        assert_eq!(error.cause(), Cause::NotADatabase);
        let error = look(&folder.path().join("nowhere.db")).await.unwrap_err();
        assert_eq!(error.cause(), Cause::CannotOpen);
    }
}
