//! Whether a daemon lives: its file in `state_dir/locks/`, which it keeps locked for as long as it does.

use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use anyhow::Context as _;

use super::protocol::Incumbent;

/// What a look at the file shows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// No daemon lives.
    Nobody,
    /// One lives, and has not written yet who it is.
    SomebodyUnnamed,
    /// This one lives.
    Somebody(Incumbent),
}

/// Looks whether a daemon lives on a `state_dir`; the lock is touched for an instant and not kept.
pub(super) fn look(state_dir: &Path) -> anyhow::Result<Found> {
    let path = state_dir.join("locks").join("daemon");
    let could_not = || {
        format!(
            "could not look whether a daemon runs (`{}`)",
            path.display()
        )
    };
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nobody),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(error).with_context(|| {
                let what = could_not();
                format!("{what}; be root, or a member of the group that owns the file")
            });
        }
        Err(error) => return Err(error).with_context(could_not),
    };
    match file.try_lock_shared() {
        // What it says is of a daemon that is gone.
        Ok(()) => return Ok(Found::Nobody),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error).with_context(could_not),
    }
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(could_not)?;
    Ok(match serde_json::from_str(&text) {
        Ok(incumbent) => Found::Somebody(incumbent),
        Err(_) => Found::SomebodyUnnamed,
    })
}
