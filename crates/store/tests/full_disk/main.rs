//! A disk that is full for a while: a limit on the size of files stands in for it, which holds for the whole process,
//! so that this is the only test in its program.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where; clippy knows only the functions marked as tests"
)]

use std::fs;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use store::{Cause, Cell, Store};
use tokio::signal::unix::{SignalKind, signal};

async fn roles(store: &Store) -> i64 {
    let rows = store
        .select("SELECT count(*) FROM roles".to_owned(), &[])
        .await
        .unwrap();
    match rows.rows[0][0] {
        Cell::Integer(count) => count,
        _ => panic!("count(*) is a number"),
    }
}

#[tokio::test]
async fn a_store_goes_on_once_there_is_room_again() {
    // By default this signal, SIGXFSZ, ends the process: the error is wanted instead.
    let _heard = signal(SignalKind::from_raw(nix::libc::SIGXFSZ)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rollcall.db");
    let store = Store::open(&path).await.unwrap();
    let integration = store.integration("a").await.unwrap().key;
    let many: Vec<_> = (0..5000)
        .map(|i| (i.to_string(), "x".repeat(200)))
        .collect();
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    let log = fs::metadata(format!("{}-wal", path.display()))
        .unwrap()
        .len();

    // The log ends somewhere within what the transaction writes, each time a little later, until there is room.
    let mut failures = 0;
    for room in (0..).step_by(20_000) {
        setrlimit(Resource::RLIMIT_FSIZE, log + room, hard).unwrap();
        let Err(error) = store.replace_roles(integration, &many).await else {
            break;
        };
        assert_eq!(error.cause(), Cause::Full, "{error:?}");
        // While the disk is full, each call fails for that reason and no other.
        let error = store.replace_roles(integration, &many).await.unwrap_err();
        assert_eq!(error.cause(), Cause::Full, "{error:?}");
        assert_eq!(roles(&store).await, 0);
        failures += 1;

        setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
        store.replace_roles(integration, &many[..1]).await.unwrap();
        assert_eq!(roles(&store).await, 1);
        store.replace_roles(integration, &[]).await.unwrap();
        assert!(store.checkpoint().await.unwrap());
    }
    assert!(failures > 10, "{failures} failures");
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    store.replace_roles(integration, &many).await.unwrap();
    assert_eq!(roles(&store).await, 5000);
    assert_eq!(store.quick_check().await.unwrap(), [""; 0]);
}
