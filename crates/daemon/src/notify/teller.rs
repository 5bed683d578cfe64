//! What tells one channel: it empties the channel's outbox, in order, with patience.

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use store::{Message, NoticeEvent, Store};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use transport::{Allowance, Rate};

use super::health::Health;
use super::message::Words;
use super::patience;
use super::tell::{Untold, tell};
use crate::config::{Channel, Way};

/// A command that takes longer is killed.
const LONGEST: Duration = Duration::from_mins(1);
/// A channel is told so many at once, and one a second after that.
const BURST: NonZeroU32 = NonZeroU32::new(20).expect("20 is not zero");
const PER_SECOND: f64 = 1.0;
/// When it is over, a try that is out has so long to come to its end; else it is made again.
const GRACE: Duration = Duration::from_secs(2);
/// A database that refuses is asked again after this time.
const DATABASE: Duration = Duration::from_secs(10);

/// What wakes a teller.
#[derive(Debug, Default)]
pub(super) struct Bells {
    /// There may be something in the outbox.
    pub(super) mail: Notify,
    /// What failed is to be tried now: something has changed.
    pub(super) again: Notify,
}

/// What tells one channel.
pub(super) struct Teller {
    channel: Channel,
    reach: transport::Way,
    store: Arc<Store>,
    health: Arc<Health>,
    allowance: Allowance,
    /// Failures in a row.
    failures: u32,
    /// Messages that were told and are in the outbox still, as the database refused.
    told: HashSet<i64>,
}

impl Teller {
    pub(super) fn new(
        channel: Channel,
        reach: transport::Way,
        store: Arc<Store>,
        health: Arc<Health>,
    ) -> Self {
        let rate = Rate::try_from(PER_SECOND).expect("1 a second is a rate");
        Self {
            channel,
            reach,
            store,
            health,
            allowance: Allowance::new(BURST, rate),
            failures: 0,
            told: HashSet::new(),
        }
    }

    /// Tells the channel whatever there is, until it is over.
    ///
    /// The first try is made at once, however often it failed before: whatever made this teller may have mended it.
    pub(super) async fn serve(mut self, bells: Arc<Bells>, over: CancellationToken) {
        while !over.is_cancelled() {
            let wait = self.pass(&over).await;
            tokio::select! {
                () = over.cancelled() => return,
                () = bells.again.notified() => {}
                () = bells.mail.notified(), if wait.is_none() => {}
                () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            }
        }
    }

    /// Goes through the outbox until it is empty, or something cannot be told; says after what time to try again.
    pub(super) async fn pass(&mut self, over: &CancellationToken) -> Option<Duration> {
        let messages = match self.store.outbox(&self.channel.name).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::debug!(channel = self.channel.name, error = %load::chain(&error), "Could not read an outbox");
                return Some(DATABASE);
            }
        };
        for message in &messages {
            if !self.told.contains(&message.key) {
                over.run_until_cancelled(self.allowance.ready()).await?;
                let words = Words::of(message, self.channel.details);
                let trying = tell(&self.channel, &self.reach, &words, LONGEST);
                match within_grace(trying, over).await? {
                    Ok(()) => self.succeeded(message),
                    Err(untold) => {
                        if let Some(wait) = self.failed(message, &untold).await {
                            return Some(wait);
                        }
                    }
                }
            }
            if let Err(error) = self.store.drop_message(message.key).await {
                tracing::debug!(channel = self.channel.name, error = %load::chain(&error), "Could not note that somebody was told");
                return Some(DATABASE);
            }
            self.told.remove(&message.key);
        }
        None
    }

    fn succeeded(&mut self, message: &Message) {
        self.failures = 0;
        self.told.insert(message.key);
        let channel = &self.channel.name;
        let (kind, event) = (&message.notice.notice.kind, message.event.as_str());
        tracing::info!(channel, kind, event, "Somebody was told of a notice");
        if self.health.told(channel, Timestamp::now()) {
            tracing::info!(channel, "A channel that failed can be told again");
        }
    }

    /// Notes a try in vain; says after what time to try again, or nothing if the message is given up.
    async fn failed(&mut self, message: &Message, untold: &Untold) -> Option<Duration> {
        let now = Timestamp::now();
        let (channel, tries) = (&self.channel.name, message.tries.saturating_add(1));
        let why = &untold.why;
        // The words of a command are for us; those of a webhook may repeat what names people.
        let said = untold.said.as_deref();
        let said = said.filter(|_| matches!(self.channel.way, Way::Command(_)));
        let in_a_row = self.health.failed(channel, tries, why, now);
        self.failures = self.failures.saturating_add(1);
        if patience::is_given_up(tries, untold, happened_at(message), now) {
            let (kind, event) = (&message.notice.notice.kind, message.event.as_str());
            tracing::error!(
                channel,
                kind,
                event,
                tries,
                why,
                said,
                "A notice is given up that nobody could be told of"
            );
            self.told.insert(message.key);
            return None;
        }
        let wait = patience::wait(self.failures, untold);
        if in_a_row == 1 {
            tracing::warn!(
                channel,
                why,
                said,
                "A channel cannot be told; it is tried again"
            );
        } else {
            tracing::debug!(
                channel,
                why,
                said,
                tries,
                wait_s = wait.as_secs(),
                "A channel still cannot be told"
            );
        }
        let next_try_at = now.checked_add(wait).unwrap_or(Timestamp::MAX);
        if let Err(error) = self.store.postpone_message(message.key, next_try_at).await {
            tracing::debug!(channel, error = %load::chain(&error), "Could not note that somebody was not told");
        }
        Some(wait)
    }
}

/// When that of which a message tells happened.
fn happened_at(message: &Message) -> Timestamp {
    let notice = &message.notice;
    match message.event {
        NoticeEvent::Began => notice.since,
        NoticeEvent::Ended => notice.until.unwrap_or(notice.since),
    }
}

/// Lets a try come to its end, but for one that goes on long after it is over.
async fn within_grace<T>(trying: impl Future<Output = T>, over: &CancellationToken) -> Option<T> {
    let cut_off = async {
        over.cancelled().await;
        sleep(GRACE).await;
    };
    tokio::select! {
        ended = trying => Some(ended),
        () = cut_off => None,
    }
}
