//! Files and folders: who may read and change them, whose they are, and how much room is left.

use std::fs::Metadata;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::finding::{Finding, State};
use crate::config::{Config, SecretSource};
use crate::secrets;

const CHECK: &str = "file_mode";
const MIB: u64 = 1 << 20;
/// With less, a load may not find the room for its plan.
const LITTLE: u64 = 64 * MIB;
/// With less, it is time to make room.
const SCARCE: u64 = 512 * MIB;

/// What is allowed to others than the owner.
struct Allowed<'a> {
    /// What it is, in words.
    what: &'a str,
    path: &'a Path,
    /// The bits that must not be set, as others could read what is theirs alone to know.
    private: u32,
    /// The bits that must not be set, as others could change it.
    guarded: u32,
    /// The mode to set.
    mode: &'a str,
}

/// Looks at the modes of the configuration, of the files of secrets, of `state_dir` and of the database.
pub(super) fn modes(config_path: &Path, config: Option<&Config>, state_dir: &Path) -> Vec<Finding> {
    let database = state_dir.join("rollcall.db");
    let all = [
        Allowed {
            what: "the configuration",
            path: config_path,
            private: 0o004,
            guarded: 0o022,
            mode: "640",
        },
        Allowed {
            what: "the folder of the state",
            path: state_dir,
            private: 0o005,
            guarded: 0o002,
            mode: "750",
        },
        Allowed {
            what: "the database",
            path: &database,
            private: 0o004,
            guarded: 0o022,
            mode: "640",
        },
    ];
    let mut found: Vec<Finding> = all.iter().filter_map(judge).collect();
    found.extend(owner(state_dir, &database));
    for (name, credential) in config.iter().flat_map(|config| &config.credentials) {
        if let SecretSource::File(path) = &credential.secret {
            found.extend(secret(name, path));
        }
    }
    if found.is_empty() {
        let message = "all files that are there let in whom they should";
        found.push(Finding::ok(CHECK, message));
    }
    found
}

fn judge(allowed: &Allowed<'_>) -> Option<Finding> {
    let Allowed { what, path, .. } = allowed;
    // What is not there yet has no mode; what cannot be seen is told by whoever has to open it.
    let mode = path.metadata().ok()?.permissions().mode() & 0o7777;
    let shown = path.display();
    let hint = format!("`chmod {} {shown}`", allowed.mode);
    if mode & allowed.guarded != 0 {
        let message =
            format!("{what} (`{shown}`) can be changed by others than its owner (mode {mode:04o})");
        Some(Finding::fail(CHECK, message, hint))
    } else if mode & allowed.private != 0 {
        let message = format!("{what} (`{shown}`) can be read by everybody (mode {mode:04o})");
        Some(Finding::warn(CHECK, message, hint))
    } else {
        None
    }
}

/// A database that somebody else than the service made, most often root, cannot be written by the service.
fn owner(state_dir: &Path, database: &Path) -> Option<Finding> {
    let uid = |path: &Path| path.metadata().ok().as_ref().map(Metadata::uid);
    let (folder, file) = (uid(state_dir)?, uid(database)?);
    (folder != file).then(|| {
        let message = format!(
            "`{}` belongs to another user (uid {file}) than its folder (uid {folder})",
            database.display()
        );
        let hint = format!(
            "`chown --reference={0} {0}/rollcall.db*`",
            state_dir.display()
        );
        Finding::warn(CHECK, message, hint)
    })
}

fn secret(credential: &str, path: &Path) -> Option<Finding> {
    let sentence = match path.metadata() {
        Ok(metadata) => secrets::refuse_open_file(path, &metadata)
            .err()?
            .to_string(),
        Err(error) => format!(
            "the secret of `credentials.{credential}` cannot be seen (`{}`: {error})",
            path.display()
        ),
    };
    let hint = "put the secret there, in a file that the service's user owns, mode 0600";
    Some(Finding::told(CHECK, State::Fail, &sentence, hint))
}

/// Looks at the room that is left where the state is, or will be.
pub(super) fn disk(state_dir: &Path) -> Finding {
    let there = state_dir.ancestors().find(|folder| folder.exists());
    let folder = there.unwrap_or(Path::new("."));
    match statvfs(folder) {
        Ok(disk) => {
            // Their widths differ from one system to another.
            #[allow(
                clippy::useless_conversion,
                clippy::allow_attributes,
                reason = "the widths differ from one system to another"
            )]
            let free = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size());
            let database = state_dir.join("rollcall.db").metadata();
            room(folder, free, database.map_or(0, |file| file.len()))
        }
        Err(error) => Finding::warn(
            "disk",
            format!(
                "the room at `{}` cannot be seen ({error})",
                folder.display()
            ),
            "see `df`",
        ),
    }
}

/// Judges the free bytes at a folder, beside a database of a size: a migration makes a copy of it.
fn room(folder: &Path, free: u64, database: u64) -> Finding {
    let message = format!("{} MiB are free at `{}`", free / MIB, folder.display());
    let hint =
        "make room, or shorten `retention`; a load that cannot store its plan writes nothing";
    if free < LITTLE {
        Finding::fail("disk", message, hint)
    } else if free < SCARCE || free < database {
        Finding::warn("disk", message, hint)
    } else {
        Finding::ok("disk", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_judged_beside_the_size_of_the_database() {
        let state = |free, database| room(Path::new("/x"), free, database).state;
        assert_eq!(state(63 * MIB, 0), State::Fail);
        assert_eq!(state(64 * MIB, 0), State::Warn);
        assert_eq!(state(512 * MIB, 512 * MIB), State::Ok);
        assert_eq!(state(600 * MIB, 601 * MIB), State::Warn);
    }

    #[test]
    fn a_folder_that_is_not_there_yet_has_the_room_of_where_it_will_be() {
        let folder = tempfile::tempdir().unwrap();
        let found = disk(&folder.path().join("var/lib/rollcall"));
        let shown = format!("`{}`", folder.path().display());
        assert!(found.message.contains(&shown), "{found}");
    }
}
