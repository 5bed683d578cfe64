//! A command that is told: started for each message, with the message on its stdin.

use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use super::tell::Untold;

/// What a command finds of our environment. There may be secrets in the rest.
const ENVIRONMENT: [&str; 4] = ["PATH", "HOME", "LANG", "TZ"];
/// How much of what it says is read, in bytes; the rest is thrown away.
const SAID: usize = 500;

/// What it said until it ended is read within this time.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// Runs a command to its end, or until it has taken too long.
pub(super) async fn run(
    command: &[String],
    message: &Value,
    longest: Duration,
) -> Result<(), Untold> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Untold::new("there is no command"));
    };
    let mut process = Command::new(program);
    process
        .args(arguments)
        .env_clear()
        .envs(
            ENVIRONMENT
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        // What it starts itself ends with it, and no signal to us is for it.
        .process_group(0)
        .kill_on_drop(true);
    let child = process
        .spawn()
        .map_err(|error| Untold::new(format!("`{program}` could not be started: {error}")))?;
    let mut group = Group::of(&child);
    let ended = timeout(longest, converse(child, message.to_string() + "\n")).await;
    match ended {
        Ok(Ok((status, _))) if status.success() => {
            group.is_over();
            Ok(())
        }
        Ok(Ok((status, said))) => Err(Untold {
            said: Some(said).filter(|said| !said.is_empty()),
            ..Untold::new(format!("`{program}` ended with {status}"))
        }),
        Ok(Err(error)) => Err(Untold::new(format!(
            "`{program}` could not be waited for: {error}"
        ))),
        Err(_) => Err(Untold::new(format!(
            "`{program}` did not end within {} s, and was killed",
            longest.as_secs()
        ))),
    }
}

/// Gives it the message, and waits for its end; says how it ended, and the first line of what it said.
async fn converse(
    mut child: Child,
    message: String,
) -> std::io::Result<(std::process::ExitStatus, String)> {
    let stdin = child.stdin.take();
    let stderr = child.stderr.take();
    let giving = async {
        if let Some(mut stdin) = stdin {
            // One that does not want to know closes it, which is its own affair.
            let _ = stdin.write_all(message.as_bytes()).await;
        }
    };
    let mut said = Vec::new();
    let hearing = async {
        if let Some(stderr) = stderr {
            hear(stderr, &mut said).await;
        }
    };
    let status = {
        let talking = async { tokio::join!(giving, hearing) };
        tokio::pin!(talking);
        tokio::select! {
            status = child.wait() => {
                // What it leaves running may hold its stderr open for ever.
                let _ = timeout(LAST_WORDS, talking).await;
                status?
            }
            _ = &mut talking => child.wait().await?,
        }
    };
    let said = String::from_utf8_lossy(&said).into_owned();
    let first = said.lines().map(str::trim).find(|line| !line.is_empty());
    let first = first.unwrap_or_default();
    Ok((status, first.replace(|c: char| c.is_control(), " ")))
}

async fn hear(mut stderr: impl AsyncRead + Unpin, said: &mut Vec<u8>) {
    let mut buffer = [0; 512];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        let room = SAID.saturating_sub(said.len());
        said.extend_from_slice(&buffer[..read.min(room)]);
    }
}

/// The processes that a command consists of; killed together when this is dropped before they were done.
struct Group(Option<Pid>);

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self(id.map(Pid::from_raw))
    }

    /// It ended well, and what it left running may go on.
    fn is_over(&mut self) {
        self.0 = None;
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // One that is gone already need not be killed.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Instant;

    use serde_json::json;

    use super::*;

    const LONGEST: Duration = Duration::from_secs(30);

    async fn sh(script: &str, longest: Duration) -> Result<(), Untold> {
        let command = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&command, &json!({"event": "began"}), longest).await
    }

    #[tokio::test]
    async fn it_gets_the_message_as_a_line_and_little_of_the_environment() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().display();
        sh(&format!("cat > {to}/stdin; env > {to}/env"), LONGEST)
            .await
            .unwrap();
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(read("stdin"), "{\"event\":\"began\"}\n");
        let environment = read("env");
        for line in environment.lines() {
            let name = line.split('=').next().unwrap();
            let own = ["PWD", "SHLVL", "_", "OLDPWD"];
            assert!(ENVIRONMENT.contains(&name) || own.contains(&name), "{line}");
        }
    }

    #[tokio::test]
    async fn one_that_does_not_listen_is_told_all_the_same() {
        sh("exec <&-; exit 0", LONGEST).await.unwrap();
    }

    #[tokio::test]
    async fn one_that_fails_shows_its_code_and_the_first_line_that_it_said() {
        let untold = sh("echo; echo first >&2; echo second >&2; exit 3", LONGEST)
            .await
            .unwrap_err();
        assert_eq!(untold.why, "`/bin/sh` ended with exit status: 3");
        assert_eq!(untold.said.as_deref(), Some("first"));
    }

    #[tokio::test]
    async fn one_that_says_much_is_heard_to_its_end() {
        let untold = sh("yes | head -c 1000000 >&2; exit 1", LONGEST)
            .await
            .unwrap_err();
        assert_eq!(untold.said.as_deref(), Some("y"));
    }

    #[tokio::test]
    async fn one_that_takes_too_long_is_killed_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {}; wait", file.display());
        let began = Instant::now();
        let untold = sh(&script, Duration::from_secs(1)).await.unwrap_err();
        assert!(
            untold
                .why
                .ends_with("did not end within 1 s, and was killed")
        );
        assert!(began.elapsed() < LONGEST);
        let pid = fs::read_to_string(file).unwrap();
        let state = format!("/proc/{}/stat", pid.trim());
        let gone = || fs::read_to_string(&state).map_or(true, |stat| stat.contains(") Z "));
        let dying = async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONGEST, dying).await.expect("it is killed");
    }

    #[tokio::test]
    async fn what_a_command_leaves_running_is_not_waited_for() {
        let began = Instant::now();
        sh("sleep 20 & exit 0", LONGEST).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(15));
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_named_without_its_arguments() {
        let command = ["/nowhere/page", "--key=5a1e"].map(str::to_owned);
        let untold = run(&command, &json!({}), LONGEST).await.unwrap_err();
        assert!(
            untold
                .why
                .starts_with("`/nowhere/page` could not be started: No such file")
        );
        assert!(!untold.sentence().contains("5a1e"));
    }
}
