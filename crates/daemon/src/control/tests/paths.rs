//! The socket as a file.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;

use super::*;

async fn refusal(path: &Path) -> String {
    crate::exit::sentence(&Server::bind(path).await.unwrap_err())
}

#[tokio::test]
async fn its_user_and_group_may_connect_and_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket(folder.path());
    let _server = Server::bind(&path).await.unwrap();
    let made = fs::symlink_metadata(&path).unwrap();
    assert!(made.file_type().is_socket());
    assert_eq!(made.permissions().mode() & 0o7777, 0o660);
}

#[tokio::test]
async fn a_socket_that_a_dead_daemon_left_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket(folder.path());
    drop(UnixListener::bind(&path).unwrap());
    assert!(path.exists(), "it was left");
    let server = Server::bind(&path).await.unwrap();
    tokio::net::UnixStream::connect(&path).await.unwrap();
    drop(server);
    assert!(!path.exists(), "it is removed at the end");
}

#[tokio::test]
async fn a_socket_that_somebody_listens_on_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket(folder.path());
    let living = UnixListener::bind(&path).unwrap();
    let sentence = refusal(&path).await;
    assert!(
        sentence.starts_with("another process listens on the control socket"),
        "{sentence}"
    );
    assert!(sentence.contains("stop it"), "{sentence}");
    living.accept().expect("it was asked, and is there still");
    tokio::net::UnixStream::connect(&path).await.unwrap();
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "precious").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink("nowhere", &link).unwrap();
    for path in [&file, &link, &folder.path().to_owned()] {
        let sentence = refusal(path).await;
        assert!(
            sentence.ends_with("and there is something else; move it away"),
            "{sentence}"
        );
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
}

#[tokio::test]
async fn a_path_that_the_system_does_not_take_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let length = |path: &Path| path.as_os_str().len();
    let fitting = folder.path().join("x".repeat(106 - length(folder.path())));
    assert_eq!(length(&fitting), 107);
    Server::bind(&fitting).await.unwrap();
    let longer = fitting.with_added_extension("y");
    let sentence = refusal(&longer).await;
    assert!(sentence.contains("109 bytes"), "{sentence}");
    assert!(sentence.contains("RuntimeDirectory="), "{sentence}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nowhere/rollcall.sock");
    let sentence = refusal(&path).await;
    assert!(
        sentence.starts_with("could not open the control socket"),
        "{sentence}"
    );
}

#[tokio::test]
async fn what_another_has_put_in_its_place_is_left_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = socket(folder.path());
    let server = Server::bind(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    let _other = UnixListener::bind(&path).unwrap();
    drop(server);
    assert!(path.exists());
}

#[tokio::test]
async fn the_socket_goes_with_the_server() {
    let served = Served::begin().await;
    let path = served.path();
    assert!(path.exists());
    let folder = served.folder.path().to_owned();
    served.cancel.cancel();
    soon(served.server).await.unwrap();
    assert!(!path.exists());
    assert!(folder.exists());
}
