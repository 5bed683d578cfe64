//! A listener on loopback that has a thread for each who comes.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    accepting: Option<JoinHandle<()>>,
}

impl Listening {
    /// Listens at an address, where port 0 takes a free one, and serves each connection in a thread of its own.
    ///
    /// # Panics
    /// The address is taken.
    pub(crate) fn at(
        address: SocketAddr,
        serve: impl Fn(&TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(address).expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let closed = Arc::new(AtomicBool::new(false));
        let (is_closed, serve) = (Arc::clone(&closed), Arc::new(serve));
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if is_closed.load(Ordering::Relaxed) {
                    return;
                }
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(&stream));
            }
        });
        Self {
            address,
            closed,
            accepting: Some(accepting),
        }
    }

    /// Where it is.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        // It waits for somebody to come.
        let _ = TcpStream::connect(self.address);
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}
