//! Services: the lives of the daemon, one after another; between two of them it was down.

use jiff::Timestamp;

use crate::error::Error;
use crate::open::Store;
use crate::runs::instant;

/// One life of the daemon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Its process.
    pub pid: u32,
    /// The version of Rollcall.
    pub version: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Due times until then have their slots.
    pub alive_at: Timestamp,
    /// When it ended by itself; `None` if it goes on, or was killed.
    pub stopped_at: Option<Timestamp>,
}

impl Store {
    /// Reads the latest life of the daemon, if it ever had one.
    ///
    /// # Errors
    /// The database refused.
    pub async fn last_service(&self) -> Result<Option<Service>, Error> {
        let mut reader = self.reader().await;
        let row: Option<(u32, String, i64, i64, Option<i64>)> = sqlx::query_as(
            "SELECT pid, version, started_at, alive_at, stopped_at
             FROM services ORDER BY service DESC LIMIT 1",
        )
        .fetch_optional(&mut *reader)
        .await
        .map_err(self.failed("look for an earlier daemon"))?;
        Ok(
            row.map(|(pid, version, started_at, alive_at, stopped_at)| Service {
                pid,
                version,
                started_at: instant(started_at),
                alive_at: instant(alive_at),
                stopped_at: stopped_at.map(instant),
            }),
        )
    }

    /// Puts a life of the daemon on record; gives its row id.
    ///
    /// Until [`service_alive`](Self::service_alive) says more, `alive_at` is that of the life before:
    /// a daemon that is killed before it has noticed the due times since then leaves them to the next.
    ///
    /// # Errors
    /// The database refused.
    pub async fn begin_service(
        &self,
        pid: u32,
        version: &str,
        at: Timestamp,
    ) -> Result<i64, Error> {
        let mut writer = self.writer().await;
        sqlx::query_scalar(
            "INSERT INTO services (pid, version, started_at, alive_at)
             VALUES (?1, ?2, ?3, ifnull((SELECT alive_at FROM services ORDER BY service DESC LIMIT 1), ?3))
             RETURNING service",
        )
        .bind(pid)
        .bind(version)
        .bind(at.as_millisecond())
        .fetch_one(&mut *writer)
        .await
        .map_err(self.failed("put the daemon on record"))
    }

    /// Remembers that the daemon is alive, and that all due times until `at` have their slots.
    ///
    /// # Errors
    /// The database refused, or there is no such service.
    pub async fn service_alive(&self, service: i64, at: Timestamp) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE services SET alive_at = ? WHERE service = ?")
            .bind(at.as_millisecond())
            .bind(service)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("note that the daemon is alive"))?;
        self.one(done.rows_affected(), "note that the daemon is alive")
    }

    /// Remembers that the daemon ended by itself; due times since it was last alive are left to the next.
    ///
    /// # Errors
    /// The database refused, or there is no such service.
    pub async fn end_service(&self, service: i64, at: Timestamp) -> Result<(), Error> {
        let mut writer = self.writer().await;
        let done = sqlx::query("UPDATE services SET stopped_at = ? WHERE service = ?")
            .bind(at.as_millisecond())
            .bind(service)
            .execute(&mut *writer)
            .await
            .map_err(self.failed("note that the daemon stopped"))?;
        self.one(done.rows_affected(), "note that the daemon stopped")
    }
}
