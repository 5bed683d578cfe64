//! For whoever watches: figures for Prometheus, and whether the loads are fine, over HTTP.
//!
//! They are served where the configuration says, and nowhere else.
//! Requests are answered beside the driver: it is asked for what it alone knows, and the database for the rest.
//!
//! **Invariant:** what is served names integrations and credentials by their ids, and no person.

mod counters;
mod exposition;
mod memory;
mod readiness;
mod scrape;
mod server;
mod view;

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use self::counters::Counters;
pub(crate) use self::view::Watched;

/// Serves the figures at an address, or nowhere.
pub(crate) struct Exporter {
    watched: Arc<Watched>,
    serving: Option<Serving>,
}

struct Serving {
    /// What the configuration said.
    wanted: SocketAddr,
    /// What came of it: another port, where it said any.
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Exporter {
    pub(crate) fn new(watched: Watched) -> Self {
        Self {
            watched: Arc::new(watched),
            serving: None,
        }
    }

    /// Where they are served.
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.serving.as_ref().map(|serving| serving.address)
    }

    /// Serves them at this address from now on, and not any more where they were served before.
    ///
    /// # Errors
    /// A sentence on what is in the way, and what to do about it; then they are served nowhere.
    pub(crate) async fn listen(&mut self, wanted: Option<SocketAddr>) -> Result<(), String> {
        if self.serving.as_ref().map(|serving| serving.wanted) == wanted {
            return Ok(());
        }
        if let Some(serving) = self.serving.take() {
            serving.task.abort();
            // Its listener is closed once it is over, which the next one may have to wait for.
            let _ = serving.task.await;
            tracing::info!(address = %serving.address, "The metrics are not served there any more");
        }
        let Some(wanted) = wanted else { return Ok(()) };
        let bound = async {
            let listener = TcpListener::bind(wanted).await?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = bound.await.map_err(|error| advice(wanted, &error))?;
        tracing::info!(%address, "The metrics are served");
        self.serving = Some(Serving {
            wanted,
            address,
            task: tokio::spawn(server::serve(listener, Arc::clone(&self.watched))),
        });
        Ok(())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.task.abort();
        }
    }
}

fn advice(wanted: SocketAddr, error: &io::Error) -> String {
    let port = wanted.port();
    let what = match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another process has it (`ss -ltnp 'sport = :{port}'` names it): end that one, or write another port"
        ),
        ErrorKind::AddrNotAvailable => {
            "this machine has no such address: write one that it has, such as 127.0.0.1".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "the service may not have this port: write one above 1023".to_owned()
        }
        _ => error.to_string(),
    };
    format!(
        "the metrics are not served, as the address `{wanted}` of `metrics.listen` cannot be had: {what}; \
         it is tried again every minute and with each reload, and the loads go on"
    )
}
