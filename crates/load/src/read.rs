//! Reading: both sides at once, page by page, into scratch.
//!
//! Pages are fetched by tasks of their own, one page ahead, so that neither side waits for the other
//! nor for what is done with its pages.

mod people;
mod users;

use std::path::Path;

use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use crate::error::Stop;
use crate::halt::Halt;
use crate::scratch::{FinishedRows, Keys, Rows};

pub(crate) use people::{field_name, or_empty, people, spellings, standing_of};
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

/// A listing that is fetched in a task of its own, one page ahead.
struct Ahead<P, C, E> {
    receiver: mpsc::Receiver<Result<Fetched<P, C>, E>>,
    /// Ends with its reader: nobody asks a system on for what nobody wants any more.
    _task: AbortOnDropHandle<()>,
}

/// Begins to fetch a listing.
fn ahead<P: Pages>(mut pages: P) -> Ahead<P::Page, P::Completeness, P::Error> {
    let (sender, receiver) = mpsc::channel(1);
    let task = tokio::spawn(async move {
        loop {
            let fetched = pages.fetch().await;
            let last = matches!(fetched, Ok(Fetched::End(_)) | Err(_));
            // A reader that is gone wants no more pages.
            if sender.send(fetched).await.is_err() || last {
                return;
            }
        }
    });
    Ahead {
        receiver,
        _task: AbortOnDropHandle::new(task),
    }
}

/// What a fetching task sends.
enum Fetched<P, C> {
    Page(P),
    Restarted,
    End(C),
}

/// Takes what a fetching task sends next, unless the run is stopped.
async fn next<P, C, E>(pages: &mut Ahead<P, C, E>, halt: &Halt) -> Result<Fetched<P, C>, Stop>
where
    Stop: From<E>,
{
    let fetched = async { pages.receiver.recv().await.ok_or(Stop::Died) };
    Ok(halt.or_stop::<_, Stop>(fetched).await??)
}
