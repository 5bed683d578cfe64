//! The sandbox of the service, as systemd itself scores it.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use super::finding::Finding;

const CHECK: &str = "sandbox";
const UNIT: &str = "rollcall.service";
/// The unit as it comes scores about half of this; 10 is no sandbox at all.
const OPEN: f64 = 3.0;
/// systemd answers in some hundred milliseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks systemd how exposed the service is.
pub(super) async fn examine() -> Finding {
    let mut command = Command::new("systemd-analyze");
    let asked = command
        .args(["security", "--no-pager", UNIT])
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let skipped = |why: &str| Finding::ok(CHECK, format!("skipped, as {why}"));
    match timeout(PATIENCE, asked).await {
        Err(_) => skipped("`systemd-analyze` does not answer"),
        Ok(Err(_)) => skipped("there is no `systemd-analyze` here"),
        Ok(Ok(output)) => match score(&String::from_utf8_lossy(&output.stdout)) {
            Some(score) => judge(score),
            None => skipped("systemd tells nothing of `rollcall.service` here"),
        },
    }
}

fn judge(score: f64) -> Finding {
    let message = format!("systemd scores the exposure of `{UNIT}` with {score:.1} of 10");
    if score <= OPEN {
        Finding::ok(CHECK, message)
    } else {
        let hint = "the unit as it comes is closer: see `systemctl cat rollcall`, and take out what opens it";
        Finding::warn(CHECK, message, hint)
    }
}

/// Reads `→ Overall exposure level for rollcall.service: 1.4 OK`.
fn score(text: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.contains("exposure level"))?;
    let (_, words) = line.split_once(": ")?;
    words.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::State;

    #[test]
    fn the_score_is_read_from_the_last_line() {
        let text = "  NAME  DESCRIPTION  EXPOSURE\n✗ PrivateNetwork=  Service has access to the host's network  0.5\n\n\
             → Overall exposure level for rollcall.service: 1.4 OK 🙂\n";
        assert_eq!(score(text), Some(1.4));
        assert_eq!(score("Unit rollcall.service not found."), None);
        assert_eq!(judge(1.4).state, State::Ok);
        assert_eq!(judge(9.6).state, State::Warn);
    }
}
