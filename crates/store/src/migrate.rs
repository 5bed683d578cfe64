//! Migrations: which version the file has, and the copy that is made before one runs.

use std::fs;
use std::path::{Path, PathBuf};

use sqlx::migrate::Migrator;
use sqlx::sqlite::SqliteConnection;

use crate::backup::copy_into;
use crate::error::{Cause, Error};
use crate::open::make_private;

/// All versions of the schema; released ones are never edited.
pub(crate) static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Refuses a file that a newer Rollcall has migrated.
pub(crate) async fn check_version(
    path: &Path,
    connection: &mut SqliteConnection,
    migrations: &Migrator,
) -> Result<Option<i64>, Error> {
    let version = applied_version(connection)
        .await
        .map_err(|source| Error::new(path, "read the version", source))?;
    if version > Some(newest_version(migrations)) {
        return Err(Error::because(path, "open the tables", Cause::Newer));
    }
    Ok(version)
}

/// Brings the tables up to date, after a copy if that changes any that hold something.
pub(crate) async fn migrate(
    path: &Path,
    connection: &mut SqliteConnection,
    migrations: &Migrator,
) -> Result<(), Error> {
    let version = check_version(path, connection, migrations).await?;
    if let Some(version) = version
        && version < newest_version(migrations)
    {
        let copy = PathBuf::from(format!("{}.before-{:04}", path.display(), version + 1));
        copy_to(connection, &copy)
            .await
            .map_err(|source| Error::new(path, "make a copy before a migration", source))?;
    }
    // `run` takes anything that gives a connection, which the compiler cannot see to be Send here.
    migrations
        .run_direct(None, connection, false)
        .await
        .map_err(|source| Error::migration(path, source))
}

async fn applied_version(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let tables: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'")
            .fetch_one(&mut *connection)
            .await?;
    if tables == 0 {
        return Ok(None);
    }
    sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(connection)
        .await
}

pub(crate) fn newest_version(migrations: &Migrator) -> i64 {
    migrations
        .iter()
        .map(|migration| migration.version)
        .max()
        .unwrap_or_default()
}

async fn copy_to(connection: &mut SqliteConnection, copy: &Path) -> Result<(), sqlx::Error> {
    // One of an earlier upgrade that broke off is older than what is here, or not whole.
    match fs::remove_file(copy) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    // VACUUM INTO takes an empty file, and would give one of its own a mode that others can read.
    make_private(copy)?;
    copy_into(connection, copy).await
}
