//! A daemon in a process of its own, started as a service manager does, and what the kernel says that it uses.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::commands::figures;

/// Whatever the daemon is to do: longer than this it never takes.
const LONGEST: Duration = Duration::from_mins(2);

/// A daemon that serves; it is killed when this is dropped.
pub(super) struct Service {
    process: Child,
    id: u32,
    ready: Duration,
    talk: PathBuf,
    listening: JoinHandle<()>,
}

impl Service {
    /// Starts a daemon with the configuration of `folder`, and waits until it says that it is ready.
    pub(super) async fn start(folder: &Path) -> anyhow::Result<Self> {
        let (socket, talk) = (folder.join("notify"), folder.join("talk"));
        // What a daemon before it has left.
        let _ = fs::remove_file(&socket);
        let notify = UnixDatagram::bind(&socket)?;
        let (sender, is_ready) = oneshot::channel();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["serve", "--config"])
            .arg(folder.join("rollcall.yaml"))
            .env("NOTIFY_SOCKET", &socket)
            // The unit asks for signs of life, each of which is a little work.
            .env("WATCHDOG_USEC", "60000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&talk)?)
            .kill_on_drop(true);
        for name in [
            "WATCHDOG_PID",
            "RUNTIME_DIRECTORY",
            "JOURNAL_STREAM",
            "RUST_LOG",
        ] {
            command.env_remove(name);
        }
        let started = Instant::now();
        let mut process = command.spawn()?;
        let id = process.id().context("the daemon has ended")?;
        let listening = tokio::spawn(listen(notify, sender));
        let ready = tokio::select! {
            ready = is_ready => ready?.duration_since(started),
            ended = process.wait() => bail!("the daemon ended with {}:\n{}", ended?, said(&talk)),
            () = tokio::time::sleep(LONGEST) => bail!("the daemon is not ready:\n{}", said(&talk)),
        };
        Ok(Self {
            process,
            id,
            ready,
            talk,
            listening,
        })
    }

    /// From its start to its word that it is ready.
    pub(super) fn ready(&self) -> Duration {
        self.ready
    }

    /// What it has resident, in bytes.
    pub(super) fn resident(&self) -> anyhow::Result<u64> {
        figures::memory(&self.id.to_string(), "VmRSS:")
    }

    /// The processor time that it has used so far, to the tick of 10 ms.
    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        figures::ticks(&self.id.to_string())
    }

    /// Asks it to stop, and waits until it has.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.id.try_into()?), Signal::SIGTERM)?;
        let status = timeout(LONGEST, self.process.wait())
            .await
            .with_context(|| format!("the daemon does not stop:\n{}", said(&self.talk)))??;
        if !status.success() {
            bail!("the daemon ended with {status}:\n{}", said(&self.talk));
        }
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

/// Listens to all that the daemon tells, so that it never waits for us, and notes when it was ready.
async fn listen(notify: UnixDatagram, ready: oneshot::Sender<Instant>) {
    let mut ready = Some(ready);
    let mut message = [0; 4096];
    while let Ok(length) = notify.recv(&mut message).await {
        let now = Instant::now();
        let told = String::from_utf8_lossy(&message[..length]);
        if told.lines().any(|line| line == "READY=1")
            && let Some(ready) = ready.take()
        {
            // Whoever does not wait any more has said why.
            let _ = ready.send(now);
        }
    }
}

/// What it said on stderr: its log.
fn said(talk: &Path) -> String {
    fs::read_to_string(talk).unwrap_or_default()
}
