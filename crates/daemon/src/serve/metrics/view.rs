//! What a request is answered from: what the driver says, and what is on record.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use store::{Loads, NoticeRow, Store};

use super::counters::Counters;
use crate::clock::Clock;
use crate::control::TokenStatus;
use crate::serve::driver::{Handle, Survey, Surveyed, token_statuses};

/// Where to look.
pub(crate) struct Watched {
    pub(crate) handle: Handle,
    pub(crate) store: Arc<Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
}

/// What was seen at one moment.
pub(super) struct View {
    pub(super) now: Timestamp,
    pub(super) survey: Survey,
    /// By integration.
    pub(super) loads: HashMap<String, Loads>,
    pub(super) tokens: Vec<TokenStatus>,
    pub(super) notices: Vec<NoticeRow>,
    /// Questions that the database did not answer.
    pub(super) unanswered: usize,
}

impl Watched {
    /// Looks; `None`: the daemon is stopping.
    pub(super) async fn look(&self) -> Option<View> {
        let survey = self.handle.survey().await?;
        let now = self.clock.now();
        let (loads, tokens, notices) = tokio::join!(
            self.store.loads(),
            self.store.tokens(),
            self.store.standing_notices()
        );
        let mut unanswered = 0;
        let loads = or_nothing(loads, &mut unanswered);
        let tokens = or_nothing(tokens, &mut unanswered);
        Some(View {
            now,
            loads: loads
                .into_iter()
                .map(|loads| (loads.integration.clone(), loads))
                .collect(),
            tokens: token_statuses(&survey.config, &tokens, now),
            notices: or_nothing(notices, &mut unanswered),
            unanswered,
            survey,
        })
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }
}

fn or_nothing<T>(answer: Result<Vec<T>, store::Error>, unanswered: &mut usize) -> Vec<T> {
    answer.unwrap_or_else(|error| {
        tracing::debug!(error = %load::chain(&error), "The database does not say what is watched");
        *unanswered += 1;
        Vec::new()
    })
}

impl View {
    /// The first two due times after the latest success: at the second one, there was none for twice the interval.
    ///
    /// Where none was ever, they count from when the integration was first served. A change of the schedule, and the
    /// end of a pause, let them count anew.
    pub(super) fn due_since_success(
        &self,
        integration: &Surveyed,
    ) -> Option<(Timestamp, Timestamp)> {
        let loads = self.loads.get(&integration.id)?;
        let from = loads.succeeded_at.max(loads.counts_from)?;
        let first = integration.schedule.next_included(from)?;
        let second = integration.schedule.next_included(first)?;
        Some((first, second))
    }
}
