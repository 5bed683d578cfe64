//! What can go wrong with the database, told apart as an operator must.

use std::io;
use std::path::{Path, PathBuf};

/// Where most of what fails was to happen; a backup fails `to` a place.
const IN: &str = "in the database";

/// An error of the database: names the file, what could not be done in it, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} {place} `{}`: {cause}", path.display())]
pub struct Error {
    place: &'static str,
    path: PathBuf,
    doing: &'static str,
    cause: Cause,
    #[source]
    source: Option<sqlx::Error>,
}

/// Why a call to the database failed, and what to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// Another connection held the lock for longer than the busy timeout.
    #[error("another program keeps it locked; close what writes to it and try again")]
    Locked,
    /// SQLite found the file inconsistent.
    #[error(
        "the file is damaged; put the latest backup in its place, or move it away to begin a new one"
    )]
    Damaged,
    /// The file is something else.
    #[error("the file is not a SQLite database; move it away, or set another `state_dir`")]
    NotADatabase,
    /// No space, or a limit on the size of files.
    #[error(
        "the disk is full, or a quota or a limit on file sizes is reached; make room and run again"
    )]
    Full,
    /// The file or its folder may not be written.
    #[error(
        "it may not be written by this user; see the owner and mode of the file and its folder"
    )]
    ReadOnly,
    /// The file or its folder cannot be opened.
    #[error("the file cannot be opened; see that it exists and may be read by this user")]
    CannotOpen,
    /// A query that somebody wrote is wrong.
    #[error("SQLite does not understand the query")]
    Query,
    /// A newer Rollcall has migrated the file.
    #[error(
        "it was written by a newer version of Rollcall; install that version, or restore the copy made before the upgrade"
    )]
    Newer,
    /// A rule of the schema was about to be broken.
    #[error("a rule of the database was about to be broken, which is a defect of Rollcall")]
    Rule,
    /// A backup would replace a file.
    #[error("there is a file of that name already; choose another name")]
    Exists,
    /// The folder for a backup is missing.
    #[error("its folder is not there; make it, or choose another place")]
    NoFolder,
    /// Another backup to the same place has not ended.
    #[error("another backup to the same file is going on; wait for it, or choose another name")]
    GoingOn,
    /// What was asked for is not there.
    #[error("a row that should be there is missing, which is a defect of Rollcall")]
    Missing,
    /// Reading or writing the device failed, or something unforeseen.
    #[error("SQLite refused")]
    Other,
}

impl Error {
    /// What an operator must tell apart.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    pub(crate) fn new(path: &Path, doing: &'static str, source: sqlx::Error) -> Self {
        let cause = Cause::of(&source);
        Self {
            place: IN,
            path: path.to_owned(),
            doing,
            cause,
            source: Some(source),
        }
    }

    pub(crate) fn because(path: &Path, doing: &'static str, cause: Cause) -> Self {
        Self {
            place: IN,
            path: path.to_owned(),
            doing,
            cause,
            source: None,
        }
    }

    /// A backup to `to` that failed.
    pub(crate) fn copying(to: &Path, source: sqlx::Error) -> Self {
        Self {
            place: "to",
            ..Self::new(to, "write a backup", source)
        }
    }

    /// The same of the database that a backup was to be of.
    pub(crate) fn of_source(self, path: &Path) -> Self {
        Self {
            place: IN,
            path: path.to_owned(),
            doing: "read everything",
            ..self
        }
    }

    /// A backup to `to` that cannot be.
    pub(crate) fn copying_because(to: &Path, cause: Cause) -> Self {
        Self {
            place: "to",
            ..Self::because(to, "write a backup", cause)
        }
    }

    pub(crate) fn migration(path: &Path, source: sqlx::migrate::MigrateError) -> Self {
        use sqlx::migrate::MigrateError;
        let doing = "bring the tables up to date";
        match source {
            MigrateError::VersionMissing(_)
            | MigrateError::VersionMismatch(_)
            | MigrateError::VersionTooNew(..) => Self::because(path, doing, Cause::Newer),
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                Self::new(path, doing, source)
            }
            other => Self::new(path, doing, sqlx::Error::Migrate(Box::new(other))),
        }
    }
}

impl Cause {
    fn of(error: &sqlx::Error) -> Self {
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code().and_then(|code| code.parse().ok());
                Self::of_code(code.unwrap_or_default())
            }
            sqlx::Error::Io(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::CannotOpen,
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Self::ReadOnly
                }
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
                _ => Self::Other,
            },
            sqlx::Error::RowNotFound => Self::Missing,
            // The tables are STRICT: a value of another type was not written by us.
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged,
            _ => Self::Other,
        }
    }

    /// Reads SQLite's extended result code, of which the lowest byte is the primary one
    /// (<https://sqlite.org/rescode.html>).
    fn of_code(code: u32) -> Self {
        match (code & 0xff, code) {
            (1, _) => Self::Query,
            // 15 is a race for the write-ahead log that was lost too often.
            (5 | 6 | 15, _) => Self::Locked,
            (8, _) => Self::ReadOnly,
            (11, _) => Self::Damaged,
            // Quotas and limits on file sizes show as failed writes: SQLITE_IOERR_WRITE, SQLITE_IOERR_SHMSIZE.
            (13, _) | (10, 778 | 4874) => Self::Full,
            (14, _) => Self::CannotOpen,
            (19, _) => Self::Rule,
            (26, _) => Self::NotADatabase,
            _ => Self::Other,
        }
    }
}
