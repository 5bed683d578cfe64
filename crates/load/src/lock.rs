//! The lock of an integration: one run at a time, in one process or in two.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::error::Error;

/// Held for as long as a run of the integration goes on, or something is done with its history; a process that dies
/// lets go of it.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of an integration, in `state_dir/locks/`.
    ///
    /// # Errors
    /// Somebody else has it: a run of the integration is going on; the folder cannot be used.
    pub fn take(state_dir: &Path, integration: &str) -> Result<Self, Error> {
        let integration = integration.to_owned();
        match open_and_lock(state_dir, &integration) {
            Ok(Some(file)) => Ok(Self { _file: file }),
            Ok(None) => Err(Error::Busy { integration }),
            Err(source) => Err(Error::Lock {
                integration,
                source,
            }),
        }
    }
}

/// Opens the file and locks it; `None` when somebody else has.
fn open_and_lock(state_dir: &Path, integration: &str) -> io::Result<Option<File>> {
    let folder = state_dir.join("locks");
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("{integration}.lock"));
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
