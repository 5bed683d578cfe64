//! The socket as a file: made so that nobody has it too early, and removed by whom it belongs to.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use tokio::net::{UnixListener, UnixSocket, UnixStream};

/// The kernel takes paths of 108 bytes, the last of which is a zero.
const LONGEST_PATH: usize = 107;
/// The user and the group of the file may connect.
const MODE: u32 = 0o660;
/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 256;

/// A socket that is listened on; its file goes when it is dropped.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) listener: UnixListener,
    path: PathBuf,
    /// Device and inode of the file: whatever is there under another is not ours.
    file: (u64, u64),
}

impl Socket {
    /// Makes the file, and listens.
    pub(super) async fn bind(path: &Path) -> anyhow::Result<Self> {
        let length = path.as_os_str().as_bytes().len();
        if length > LONGEST_PATH {
            bail!(
                "the path of the control socket `{}` is {length} bytes long, and the system takes {LONGEST_PATH}; \
                 start the daemon with `RuntimeDirectory=` (`$RUNTIME_DIRECTORY`), or write a shorter `state_dir`",
                path.display()
            );
        }
        make_room(path).await?;
        let could_not = || format!("could not open the control socket `{}`", path.display());
        let socket = UnixSocket::new_stream().with_context(could_not)?;
        socket.bind(path).with_context(could_not)?;
        // Nobody can connect before it listens, so nobody gets in between by the mode that the umask left.
        let narrowed = fs::set_permissions(path, fs::Permissions::from_mode(MODE));
        let made = narrowed.and_then(|()| fs::symlink_metadata(path));
        match made.and_then(|made| Ok((socket.listen(BACKLOG)?, made))) {
            Ok((listener, made)) => Ok(Self {
                listener,
                path: path.to_owned(),
                file: identity(&made),
            }),
            Err(error) => {
                // The next start would find it, and replace it, in any case.
                let _ = fs::remove_file(path);
                Err(error).with_context(could_not)
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|it| identity(&it) == self.file);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(
                path = %self.path.display(),
                %error,
                "Could not remove the control socket; the next start replaces it"
            );
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

/// Removes a socket that nobody listens on; refuses to touch anything else.
async fn make_room(path: &Path) -> anyhow::Result<()> {
    let could_not = || format!("could not look at the control socket `{}`", path.display());
    let there = match fs::symlink_metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(could_not),
    };
    if !there.file_type().is_socket() {
        bail!(
            "the control socket is to be `{}`, and there is something else; move it away",
            path.display()
        );
    }
    match listens(path).await {
        Ok(false) => match fs::remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error).with_context(|| {
                format!(
                    "could not replace the control socket `{}` that nobody listens on",
                    path.display()
                )
            }),
            _ => Ok(()),
        },
        Ok(true) => bail!(
            "another process listens on the control socket `{}`: stop it, \
             or start the daemon with another `RuntimeDirectory=` (`$RUNTIME_DIRECTORY`)",
            path.display()
        ),
        Err(error) => Err(error).with_context(could_not),
    }
}

/// Says whether somebody listens on a socket.
async fn listens(path: &Path) -> io::Result<bool> {
    match UnixStream::connect(path).await {
        Ok(_) => Ok(true),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused | ErrorKind::NotFound => Ok(false),
            // More wait than it accepts: it does not answer, but it is there.
            ErrorKind::WouldBlock => Ok(true),
            _ => Err(error),
        },
    }
}
