//! SIGINT and SIGTERM, as a command minds them: the first stops a run, the second the process.

use load::{Cause, Halt};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output;

/// The signals that end a command; from the moment this is made they end nothing by themselves.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Begins to mind them.
    pub(crate) fn mind() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Makes what the first one stops; the second one ends the process.
    pub(crate) fn stopping(mut self) -> Halt {
        let halt = Halt::new();
        let stopped = halt.clone();
        tokio::spawn(async move {
            self.next().await;
            output::talk!("stopping; once more to stop at once");
            stopped.stop(Cause::Shutdown);
            self.next().await;
            // The next run closes this one.
            std::process::exit(6);
        });
        halt
    }
}
