//! Another text of the configuration: checked whole, and in force only if it is sound.

use std::sync::Arc;

use schedule::Fate;

use super::Driver;
use crate::config::{self, Config, Loaded};
use crate::serve::systemd;

impl Driver {
    /// Reads the file anew; a text with faults changes nothing.
    pub(super) async fn reload(&mut self) {
        systemd::reloading();
        match config::load(&self.path) {
            Err(faults) => {
                self.faults = faults.iter().map(ToString::to_string).collect();
                tracing::error!(
                    path = %self.path.display(),
                    faults = self.faults.len(),
                    "The configuration is refused, and the one before stays in force"
                );
                for fault in &self.faults {
                    tracing::error!(fault, "The configuration has a fault");
                }
            }
            Ok(Loaded { config, warnings }) => {
                for warning in &warnings {
                    tracing::warn!(%warning, "The configuration is odd");
                }
                self.accept(config).await;
            }
        }
        self.watch.look();
        let line = self.line();
        systemd::ready(&line);
        self.told = line;
    }

    async fn accept(&mut self, mut config: Config) {
        let restart = config.needs_restart(&self.at_start);
        config.state_dir.clone_from(&self.at_start.state_dir);
        let changes = config.changes(&self.config);
        if let Err(error) = self.put_in_force(config).await {
            self.database_failed(&error);
            self.faults = vec![format!(
                "{}: it could not be put in force ({}); reload once that is mended",
                self.path.display(),
                load::chain(&error)
            )];
            return;
        }
        self.faults.clear();
        for sentence in &restart {
            tracing::warn!(sentence, "The configuration is in force but for this");
        }
        self.restart = restart;
        for change in &changes {
            tracing::info!(change, "The configuration has changed");
        }
        tracing::info!(
            changes = changes.len(),
            config_hash = self.config.hash(),
            "The configuration is in force"
        );
    }

    /// Runs that go on finish under the configuration with which they began.
    async fn put_in_force(&mut self, config: Config) -> Result<(), store::Error> {
        let now = self.clock.now();
        // Due times until now are those of the schedules until now.
        self.all_dirty();
        self.try_to_record(now).await?;
        let old = std::mem::replace(&mut self.config, Arc::new(config));
        self.loaded_at = now;
        self.expose().await;
        let config = Arc::clone(&self.config);
        for integration in &old.integrations {
            if config.integration(&integration.id).is_none() {
                self.take_out(&integration.id);
            }
        }
        let mut new = Vec::new();
        for integration in &config.integrations {
            let Some(served) = self.integrations.get_mut(&integration.id) else {
                new.push(integration.clone());
                continue;
            };
            // One that was taken out, and is back before its run has ended, keeps that run.
            let is_back = std::mem::take(&mut served.removed);
            let before = old.integration(&integration.id);
            let changed = before.is_some_and(|old| old.config_hash != integration.config_hash);
            if is_back || changed {
                let (key, text) = (served.key, integration.effective_yaml());
                self.store
                    .keep_configuration(key, &integration.config_hash, &text, now)
                    .await?;
                self.replace_schedule(&integration.id, &integration.schedule, now)
                    .await?;
            }
        }
        self.serve(&new, now, now).await?;
        self.notifier.configure(&config);
        if let Some(logging) = &self.logging {
            logging.set_keep_files(config.log.keep_files);
            if let Err(error) = logging.set_level(&config.log.level) {
                tracing::error!(error = %crate::exit::sentence(&error), "Could not set the level of the log");
            }
        }
        Ok(())
    }

    /// Serves an integration no longer: what waits is settled, what goes on ends.
    fn take_out(&mut self, id: &str) {
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        if served
            .active
            .as_ref()
            .is_some_and(|active| !active.launched)
        {
            let run_id = served.active.as_ref().map(|active| active.run_id.clone());
            self.withdraw(id, &run_id.unwrap_or_default(), TAKEN_OUT);
        }
        let Some(served) = self.integrations.get_mut(id) else {
            return;
        };
        let going_on = served.active.as_ref().and_then(|active| active.due_at);
        let waiting: Vec<_> = served
            .slots
            .keys()
            .copied()
            .filter(|due_at| Some(*due_at) != going_on)
            .collect();
        for due_at in waiting {
            self.settle_as(id, due_at, Fate::Skipped, TAKEN_OUT);
        }
        if let Some(served) = self.integrations.get_mut(id) {
            served.removed = true;
            if served.active.is_none() {
                self.integrations.remove(id);
            }
        }
    }
}

const TAKEN_OUT: &str = "the integration was taken out of the configuration";
