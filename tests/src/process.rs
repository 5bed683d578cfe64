//! A process of the binary, going on and ended.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Nothing that a test does takes longer.
const LONGEST: Duration = Duration::from_secs(100);
/// How often a process and what it does are looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What a command said, and how it ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; `None` for a process that was killed.
    pub code: Option<i32>,
    /// The data.
    pub stdout: String,
    /// The talk.
    pub stderr: String,
}

impl Ended {
    /// Demands an exit code.
    ///
    /// # Panics
    /// It is another; the panic shows what the process said.
    #[must_use]
    #[track_caller]
    pub fn with_code(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout,
            self.stderr
        );
        self
    }

    /// The data, as JSON.
    ///
    /// # Panics
    /// It is none.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is no JSON ({error}): {}", self.stdout))
    }

    /// Everything that was said.
    pub fn talk(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

/// A command that is going on; it is killed when this is dropped.
#[derive(Debug)]
pub struct Going {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

impl Going {
    /// Starts a command, with what it says in files of `folder`.
    pub(crate) fn start(mut command: Command, folder: &Path, number: usize) -> Self {
        let stdout = folder.join(format!("{number}.stdout"));
        let stderr = folder.join(format!("{number}.stderr"));
        let file = |path: &Path| File::create(path).expect("a test folder takes files");
        let child = command
            .stdin(Stdio::null())
            .stdout(file(&stdout))
            .stderr(file(&stderr))
            .spawn()
            .expect("the binary starts");
        Self {
            child,
            stdout,
            stderr,
        }
    }

    /// Waits until something holds while the process goes on.
    ///
    /// # Panics
    /// The process ended before, or it never held.
    #[track_caller]
    pub fn wait_until(&mut self, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                assert!(
                    holds(),
                    "the process ended too early ({status})\n{}",
                    self.said()
                );
                return;
            }
            assert!(
                began.elapsed() < LONGEST,
                "it never came to that\n{}",
                self.said()
            );
            pause();
        }
    }

    /// Waits until something holds, or the process has ended.
    ///
    /// # Panics
    /// It never comes to that.
    #[track_caller]
    pub fn wait_until_over_or(&mut self, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() && !self.is_over() {
            assert!(
                began.elapsed() < LONGEST,
                "it never came to that\n{}",
                self.said()
            );
            pause();
        }
    }

    /// Whether it has ended.
    ///
    /// # Panics
    /// It cannot be waited for.
    pub fn is_over(&mut self) -> bool {
        let status = self.child.try_wait().expect("a child can be waited for");
        status.is_some()
    }

    /// Pulls the plug: `kill -9`.
    ///
    /// # Panics
    /// It cannot be killed.
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("a child can be killed");
        self.end()
    }

    /// Asks it to stop: SIGTERM.
    ///
    /// # Panics
    /// There is no `kill`.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Types Ctrl-C: SIGINT.
    ///
    /// # Panics
    /// There is no `kill`.
    pub fn interrupt(&self) {
        self.signal("INT");
    }

    /// Asks it to read its configuration anew: SIGHUP.
    ///
    /// # Panics
    /// There is no `kill`.
    pub fn hang_up(&self) {
        self.signal("HUP");
    }

    /// The id of the process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status()
            .expect("there is a `kill`");
        assert!(status.success(), "the process could not be signalled");
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// It does not end.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                let said = |path| fs::read_to_string(path).expect("the process wrote UTF-8");
                return Ended {
                    code: status.code(),
                    stdout: said(&self.stdout),
                    stderr: said(&self.stderr),
                };
            }
            assert!(
                began.elapsed() < LONGEST,
                "it does not end\n{}",
                self.said()
            );
            pause();
        }
    }

    /// All that it has said until now.
    pub fn said(&self) -> String {
        let said = |path| fs::read_to_string(path).unwrap_or_default();
        format!(
            "--- stdout\n{}\n--- stderr\n{}",
            said(&self.stdout),
            said(&self.stderr)
        )
    }
}

impl Drop for Going {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lets a moment pass before the next look.
#[expect(
    clippy::disallowed_methods,
    reason = "a child process gives no sign that could be waited for; each look is at what it did, not at the time"
)]
fn pause() {
    thread::sleep(LOOK);
}
