//! The file: whole, at once, and never over another one unasked.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::exit::Usage;

/// Refuses a place at which a file is, unless it is to be written over, and one that is in no folder.
pub(super) fn refuse(path: &Path, force: bool) -> Result<(), Usage> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(Usage(format!(
            "there is no folder `{}`; make it, or write another `--config`",
            folder.display()
        )));
    }
    if path.symlink_metadata().is_ok() && !force {
        return Err(taken(path));
    }
    Ok(())
}

fn taken(path: &Path) -> Usage {
    Usage(format!(
        "there is a configuration `{}` already; `--force` writes over it, `--config` writes elsewhere",
        path.display()
    ))
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes the file with mode 0640, beside its place first.
pub(super) fn write(path: &Path, text: &str, force: bool) -> anyhow::Result<()> {
    let could_not = || format!("could not write `{}`", path.display());
    let mut name = path.file_name().with_context(could_not)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let written = write_beside(&beside, path, text).and_then(|()| {
        if force {
            fs::rename(&beside, path)
        } else {
            // Unlike a rename, a link never takes the place of a file that came meanwhile.
            fs::hard_link(&beside, path)
        }
    });
    // After a rename there is nothing any more; after anything else it is of no use.
    let _ = fs::remove_file(&beside);
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(path).into()),
        other => other.with_context(could_not),
    }
}

fn write_beside(beside: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(beside)?;
    file.write_all(text.as_bytes())?;
    // The group of the service must be able to read it: that of the file before, or of the folder.
    // Whoever may not give it away keeps it.
    let before = path.metadata().or_else(|_| folder(path).metadata())?;
    let _ = chown(beside, None, Some(before.gid()));
    // Set, not asked for: the group reads it whatever the umask is.
    file.set_permissions(Permissions::from_mode(0o640))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_whole_with_its_mode_and_over_another_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rollcall.yaml");
        refuse(&path, false).unwrap();
        write(&path, "one", false).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640);
        refuse(&path, false).unwrap_err();
        let error = write(&path, "two", false).unwrap_err();
        assert!(error.is::<Usage>(), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one");
        refuse(&path, true).unwrap();
        write(&path, "three", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "three");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        refuse(&folder.path().join("nowhere/rollcall.yaml"), true).unwrap_err();
    }
}
