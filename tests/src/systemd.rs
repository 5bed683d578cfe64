//! The side of systemd that a service tells how it is.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// What ends the listening.
const OVER: &[u8] = b"OVER";

/// Listens on the socket that a service has in `$NOTIFY_SOCKET`, for as long as it lives.
#[derive(Debug)]
pub struct Systemd {
    path: PathBuf,
    told: Arc<Mutex<Vec<String>>>,
    listener: Option<JoinHandle<()>>,
}

impl Systemd {
    /// Listens on a socket of this path.
    pub(crate) fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a test folder takes sockets");
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&told);
        let listener = thread::spawn(move || {
            let mut message = [0; 4096];
            while let Ok(length) = socket.recv(&mut message) {
                let message = &message[..length];
                if message == OVER {
                    break;
                }
                let lines = String::from_utf8_lossy(message);
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.extend(lines.lines().map(str::to_owned));
            }
        });
        Self {
            path: path.to_owned(),
            told,
            listener: Some(listener),
        }
    }

    /// The path of the socket.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// All lines that were told, in order.
    pub fn told(&self) -> Vec<String> {
        self.told
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The latest `STATUS=`, without that word.
    pub fn status(&self) -> String {
        let told = self.told();
        let latest = told
            .iter()
            .rev()
            .find_map(|line| line.strip_prefix("STATUS="));
        latest.unwrap_or_default().to_owned()
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        let sent = UnixDatagram::unbound().and_then(|socket| socket.send_to(OVER, &self.path));
        if let (Ok(_), Some(listener)) = (sent, self.listener.take()) {
            // It has nothing to say but that it is over.
            let _ = listener.join();
        }
        // Whatever is left of it is gone with the test's folder.
        let _ = std::fs::remove_file(&self.path);
    }
}
