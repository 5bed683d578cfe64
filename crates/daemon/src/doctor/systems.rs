//! Both systems of all integrations: each way to one is gone once, and all at the same time.

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber as _;

use super::finding::Finding;
use super::way::Way;
use super::{source, target};
use crate::config::Config;

/// Looks at the systems of a configuration.
pub(super) async fn examine(config: Option<Arc<Config>>, deadline: Instant) -> Vec<Finding> {
    let Some(config) = config else {
        let message = "both systems were not asked, as the configuration has faults";
        return vec![Finding::fail("reachable", message, "mend them first")];
    };
    let (sources, targets) = ways(&config);
    let mut looks = JoinSet::new();
    let count = sources.len();
    for (place, way) in sources.into_iter().enumerate() {
        // What is asked stays out of the log.
        let look = async move { (place, source::examine(&way, deadline).await) };
        looks.spawn(look.with_subscriber(Dispatch::none()));
    }
    for (place, way) in targets.into_iter().enumerate() {
        let look = async move { (count + place, target::examine(&way, deadline).await) };
        looks.spawn(look.with_subscriber(Dispatch::none()));
    }
    let mut found = looks.join_all().await;
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().flat_map(|(_, found)| found).collect()
}

/// The ways to the sources and to the targets, in the order of the integrations.
fn ways(config: &Arc<Config>) -> (Vec<Way>, Vec<Way>) {
    let (mut sources, mut targets): (Vec<Way>, Vec<Way>) = Default::default();
    for (place, integration) in config.integrations.iter().enumerate() {
        let (source, target) = (&integration.source, &integration.target);
        let base = sentinelone::api_base(&source.url);
        let credential = &source.credential;
        let way = Way::new(config, "SentinelOne", base, credential);
        among(&mut sources, way).add(place, source.requests_per_second);
        let credential = &target.credential;
        let way = Way::new(config, "Oomnitza", target.url.clone(), credential);
        among(&mut targets, way).add(place, target.requests_per_second);
    }
    (sources, targets)
}

/// Finds a way among those that are known, or makes it known.
fn among(known: &mut Vec<Way>, way: Way) -> &mut Way {
    let place = known.iter().position(|other| other.is_like(&way));
    let place = place.unwrap_or_else(|| {
        known.push(way);
        known.len() - 1
    });
    &mut known[place]
}
