//! The application itself: found, or made; and what it shows of its users in the end.

use oomnitza::SaasId;
use store::Shown;

use super::Deliverer;
use crate::error::{Stop, for_log};
use crate::point::{Point, reach};
use crate::saas::{Application, find};
use crate::settings::Saas;

impl Deliverer<'_> {
    /// Finds the application, or makes it: before a second try it is looked for, so that it is not made twice.
    pub(in crate::deliver) async fn application(&self, saas: &Saas) -> Result<SaasId, Stop> {
        if let Some(id) = self.halt.or_stop(find(self.reader, saas)).await? {
            return Ok(id);
        }
        let mut delays = self.retry.delays();
        loop {
            self.halt.check()?;
            let made = self.writer.create_saas(&saas.name).await;
            reach(Point::ApplicationMade);
            if let Err(error) = &made {
                tracing::warn!(error = %for_log(error), "Whether the SaaS application was made is not known");
            }
            if let Some(id) = self.halt.or_stop(find(self.reader, saas)).await? {
                tracing::info!(integration.id = %self.integration.id, saas.id = id.as_str(), "The SaaS application was made");
                return Ok(id);
            }
            let Err(error) = made else {
                let name = saas.name.clone();
                return Err(Stop::NoApplication { name });
            };
            let Some(delay) = delays.next().filter(|_| error.may_have_arrived()) else {
                return Err(error.into());
            };
            let pause = tokio::time::sleep(delay);
            let _ = self.halt.unless_stopped(pause).await;
        }
    }

    /// Keeps what Oomnitza shows of the places that were written: what it shows otherwise is not sent again while that stays.
    pub(super) async fn keep_what_is_shown(&self, id: &SaasId) -> Result<(), Stop> {
        let integration = self.key.integration;
        let unread = self.store.unread_places(integration, id.as_str()).await?;
        if unread.is_empty() {
            return Ok(());
        }
        let listing = Application::listed(self.reader, id.clone());
        let application = match self.halt.or_stop(listing).await {
            Ok(application) => application,
            Err(stop @ Stop::Halted(_)) => return Err(stop),
            // They were written all the same; the next run compares.
            Err(stop) => {
                tracing::warn!(error = %stop.for_log(), "Could not read again what was written of SaaS users");
                return Ok(());
            }
        };
        let shown: Vec<(String, Shown, Option<String>)> = unread
            .into_iter()
            .filter_map(|oomnitza_id| {
                let place = application.place(&oomnitza_id);
                let own_id = place.and_then(|place| place.id.as_ref());
                let own_id = own_id.map(|id| id.as_str().to_owned());
                let shown = match place {
                    Some(place) => Shown::Place {
                        external_id: place.external_id.clone(),
                        roles: place.roles.clone(),
                    },
                    None if application.is_complete => Shown::Nothing,
                    None => return None,
                };
                Some((oomnitza_id, shown, own_id))
            })
            .collect();
        Ok(self
            .store
            .keep_shown(integration, id.as_str(), &shown)
            .await?)
    }
}
