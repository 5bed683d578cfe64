//! The bell: tokio-cron-scheduler, which asks its storage twice a second what is due.
//!
//! It is given a storage of ours that knows one job, with the alarm's instant as its next time.
//! Its own notion of time zones, of repetition and of many jobs at once is not used: it freezes the offset of a zone,
//! loses jobs that are due together, and stops repeating after the machine slept.

use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;
use tokio_cron_scheduler::job::job_data::{JobAndNextTick, JobStoredData, JobType};
use tokio_cron_scheduler::store::{DataStore, InitStore};
use tokio_cron_scheduler::{
    Job, JobScheduler, JobSchedulerError, MetaDataStorage, SimpleJobCode, SimpleNotificationCode,
    SimpleNotificationStore,
};
use uuid::Uuid;

use super::alarm::Alarm;
use crate::clock::Clock;

/// Rings the alarm when it is time, until it is dropped.
pub(crate) struct Bell {
    scheduler: JobScheduler,
}

impl Bell {
    /// Begins to look at the clock, and to ring.
    pub(crate) async fn begin(alarm: Arc<Alarm>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        let book = Book {
            alarm: Arc::clone(&alarm),
            clock,
            job: None,
        };
        let scheduler = JobScheduler::new_with_storage_and_code(
            Box::new(book),
            Box::new(SimpleNotificationStore::default()),
            Box::new(SimpleJobCode::default()),
            Box::new(SimpleNotificationCode::default()),
            16,
        )
        .await
        .context("could not make the trigger")?;
        let job = Job::new_one_shot(std::time::Duration::ZERO, move |_, _| alarm.ring())
            .context("could not make the trigger's job")?;
        scheduler
            .add(job)
            .await
            .context("could not add the trigger's job")?;
        scheduler
            .start()
            .await
            .context("could not start the trigger")?;
        Ok(Self { scheduler })
    }

    /// Ends the looking.
    pub(crate) async fn end(mut self) {
        // The only thing that can fail is its own handler of shutdowns, and it has none.
        let _ = self.scheduler.shutdown().await;
    }
}

/// The storage with one job, due when the alarm says so.
struct Book {
    alarm: Arc<Alarm>,
    clock: Arc<dyn Clock>,
    job: Option<JobStoredData>,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, JobSchedulerError>> + Send>>;

fn answer<T: Send + 'static>(value: T) -> Answer<T> {
    Box::pin(std::future::ready(Ok(value)))
}

impl MetaDataStorage for Book {
    fn list_next_ticks(&mut self) -> Answer<Vec<JobAndNextTick>> {
        // The second after the epoch is over: that job is due. It is listed again until the alarm was heard.
        const OVERDUE: u64 = 1;
        let due = self.alarm.look(self.clock.now());
        let id = self.job.as_ref().and_then(|job| job.id);
        let job = id.filter(|_| due).map(|id| JobAndNextTick {
            id: Some(id),
            job_type: JobType::OneShot.into(),
            next_tick: OVERDUE,
            last_tick: None,
        });
        answer(job.into_iter().collect())
    }

    fn set_next_and_last_tick(
        &mut self,
        _: Uuid,
        _: Option<chrono::DateTime<chrono::Utc>>,
        _: Option<chrono::DateTime<chrono::Utc>>,
    ) -> Answer<()> {
        answer(())
    }

    fn time_till_next_job(&mut self) -> Answer<Option<std::time::Duration>> {
        answer(None)
    }
}

impl DataStore<JobStoredData> for Book {
    fn get(&mut self, _: Uuid) -> Answer<Option<JobStoredData>> {
        answer(self.job.clone())
    }

    fn add_or_update(&mut self, data: JobStoredData) -> Answer<()> {
        self.job = Some(data);
        answer(())
    }

    fn delete(&mut self, _: Uuid) -> Answer<()> {
        answer(())
    }
}

impl InitStore for Book {
    fn init(&mut self) -> Answer<()> {
        answer(())
    }

    fn inited(&mut self) -> Answer<bool> {
        answer(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use jiff::Timestamp;

    use super::*;
    use crate::clock::System;

    #[tokio::test]
    async fn it_rings_within_a_second_of_the_instant_and_again_when_set_anew() {
        let alarm = Arc::new(Alarm::default());
        let bell = Bell::begin(Arc::clone(&alarm), Arc::new(System))
            .await
            .unwrap();
        for _ in 0..3 {
            let at = Timestamp::now() + Duration::from_millis(700);
            alarm.set(Some(at));
            let began = Instant::now();
            tokio::time::timeout(Duration::from_secs(10), alarm.rung())
                .await
                .unwrap();
            alarm.set(None);
            let late = Timestamp::now().duration_since(at);
            assert!(late.as_millis() >= 0, "rung {late:?} too early");
            assert!(began.elapsed() < Duration::from_millis(1_700), "{late:?}");
            // A ring may be under way twice; the second is heard as one that finds nothing to do.
            let _ = tokio::time::timeout(Duration::from_millis(1), alarm.rung()).await;
        }
        assert!(alarm.is_looked_at(Duration::from_secs(5)));
        bell.end().await;
    }
}
