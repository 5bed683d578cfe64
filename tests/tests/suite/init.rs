//! `rollcall init`: the first minutes of somebody who has two addresses and two tokens.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use simulator::{Effect, Fault, System};
use tests::Ended;

use crate::company::Company;

/// The id of the integration that `init` writes.
const WRITTEN: &str = "sentinelone-users";

/// Somebody who has no configuration yet, and a folder for one.
struct Newcomer {
    company: Company,
    folder: PathBuf,
}

impl Newcomer {
    fn arrives() -> Self {
        let company = Company::plain(12, 0.5);
        let folder = company.rollcall.folder().join("new");
        fs::create_dir(&folder).unwrap();
        Self { company, folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("rollcall.yaml")
    }

    fn config(&self) -> String {
        self.path().display().to_string()
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn secret(&self, system: &str) -> String {
        let folder = self.company.rollcall.folder();
        format!("file:{}/{system}.token", folder.display())
    }

    /// All options that are needed.
    fn options(&self) -> Vec<String> {
        let config = self.company.rollcall.config();
        [
            ("--config", self.config()),
            ("--sentinelone-url", config.sentinelone_url.clone()),
            ("--sentinelone-secret", self.secret("sentinelone")),
            ("--oomnitza-url", config.oomnitza_url.clone()),
            ("--oomnitza-secret", self.secret("oomnitza")),
            ("--state-dir", format!("{}/state", self.folder.display())),
        ]
        .into_iter()
        .flat_map(|(option, value)| [option.to_owned(), value])
        .collect()
    }

    #[track_caller]
    fn init(&self, options: &[String], more: &[&str]) -> Ended {
        let options = options.iter().map(String::as_str);
        let arguments: Vec<&str> = std::iter::once("init")
            .chain(options)
            .chain(more.iter().copied())
            .collect();
        self.company.rollcall.command(&arguments)
    }

    #[track_caller]
    fn command(&self, arguments: &[&str]) -> Ended {
        let config = self.config();
        let mut all = arguments.to_vec();
        all.extend(["--config", &config]);
        self.company.rollcall.command(&all)
    }

    /// Demands that nothing was left behind.
    #[track_caller]
    fn left_nothing(&self) {
        let left: Vec<_> = fs::read_dir(&self.folder).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

#[test]
fn from_options_comes_a_configuration_that_passes_check_and_loads() {
    let newcomer = Newcomer::arrives();
    let ended = newcomer.init(&newcomer.options(), &[]).with_code(0);
    assert_eq!(ended.stdout, "", "stdout is for data");
    let mode = fs::metadata(newcomer.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o640);
    let text = newcomer.text();
    for line in [
        "sync_keys: [sentinelone_user_id, email]",
        "      sentinelone_user_id: id",
        "      sentinelone_roles: \"{{ role_names | join(', ') }}\"",
        "      #first_name: \"{{ fullName | first_name }}\"",
        "      paused: \"not yet set up",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    // Nobody's data is in it, and no secret.
    assert!(!text.contains('@'), "{text}");
    let token = fs::read_to_string(newcomer.company.rollcall.folder().join("oomnitza.token"));
    assert!(!text.contains(token.unwrap().trim()));
    assert_eq!(newcomer.company.control.writes(), []);

    let check = newcomer.command(&["check"]).with_code(0);
    assert_eq!(check.stderr, "", "there is nothing to warn of");
    let _ = newcomer.command(&["doctor"]).with_code(0);
    let _ = newcomer
        .command(&["run", WRITTEN, "--dry-run"])
        .with_code(0);
    let _ = newcomer.command(&["run", WRITTEN]).with_code(0);
    newcomer.company.no_violations();
}

#[test]
fn without_a_terminal_all_that_is_missing_is_named_at_once() {
    let newcomer = Newcomer::arrives();
    let config = ["--config".to_owned(), newcomer.config()];
    let ended = newcomer.init(&config, &[]).with_code(2);
    for option in [
        "--sentinelone-url",
        "--sentinelone-secret",
        "--oomnitza-url",
        "--oomnitza-secret",
    ] {
        assert!(ended.stderr.contains(option), "{option}: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1);
    newcomer.left_nothing();
    assert_eq!(newcomer.company.control.requests(), []);
}

#[test]
fn a_secret_in_the_place_of_its_place_is_refused_and_not_repeated() {
    let newcomer = Newcomer::arrives();
    for secret in ["eyJhbGciOiJIUzI1NiJ9s3cr3t", "eyJh:s3cr3t"] {
        let mut options = newcomer.options();
        options[5] = secret.to_owned();
        let ended = newcomer.init(&options, &[]).with_code(2);
        assert!(
            ended.stderr.contains("--sentinelone-secret"),
            "{}",
            ended.stderr
        );
        assert!(!ended.talk().contains("s3cr3t"), "{}", ended.talk());
    }
    newcomer.left_nothing();
}

#[test]
fn another_configuration_is_written_over_only_when_that_is_asked_for() {
    let newcomer = Newcomer::arrives();
    fs::write(newcomer.path(), "mine").unwrap();
    let ended = newcomer.init(&newcomer.options(), &[]).with_code(2);
    assert!(ended.stderr.contains("--force"), "{}", ended.stderr);
    assert_eq!(newcomer.text(), "mine");
    assert_eq!(
        newcomer.company.control.requests(),
        [],
        "it is seen before anybody is asked"
    );
    let _ = newcomer
        .init(&newcomer.options(), &["--force"])
        .with_code(0);
    let _ = newcomer.command(&["check"]).with_code(0);
}

#[test]
fn tokens_that_do_not_work_leave_nothing_and_offline_asks_nobody() {
    let newcomer = Newcomer::arrives();
    let refuse = Fault::new(System::SentinelOne, "GET /system/info", Effect::Status(401));
    newcomer.company.control.order(refuse);
    let ended = newcomer.init(&newcomer.options(), &[]).with_code(1);
    for words in ["token of SentinelOne", "--offline"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    newcomer.left_nothing();

    newcomer.company.control.clear_requests();
    let _ = newcomer
        .init(&newcomer.options(), &["--offline"])
        .with_code(0);
    assert_eq!(newcomer.company.control.requests(), []);
    let _ = newcomer.command(&["check"]).with_code(0);
    assert!(
        newcomer.text().contains("sync_keys: [email]"),
        "{}",
        newcomer.text()
    );
}

#[test]
fn a_systemd_credential_is_tried_by_the_service_alone() {
    let newcomer = Newcomer::arrives();
    let mut options = newcomer.options();
    options[5] = "systemd:sentinelone-token".to_owned();
    let ended = newcomer.init(&options, &[]).with_code(0);
    assert!(
        ended.stderr.contains("nothing is tried"),
        "{}",
        ended.stderr
    );
    assert_eq!(newcomer.company.control.requests(), []);
    let _ = newcomer.command(&["check"]).with_code(0);
}

#[test]
fn at_a_terminal_it_asks_and_asks_again_until_it_is_understood() {
    let newcomer = Newcomer::arrives();
    let config = newcomer.company.rollcall.config();
    let state = format!("{}/state", newcomer.folder.display());
    let typed = [
        "https://acme.example.org",
        &config.sentinelone_url,
        "s3cr3t",
        &newcomer.secret("sentinelone"),
        &config.oomnitza_url,
        &newcomer.secret("oomnitza"),
        &state,
        "1,2",
    ]
    .map(|line| format!("{line}\n"))
    .concat();
    let path = newcomer.config();
    let arguments = ["init", "--config", &path];
    let rollcall = &newcomer.company.rollcall;
    let ended = rollcall
        .command_at_a_terminal(&arguments, &typed)
        .with_code(0);
    for words in [
        "Address of the SentinelOne console",
        "that cannot be used",
        "sentinelone_user_id from id",
    ] {
        assert!(ended.stdout.contains(words), "{words}: {}", ended.stdout);
    }
    let text = newcomer.text();
    for line in [
        "\n      sentinelone_user_id: id\n",
        "\n      #sentinelone_two_fa: twoFaEnabled\n",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let _ = newcomer
        .command(&["run", WRITTEN, "--dry-run"])
        .with_code(0);
}

#[test]
fn answers_that_break_off_leave_nothing() {
    let newcomer = Newcomer::arrives();
    let path = newcomer.config();
    let typed = format!("{}\n", newcomer.company.rollcall.config().sentinelone_url);
    // The end of what is typed comes as Ctrl-D.
    let ended = newcomer
        .company
        .rollcall
        .command_at_a_terminal(&["init", "--config", &path], &typed)
        .with_code(2);
    assert!(
        ended.stdout.contains("nothing was written"),
        "{}",
        ended.stdout
    );
    newcomer.left_nothing();
}
