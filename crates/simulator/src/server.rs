//! The running simulator: three listeners with threads of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io, thread};

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::control::Control;
use crate::line::{Breaker, Lines};
use crate::options::Options;
use crate::recording::System;
use crate::shared::Shared;
use crate::{admin, answering};

/// A console and an instance that run until this is dropped.
///
/// They have threads of their own, so that they also answer while a test blocks.
pub struct Simulator {
    control: Control,
    addresses: [SocketAddr; 3],
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts both systems on 127.0.0.1.
    ///
    /// # Errors
    /// When a port is taken or no thread can be made.
    #[expect(
        clippy::unused_async,
        reason = "an asynchronous caller awaits what a blocking one calls as `launch`"
    )]
    pub async fn start(options: Options) -> io::Result<Self> {
        Self::launch(options)
    }

    /// Starts both systems on 127.0.0.1, without a runtime of the caller's.
    ///
    /// # Errors
    /// When a port is taken or no thread can be made.
    pub fn launch(options: Options) -> io::Result<Self> {
        let ports = [
            options.ports.sentinelone,
            options.ports.oomnitza,
            options.ports.admin,
        ];
        let shared = Arc::new(Shared::new(options));
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("simulator")
            .enable_all()
            .build()?;
        let mut addresses = [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)); 3];
        for (place, port) in ports.into_iter().enumerate() {
            let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
            listener.set_nonblocking(true)?;
            addresses[place] = listener.local_addr()?;
            let listener = {
                let _inside = runtime.enter();
                TcpListener::from_std(listener)?
            };
            let app = match place {
                0 => app(&shared, System::SentinelOne),
                1 => app(&shared, System::Oomnitza),
                _ => admin::app(Control::new(Arc::clone(&shared))),
            };
            let service = app.into_make_service_with_connect_info::<Breaker>();
            runtime.spawn(async move { axum::serve(Lines(listener), service).await });
        }
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("simulator".to_owned())
            .spawn(move || {
                // An error means that the simulator was dropped, which is a sign to stop as well.
                drop(stopped.blocking_recv());
                runtime.shutdown_timeout(Duration::from_secs(1));
            })?;
        Ok(Self {
            control: Control::new(shared),
            addresses,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where the console is: what a configuration has as the source's URL.
    pub fn sentinelone_url(&self) -> String {
        format!("http://{}", self.addresses[0])
    }

    /// Where the instance is: what a configuration has as the target's URL.
    pub fn oomnitza_url(&self) -> String {
        format!("http://{}", self.addresses[1])
    }

    /// Where the simulator itself is, for `/_simulator/…`.
    pub fn admin_url(&self) -> String {
        format!("http://{}", self.addresses[2])
    }

    /// The token that the console takes, without `ApiToken`.
    pub fn sentinelone_token(&self) -> &str {
        &self.control.shared.tokens[0]
    }

    /// The token that the instance takes.
    pub fn oomnitza_token(&self) -> &str {
        &self.control.shared.tokens[1]
    }

    /// What looks into both systems and orders faults.
    pub fn control(&self) -> Control {
        self.control.clone()
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread only ends by this, so it is there to be told.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = &self.addresses;
        formatter
            .debug_struct("Simulator")
            .field("addresses", addresses)
            .finish_non_exhaustive()
    }
}

fn app(shared: &Arc<Shared>, system: System) -> Router {
    let shared = Arc::clone(shared);
    Router::new()
        .fallback(answering::handle)
        .with_state((shared, system))
}
