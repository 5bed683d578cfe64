//! The lock of an integration: one run at a time, in one process or in two.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use crate::error::Error;

/// Held for as long as a run of the integration goes on; a process that dies lets go of it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Keeps an integration from running, for what is done with its history.
#[derive(Debug)]
pub struct Hold {
    _lock: Lock,
}

impl Hold {
    /// Takes hold of an integration, in a `state_dir`.
    ///
    /// # Errors
    /// A run of it is going on; the folder cannot be used.
    pub fn take(state_dir: &Path, integration: &str) -> Result<Self, Error> {
        let busy = || Error::Busy {
            integration: integration.to_owned(),
        };
        let lock = Lock::take(state_dir, integration).map_err(|source| Error::Lock {
            integration: integration.to_owned(),
            source,
        })?;
        lock.map(|lock| Self { _lock: lock }).ok_or_else(busy)
    }
}

impl Lock {
    /// Takes the lock in `state_dir/locks/`; `None` when somebody else has it.
    pub(crate) fn take(state_dir: &Path, integration: &str) -> io::Result<Option<Self>> {
        let folder = state_dir.join("locks");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{integration}.lock"));
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
