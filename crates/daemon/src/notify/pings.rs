//! Dead-man's switches: told when a load starts, and how it ended, as healthchecks.io has it.
//!
//! What cannot be told is kept in memory alone, and only the latest of each integration: a switch wants to know how
//! things are, not how they were. A load never waits for any of it.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use load::{Report, State};
use secrecy::SecretString;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use super::health::Health;
use super::patience;
use super::tell::{Untold, post};
use crate::config::{Moment, Ping};

/// What could not be told for so long is not news any more.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(24);

/// What is told of a load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signal {
    integration: String,
    moment: Moment,
    body: String,
    at: Timestamp,
}

impl Signal {
    pub(super) fn started(integration: &str, run_id: &str) -> Self {
        Self::new(integration, Moment::Started, &[("run_id", run_id)])
    }

    /// How a load ended; nothing where another comes at once that makes it up.
    pub(super) fn ended(report: &Report) -> Option<Self> {
        let moment = match report.state {
            State::Completed | State::CompletedWithErrors => Moment::Succeeded,
            State::Interrupted => return None,
            _ => Moment::Failed,
        };
        let counts = &report.counts;
        let state = report.state.to_string();
        let numbers = [
            ("seen", counts.seen),
            ("created", counts.created),
            ("updated", counts.updated),
            ("unchanged", counts.unchanged),
            ("skipped", counts.skipped),
            ("failed", counts.failed),
            (
                "duration_ms",
                u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
            ),
        ]
        .map(|(name, number)| (name, number.to_string()));
        let mut parts = vec![
            ("run_id", report.run_id.as_str()),
            ("state", state.as_str()),
        ];
        parts.extend(
            numbers
                .iter()
                .map(|(name, number)| (*name, number.as_str())),
        );
        parts.extend(report.reason.as_deref().map(|reason| ("error", reason)));
        Some(Self::new(&report.integration, moment, &parts))
    }

    /// A load that could not be made, or whose end is not on record.
    pub(super) fn unmade(integration: &str, run_id: &str, why: &str) -> Self {
        let parts = [("run_id", run_id), ("state", "failed"), ("error", why)];
        Self::new(integration, Moment::Failed, &parts)
    }

    fn new(integration: &str, moment: Moment, parts: &[(&str, &str)]) -> Self {
        let mut body = format!("integration={integration}\n");
        for (name, value) in parts.iter().filter(|(_, value)| !value.is_empty()) {
            // Writing to a String cannot fail; a value stays on its line.
            let _ = writeln!(body, "{name}={}", value.replace(['\n', '\r'], " "));
        }
        Self {
            integration: integration.to_owned(),
            moment,
            body,
            at: Timestamp::now(),
        }
    }
}

/// What a moment has at the end of the address.
pub(super) fn suffix(moment: Moment) -> &'static str {
    match moment {
        Moment::Started => "start",
        Moment::Succeeded => "",
        Moment::Failed => "fail",
    }
}

/// Posts to the address of a ping, once; `suffix` is what stands behind it.
pub(super) async fn send(
    ping: &Ping,
    reach: &transport::Way,
    suffix: &str,
    body: String,
) -> Result<(), Untold> {
    let mut url = ping.url.0.clone();
    if !suffix.is_empty() {
        let path = format!("{}/{suffix}", url.path().trim_end_matches('/'));
        url.set_path(&path);
    }
    let url = SecretString::from(String::from(url));
    post(url, reach, "text/plain; charset=utf-8", body.into()).await
}

/// All switches of a configuration, each with a task of its own.
#[derive(Debug, Default)]
pub(super) struct Pings(Mutex<Vec<Switch>>);

#[derive(Debug)]
struct Switch {
    ping: Ping,
    reach: transport::Way,
    mail: Arc<Mail>,
    task: AbortHandle,
}

/// What a switch is still to be told.
#[derive(Debug, Default)]
struct Mail {
    signals: Mutex<VecDeque<Signal>>,
    bell: Notify,
    left: watch::Sender<usize>,
}

impl Pings {
    /// Has just these switches from now on; those that stay keep what they are still to be told.
    pub(super) fn configure(&self, pings: &[Ping], reach: &transport::Way, health: &Arc<Health>) {
        let mut switches = self.lock();
        switches.retain(|switch| switch.reach == *reach && pings.contains(&switch.ping));
        for ping in pings {
            if switches.iter().any(|switch| switch.ping == *ping) {
                continue;
            }
            let mail = Arc::new(Mail::default());
            let serving = serve(
                ping.clone(),
                reach.clone(),
                Arc::clone(&mail),
                Arc::clone(health),
            );
            switches.push(Switch {
                ping: ping.clone(),
                reach: reach.clone(),
                mail,
                task: tokio::spawn(serving).abort_handle(),
            });
        }
    }

    /// Tells all switches that want to know; it takes no time.
    pub(super) fn tell(&self, signal: &Signal) {
        for switch in self.lock().iter() {
            if switch.ping.moments.contains(&signal.moment) {
                switch.mail.put(signal.clone());
            }
        }
    }

    /// Waits until all are told, for so long at most.
    pub(super) async fn settle(&self, longest: Duration) {
        let left: Vec<_> = self
            .lock()
            .iter()
            .map(|switch| switch.mail.left.subscribe())
            .collect();
        let settling = async {
            for mut left in left {
                // One that is gone has nothing left.
                let _ = left.wait_for(|left| *left == 0).await;
            }
        };
        let _ = timeout(longest, settling).await;
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Switch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mail {
    /// Puts a signal in the place of an older one of its integration.
    fn put(&self, signal: Signal) {
        self.change(|signals| {
            signals.retain(|older| older.integration != signal.integration);
            signals.push_back(signal);
        });
        self.bell.notify_one();
    }

    fn take_out(&self, signal: &Signal) {
        self.change(|signals| signals.retain(|other| other != signal));
    }

    fn first(&self) -> Option<Signal> {
        let signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        signals.front().cloned()
    }

    fn change(&self, change: impl FnOnce(&mut VecDeque<Signal>)) {
        let mut signals = self.signals.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut signals);
        self.left.send_replace(signals.len());
    }
}

async fn serve(ping: Ping, reach: transport::Way, mail: Arc<Mail>, health: Arc<Health>) {
    let name = ping.name.as_str();
    let mut failures = 0;
    loop {
        let Some(signal) = mail.first() else {
            mail.bell.notified().await;
            continue;
        };
        let body = signal.body.clone();
        let sent = send(&ping, &reach, suffix(signal.moment), body).await;
        let now = Timestamp::now();
        let Err(untold) = sent else {
            failures = 0;
            mail.take_out(&signal);
            if health.told(name, now) {
                tracing::info!(channel = name, "A channel that failed can be told again");
            }
            continue;
        };
        failures += 1;
        let why = &untold.why;
        if health.failed(name, failures, why, now) == 1 {
            tracing::warn!(channel = name, why, "A ping failed; it is sent again");
        } else {
            tracing::debug!(channel = name, why, failures, "A ping failed again");
        }
        if now.duration_since(signal.at) > TOO_OLD {
            mail.take_out(&signal);
            continue;
        }
        sleep(patience::wait(failures, &untold)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signal(integration: &str, moment: Moment) -> Signal {
        Signal::new(integration, moment, &[])
    }

    #[test]
    fn the_latest_of_each_integration_is_what_is_told() {
        let mail = Mail::default();
        mail.put(signal("a", Moment::Failed));
        mail.put(signal("b", Moment::Started));
        mail.put(signal("a", Moment::Started));
        let left: Vec<_> = mail.signals.lock().unwrap().iter().cloned().collect();
        let left: Vec<_> = left
            .iter()
            .map(|one| (one.integration.as_str(), one.moment))
            .collect();
        assert_eq!(left, [("b", Moment::Started), ("a", Moment::Started)]);
        // One that came in while another was on its way stays.
        mail.take_out(&signal("a", Moment::Failed));
        assert_eq!(*mail.left.borrow(), 2);
        mail.take_out(&mail.first().unwrap());
        assert_eq!(mail.first().unwrap().integration, "a");
    }

    #[test]
    fn an_end_is_told_with_its_counts_and_an_interruption_not_at_all() {
        let mut report = Report {
            run_id: "019ab1c2".to_owned(),
            integration: "users".to_owned(),
            state: State::CompletedWithErrors,
            intents: false,
            counts: load::Counts {
                seen: 3,
                unchanged: 2,
                failed: 1,
                ..load::Counts::default()
            },
            reasons: Vec::new(),
            duration: Duration::from_millis(1234),
            source_calls: 2,
            target_calls: 5,
            error: None,
            reason: None,
            guards: Vec::new(),
        };
        let told = Signal::ended(&report).unwrap();
        assert_eq!(told.moment, Moment::Succeeded);
        assert_eq!(
            told.body,
            "integration=users\nrun_id=019ab1c2\nstate=completed_with_errors\nseen=3\ncreated=0\n\
             updated=0\nunchanged=2\nskipped=0\nfailed=1\nduration_ms=1234\n"
        );
        for (state, moment) in [
            (State::Completed, Some(Moment::Succeeded)),
            (State::Failed, Some(Moment::Failed)),
            (State::Parked, Some(Moment::Failed)),
            (State::Canceled, Some(Moment::Failed)),
            (State::Interrupted, None),
        ] {
            report.state = state;
            assert_eq!(Signal::ended(&report).map(|told| told.moment), moment);
        }
    }
}
