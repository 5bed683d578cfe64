//! What is held back: a plan that is over a guard, and a console that shows nobody any more.

use store::{Furthest, GuardHit, Kind, Notice, PlanSummary, State};

use super::{Active, SCHEDULE};
use crate::error::Stop;
use crate::guards::{self, Measure, Tally};
use crate::request::{Intent, Request};

impl Active<'_> {
    /// Lists the guards that the plan is over.
    pub(super) async fn guard(
        &self,
        request: &Request,
        summary: &PlanSummary,
        tally: &Tally,
        population: &str,
    ) -> Result<Vec<GuardHit>, Stop> {
        const READS: u32 = 7;
        let loader = self.loader;
        let (store, integration) = (&loader.store, self.key.integration);
        let (reviewed, first) = match self.kind {
            // Whoever asks for one has looked at what it is to load.
            Kind::Replay => (true, false),
            Kind::Load | Kind::Undo => {
                let by_schedule = request.trigger == SCHEDULE;
                match store.furthest_load(integration).await? {
                    Furthest::Nowhere => (!by_schedule, by_schedule),
                    Furthest::Begun => (
                        !by_schedule || self.goes_on_with_one_by_hand().await?,
                        false,
                    ),
                    Furthest::Completed => (false, false),
                }
            }
        };
        // Nobody at all has a guard of its own.
        let seen = (!self.partial && summary.counts.seen > 0).then_some(summary.counts.seen);
        let earlier = match seen {
            Some(_) => store.read_sizes(integration, population, READS).await?,
            None => Vec::new(),
        };
        let measure = Measure {
            guards: &loader.integration.guards,
            tally,
            seen,
            earlier: &earlier,
            reviewed,
            first,
        };
        Ok(measure.hits())
    }

    /// Whether the load that was cut off last was started by hand, and nobody canceled it: what is left of it is loaded by
    /// whatever starts the next.
    async fn goes_on_with_one_by_hand(&self) -> Result<bool, Stop> {
        let cut_off = self.loader.store.cut_off_load(self.key.integration).await?;
        Ok(cut_off.is_some_and(|(trigger, state)| trigger != SCHEDULE && state != State::Canceled))
    }

    /// Holds back a plan that is over a guard: it is not delivered.
    pub(super) async fn hold(&mut self, intent: &Intent, hits: &[GuardHit]) -> Result<(), Stop> {
        if hits.is_empty() {
            return Ok(());
        }
        self.hits = self.loader.store.guard_hits(self.key).await?;
        match intent {
            // It says what a load would come to.
            Intent::DryRun => Ok(()),
            Intent::Plan | Intent::Deliver(_) => Err(Stop::Parked(guards::sentence(hits))),
        }
    }

    /// An empty console is believed only where nobody was ever seen; else it is for somebody to look at.
    pub(super) async fn nobody_in_the_console(&self) -> Result<Option<GuardHit>, Stop> {
        let loader = self.loader;
        let known = loader.store.integration(&loader.integration.id).await?;
        let population = loader.integration.population();
        let present = if known.population.as_deref() == Some(population.as_str()) {
            known.present
        } else {
            loader.store.members(known.key, &population).await?
        };
        if present > 0 {
            return Ok(Some(guards::empty_source(present)));
        }
        let message = "the console shows nobody: the token may see no site, or the filters of `source` leave nobody";
        let notice = Notice::new("empty_source", "", message);
        loader
            .store
            .begin_notice(Some(self.key.integration), &notice, self.read_at)
            .await?;
        tracing::warn!(integration.id = %loader.integration.id, "{message}");
        Ok(None)
    }
}
