//! Opening the file: its modes, its pragmas, its migrations, and the copy made before one runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::{Cause, Error};

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");

/// How long a call waits for another connection's lock.
const BUSY: Duration = Duration::from_secs(10);

/// The database: one connection that writes, one that reads beside it.
pub struct Store {
    path: PathBuf,
    writer: Mutex<SqliteConnection>,
    reader: Mutex<SqliteConnection>,
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
        let doing = "open";
        let folder = path.parent().unwrap_or(Path::new("."));
        // Two processes that open a new file at once must not both migrate it.
        let turn = fs::File::open(folder).and_then(|folder| folder.lock().map(|()| folder));
        let _turn = turn.map_err(|source| Error::new(path, doing, sqlx::Error::Io(source)))?;
        make_private(path).map_err(|source| Error::new(path, doing, sqlx::Error::Io(source)))?;
        let options = options(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .pragma("journal_size_limit", "16777216");
        let mut writer = options
            .connect()
            .await
            .map_err(|source| Error::new(path, doing, source))?;
        migrate(path, &mut writer).await?;
        keep_wal(&mut writer)
            .await
            .map_err(|source| Error::new(path, doing, source))?;
        let reader = read_only(path).await?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// Opens the database at `path` for reading alone, as a member of its group may; nothing in it changes.
    ///
    /// # Errors
    /// There is no such file, or it cannot be read; the error names it.
    pub async fn open_read_only(path: &Path) -> Result<Self, Error> {
        let mut writer = read_only(path).await?;
        check_version(path, &mut writer).await?;
        let reader = read_only(path).await?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    /// Closes both connections; the write-ahead log stays beside the file, empty, so that readers need no right to write.
    ///
    /// # Errors
    /// The last checkpoint failed.
    pub async fn close(self) -> Result<(), Error> {
        let closing = async {
            self.reader.into_inner().close().await?;
            self.writer.into_inner().close().await
        };
        closing
            .await
            .map_err(|source| Error::new(&self.path, "close", source))
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) async fn writer(&self) -> MutexGuard<'_, SqliteConnection> {
        self.writer.lock().await
    }

    pub(crate) async fn reader(&self) -> MutexGuard<'_, SqliteConnection> {
        self.reader.lock().await
    }

    /// Gives an adapter that turns sqlx's error into ours.
    pub(crate) fn failed(&self, doing: &'static str) -> impl Fn(sqlx::Error) -> Error + '_ {
        move |source| Error::new(&self.path, doing, source)
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(BUSY)
        // Statements are few and long: the slow ones are told by the run's own figures, not by sqlx.
        .disable_statement_logging()
        .pragma("cache_size", "-4096")
}

async fn read_only(path: &Path) -> Result<SqliteConnection, Error> {
    options(path)
        .read_only(true)
        .connect()
        .await
        .map_err(|source| Error::new(path, "open", source))
}

/// Makes the file with mode 0640 before SQLite does, which gives the log beside it the same mode.
fn make_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    match fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o640)
        .open(path)
    {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks SQLite to leave the `-wal` and `-shm` files when the last connection closes.
///
/// Without them a reader would have to make them, for which a member of the group has no right
/// (<https://sqlite.org/wal.html#read_only_databases>).
#[expect(unsafe_code, reason = "sqlx has no call for this file control")]
async fn keep_wal(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    let mut on: std::ffi::c_int = 1;
    // SAFETY: the handle is locked for the time of the call, the name is a C string, and the argument of
    // SQLITE_FCNTL_PERSIST_WAL is a pointer to an int that outlives the call.
    unsafe {
        libsqlite3_sys::sqlite3_file_control(
            handle.as_raw_handle().as_ptr(),
            c"main".as_ptr(),
            libsqlite3_sys::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        );
    }
    Ok(())
}

async fn applied_version(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let table: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if table == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
}

fn newest_version() -> i64 {
    MIGRATIONS
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

async fn check_version(path: &Path, connection: &mut SqliteConnection) -> Result<(), Error> {
    let version = applied_version(connection)
        .await
        .map_err(|source| Error::new(path, "read the version", source))?;
    match version {
        Some(version) if version > newest_version() => {
            Err(Error::because(path, "read", Cause::Newer))
        }
        _ => Ok(()),
    }
}

async fn migrate(path: &Path, connection: &mut SqliteConnection) -> Result<(), Error> {
    check_version(path, connection).await?;
    let version = applied_version(connection)
        .await
        .map_err(|source| Error::new(path, "read the version", source))?;
    if let Some(version) = version
        && version < newest_version()
    {
        let copy = format!("{}.before-{:04}", path.display(), version + 1);
        copy_to(connection, Path::new(&copy))
            .await
            .map_err(|source| Error::new(path, "make a copy before a migration", source))?;
    }
    MIGRATIONS
        .run(connection)
        .await
        .map_err(|source| Error::migration(path, source))
}

async fn copy_to(connection: &mut SqliteConnection, copy: &Path) -> Result<(), sqlx::Error> {
    // VACUUM INTO refuses an existing file; one of an earlier, broken upgrade is older than what is here.
    match fs::remove_file(copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let target = copy.display().to_string().replace('\'', "''");
    sqlx::query(AssertSqlSafe(format!("VACUUM INTO '{target}'")))
        .execute(connection)
        .await?;
    Ok(())
}
