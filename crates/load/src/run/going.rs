//! A load up to its delivery: both sides are read, matched and planned, and the plan is put on record.

use std::collections::HashMap;

use jiff::Timestamp;
use store::{CompletePlan, GuardHit, PlanSummary};

use super::Active;
use crate::deliver::SecondLook;
use crate::error::Stop;
use crate::guards::Tally;
use crate::memory;
use crate::plan::Planner;
use crate::point::{Point, reach};
use crate::progress::Phase;
use crate::read::{self, Side, UserReader};
use crate::request::{Request, Whom};
use crate::saas::{Application, correct};

impl Active<'_> {
    /// Reads, plans, and delivers where that is intended.
    pub(super) async fn go(
        &mut self,
        request: &Request,
        started_at: Timestamp,
    ) -> Result<(), Stop> {
        let loader = self.loader;
        loader.progress.begin(Phase::Reading, None);
        let load = self.load(started_at).await?;
        let saas = loader.integration.saas.as_ref();
        let users = UserReader {
            mapping: &loader.integration.mapping,
            saas_roles: saas.map(|saas| &*saas.roles),
            load: &load,
            store: &loader.store,
            integration: self.key.integration,
            folder: &loader.state_dir,
            halt: &loader.halt,
            progress: &loader.progress,
        };
        let (users, people) = self.read(&users).await?;
        let application = match saas {
            Some(saas) => {
                let reading = Application::read(&self.reader, saas);
                let application = loader.halt.or_stop(reading).await?;
                correct(&loader.store, self.key, &application).await?;
                Some(application)
            }
            None => None,
        };
        self.read_at = Timestamp::now();
        reach(Point::Read);
        memory::give_back();
        let empty = if users.rows.len() == 0 {
            self.nobody_in_the_console().await?
        } else {
            None
        };
        let population = loader.integration.population();
        let (mut summary, mut tally) = self
            .plan(users, people, application.as_ref(), &request.whom)
            .await?;
        if tally.nameless > 0 {
            tracing::warn!(
                integration.id = %loader.integration.id,
                users = tally.nameless,
                "The console sent users without an id, so that nobody counts as gone"
            );
        }
        if self.says_who_is_gone(&tally) {
            let application = application.as_ref();
            self.plan_the_gone(application, &population, &mut summary, &mut tally)
                .await?;
        }
        // Before this read counts among the earlier ones.
        let mut hits = self.guard(request, &summary, &tally, &population).await?;
        hits.splice(0..0, empty);
        self.settle(&summary, &tally, &population, request, &hits)
            .await?;
        self.hold(&request.intent, &hits).await?;
        reach(Point::PlanSettled);
        self.deliver(&request.intent, SecondLook::WhenStale).await
    }

    /// What the load brings to the mapping: the console's URL, its own instant, the names of roles.
    async fn load(&self, started_at: Timestamp) -> Result<mapping::Load, Stop> {
        let roles = self.loader.halt.or_stop(self.sentinelone.roles()).await?;
        let roles = roles.unwrap_or_default();
        let roles: Vec<(String, String)> =
            roles.into_iter().map(|role| (role.id, role.name)).collect();
        self.loader
            .store
            .replace_roles(self.key.integration, &roles)
            .await?;
        let names: HashMap<String, String> = roles.into_iter().collect();
        let instant = sync_time(started_at);
        Ok(mapping::Load::new(
            &self.loader.integration.console_url,
            &instant,
            names,
        ))
    }

    /// Reads both sides at once.
    async fn read(&self, users: &UserReader<'_>) -> Result<(Side, Side), Stop> {
        let filter = &self.loader.integration.filter;
        tokio::try_join!(
            read::users(&self.sentinelone, filter, users),
            read::people(&self.reader, users.mapping, users.folder, users.halt),
        )
    }

    async fn plan(
        &self,
        users: Side,
        people: Side,
        application: Option<&Application>,
        whom: &Whom,
    ) -> Result<(PlanSummary, Tally), Stop> {
        let loader = self.loader;
        let planner = Planner {
            integration: &loader.integration,
            store: &loader.store,
            key: self.key,
            whom,
            application,
            halt: &loader.halt,
            progress: &loader.progress,
        };
        planner.plan(users, people).await
    }

    /// Whether whom the read lacks is gone: of a part of the users nothing is said of the others, and whoever is known may
    /// be the one whose id cannot be read.
    fn says_who_is_gone(&self, tally: &Tally) -> bool {
        !self.partial && tally.nameless == 0
    }

    /// Puts the complete plan on record, what guards say of it, and what the read says about who is there.
    async fn settle(
        &mut self,
        summary: &PlanSummary,
        tally: &Tally,
        population: &str,
        request: &Request,
        hits: &[GuardHit],
    ) -> Result<(), Stop> {
        let (store, now) = (&self.loader.store, Timestamp::now());
        let plan = CompletePlan {
            counts: &summary.counts,
            in_scope: tally.in_scope,
            population: (!self.partial).then_some(population),
            hits,
            read_at: self.read_at,
        };
        store.complete_plan(self.key, &plan, now).await?;
        reach(Point::PlanCompleted);
        if !self.says_who_is_gone(tally) {
            let people = summary.presence.people();
            store.touch(&people, now).await?;
            self.among = Some(people);
            return Ok(());
        }
        if summary.counts.seen == 0 && !hits.is_empty() {
            // That everybody is gone is put on record when somebody has released it.
            return Ok(());
        }
        store
            .settle_presence(self.key, population, &summary.presence, self.read_at)
            .await?;
        if summary.counts.seen > 0 {
            store
                .end_notices(Some(self.key.integration), "empty_source", now)
                .await?;
        }
        if request.intent.writer().is_some() {
            // This run has compared everybody.
            store
                .end_notices(Some(self.key.integration), "unverified", now)
                .await?;
        }
        Ok(())
    }
}

/// The load's own instant, as templates see it.
pub(crate) fn sync_time(started_at: Timestamp) -> String {
    started_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
