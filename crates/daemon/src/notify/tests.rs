//! Channels that fail, as notices: with commands for channels, which do as a file says.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Notice, Store};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Notifier, serve};
use crate::config::{self, Config};

/// Nothing here takes longer.
const LONGEST: Duration = Duration::from_mins(1);

/// An installation with two commands that are told: `good`, and `bad`, which fails until there is a file `mended`.
struct World {
    folder: TempDir,
    config: Config,
    store: Arc<Store>,
}

/// The task that tells, while it lives.
struct Life {
    notifier: Notifier,
    over: CancellationToken,
    task: JoinHandle<()>,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().display().to_string();
        let channel = |name: &str, first: &str| {
            let script = format!("{first} cat >> {path}/{name}");
            format!("  - command: [/bin/sh, -c, \"{script}\"]\n")
        };
        let (good, bad) = (
            channel("good", ""),
            channel("bad", &format!("test -e {path}/mended || exit 1;")),
        );
        let text = format!(
            "credentials:
  s: {{ header: Authorization, secret: {{ env: NO_SUCH }} }}
integrations:
  a:
    source: {{ kind: sentinelone.users, url: 'http://127.0.0.1:1', credential: s }}
    target: {{ kind: oomnitza.users, url: 'http://127.0.0.1:1', credential: s, delivery: rest }}
    sync_keys: [email]
    mapping: {{ email: email }}
notify:
{good}{bad}"
        );
        let parsed = config::parse(&text, Path::new("rollcall.yaml"));
        let config = parsed.unwrap_or_else(|faults| panic!("{faults:?}")).config;
        let store = Store::open(&folder.path().join("rollcall.db"))
            .await
            .unwrap();
        Self {
            folder,
            config,
            store: Arc::new(store),
        }
    }

    async fn live(&self) -> Life {
        let notifier = Notifier::begin(&self.config, &self.store).await;
        let over = CancellationToken::new();
        let serving = serve(notifier.clone(), Arc::clone(&self.store), over.clone());
        Life {
            notifier,
            over,
            task: tokio::spawn(serving),
        }
    }

    /// What a channel heard: the events of a kind of notice.
    fn heard(&self, name: &str, kind: &str) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        let messages = text.lines().map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).unwrap();
            message
        });
        messages
            .filter(|message| message["kind"] == kind)
            .map(|message| message["event"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn wait_for(&self, name: &str, kind: &str, events: &[&str]) {
        let hearing = async {
            while self.heard(name, kind) != events {
                tokio::task::yield_now().await;
            }
        };
        timeout(LONGEST, hearing)
            .await
            .unwrap_or_else(|_| panic!("`{name}` heard {:?}", self.heard(name, kind)));
    }

    /// What the task that watches does when told that others fail.
    async fn reconcile(&self, life: &Life) {
        timeout(LONGEST, life.notifier.failing_changed())
            .await
            .expect("it changes");
        let failing = life.notifier.failing();
        let now = Timestamp::now();
        let kinds = &["notify_failed"];
        self.store
            .reconcile_notices(kinds, &failing, now)
            .await
            .unwrap();
        life.notifier.wake();
    }
}

impl Life {
    async fn end(self) {
        self.over.cancel();
        timeout(LONGEST, self.task).await.expect("it ends").unwrap();
    }
}

#[tokio::test]
async fn a_channel_that_fails_is_a_notice_until_it_can_be_told_and_of_itself_it_does_not_hear() {
    let world = World::new().await;
    let life = world.live().await;
    let notice = Notice::new("disk_low", "", "the disk is nearly full");
    world
        .store
        .begin_notice(None, &notice, Timestamp::now())
        .await
        .unwrap();
    life.notifier.wake();
    world.wait_for("good", "disk_low", &["began"]).await;
    world.reconcile(&life).await;
    world.wait_for("good", "notify_failed", &["began"]).await;
    let [failing] = life.notifier.failing().try_into().unwrap();
    assert_eq!(failing.subject, world.config.notify.channels[1].name);
    assert!(
        failing.message.contains("ended with exit status: 1"),
        "{failing:?}"
    );

    // The next process knows, before it has tried anything.
    life.end().await;
    let life = world.live().await;
    assert_eq!(life.notifier.failing().len(), 1);

    fs::write(world.folder.path().join("mended"), "").unwrap();
    life.notifier.configure(&world.config);
    world.reconcile(&life).await;
    world
        .wait_for("good", "notify_failed", &["began", "ended"])
        .await;
    world.wait_for("bad", "disk_low", &["began"]).await;
    assert!(life.notifier.failing().is_empty());
    life.end().await;
    assert_eq!(world.heard("bad", "notify_failed"), [""; 0]);
    assert_eq!(world.heard("good", "disk_low"), ["began"]);
}

#[tokio::test]
async fn whoever_is_not_told_any_more_leaves_nothing_behind() {
    let mut world = World::new().await;
    let life = world.live().await;
    let notice = Notice::new("disk_low", "", "the disk is nearly full");
    world
        .store
        .begin_notice(None, &notice, Timestamp::now())
        .await
        .unwrap();
    life.notifier.wake();
    world.wait_for("good", "disk_low", &["began"]).await;
    let bad = world.config.notify.channels.pop().unwrap();
    life.notifier.configure(&world.config);
    let emptied = async {
        while !world.store.outbox(&bad.name).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(LONGEST, emptied)
        .await
        .expect("its outbox is emptied");
    assert!(life.notifier.failing().is_empty());
    life.end().await;
}
