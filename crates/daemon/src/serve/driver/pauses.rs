//! Pauses: of the YAML, and by hand, for one integration or for all.

use store::Pause;

use super::Driver;
use super::state::Served;
use crate::app;
use crate::control::{Peer, Refusal};
use crate::exit::Exit;

impl Driver {
    /// Why an integration makes no scheduled runs now; `None`: it does.
    pub(super) fn pause_of(&self, id: &str, served: &Served) -> Option<String> {
        if let Some(reason) = &served.timetable.schedule().paused {
            return Some(format!("paused in the configuration: {reason}"));
        }
        let pause = self.standing(Some(id)).or_else(|| self.standing(None))?;
        Some(format!(
            "paused by {} since {}: {}",
            pause.by,
            pause.since.strftime("%Y-%m-%dT%H:%M:%SZ"),
            pause.reason
        ))
    }

    fn standing(&self, integration: Option<&str>) -> Option<&Pause> {
        self.pauses
            .iter()
            .find(|pause| pause.integration.as_deref() == integration)
    }

    /// Pauses an integration, or all.
    pub(super) async fn pause(
        &mut self,
        integration: Option<&str>,
        reason: &str,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        self.known(integration)?;
        if reason.trim().is_empty() {
            return Err(Refusal::new(
                Exit::Usage,
                "a pause wants its reason; write for example `--reason \"until the merger is done\"`",
            ));
        }
        let now = self.clock.now();
        self.store
            .pause(integration, reason.trim(), &peer.to_string(), now)
            .await
            .map_err(refused)?;
        self.read_pauses().await?;
        self.watch.look();
        let what = name(integration);
        Ok(format!(
            "{what} paused: due times are put on record as paused; runs that go on are not stopped, \
             and `rollcall run` still works"
        ))
    }

    /// Ends a pause that was made by hand.
    pub(super) async fn resume(
        &mut self,
        integration: Option<&str>,
        peer: &Peer,
    ) -> Result<String, Refusal> {
        self.known(integration)?;
        let now = self.clock.now();
        let stood = self
            .store
            .resume(integration, &peer.to_string(), now)
            .await
            .map_err(refused)?;
        self.read_pauses().await?;
        self.watch.look();
        let still = self.still_paused(integration);
        match (stood, still) {
            (true, None) => Ok(format!("{} resumed", name(integration))),
            (true, Some(still)) => Ok(format!(
                "the pause by hand of {} is over, but {still}",
                subject(integration)
            )),
            (false, Some(still)) => Err(Refusal::new(Exit::Usage, still)),
            (false, None) => Err(Refusal::new(
                Exit::Usage,
                format!("{} not paused", name(integration)),
            )),
        }
    }

    /// What else holds an integration, or all, back.
    fn still_paused(&self, integration: Option<&str>) -> Option<String> {
        let in_yaml = |id: &String, served: &Served| {
            let reason = served.timetable.schedule().paused.as_ref()?;
            Some(format!(
                "`{id}` is paused in the configuration ({reason}), which stands above `resume`: \
                 take `paused` out of its `schedule`"
            ))
        };
        let Some(id) = integration else {
            let by_yaml = self
                .integrations
                .iter()
                .find_map(|(id, served)| in_yaml(id, served));
            return by_yaml.or_else(|| {
                let single = self
                    .pauses
                    .iter()
                    .find_map(|pause| pause.integration.as_ref())?;
                Some(format!(
                    "`{single}` is paused by itself: `rollcall resume {single}`"
                ))
            });
        };
        let by_yaml = self
            .integrations
            .get_key_value(id)
            .and_then(|(id, served)| in_yaml(id, served));
        by_yaml.or_else(|| {
            let all = self.standing(None)?;
            Some(format!(
                "all integrations are paused by {}: `rollcall resume` without an integration ends that",
                all.by
            ))
        })
    }

    fn known(&self, integration: Option<&str>) -> Result<(), Refusal> {
        match integration {
            Some(id) if self.config.integration(id).is_none() => Err(Refusal::new(
                Exit::Usage,
                app::no_integration(&self.config, id),
            )),
            _ => Ok(()),
        }
    }

    async fn read_pauses(&mut self) -> Result<(), Refusal> {
        self.pauses = self.store.pauses().await.map_err(refused)?;
        self.all_dirty();
        Ok(())
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it stands where an error is handed over"
)]
fn refused(error: store::Error) -> Refusal {
    Refusal::new(Exit::Failed, load::chain(&error))
}

fn subject(integration: Option<&str>) -> String {
    integration.map_or_else(|| "all integrations".to_owned(), |id| format!("`{id}`"))
}

fn name(integration: Option<&str>) -> String {
    integration.map_or_else(
        || "all integrations are".to_owned(),
        |id| format!("`{id}` is"),
    )
}
