//! Configurations that are wrong: everything is said at once, and nobody is contacted.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::company::Company;

/// Changes of the working configuration, each of them one fault.
const FAULTS: [(&str, &str); 10] = [
    ("http: { timeout: 1m }", "http: { timeout: soon }"),
    ("kind: sentinelone.users", "kind: sentinelone.people"),
    ("where: \"not isSystem\"", "where: \"not isSystem and\""),
    ("preference: create_and_update", "preference: both"),
    (
        "sync_keys: [sentinelone_user_id, email]",
        "sync_keys: [sentinelone_user_id, nickname]",
    ),
    ("email: email", "email: { from: email, wirte: always }"),
    (
        "first_name: \"{{ fullName | first_name }}\"",
        "first_name: \"{{ fullName | firstname }}\"",
    ),
    (
        "last_name: \"{{ fullName | last_name }}\"",
        "last_name: \"{{ fullName | last_name\"",
    ),
    (
        "sentinelone_scope: scope",
        "sentinelone_scope: { from: scope, table: {} , value: x }",
    ),
    ("delivery: rest", "delivery: pigeon"),
];

#[test]
fn ten_faults_are_said_at_once_each_with_its_place() {
    let company = Company::with(5, 0.5, |config| config.timeout = "1m");
    let mut yaml = company.rollcall.yaml();
    for (right, wrong) in FAULTS {
        assert!(yaml.contains(right), "{right}");
        yaml = yaml.replacen(right, wrong, 1);
    }
    company.rollcall.write_config(&yaml);
    let path = company.rollcall.config_path();
    let place = format!("{}:", path.display());
    let lines = yaml.lines().collect::<Vec<_>>();

    let check = company.rollcall.check().with_code(2);
    let run = company.rollcall.run().with_code(2);
    for said in [&check.stdout, &run.stderr] {
        let faults: Vec<&str> = said
            .lines()
            .filter(|line| line.starts_with(&place))
            .collect();
        assert_eq!(faults.len(), FAULTS.len(), "{said}");
        for fault in faults {
            let mut parts = fault[place.len()..].splitn(3, ':');
            let line: usize = parts.next().unwrap().parse().unwrap();
            let column: usize = parts.next().unwrap().parse().unwrap();
            assert!(
                column >= 1 && column <= lines[line - 1].chars().count() + 1,
                "{fault}"
            );
            let is_wrong = FAULTS
                .iter()
                .any(|(_, wrong)| lines[line - 1].contains(wrong));
            assert!(is_wrong, "no fault is there: {fault}");
        }
    }
    assert_eq!(company.control.requests(), []);
    assert!(!company.rollcall.state_dir().exists());
}

#[test]
fn a_configuration_that_is_right_has_no_faults() {
    let company = Company::plain(5, 0.5);
    let ended = company.rollcall.check().with_code(0);
    assert!(ended.stdout.contains("no faults"), "{}", ended.stdout);
    assert_eq!(company.control.requests(), []);
}

#[test]
fn a_secret_that_others_can_read_is_refused() {
    let company = Company::plain(5, 0.5);
    let file = company.rollcall.folder().join("oomnitza.token");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    for ended in [company.rollcall.check(), company.rollcall.run()] {
        let ended = ended.with_code(2);
        assert!(ended.talk().contains("chmod 600"), "{}", ended.talk());
    }
    assert_eq!(company.control.requests(), []);
}

#[test]
fn a_console_of_another_host_is_refused_unless_it_is_meant() {
    let company = Company::plain(5, 0.5);
    let right = company.rollcall.config().sentinelone_url.clone();
    for wrong in [
        "https://acme.sentinelone.org",
        "https://sentinelone.net.evil.example",
        "http://acme.sentinelone.net",
        "https://evilsentinelone.net",
        "ftp://acme.sentinelone.net",
    ] {
        company
            .rollcall
            .write_config(&company.rollcall.yaml().replace(&right, wrong));
        let ended = company.rollcall.check().with_code(2);
        assert!(
            ended.stdout.contains("sentinelone") || ended.stdout.contains("https"),
            "{}",
            ended.stdout
        );
    }
    let custom = "https://console.acme.example\n      custom_domain: true";
    company
        .rollcall
        .write_config(&company.rollcall.yaml().replace(&right, custom));
    let _ = company.rollcall.check().with_code(0);
    for url in [
        "https://acme.sentinelone.net",
        "https://acme.sentinelone.com/",
    ] {
        company
            .rollcall
            .write_config(&company.rollcall.yaml().replace(&right, url));
        let _ = company.rollcall.check().with_code(0);
    }
}

#[test]
fn deactivating_without_saas_users_is_warned_of_and_loads_all_the_same() {
    let company = Company::with(5, 0.5, |config| config.missing = "deactivate");
    let ended = company.rollcall.check().with_code(0);
    let said = format!("{}{}", ended.stdout, ended.stderr);
    assert!(said.contains("nobody is deactivated"), "{said}");
    company.load();
}

#[test]
fn an_integration_that_is_not_configured_is_named_with_those_that_are() {
    let company = Company::plain(5, 0.5);
    let ended = company
        .rollcall
        .command(&["run", "console-user"])
        .with_code(2);
    assert!(
        ended.stderr.contains(tests::INTEGRATION),
        "{}",
        ended.stderr
    );
}

#[test]
fn a_key_that_stands_twice_is_a_fault() {
    let company = Company::plain(5, 0.5);
    let yaml = company.rollcall.yaml().replace(
        "      email: email\n",
        "      email: email\n      email: id\n",
    );
    company.rollcall.write_config(&yaml);
    let ended = company.rollcall.check().with_code(2);
    assert!(ended.stdout.contains("`email`"), "{}", ended.stdout);
}

#[test]
fn a_misspelt_integration_is_answered_with_the_one_that_was_meant() {
    let company = Company::plain(3, 0.5);
    let meant = format!("did you mean `{}`?", tests::INTEGRATION);
    for arguments in [
        &["run", "console-user"][..],
        &["plan", "console_users"],
        &["fields", "consoleusers"],
        &["slots", "console-usrs", "--next", "1"],
    ] {
        let ended = company.rollcall.command(arguments).with_code(2);
        assert!(
            ended.stderr.contains(&meant),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    company.load();
    for arguments in [
        &["runs", "console-user"][..],
        &["errors", "--integration", "console-user"],
        &["people", "--integration", "console-user"],
    ] {
        let ended = company.rollcall.command(arguments).with_code(2);
        assert!(
            ended.stderr.contains(&meant),
            "{arguments:?}: {}",
            ended.stderr
        );
    }
    for (arguments, meant) in [
        (&["runs", "--state", "complete"][..], "completed"),
        (&["errors", "--reason", "not_in_omnitza"], "not_in_oomnitza"),
        (&["errors", "--outcome", "skiped"], "skipped"),
    ] {
        let ended = company.rollcall.command(arguments).with_code(2);
        assert!(
            ended.stderr.contains(&format!("'{meant}'")),
            "{}",
            ended.stderr
        );
    }
    let serving = company.rollcall.serve();
    let ended = company
        .rollcall
        .command(&["resume", "console-user"])
        .with_code(2);
    assert!(ended.stderr.contains(&meant), "{}", ended.stderr);
    serving.stop();
}
