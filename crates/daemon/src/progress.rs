//! Progress of a run: a bar on a terminal, plain lines otherwise.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use load::{Phase, Progress};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::output;

/// Shows progress until the run is over.
pub(crate) struct Show {
    task: JoinHandle<()>,
    bar: ProgressBar,
}

impl Show {
    /// Begins to show what is published.
    pub(crate) fn begin(mut progress: watch::Receiver<Progress>) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{msg:10} {wide_bar} {human_pos}/{human_len} {per_sec}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        let terminal = std::io::stderr().is_terminal();
        let shown = bar.clone();
        let task = tokio::spawn(async move {
            let mut phase = None;
            while progress.changed().await.is_ok() {
                let now = *progress.borrow_and_update();
                if terminal {
                    draw(&shown, now);
                } else if phase.replace(now.phase) != Some(now.phase) {
                    output::talk!("{} …", word(now.phase));
                }
                // Nobody reads faster than that.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { task, bar }
    }

    /// Ends the showing, and leaves the line to the summary.
    pub(crate) async fn end(self) {
        self.task.abort();
        // An aborted task has nothing more to say.
        let _ = self.task.await;
        self.bar.finish_and_clear();
    }
}

fn draw(bar: &ProgressBar, progress: Progress) {
    bar.set_message(word(progress.phase));
    match progress.total {
        Some(total) => bar.set_length(total),
        None => bar.unset_length(),
    }
    bar.set_position(progress.done);
}

pub(crate) fn word(phase: Phase) -> &'static str {
    match phase {
        Phase::Reading => "reading",
        Phase::Planning => "planning",
        Phase::Delivering => "delivering",
        Phase::Verifying => "verifying",
    }
}
