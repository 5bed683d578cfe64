//! What can go wrong with the database, told apart as an operator must.

use std::path::{Path, PathBuf};

/// An error of the database: names the file, what could not be done in it, and the cause.
#[derive(Debug, thiserror::Error)]
#[error("could not {doing} in the database `{}`: {cause}", path.display())]
pub struct Error {
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
    #[error("the disk is full; make room and run again")]
    Full,
    /// The file or its folder may not be written.
    #[error(
        "it may not be written by this user; see the owner and mode of the file and its folder"
    )]
    ReadOnly,
    /// The file or its folder cannot be opened.
    #[error("the file cannot be opened; see that it exists and may be read by this user")]
    CannotOpen,
    /// A newer Rollcall has migrated the file.
    #[error(
        "it was written by a newer version of Rollcall; install that version, or restore the copy made before the upgrade"
    )]
    Newer,
    /// A rule of the schema was about to be broken.
    #[error("a rule of the database was about to be broken, which is a defect of Rollcall")]
    Rule,
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
            path: path.to_owned(),
            doing,
            cause,
            source: Some(source),
        }
    }

    pub(crate) fn because(path: &Path, doing: &'static str, cause: Cause) -> Self {
        Self {
            path: path.to_owned(),
            doing,
            cause,
            source: None,
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
    /// Reads SQLite's primary result code (<https://sqlite.org/rescode.html>).
    fn of(error: &sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = error else {
            return match error {
                sqlx::Error::RowNotFound => Self::Missing,
                _ => Self::Other,
            };
        };
        let code = database
            .code()
            .and_then(|code| code.parse::<u32>().ok())
            .unwrap_or_default();
        match code & 0xff {
            5 | 6 => Self::Locked,
            8 => Self::ReadOnly,
            11 => Self::Damaged,
            13 => Self::Full,
            // A limit on the size of files shows as a failed write (SQLITE_IOERR_WRITE).
            10 if code == 778 => Self::Full,
            14 => Self::CannotOpen,
            19 => Self::Rule,
            26 => Self::NotADatabase,
            _ => Self::Other,
        }
    }
}
