//! Reading: both sides at once, page by page, into scratch.
//!
//! Pages are fetched by tasks of their own, one page ahead, so that neither side waits for the other
//! nor for what is done with its pages.

mod people;
mod users;

use std::path::Path;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::error::Stop;
use crate::scratch::{FinishedRows, Keys, Rows};

pub(crate) use people::{field_name, people, spellings};
pub(crate) use users::{UserReader, users};

/// What was read of one side.
pub(crate) struct Side {
    /// The rows, in the order in which they came.
    pub(crate) rows: FinishedRows,
    /// The values of their sync keys.
    pub(crate) keys: Keys,
}

/// One side while it is being read.
struct Intake {
    rows: Rows,
    keys: Keys,
}

impl Intake {
    fn new(folder: &Path) -> Result<Self, Stop> {
        Ok(Self {
            rows: Rows::new(folder)?,
            keys: Keys::new(folder),
        })
    }

    fn finish(self) -> Result<Side, Stop> {
        Ok(Side {
            rows: self.rows.finish()?,
            keys: self.keys,
        })
    }
}

/// A listing that is fetched page by page.
trait Pages: Send + 'static {
    type Page: Send;
    type Completeness: Send;
    type Error: Send;

    /// Fetches what comes next.
    fn fetch(
        &mut self,
    ) -> impl Future<Output = Result<Fetched<Self::Page, Self::Completeness>, Self::Error>> + Send;
}

/// Where a fetching task sends what it fetches.
type Ahead<P> = mpsc::Receiver<
    Result<Fetched<<P as Pages>::Page, <P as Pages>::Completeness>, <P as Pages>::Error>,
>;

/// Fetches a listing in a task of its own, one page ahead.
fn ahead<P: Pages>(mut pages: P) -> Ahead<P> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            let fetched = pages.fetch().await;
            let last = matches!(fetched, Ok(Fetched::End(_)) | Err(_));
            // A reader that is gone wants no more pages.
            if sender.send(fetched).await.is_err() || last {
                return;
            }
        }
    });
    receiver
}

/// What a fetching task sends.
enum Fetched<P, C> {
    Page(P),
    Restarted,
    End(C),
}

/// Takes what a fetching task sends next, unless the run is stopped.
async fn next<P, C, E>(
    pages: &mut mpsc::Receiver<Result<Fetched<P, C>, E>>,
    cancel: &CancellationToken,
) -> Result<Fetched<P, C>, Stop>
where
    Stop: From<E>,
{
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Stop::Interrupted),
        fetched = pages.recv() => Ok(fetched.ok_or(Stop::Died)??),
    }
}
