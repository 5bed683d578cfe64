//! Whether there is a daemon at all.

use super::*;

#[tokio::test]
async fn there_is_none_where_nobody_holds_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Client::find(folder.path()).await.unwrap().is_none());
    let nowhere = folder.path().join("nowhere");
    assert!(Client::find(&nowhere).await.unwrap().is_none());
    // The file of a dead one stays behind.
    drop(lock(folder.path()));
    assert!(Client::find(folder.path()).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn one_that_does_not_listen_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let _lock = lock(folder.path());
    let error = Client::find(folder.path()).await.unwrap_err();
    let sentence = crate::exit::sentence(&error);
    assert!(
        sentence.starts_with("a daemon runs (pid 4711), and nobody answers on its control socket"),
        "{sentence}"
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_has_not_said_who_it_is_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let _lock = lock(folder.path());
    let file = folder.path().join("locks/daemon");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, "").unwrap();
    let error = Client::find(folder.path()).await.unwrap_err();
    assert!(error.to_string().contains("does not say where"), "{error}");

    let (found, ()) = tokio::join!(Client::find(folder.path()), async {
        let _server = Server::bind(&socket(folder.path())).await.unwrap();
        std::fs::write(&file, &text).unwrap();
        // The socket is there for longer than it is looked for.
        tokio::time::sleep(SOON).await;
    });
    assert!(found.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_meanwhile_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let held = lock(folder.path());
    let (found, ()) = tokio::join!(Client::find(folder.path()), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        drop(held);
    });
    assert!(found.unwrap().is_none());
}
