//! Upkeep of the file at quiet times: statistics, free pages, memory, the log, a look for damage.

use std::fs;
use std::time::Duration;

use sqlx::sqlite::SqliteConnection;
use sqlx::{ConnectOptions, Connection, Executor};

use crate::error::{Cause, Error};
use crate::link::{Access, connect, options};
use crate::open::{BUSY, Store};

impl Store {
    /// Brings the statistics of the query planner up to date, and gives at most `pages` free pages back to the disk;
    /// says whether there are more to give.
    ///
    /// # Errors
    /// The database refused.
    pub async fn optimize(&self, pages: u32) -> Result<bool, Error> {
        let failed = self.failed("optimize the tables");
        let mut writer = self.writer().await;
        writer.execute("PRAGMA optimize").await.map_err(&failed)?;
        let sql = format!("PRAGMA incremental_vacuum({pages})");
        writer
            .execute(sqlx::AssertSqlSafe(sql))
            .await
            .map_err(&failed)?;
        let (vacuum, free): (i64, i64) = sqlx::query_as(
            "SELECT auto_vacuum, freelist_count FROM pragma_auto_vacuum, pragma_freelist_count",
        )
        .fetch_one(&mut *writer)
        .await
        .map_err(&failed)?;
        Ok(vacuum == INCREMENTAL && free > 0)
    }

    /// Rewrites a file that cannot give free pages back, as those made by Rollcall 0.1 cannot; says whether it was one.
    ///
    /// Nobody can write meanwhile, and the disk needs room for the file twice over: for a quiet time.
    ///
    /// # Errors
    /// The database refused; the file is then as it was.
    pub async fn vacuum(&self) -> Result<bool, Error> {
        let failed = self.failed("rewrite the file");
        let mut writer = self.writer().await;
        let vacuum: i64 = sqlx::query_scalar("PRAGMA auto_vacuum")
            .fetch_one(&mut *writer)
            .await
            .map_err(&failed)?;
        if vacuum == INCREMENTAL {
            return Ok(false);
        }
        // The setting is taken up by the VACUUM that follows.
        writer
            .execute("PRAGMA auto_vacuum = INCREMENTAL; VACUUM")
            .await
            .map_err(&failed)?;
        Ok(true)
    }

    /// Gives back the memory that both connections keep for pages and statements.
    ///
    /// # Errors
    /// The database refused.
    pub async fn shrink_memory(&self) -> Result<(), Error> {
        let failed = self.failed("give memory back");
        shrink(&mut *self.writer().await).await.map_err(&failed)?;
        shrink(&mut *self.reader().await).await.map_err(&failed)
    }

    /// Writes the log back into the file and empties it, unless somebody is reading or writing; says whether it is empty.
    ///
    /// # Errors
    /// The database refused.
    pub async fn checkpoint(&self) -> Result<bool, Error> {
        self.checkpoint_within(Duration::ZERO).await
    }

    /// The same, but whoever reads or writes is waited for so long.
    pub(crate) async fn checkpoint_within(&self, patience: Duration) -> Result<bool, Error> {
        let writing_back = async {
            // On a connection of its own, as those of others wait for longer.
            let mut connection = connect(self.path(), Access::Write, patience).await?;
            let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
                .fetch_one(&mut connection)
                .await?;
            connection.close().await?;
            Ok(busy == 0)
        };
        match writing_back
            .await
            .map_err(self.failed("write back the log"))
        {
            Err(error) if error.cause() == Cause::Locked => Ok(false),
            done => done,
        }
    }

    /// Looks through the whole file for damage; empty: it is sound.
    ///
    /// On a connection of its own: neither readers nor the writer wait, however long it takes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn quick_check(&self) -> Result<Vec<String>, Error> {
        let failed = self.failed("look for damage");
        let mut connection = options(self.path(), BUSY)
            .read_only(true)
            .pragma("cache_size", "-512")
            .connect()
            .await
            .map_err(&failed)?;
        let mut found: Vec<String> = sqlx::query_scalar("PRAGMA quick_check")
            .fetch_all(&mut connection)
            .await
            .map_err(&failed)?;
        connection.close().await.map_err(&failed)?;
        found.retain(|line| line != "ok");
        Ok(found)
    }

    /// Says how many bytes the file and its log take on the disk.
    ///
    /// # Errors
    /// One of them cannot be looked at.
    pub fn size(&self) -> Result<u64, Error> {
        let length = |path: &std::path::Path| match fs::metadata(path) {
            Ok(file) => Ok(file.len()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Error::new(self.path(), "see the size", error.into())),
        };
        let mut log = self.path().as_os_str().to_owned();
        log.push("-wal");
        Ok(length(self.path())? + length(log.as_ref())?)
    }
}

async fn shrink(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    // Statements are kept for their next use, among them INSERTs of some hundred rows with thousands of parameters.
    connection.clear_cached_statements().await?;
    connection.execute("PRAGMA shrink_memory").await?;
    Ok(())
}

/// What `PRAGMA auto_vacuum` says of a file whose free pages are given back when asked.
const INCREMENTAL: i64 = 2;
