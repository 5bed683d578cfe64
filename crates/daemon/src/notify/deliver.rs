//! The daemon's task that sees to it that everybody is told: it routes, and keeps a teller for each channel.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{NoticeEvent, NoticeRow, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::health::KIND;
use super::notifier::{InForce, Notifier};
use super::teller::{Bells, Teller};
use crate::config::{Channel, Occasion};

/// How often it is looked for notices of which nobody said that they are there, such as those of another process.
const LOOK: Duration = Duration::from_secs(10);
/// When it is over, loads that ended just before are told of for so long.
const FAREWELL: Duration = Duration::from_secs(2);

/// Tells everybody of what happens, until it is over.
///
/// # Panics
/// A teller did, which is a defect.
pub(crate) async fn serve(notifier: Notifier, store: Arc<Store>, over: CancellationToken) {
    let mut post = Post {
        store,
        tellers: BTreeMap::new(),
        leaving: Vec::new(),
        is_tidy: false,
    };
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = over.cancelled() => break,
            () = notifier.shared.bell.notified() => {}
            _ = looks.tick() => {}
        }
        let in_force = notifier.in_force();
        post.employ(&in_force, &notifier).await;
        route(&in_force, &post.store).await;
        post.ring(notifier.is_to_try_again());
        notifier.shared.health.look(Timestamp::now());
        post.is_well().await;
    }
    let settling = notifier.shared.pings.settle(FAREWELL);
    tokio::join!(settling, post.close());
}

/// Puts what began and ended into the outboxes of those who want it.
pub(super) async fn route(in_force: &InForce, store: &Store) {
    let wanting = |row: &NoticeRow, event| {
        let wanting = in_force.notify.channels.iter();
        wanting
            .filter(|channel| wants(channel, row, event))
            .map(|channel| channel.name.clone())
            .collect()
    };
    if let Err(error) = store.route_notices(wanting, Timestamp::now()).await {
        tracing::warn!(error = %load::chain(&error), "Could not route notices; it is tried again");
    }
}

/// Whether a channel is to be told of an event; never of its own failure, of which it cannot be.
fn wants(channel: &Channel, row: &NoticeRow, event: NoticeEvent) -> bool {
    let notice = &row.notice;
    if notice.kind == KIND && notice.subject == channel.name {
        return false;
    }
    let on = &channel.occasions;
    let began = on.contains(&Occasion::of_kind(&notice.kind));
    match event {
        NoticeEvent::Began => began,
        NoticeEvent::Ended => on.contains(&Occasion::Recovered) && (began || on.len() == 1),
    }
}

/// Those who tell.
struct Post {
    store: Arc<Store>,
    tellers: BTreeMap<String, Employed>,
    /// Tellers that are not wanted any more and come to their ends.
    leaving: Vec<(String, JoinHandle<()>)>,
    /// Whether no outbox is there but those of the tellers.
    is_tidy: bool,
}

struct Employed {
    channel: Channel,
    reach: transport::Way,
    bells: Arc<Bells>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Post {
    /// Has a teller for each channel of the configuration, and no other.
    async fn employ(&mut self, in_force: &InForce, notifier: &Notifier) {
        let channels = &in_force.notify.channels;
        let is_same = |employed: &Employed, channel: &Channel| {
            employed.channel == *channel && employed.reach == in_force.reach
        };
        let stays = channels.len() == self.tellers.len()
            && channels.iter().all(|channel| {
                let employed = self.tellers.get(&channel.name);
                employed.is_some_and(|employed| is_same(employed, channel))
            });
        if stays && self.is_tidy {
            return;
        }
        let mut before = std::mem::take(&mut self.tellers);
        for channel in channels {
            let employed = match before.remove(&channel.name) {
                Some(employed) if is_same(&employed, channel) => employed,
                other => {
                    self.dismiss(other);
                    self.employ_one(channel, in_force, notifier)
                }
            };
            self.tellers.insert(channel.name.clone(), employed);
        }
        self.dismiss(before.into_values());
        self.leaving.retain(|(_, task)| !task.is_finished());
        let names: Vec<&str> = self.tellers.keys().map(String::as_str).collect();
        let kept = self.store.keep_outboxes(&names).await;
        self.is_tidy = kept.is_ok();
        if let Err(error) = kept {
            tracing::warn!(error = %load::chain(&error), "Could not empty the outboxes of those who are not told any more");
        }
    }

    /// Lets tellers go, which end by themselves after the try that is out.
    fn dismiss(&mut self, gone: impl IntoIterator<Item = Employed>) {
        for gone in gone {
            gone.stop.cancel();
            self.leaving.push((gone.channel.name, gone.task));
        }
    }

    fn employ_one(
        &mut self,
        channel: &Channel,
        in_force: &InForce,
        notifier: &Notifier,
    ) -> Employed {
        // Nobody is told of the same by two at once.
        let before: Vec<_> = self
            .leaving
            .extract_if(.., |(name, _)| *name == channel.name)
            .collect();
        let (bells, stop) = (Arc::<Bells>::default(), CancellationToken::new());
        let teller = Teller::new(
            channel.clone(),
            in_force.reach.clone(),
            Arc::clone(&self.store),
            Arc::clone(&notifier.shared.health),
        );
        let serving = teller.serve(Arc::clone(&bells), stop.clone());
        let task = tokio::spawn(async move {
            for (_, before) in before {
                let _ = before.await;
            }
            serving.await;
        });
        Employed {
            channel: channel.clone(),
            reach: in_force.reach.clone(),
            bells,
            stop,
            task,
        }
    }

    fn ring(&self, again: bool) {
        for teller in self.tellers.values() {
            teller.bells.mail.notify_one();
            if again {
                teller.bells.again.notify_one();
            }
        }
    }

    /// A teller that died takes this task along.
    async fn is_well(&mut self) {
        for teller in self.tellers.values_mut() {
            if teller.task.is_finished()
                && let Err(died) = (&mut teller.task).await
            {
                std::panic::resume_unwind(died.into_panic());
            }
        }
    }

    /// Lets all come to their ends.
    async fn close(self) {
        for teller in self.tellers.values() {
            teller.stop.cancel();
        }
        let tasks = self.tellers.into_values().map(|teller| teller.task);
        let leaving = self.leaving.into_iter().map(|(_, task)| task);
        for task in leaving.chain(tasks) {
            let _ = task.await;
        }
    }
}
