//! Secrets: read when they are needed, from where the configuration says, and never shown.
//!
//! **Invariant:** no error here repeats what a secret's file or variable holds.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::{env, fmt};

use secrecy::{ExposeSecret, SecretString, zeroize::Zeroizing};

use crate::config::{Credential, SecretSource};

/// Tokens run to some 430 characters; whatever is longer than this is another file.
const LONGEST: u64 = 16 * 1024;

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process was not started by a service that loads credentials.
    #[error(
        "the secret `{name}` is a systemd credential, and systemd gave this process none: \
         start it as the service, or write `secret: {{ file: … }}` or `{{ env: … }}`"
    )]
    NoCredentialsDirectory {
        /// The name of the credential.
        name: String,
    },
    /// The file could not be read.
    #[error("could not read the secret from `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file is for another user.
    #[error(
        "the user of this process may not read the secret in `{}`; run the command as the user of the service, \
         as with `sudo -u rollcall`, or make this user the owner of the file",
        path.display()
    )]
    NotPermitted {
        /// The file.
        path: PathBuf,
    },
    /// There is something else than a file.
    #[error("`{}` is not a file; put the secret in a file of one line", path.display())]
    NotAFile {
        /// What is no file.
        path: PathBuf,
    },
    /// Others than the owner can read or change the file.
    #[error(
        "`{}` can be read or changed by others than its owner (mode {mode:04o}); \
         run `chmod 600 {}`",
        path.display(),
        Quoted(path)
    )]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The environment variable is not there.
    #[error("the environment variable `{name}` is not set; set it to the secret")]
    NotSet {
        /// The variable.
        name: String,
    },
    /// What was found cannot be a secret.
    #[error("the secret in {origin} {rule}; put the secret there, on one line, and nothing else")]
    Invalid {
        /// Where it was found.
        origin: String,
        /// What is wrong with it.
        rule: &'static str,
    },
}

/// Reads a secret, without the white space around it.
///
/// # Errors
///
/// Says what to do where the secret is not there, is empty, is longer than a line, holds what
/// cannot stand in a header, or where its file is open to others than its owner.
pub fn read(source: &SecretSource) -> Result<SecretString, Error> {
    match source {
        SecretSource::Systemd(name) => from_systemd(name, env::var_os("CREDENTIALS_DIRECTORY")),
        SecretSource::File(path) => {
            let file = open(path)?;
            let metadata = file.metadata().map_err(|source| unreadable(path, source))?;
            // Looked at through the open file, so that no other file can take its place in between.
            refuse_open_file(path, &metadata)?;
            from_file(file, path)
        }
        SecretSource::Env(name) => {
            let value = env::var_os(name).ok_or_else(|| Error::NotSet { name: name.clone() })?;
            let bytes = Zeroizing::new(OsString::into_encoded_bytes(value));
            checked(&bytes, || format!("the environment variable `{name}`"))
        }
    }
}

/// Reads the secret of a credential and returns the header value to send.
///
/// # Errors
///
/// As [`read`].
pub fn header_value(credential: &Credential) -> Result<SecretString, Error> {
    let secret = read(&credential.secret)?;
    Ok(SecretString::from(
        credential.value.with(secret.expose_secret()),
    ))
}

/// Refuses what is no file, and a file that others than its owner can read or change.
pub(crate) fn refuse_open_file(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
        });
    }
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(Error::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

fn from_systemd(name: &str, folder: Option<OsString>) -> Result<SecretString, Error> {
    let Some(folder) = folder else {
        return Err(Error::NoCredentialsDirectory {
            name: name.to_owned(),
        });
    };
    // systemd itself keeps its credentials from others, in ways that mode bits do not show.
    let path = Path::new(&folder).join(name);
    from_file(open(&path)?, &path)
}

fn open(path: &Path) -> Result<File, Error> {
    // Opening a pipe waits for a writer, for ever perhaps: look first.
    let metadata = path.metadata().map_err(|source| unreadable(path, source))?;
    if !metadata.is_file() {
        return Err(Error::NotAFile {
            path: path.to_owned(),
        });
    }
    File::open(path).map_err(|source| unreadable(path, source))
}

fn from_file(file: File, path: &Path) -> Result<SecretString, Error> {
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(LONGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    checked(&bytes, || format!("`{}`", path.display()))
}

fn checked(bytes: &[u8], origin: impl Fn() -> String) -> Result<SecretString, Error> {
    let bytes = bytes.trim_ascii();
    let rule = if bytes.is_empty() {
        "is empty"
    } else if bytes.len() as u64 > LONGEST {
        "is longer than any token"
    } else if bytes.contains(&b'\n') || bytes.contains(&b'\r') {
        "has more than one line"
    } else {
        match str::from_utf8(bytes) {
            Ok(text) if bytes.iter().all(|byte| (b' '..=b'~').contains(byte)) => {
                return Ok(SecretString::from(text));
            }
            _ => "holds a character that cannot stand in a header",
        }
    };
    Err(Error::Invalid {
        origin: origin(),
        rule,
    })
}

fn unreadable(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied => Error::NotPermitted { path },
        _ => Error::Unreadable { path, source },
    }
}

/// A path as it can be pasted into a shell.
struct Quoted<'a>(&'a Path);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.to_string_lossy();
        let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@:".contains(letter);
        if path.chars().all(plain) {
            f.write_str(&path)
        } else {
            write!(f, "'{}'", path.replace('\'', r"'\''"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_systemd_credential_is_a_file_in_the_folder_that_systemd_names() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("token"), "abc\n").unwrap();
        let path = folder.path().as_os_str().to_owned();
        let secret = from_systemd("token", Some(path.clone())).unwrap();
        assert_eq!(secret.expose_secret(), "abc");
        let error = from_systemd("other", Some(path)).unwrap_err();
        assert!(matches!(error, Error::Unreadable { .. }), "{error}");
    }

    #[test]
    fn paths_can_be_pasted_into_a_shell() {
        for (path, quoted) in [
            ("/etc/rollcall/a.token", "/etc/rollcall/a.token"),
            ("/tmp/my token", "'/tmp/my token'"),
            ("/tmp/it's", r"'/tmp/it'\''s'"),
        ] {
            assert_eq!(Quoted(Path::new(path)).to_string(), quoted);
        }
    }
}
