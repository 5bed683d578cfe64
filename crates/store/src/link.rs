//! A connection that mends itself: whatever a call left of it, the next call finds it sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection};
use tokio::sync::{Mutex, MutexGuard};

/// What a connection may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// Read and write.
    Write,
    /// Read alone, as a member of the file's group may.
    Read,
}

/// One connection to the file, used by one call at a time.
///
/// A daemon lives on when a disk was full: SQLite then ends a transaction by itself, and sqlx would count it
/// as open for ever. Likewise a call may be dropped in the middle of a transaction.
pub(crate) struct Link {
    path: PathBuf,
    access: Access,
    busy: Duration,
    connection: Mutex<SqliteConnection>,
}

impl Link {
    /// Connects to a file that is there; waits at most `busy` for another connection's lock.
    pub(crate) async fn open(
        path: &Path,
        access: Access,
        busy: Duration,
    ) -> Result<Self, sqlx::Error> {
        Ok(Self {
            path: path.to_owned(),
            access,
            busy,
            connection: Mutex::new(connect(path, access, busy).await?),
        })
    }

    /// Waits for the connection; it is outside of any transaction.
    pub(crate) async fn take(&self) -> MutexGuard<'_, SqliteConnection> {
        let mut connection = self.connection.lock().await;
        if connection.is_in_transaction() {
            // A transaction that was dropped has its rollback under way, which this waits for.
            // Where SQLite had rolled back by itself, the rollback failed, and sqlx takes it to be open for ever.
            let sound = connection.ping().await.is_ok() && !connection.is_in_transaction();
            if !sound && let Ok(new) = connect(&self.path, self.access, self.busy).await {
                *connection = new;
            }
            // Where there is no new one, the old one fails with an error of its own, and the next call tries again.
        }
        connection
    }

    /// Closes the connection.
    pub(crate) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.into_inner().close().await
    }
}

/// Opens a connection to a file that is there.
pub(crate) async fn connect(
    path: &Path,
    access: Access,
    busy: Duration,
) -> Result<SqliteConnection, sqlx::Error> {
    let options = options(path, busy);
    match access {
        Access::Read => options.read_only(true).connect().await,
        Access::Write => {
            // Pages that retention frees can be given back, if that is said before the first table is made.
            // Of other files the setting would be written again, even while there is no room.
            let new = fs::metadata(path).is_ok_and(|file| file.len() == 0);
            let options = if new {
                options.auto_vacuum(SqliteAutoVacuum::Incremental)
            } else {
                options
            };
            let mut connection = options
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .foreign_keys(true)
                // Users are 1 to 2 kB: with larger pages, written back less often, a first load takes half the writes.
                .page_size(8192)
                .pragma("wal_autocheckpoint", "6000")
                // What a long transaction leaves of the log is cut back to this.
                .pragma("journal_size_limit", "67108864")
                .connect()
                .await?;
            keep_wal(&mut connection).await?;
            Ok(connection)
        }
    }
}

/// What all connections have in common.
pub(crate) fn options(path: &Path, busy: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(busy)
        // Statements are few and long: the slow ones are told by the run's own figures, not by sqlx.
        .disable_statement_logging()
        .pragma("cache_size", "-4096")
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
    let code = unsafe {
        libsqlite3_sys::sqlite3_file_control(
            handle.as_raw_handle().as_ptr(),
            c"main".as_ptr(),
            libsqlite3_sys::SQLITE_FCNTL_PERSIST_WAL,
            (&raw mut on).cast(),
        )
    };
    if code == libsqlite3_sys::SQLITE_OK {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol(format!(
            "SQLite cannot keep the write-ahead log (code {code})"
        )))
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Executor;

    use super::*;

    async fn link(folder: &tempfile::TempDir) -> Link {
        let path = folder.path().join("rollcall.db");
        std::fs::File::create(&path).unwrap();
        let link = Link::open(&path, Access::Write, Duration::ZERO)
            .await
            .unwrap();
        let table = "CREATE TABLE rows (row INTEGER) STRICT";
        link.take().await.execute(table).await.unwrap();
        link
    }

    async fn rows(link: &Link) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM rows")
            .fetch_one(&mut *link.take().await)
            .await
            .unwrap()
    }

    async fn write_one(link: &Link) -> Result<(), sqlx::Error> {
        let mut connection = link.take().await;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        transaction.execute("INSERT INTO rows VALUES (1)").await?;
        transaction.commit().await
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_does_not_stay_open() {
        let folder = tempfile::tempdir().unwrap();
        let link = link(&folder).await;
        {
            let mut connection = link.take().await;
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.unwrap();
            transaction
                .execute("INSERT INTO rows VALUES (1)")
                .await
                .unwrap();
            // As SQLite does when a write fails, without sqlx knowing.
            transaction.execute("ROLLBACK").await.unwrap();
            assert!(transaction.commit().await.is_err());
        }
        assert_eq!(rows(&link).await, 0);
        write_one(&link).await.unwrap();
        assert_eq!(rows(&link).await, 1);
    }

    #[tokio::test]
    async fn a_call_that_is_dropped_anywhere_leaves_nothing_open() {
        let folder = tempfile::tempdir().unwrap();
        let link = link(&folder).await;
        let mut written = 0;
        for waited in 0..300 {
            let patience = Duration::from_micros(waited * 5);
            let write = tokio::time::timeout(patience, write_one(&link));
            let done = matches!(write.await, Ok(Ok(())));
            let found = rows(&link).await;
            // What was dropped at its commit may be there or not.
            assert!(
                found == written + 1 || (found == written && !done),
                "{found}"
            );
            written = found;
        }
        write_one(&link).await.unwrap();
        assert_eq!(rows(&link).await, written + 1);
    }
}
