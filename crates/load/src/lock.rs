//! The lock of an integration: one run at a time, in one process or in two.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

/// Held for as long as a run of the integration goes on; a process that dies lets go of it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
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
