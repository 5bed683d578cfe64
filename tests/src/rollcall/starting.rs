//! Processes of the binary: commands, and daemons.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use super::Rollcall;
use crate::binary;
use crate::config::INTEGRATION;
use crate::process::{Ended, Going};
use crate::serving::Serving;
use crate::systemd::Systemd;

/// How the binary is started.
impl Rollcall {
    /// Any command.
    #[track_caller]
    pub fn command(&self, arguments: &[&str]) -> Ended {
        self.start(arguments).end()
    }

    /// Starts `rollcall run` and does not wait for its end.
    pub fn start_run(&self) -> Going {
        self.start(&["run", INTEGRATION])
    }

    /// Starts any command and does not wait for its end.
    pub fn start(&self, arguments: &[&str]) -> Going {
        self.start_with(arguments, |_| {})
    }

    /// Starts any command with something about its process changed, such as a variable of its environment.
    pub fn start_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> Going {
        let mut command = Command::new(binary::rollcall());
        command.args(arguments);
        self.start_prepared(command, change)
    }

    /// Runs any command at a terminal, where somebody types these lines.
    ///
    /// What the command says to stdout and to stderr comes as one.
    ///
    /// # Panics
    /// The binary is in no path that a shell can be told.
    #[track_caller]
    pub fn command_at_a_terminal(&self, arguments: &[&str], typed: &str) -> Ended {
        let mut command = Command::new("bash");
        let script =
            "printf '%s' \"$TYPED\" | script --quiet --return --command \"$COMMAND\" /dev/null";
        let binary = binary::rollcall();
        let words = std::iter::once(binary.to_str().expect("a path in UTF-8"))
            .chain(arguments.iter().copied())
            .map(|word| format!("'{word}'"));
        let words: Vec<String> = words.collect();
        command
            .args(["-c", script])
            .env("TYPED", typed)
            .env("COMMAND", words.join(" "));
        self.start_prepared(command, |_| {}).end()
    }

    /// Runs any command whose data nobody reads: the pipe is closed before it is full.
    #[track_caller]
    pub fn command_into_a_closed_pipe(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new("bash");
        command
            .args(["-c", "set -o pipefail; \"$0\" \"$@\" | true"])
            .arg(binary::rollcall())
            .args(arguments);
        self.start_prepared(command, |_| {}).end()
    }

    /// Runs any command with no file allowed to grow beyond so many KiB, as on a full disk.
    #[track_caller]
    pub fn command_with_file_limit(&self, arguments: &[&str], kib: u32) -> Ended {
        self.start_prepared(with_file_limit(arguments, kib), |_| {})
            .end()
    }

    /// Runs any command without the rights by which root reads what is not its own, if it has them.
    #[track_caller]
    pub fn command_without_privileges(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new("bash");
        let script = "if [ \"$(id -u)\" != 0 ]; then exec \"$0\" \"$@\"; fi
            exec setpriv --bounding-set=-dac_override,-dac_read_search \"$0\" \"$@\"";
        command
            .args(["-c", script])
            .arg(binary::rollcall())
            .args(arguments);
        self.start_prepared(command, |_| {}).end()
    }

    /// Serves, and waits until the daemon is ready.
    #[track_caller]
    pub fn serve(&self) -> Serving {
        self.serve_with(|_| {})
    }

    /// Serves with something about the process changed.
    #[track_caller]
    pub fn serve_with(&self, change: impl FnOnce(&mut Command)) -> Serving {
        let mut command = Command::new(binary::rollcall());
        command.arg("serve");
        let mut serving = self.start_serving(command, change);
        serving.wait_until_told("READY=1");
        serving
    }

    /// Serves with no file allowed to grow beyond so many KiB, as on a full disk.
    #[track_caller]
    pub fn serve_with_file_limit(&self, kib: u32) -> Serving {
        let mut serving = self.start_serving(with_file_limit(&["serve"], kib), |_| {});
        serving.wait_until_told("READY=1");
        serving
    }

    fn start_serving(&self, command: Command, change: impl FnOnce(&mut Command)) -> Serving {
        let number = self.commands.get() + 1;
        let systemd = Systemd::listen(&self.folder.path().join(format!("{number}.notify")));
        let going = self.start_prepared(command, |command| {
            command.env("NOTIFY_SOCKET", systemd.path());
            change(command);
        });
        Serving::new(going, systemd, self.database_path())
    }

    /// `rollcall serve` that is not to come to be.
    #[track_caller]
    pub fn serve_in_vain(&self) -> Ended {
        self.command(&["serve"])
    }

    fn start_prepared(&self, mut command: Command, change: impl FnOnce(&mut Command)) -> Going {
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if [
                "RUST_LOG",
                "NOTIFY_SOCKET",
                "RUNTIME_DIRECTORY",
                "JOURNAL_STREAM",
            ]
            .contains(&&*name)
                || name.starts_with("WATCHDOG_")
                || name.starts_with("ROLLCALL_")
                || name.to_lowercase().ends_with("_proxy")
            {
                command.env_remove(name);
            }
        }
        // A signal to the tests' own group is not for it.
        command
            .env("ROLLCALL_CONFIG", self.config_path())
            .process_group(0);
        change(&mut command);
        let number = self.commands.get() + 1;
        self.commands.set(number);
        Going::start(command, self.folder.path(), number)
    }
}

/// Any command with no file allowed to grow beyond so many KiB.
fn with_file_limit(arguments: &[&str], kib: u32) -> Command {
    let mut command = Command::new("bash");
    let script = format!("ulimit -f {kib}; exec \"$0\" \"$@\"");
    command
        .args(["-c", &script])
        .arg(binary::rollcall())
        .args(arguments);
    command
}
