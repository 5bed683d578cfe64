//! Watching the configuration: a change of its file puts it in force, without a signal.
//!
//! The folder is watched, not the file: editors write another file and put it in its place.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::driver::{Event, Handle};

/// An editor makes several changes at once; the file is read when they are over.
const SETTLED: Duration = Duration::from_millis(300);

/// What watches the file, from before it is first read: no change is missed.
pub(crate) struct Watching {
    path: PathBuf,
    /// What tells of changes while it lives, or why there is none.
    watcher: notify::Result<notify::RecommendedWatcher>,
    changes: mpsc::Receiver<()>,
    known: Option<Vec<u8>>,
}

impl Watching {
    /// Begins to watch.
    ///
    /// What the file says after this and not before is a change, whoever has read it in between.
    pub(crate) fn begin(path: &Path) -> Self {
        let (sender, changes) = mpsc::channel(1);
        Self {
            path: path.to_owned(),
            watcher: watcher(path, sender),
            changes,
            known: fs::read(path).ok(),
        }
    }

    /// Tells the driver of each change of the file, until it is over.
    pub(crate) async fn tell(mut self, handle: Handle, over: CancellationToken) {
        if let Err(error) = &self.watcher {
            // Said here, as the log begins after the watch.
            tracing::warn!(%error, path = %self.path.display(), "The configuration's folder cannot be watched: after a change, send SIGHUP (`systemctl reload rollcall`)");
            over.cancelled().await;
            return;
        }
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                change = self.changes.recv() => if change.is_none() { return },
            }
            tokio::time::sleep(SETTLED).await;
            // Whatever has changed until now is read now.
            let _ = self.changes.try_recv();
            // `None`: it cannot be read.
            let now = tokio::fs::read(&self.path).await.ok();
            if now != self.known {
                self.known = now;
                handle.tell(Event::Reload).await;
            }
        }
    }
}

/// Makes what tells of every change in the folders of the file and of what it points to.
fn watcher(path: &Path, sender: mpsc::Sender<()>) -> notify::Result<notify::RecommendedWatcher> {
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Being read is no change. An error means that events were lost: look.
        let is_change = event.map_or(true, |event| !event.kind.is_access());
        if is_change {
            // A full channel already says that there is something to look at.
            let _ = sender.try_send(());
        }
    })?;
    let real = path.canonicalize().ok();
    let mut folders: Vec<&Path> = [Some(path), real.as_deref()]
        .into_iter()
        .flatten()
        .filter_map(Path::parent)
        .collect();
    folders.dedup();
    for folder in folders {
        watcher.watch(folder, RecursiveMode::NonRecursive)?;
    }
    Ok(watcher)
}
