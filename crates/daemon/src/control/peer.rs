//! Who asks, as the kernel says: a client cannot say otherwise.

use std::fmt;
use std::io;
use std::time::Duration;

use nix::unistd::{Uid, User};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// Names may come from a directory on the network.
const PATIENCE: Duration = Duration::from_secs(2);

/// The user behind a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    /// The id of the user, as it was when the client connected.
    pub(crate) uid: u32,
    /// Its name; `None`: the system knows no name for it.
    pub(crate) user: Option<String>,
    /// The id of the process; `None`: it is in another namespace.
    pub(crate) pid: Option<i32>,
}

impl Peer {
    /// Asks the kernel who is at the other end, and the system for the name.
    pub(crate) async fn of(stream: &UnixStream) -> io::Result<Self> {
        let credentials = stream.peer_cred()?;
        let uid = credentials.uid();
        let name = tokio::task::spawn_blocking(move || User::from_uid(Uid::from_raw(uid)));
        // A directory of users that does not answer costs the name, not the request.
        let user = match timeout(PATIENCE, name).await {
            Ok(Ok(Ok(user))) => user.map(|user| user.name),
            _ => None,
        };
        Ok(Self {
            uid,
            user,
            pid: credentials.pid().filter(|&pid| pid != 0),
        })
    }
}

/// An account as it is put on record: by its name, where it has one.
pub(crate) fn account_of(name: Option<&str>, uid: u32) -> String {
    name.map_or_else(|| format!("uid {uid}"), str::to_owned)
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{user} (uid {})", self.uid),
            None => write!(f, "uid {}", self.uid),
        }
    }
}
