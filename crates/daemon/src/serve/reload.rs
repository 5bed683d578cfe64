//! Watching the configuration: a change of its file puts it in force, without a signal.
//!
//! The folder is watched, not the file: editors write another file and put it in its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::driver::{Event, Handle};

/// An editor makes several changes at once; the file is read when they are over.
const SETTLED: Duration = Duration::from_millis(300);

/// Tells the driver of each change of the file, until it is over.
pub(crate) async fn watch(path: PathBuf, handle: Handle, over: CancellationToken) {
    let (sender, mut changes) = mpsc::channel(1);
    let watcher = match watcher(&path, sender) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "The configuration's folder cannot be watched: after a change, send SIGHUP (`systemctl reload rollcall`)");
            over.cancelled().await;
            return;
        }
    };
    let mut known = text(&path).await;
    loop {
        tokio::select! {
            () = over.cancelled() => break,
            change = changes.recv() => if change.is_none() { break },
        }
        tokio::time::sleep(SETTLED).await;
        // Whatever has changed until now is read now.
        let _ = changes.try_recv();
        let now = text(&path).await;
        if now != known {
            known = now;
            handle.tell(Event::Reload).await;
        }
    }
    drop(watcher);
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

/// The text as it stands; `None`: it cannot be read.
async fn text(path: &Path) -> Option<Vec<u8>> {
    tokio::fs::read(path).await.ok()
}
