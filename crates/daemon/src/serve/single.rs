//! One daemon for a `state_dir`: the file that says which, locked for as long as it lives.

use std::fs::{self, File, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::control::Incumbent;
use anyhow::Context as _;

/// The right to be the one daemon of a `state_dir`; a process that dies lets go of it.
#[derive(Debug)]
pub(crate) struct Single {
    file: File,
}

impl Single {
    /// Takes the right.
    ///
    /// # Errors
    /// Another daemon has it, and the error says which; or the file cannot be made.
    pub(crate) async fn take(state_dir: &Path, incumbent: &Incumbent) -> anyhow::Result<Self> {
        let path = file_in(state_dir);
        let what = || format!("could not lock `{}`", path.display());
        let folder = path.parent().expect("the file is in a folder of the state");
        fs::create_dir_all(folder).with_context(what)?;
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o640)
            .open(&path)
            .with_context(what)?;
        match lock(&file).await {
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(error).with_context(what),
            Err(TryLockError::WouldBlock) => {
                let first = read(&mut file)
                    .map_or_else(|| "another daemon".to_owned(), |first| first.to_string());
                anyhow::bail!(
                    "{first} serves `{}` already; stop it, or set another `state_dir`",
                    state_dir.display()
                );
            }
        }
        // Set, not asked for: the group finds the daemon whatever the umask is.
        file.set_permissions(fs::Permissions::from_mode(0o640))
            .with_context(what)?;
        let text = serde_json::to_string(incumbent)?;
        file.set_len(0).with_context(what)?;
        file.rewind().with_context(what)?;
        writeln!(file, "{text}").with_context(what)?;
        Ok(Self { file })
    }

    /// Gives the right back.
    pub(crate) fn give_back(self) {
        // Whoever looks next finds nobody; an old text in an unlocked file means nothing.
        let _ = self.file.set_len(0);
    }
}

/// A client that only looks has the lock for an instant: one try more is enough.
async fn lock(file: &File) -> Result<(), TryLockError> {
    for _ in 0..20 {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(10)).await,
            other => return other,
        }
    }
    file.try_lock()
}

fn file_in(state_dir: &Path) -> PathBuf {
    // Integrations have `ID.lock` beside it: no id can take this name.
    state_dir.join("locks").join("daemon")
}

fn read(file: &mut File) -> Option<Incumbent> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn incumbent(pid: u32) -> Incumbent {
        Incumbent {
            pid,
            version: "0.1.0".to_owned(),
            socket: PathBuf::from("/run/rollcall/rollcall.sock"),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    #[tokio::test]
    async fn a_second_one_is_refused_by_name_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = Single::take(folder.path(), &incumbent(4711)).await.unwrap();
        let refused = Single::take(folder.path(), &incumbent(4712))
            .await
            .unwrap_err();
        let text = refused.to_string();
        assert!(
            text.starts_with(
                "Rollcall 0.1.0 (process 4711, since 1970-01-01 00:00:00 UTC) serves `"
            ),
            "{text}"
        );
        drop(first);
        Single::take(folder.path(), &incumbent(4712)).await.unwrap();
    }
}
