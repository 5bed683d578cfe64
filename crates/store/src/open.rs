//! Opening the file: its mode, its version, and its two connections.

use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;
use tokio::sync::MutexGuard;

use crate::error::Error;
use crate::link::{Access, Link};
use crate::migrate::{MIGRATIONS, check_version, migrate};

/// How long a call waits for another connection's lock.
pub(crate) const BUSY: Duration = Duration::from_secs(10);

/// What could not be done when a file is refused.
const OPEN: &str = "open the tables";

/// The database: one connection that writes, one that reads beside it.
pub struct Store {
    path: PathBuf,
    writer: Link,
    reader: Link,
}

impl Store {
    /// Opens the database at `path`, makes it (mode 0640) if there is none, and brings its tables up to date.
    ///
    /// Before a migration of tables that hold something, a copy is written beside the file:
    /// `rollcall.db.before-0002` for migration 2.
    ///
    /// # Errors
    /// The file is no database, damaged, locked, of a newer version, or may not be written; the error names it.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        Self::open_as(path, &MIGRATIONS, BUSY).await
    }

    async fn open_as(path: &Path, migrations: &Migrator, busy: Duration) -> Result<Self, Error> {
        let not_open = |source| Error::new(path, OPEN, source);
        // Two processes that open a new file at once must not both migrate it.
        let _turn = take_turn(path)
            .await
            .map_err(|error| not_open(error.into()))?;
        make_private(path).map_err(|error| not_open(error.into()))?;
        let writer = Link::open(path, Access::Write, busy)
            .await
            .map_err(not_open)?;
        migrate(path, &mut *writer.take().await, migrations).await?;
        let reader = Link::open(path, Access::Read, busy)
            .await
            .map_err(not_open)?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            reader,
        })
    }

    /// Opens the database at `path` for reading alone, as a member of its group may; nothing in it changes.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read; the error names it.
    pub async fn open_read_only(path: &Path) -> Result<Self, Error> {
        let not_open = |source| Error::new(path, OPEN, source);
        let writer = Link::open(path, Access::Read, BUSY)
            .await
            .map_err(not_open)?;
        check_version(path, &mut *writer.take().await, &MIGRATIONS).await?;
        let reader = Link::open(path, Access::Read, BUSY)
            .await
            .map_err(not_open)?;
        Ok(Self {
            path: path.to_owned(),
            writer,
            reader,
        })
    }

    /// Closes both connections; the write-ahead log stays beside the file, empty, so that readers need no right to write.
    ///
    /// # Errors
    /// The last checkpoint failed.
    pub async fn close(self) -> Result<(), Error> {
        let closing = async {
            self.reader.close().await?;
            self.writer.close().await
        };
        closing
            .await
            .map_err(|source| Error::new(&self.path, "write back the log", source))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.writer.take().await
    }

    pub(crate) async fn reader(&self) -> MutexGuard<'_, SqliteConnection> {
        self.reader.take().await
    }

    /// Gives an adapter that turns sqlx's error into ours.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Error + '_ {
        move |source| Error::new(&self.path, doing, source)
    }
}

/// Locks the folder of the file until the answer is dropped.
async fn take_turn(path: &Path) -> io::Result<fs::File> {
    let folder = folder_of(path).to_owned();
    // The lock is waited for in a thread of its own: its holder may need this one to go on.
    let taking = tokio::task::spawn_blocking(move || {
        let folder = fs::File::open(folder)?;
        folder.lock()?;
        Ok(folder)
    });
    taking.await?
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// Makes the file with mode 0640 before SQLite does, which gives the log beside it the same mode.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        // Set, not asked for: the group reads it whatever the umask is.
        Ok(file) => file.set_permissions(fs::Permissions::from_mode(0o640)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::migrate::{Migration, MigrationType};
    use sqlx::{ConnectOptions, Executor, SqlSafeStr};

    use super::*;
    use crate::error::Cause;
    use crate::link::{connect, options};

    const MOMENT: Duration = Duration::from_millis(50);

    /// The schema as it is, and one version more.
    fn next_version(sql: &'static str) -> Migrator {
        let version = MIGRATIONS.iter().map(|known| known.version).max().unwrap() + 1;
        let next = Migration::new(
            version,
            Cow::Borrowed("next"),
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        );
        Migrator::with_migrations(MIGRATIONS.iter().cloned().chain([next]).collect())
    }

    async fn count(path: &Path, sql: &'static str) -> i64 {
        let mut connection = connect(path, Access::Read, MOMENT).await.unwrap();
        sqlx::query_scalar(sql)
            .fetch_one(&mut connection)
            .await
            .unwrap()
    }

    const INTEGRATIONS: &str = "SELECT count(*) FROM integrations";

    #[tokio::test]
    async fn a_copy_of_the_older_version_is_made_before_a_migration() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("it's rollcall.db");
        let store = Store::open(&path).await.unwrap();
        store.integration("a").await.unwrap();
        store.close().await.unwrap();
        let next = next_version("DELETE FROM integrations; CREATE TABLE later (id INTEGER) STRICT");
        let version = next.iter().map(|known| known.version).max().unwrap();
        let copy = PathBuf::from(format!("{}.before-{version:04}", path.display()));
        assert!(!fs::exists(&copy).unwrap());
        fs::write(&copy, "what an upgrade left that broke off").unwrap();

        let store = Store::open_as(&path, &next, MOMENT).await.unwrap();
        store.close().await.unwrap();
        assert_eq!(count(&path, INTEGRATIONS).await, 0);
        assert_eq!(count(&copy, INTEGRATIONS).await, 1);
        let mode = fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        // The file is now newer than this version; the copy is not.
        let error = Store::open(&path).await.err().unwrap();
        assert_eq!(error.cause(), Cause::Newer);
        Store::open(&copy).await.unwrap().close().await.unwrap();
    }

    #[tokio::test]
    async fn a_migration_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let store = Store::open(&path).await.unwrap();
        store.integration("a").await.unwrap();
        store.close().await.unwrap();
        let next = next_version("DELETE FROM integrations; SELECT no_such_function()");
        assert!(Store::open_as(&path, &next, MOMENT).await.is_err());
        assert_eq!(count(&path, INTEGRATIONS).await, 1);
        Store::open(&path).await.unwrap().close().await.unwrap();
    }

    #[tokio::test]
    async fn a_lock_that_another_program_keeps_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let store = Store::open_as(&path, &MIGRATIONS, MOMENT).await.unwrap();
        let mut other = options(&path, MOMENT).connect().await.unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        let error = store.integration("a").await.unwrap_err();
        assert_eq!(error.cause(), Cause::Locked);
        assert_eq!(
            error.to_string(),
            format!(
                "could not look up an integration in the database `{}`: \
                 another program keeps it locked; close what writes to it and try again",
                path.display()
            )
        );
        other.execute("COMMIT").await.unwrap();
        store.integration("a").await.unwrap();
    }

    #[tokio::test]
    async fn a_new_file_that_another_program_locks_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let mut other = options(&path, MOMENT)
            .create_if_missing(true)
            .connect()
            .await
            .unwrap();
        other.execute("BEGIN EXCLUSIVE").await.unwrap();
        let error = Store::open_as(&path, &MIGRATIONS, MOMENT)
            .await
            .err()
            .unwrap();
        assert_eq!(error.cause(), Cause::Locked);
    }

    #[tokio::test]
    async fn a_full_disk_is_told_and_nothing_is_half_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let store = Store::open(&path).await.unwrap();
        // SQLite answers at this limit as it does when the disk is full.
        let limit = "PRAGMA max_page_count = 1";
        store.writer().await.execute(limit).await.unwrap();
        let roles: Vec<_> = (0..5000)
            .map(|i| (i.to_string(), "x".repeat(100)))
            .collect();
        let key = store.integration("a").await.unwrap().key;
        let error = store.replace_roles(key, &roles).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Full);
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert_eq!(count(&path, "SELECT count(*) FROM roles").await, 0);
        // Once there is room again, the same connection goes on.
        let limit = "PRAGMA max_page_count = 1000000";
        store.writer().await.execute(limit).await.unwrap();
        store.replace_roles(key, &roles).await.unwrap();
        assert_eq!(count(&path, "SELECT count(*) FROM roles").await, 5000);
    }

    #[tokio::test]
    async fn what_a_large_transaction_leaves_of_the_log_is_cut_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.db");
        let store = Store::open(&path).await.unwrap();
        let key = store.integration("a").await.unwrap().key;
        let roles: Vec<_> = (0..40_000)
            .map(|i| (i.to_string(), "x".repeat(2500)))
            .collect();
        store.replace_roles(key, &roles).await.unwrap();
        store.replace_roles(key, &[]).await.unwrap();
        store.replace_roles(key, &roles[..1]).await.unwrap();
        let log = fs::metadata(format!("{}-wal", path.display())).unwrap();
        assert!(log.len() <= 64 << 20, "{} bytes", log.len());
    }
}
