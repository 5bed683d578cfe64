//! Secrets in files, as `check` sees them and as they are read.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use secrecy::ExposeSecret;

use super::{faults, lines, read, with};
use crate::config::SecretSource;
use crate::secrets;

fn file_with(folder: &Path, content: impl AsRef<[u8]>, mode: u32) -> SecretSource {
    let path = folder.join("token");
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    SecretSource::File(path)
}

fn refusal(source: &SecretSource) -> String {
    secrets::read(source).unwrap_err().to_string()
}

#[test]
fn a_secret_is_one_line_without_the_white_space_around_it() {
    let folder = tempfile::tempdir().unwrap();
    for (content, secret) in [("abc", "abc"), ("  abc\r\n\n", "abc"), ("a b", "a b")] {
        let source = file_with(folder.path(), content, 0o600);
        assert_eq!(secrets::read(&source).unwrap().expose_secret(), secret);
    }
    let source = file_with(folder.path(), "x".repeat(430), 0o400);
    assert_eq!(secrets::read(&source).unwrap().expose_secret().len(), 430);
}

#[test]
fn what_cannot_be_a_secret_is_refused_without_repeating_it() {
    let folder = tempfile::tempdir().unwrap();
    for content in [
        &b""[..],
        b" \n\t",
        b"abc\ndef",
        b"ab\x07c",
        b"abc\xff",
        "abcé".as_bytes(),
        &vec![b'x'; 20_000],
    ] {
        let said = refusal(&file_with(folder.path(), content, 0o600));
        assert!(
            said.contains("token") && said.contains("on one line"),
            "{said}"
        );
        assert!(!said.contains("abc") && !said.contains("xx"), "{said}");
    }
}

#[test]
fn a_file_that_others_can_read_is_refused_with_the_command_that_closes_it() {
    let folder = tempfile::tempdir().unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o777] {
        let source = file_with(folder.path(), "abc", mode);
        let said = refusal(&source);
        let command = format!("chmod 600 {}", folder.path().join("token").display());
        assert!(said.contains(&command), "{said}");

        let SecretSource::File(path) = source else {
            unreachable!()
        };
        let path = path.to_str().unwrap();
        let file = format!("{{ file: {path} }}");
        let found = faults(&with(&[("{ env: SENTINELONE_TOKEN }", &file)]));
        assert!(
            found.starts_with("rollcall.yaml:8:21:") && found.contains(&command),
            "{found}"
        );
        assert_eq!(found.lines().count(), 1);
    }
}

#[test]
fn a_link_to_a_closed_file_is_followed_and_anything_else_than_a_file_refused() {
    let folder = tempfile::tempdir().unwrap();
    file_with(folder.path(), "abc", 0o600);
    let link = folder.path().join("link");
    symlink(folder.path().join("token"), &link).unwrap();
    assert_eq!(
        secrets::read(&SecretSource::File(link))
            .unwrap()
            .expose_secret(),
        "abc"
    );
    let said = refusal(&SecretSource::File(folder.path().to_owned()));
    assert!(said.contains("is not a file"), "{said}");
}

#[test]
fn a_file_that_is_not_there_is_a_warning_until_it_is_read() {
    let path = "/nowhere/token";
    let text = with(&[("{ env: SENTINELONE_TOKEN }", "{ file: /nowhere/token }")]);
    let loaded = read(&text).unwrap();
    assert!(
        lines(&loaded.warnings).contains(path),
        "{}",
        lines(&loaded.warnings)
    );
    assert!(refusal(&SecretSource::File(path.into())).contains(path));
}

#[test]
fn the_environment_is_asked_for_by_name() {
    // Set by cargo for every test.
    let source = SecretSource::Env("CARGO_PKG_NAME".to_owned());
    assert_eq!(secrets::read(&source).unwrap().expose_secret(), "daemon");
    let said = refusal(&SecretSource::Env("ROLLCALL_NOT_SET".to_owned()));
    assert!(said.contains("`ROLLCALL_NOT_SET` is not set"), "{said}");
    let said = refusal(&SecretSource::Systemd("token".to_owned()));
    assert!(said.contains("systemd gave this process none"), "{said}");
}

#[test]
fn the_header_value_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    file_with(folder.path(), "abc123", 0o600);
    let path = folder.path().join("token");
    let file = format!("{{ file: {} }}", path.display());
    let config = read(&with(&[("{ env: SENTINELONE_TOKEN }", &file)]))
        .unwrap()
        .config;
    let value = secrets::header_value(&config.credentials["sentinelone"]).unwrap();
    assert_eq!(value.expose_secret(), "ApiToken abc123");
    assert!(!format!("{value:?} {config:?}").contains("abc123"));
}
