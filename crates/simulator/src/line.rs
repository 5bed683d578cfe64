//! A TCP connection that a fault can break.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// What is left to send where no fault is ordered for the connection.
const WHOLE: usize = usize::MAX;

/// What is left to send of a connection that is to end in an orderly way; one more for each byte.
const CUT: usize = 1;

/// What is left to send of a connection that is to be reset.
const RESET: usize = 0;

/// The switch by which a handler breaks the connection that it answers on.
#[derive(Clone, Debug)]
pub(crate) struct Breaker(Arc<AtomicUsize>);

impl Breaker {
    /// Breaks the connection before anything of the answer is sent.
    pub(crate) fn reset(&self) {
        self.0.store(RESET, Ordering::Release);
    }

    /// Ends the connection once so many bytes of the answer, head included, are sent.
    pub(crate) fn cut_after(&self, bytes: usize) {
        self.0.store(CUT + bytes, Ordering::Release);
    }
}

impl Connected<IncomingStream<'_, Lines>> for Breaker {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        Self(Arc::clone(&stream.io().left))
    }
}

/// Accepts connections that can be broken.
#[derive(Debug)]
pub(crate) struct Lines(pub(crate) TcpListener);

impl Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        // Without it small answers wait for the peer's acknowledgement; a failure only costs time.
        drop(stream.set_nodelay(true));
        let left = Arc::new(AtomicUsize::new(WHOLE));
        (Line { stream, left }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    /// Whether and when it breaks.
    left: Arc<AtomicUsize>,
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let left = self.left.load(Ordering::Acquire);
        let piece = match left {
            WHOLE => return Pin::new(&mut self.stream).poll_write(context, bytes),
            RESET => {
                // With zero linger, closing sends a reset instead of an orderly end.
                drop(self.stream.set_zero_linger());
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            CUT => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            _ => &bytes[..bytes.len().min(left - CUT)],
        };
        let written = Pin::new(&mut self.stream).poll_write(context, piece);
        if let Poll::Ready(Ok(written)) = written {
            self.left.fetch_sub(written, Ordering::AcqRel);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
