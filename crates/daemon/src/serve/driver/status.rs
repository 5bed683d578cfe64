//! What the driver tells of the daemon.

use jiff::Timestamp;

use super::Driver;
use crate::config;
use crate::control::{
    ConfigStatus, IntegrationStatus, LastRun, NextDue, NoticeStatus, RunningRun, Status,
    TokenStatus,
};

impl Driver {
    pub(super) async fn status(&self) -> Status {
        let now = self.clock.now();
        let mut health: Vec<String> = self.health.values().cloned().collect();
        let mut or_say = |error: store::Error| health.push(load::chain(&error));
        let last = self.store.last_runs().await;
        let last = last.map_err(&mut or_say).unwrap_or_default();
        let tokens = self.store.tokens().await;
        let tokens = tokens.map_err(&mut or_say).unwrap_or_default();
        let notices = self.store.standing_notices().await;
        let notices = notices.map_err(&mut or_say).unwrap_or_default();
        let integrations = self
            .config
            .integrations
            .iter()
            .map(|integration| self.status_of(integration, &last, now))
            .collect();
        Status {
            pid: self.incumbent.pid,
            version: self.incumbent.version.clone(),
            since: self.incumbent.since,
            config: ConfigStatus {
                path: self.path.clone(),
                timezone: self.config.timezone.iana_name().unwrap_or("UTC").to_owned(),
                hash: self.config.hash(),
                loaded_at: self.loaded_at,
                faults: self.faults.clone(),
                restart: self.restart.clone(),
            },
            integrations,
            tokens: self.token_statuses(&tokens, now),
            notices: notices
                .into_iter()
                .map(|notice| NoticeStatus {
                    kind: notice.kind,
                    integration: notice.integration,
                    subject: Some(notice.subject).filter(|subject| !subject.is_empty()),
                    message: notice.message,
                    since: notice.since,
                })
                .collect(),
            health,
            timezones: config::timezones(),
        }
    }

    fn status_of(
        &self,
        integration: &config::Integration,
        last: &[store::LastRun],
        now: Timestamp,
    ) -> IntegrationStatus {
        let id = &integration.id;
        let served = self.integrations.get(id);
        let active = served.and_then(|served| served.active.as_ref());
        let paused = served.and_then(|served| self.pause_of(id, served));
        let next = served.and_then(|served| served.timetable.next(now));
        let waiting = match active {
            Some(active) if !active.launched => Some(format!(
                "run {} waits since {}: `max_concurrent_runs` allows no more",
                active.run_id,
                active.since.strftime("%Y-%m-%dT%H:%M:%SZ")
            )),
            Some(_) => None,
            None => served.and_then(|served| {
                let (due_at, start_at) = next.filter(|(due_at, _)| *due_at <= now)?;
                let failed = served.slots.get(&due_at).filter(|slot| slot.tries > 0)?;
                Some(format!(
                    "try {} failed; the next is at {}",
                    failed.tries,
                    start_at.strftime("%Y-%m-%dT%H:%M:%SZ")
                ))
            }),
        };
        IntegrationStatus {
            id: id.clone(),
            name: integration.name.clone(),
            config_hash: integration.config_hash.clone(),
            schedule: format!(
                "{} ({})",
                integration.schedule.timing,
                integration.schedule.timezone.iana_name().unwrap_or("UTC")
            ),
            next: next
                .filter(|_| paused.is_none())
                .map(|(due_at, start_at)| NextDue { due_at, start_at }),
            paused,
            running: active
                .filter(|active| active.launched)
                .map(|active| RunningRun {
                    run_id: active.run_id.clone(),
                    trigger: active.trigger.to_owned(),
                    since: active.since,
                    progress: *active.progress.borrow(),
                }),
            waiting,
            last: last
                .iter()
                .find(|run| &run.integration == id)
                .map(|run| LastRun {
                    run_id: run.run_id.clone(),
                    state: run.state,
                    trigger: run.trigger.clone(),
                    started_at: run.started_at,
                    finished_at: run.finished_at,
                    counts: run.counts,
                    error: run.error.clone(),
                }),
        }
    }

    fn token_statuses(&self, known: &[store::Token], now: Timestamp) -> Vec<TokenStatus> {
        let used = |name: &String| {
            self.config.integrations.iter().any(|integration| {
                &integration.source.credential == name || &integration.target.credential == name
            })
        };
        let credentials = self
            .config
            .credentials
            .iter()
            .filter(|(name, _)| used(name));
        let statuses = credentials.map(|(name, credential)| {
            let told = known
                .iter()
                .find(|token| &token.credential == name)
                .and_then(|token| token.expires_at);
            let written = credential.ends_at(&self.config.timezone);
            let (expires_at, source) = match (told, written) {
                (Some(told), _) => (Some(told), "the console says"),
                (None, Some(written)) => (Some(written), "`expires` in the YAML"),
                (None, None) => (None, "nobody says"),
            };
            TokenStatus {
                credential: name.clone(),
                expires_at,
                days_left: expires_at.map(|at| at.duration_since(now).as_hours().div_euclid(24)),
                source: source.to_owned(),
            }
        });
        statuses.collect()
    }
}
