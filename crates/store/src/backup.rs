//! A consistent copy of the database while others write to it.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection};

use crate::error::{Cause, Error};
use crate::link::{Access, connect};
use crate::open::{BUSY, Store, folder_of};

impl Store {
    /// Writes a copy of the database, as it is at one instant, to a new file `to` (mode 0640).
    ///
    /// Neither readers nor writers wait for it. It is written under the name `to.part` and gets its own when it is whole.
    ///
    /// # Errors
    /// There is a file of that name already, its folder is not there or may not be written, the disk is full,
    /// or the database cannot be read; nothing is then left behind.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        let failed = |source| {
            let error = Error::copying(to, source);
            match error.cause() {
                Cause::Damaged | Cause::NotADatabase | Cause::Locked => {
                    error.of_source(self.path())
                }
                _ => error,
            }
        };
        refuse_existing(to)?;
        let part = Part::begin(to)?;
        let mut connection = connect(self.path(), Access::Read, BUSY)
            .await
            .map_err(self.failed("read everything"))?;
        copy_into(&mut connection, &part.path)
            .await
            .map_err(failed)?;
        connection.close().await.map_err(failed)?;
        part.finish(to)
    }
}

/// Writes a copy into an empty file.
pub(crate) async fn copy_into(
    connection: &mut SqliteConnection,
    empty: &Path,
) -> Result<(), sqlx::Error> {
    let target = empty.display().to_string().replace('\'', "''");
    sqlx::query(AssertSqlSafe(format!("VACUUM INTO '{target}'")))
        .execute(connection)
        .await?;
    File::open(empty)?.sync_all()?;
    Ok(())
}

/// The file while it is written; removed unless it gets its name.
struct Part {
    path: PathBuf,
    /// Locked for as long as it is written, so that another backup knows it from one that broke off.
    file: File,
    whole: bool,
}

impl Part {
    fn begin(to: &Path) -> Result<Self, Error> {
        let mut path = to.as_os_str().to_owned();
        path.push(".part");
        let path = PathBuf::from(path);
        let failed = |error: io::Error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                Error::copying_because(to, Cause::NoFolder)
            }
            _ => Error::copying(to, error.into()),
        };
        remove_stale(&path, to)?;
        // Made before SQLite does, which would let others read it.
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        let part = Self {
            path,
            file,
            whole: false,
        };
        part.file.lock().map_err(failed)?;
        let mode = Permissions::from_mode(0o640);
        part.file.set_permissions(mode).map_err(failed)?;
        Ok(part)
    }

    fn finish(mut self, to: &Path) -> Result<(), Error> {
        // Somebody may have made a file of that name meanwhile, which a renaming would replace.
        refuse_existing(to)?;
        fs::rename(&self.path, to).map_err(|error| Error::copying(to, error.into()))?;
        self.whole = true;
        File::open(folder_of(to))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| Error::copying(to, error.into()))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.whole {
            // There is nobody to tell; a later backup to the same place replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn refuse_existing(to: &Path) -> Result<(), Error> {
    // A link that leads nowhere is something too.
    match fs::symlink_metadata(to) {
        Ok(_) => Err(Error::copying_because(to, Cause::Exists)),
        Err(_) => Ok(()),
    }
}

/// Removes what a backup left that was killed.
fn remove_stale(part: &Path, to: &Path) -> Result<(), Error> {
    let failed = |error: io::Error| Error::copying(to, error.into());
    let file = match File::open(part) {
        Ok(file) => file,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(());
        }
        Err(error) => return Err(failed(error)),
    };
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(Error::copying_because(to, Cause::GoingOn));
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    match fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(failed(error)),
        _ => Ok(()),
    }
}
