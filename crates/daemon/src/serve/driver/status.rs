//! What the driver tells of the daemon.

use jiff::Timestamp;

use super::Driver;
use super::state::Served;
use crate::config;
use crate::control::{
    ConfigStatus, IntegrationStatus, LastRun, NextDue, NoticeStatus, RunningRun, Status,
    TokenStatus,
};
use crate::watch::{self, Outlook};

impl Driver {
    pub(super) fn outlook(&self) -> Outlook {
        let ids = |is: &dyn Fn(&String, &Served) -> bool| {
            let found = self
                .integrations
                .iter()
                .filter(|(id, served)| is(id, served));
            found.map(|(id, _)| id.clone()).collect()
        };
        Outlook {
            paused: ids(&|id, served| self.pause_of(id, served).is_some()),
            active: ids(&|_, served| served.active.is_some()),
            faults: self.faults.len(),
        }
    }

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
            tokens: token_statuses(&self.config, &tokens, now),
            notices: notices
                .into_iter()
                .map(|row| NoticeStatus {
                    kind: row.notice.kind,
                    integration: row.notice.integration,
                    subject: Some(row.notice.subject).filter(|subject| !subject.is_empty()),
                    message: row.notice.message,
                    since: row.since,
                })
                .collect(),
            health,
            metrics: self.exporter.address(),
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
}

/// How long the credentials work that integrations name, in the order of their names.
pub(crate) fn token_statuses(
    config: &config::Config,
    known: &[store::Token],
    now: Timestamp,
) -> Vec<TokenStatus> {
    let ends = watch::ends(config, known).into_iter();
    ends.map(|token| TokenStatus {
        days_left: token.days_left(now),
        credential: token.credential,
        expires_at: token.at,
        source: token.source.to_owned(),
    })
    .collect()
}
