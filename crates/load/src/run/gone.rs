//! The `SaaS` users of people who are gone: planned with the rest, where that is wanted.

use store::{Notice, PlanSummary};

use super::Active;
use crate::error::Stop;
use crate::guards::Tally;
use crate::saas::{Application, places_of_the_gone};
use crate::settings::Missing;

impl Active<'_> {
    /// Plans that the `SaaS` users are deactivated whose users are gone from a read of everybody, where that is wanted.
    pub(super) async fn plan_the_gone(
        &self,
        application: Option<&Application>,
        population: &str,
        summary: &mut PlanSummary,
        tally: &mut Tally,
    ) -> Result<(), Stop> {
        let (store, key) = (&self.loader.store, self.key);
        let saas = self.loader.integration.saas.as_ref();
        let deactivates = saas.is_some_and(|saas| saas.missing == Missing::Deactivate);
        let Some(application) = application.filter(|_| deactivates) else {
            // Nobody is to be deactivated any more.
            return self.say_who_cannot_be_deactivated(0).await;
        };
        let presence = &summary.presence;
        let gone = places_of_the_gone(store, key, application, population, presence).await?;
        if let Some(id) = &application.id {
            tally.assigned = store.assigned_places(key.integration, id.as_str()).await?;
        }
        for place in &gone.places {
            tally.deactivate(&place.source_id);
        }
        summary.counts.deactivated = gone.places.len() as u64;
        store.plan_deactivations(key, &gone.places).await?;
        self.say_who_cannot_be_deactivated(gone.nameless).await
    }

    /// Says that Oomnitza does not show by what id a place is deactivated, as long as somebody is gone who has one.
    async fn say_who_cannot_be_deactivated(&self, nameless: u64) -> Result<(), Stop> {
        const KIND: &str = "saas_ids_missing";
        let (store, integration) = (&self.loader.store, Some(self.key.integration));
        if nameless == 0 {
            store.end_notices(integration, KIND, self.read_at).await?;
            return Ok(());
        }
        let message = format!(
            "{nameless} SaaS users whose users are gone from the console cannot be deactivated: \
             Oomnitza's listing does not show their `saas_user_id`; deactivate them in Oomnitza"
        );
        let notice = Notice::new(KIND, "", message.as_str());
        if store
            .begin_notice(integration, &notice, self.read_at)
            .await?
        {
            tracing::warn!(integration.id = %self.loader.integration.id, "{message}");
        }
        Ok(())
    }
}
