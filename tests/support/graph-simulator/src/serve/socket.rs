//! A TCP connection that can end by a reset.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// The connection. When it is dropped and the flag is set, the peer gets a reset instead of an orderly end.
pub(super) struct Socket {
    tcp: TcpStream,
    by_reset: Arc<AtomicBool>,
}

impl Socket {
    pub fn new(tcp: TcpStream, by_reset: Arc<AtomicBool>) -> Self {
        // Answers are small: waiting for more to send would only add latency. Without this option the answers are merely slower.
        let _ = tcp.set_nodelay(true);
        Self { tcp, by_reset }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.by_reset.load(Ordering::Relaxed) {
            // If that fails the connection ends in an orderly way, which is a fault as well.
            let _ = self.tcp.set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.tcp).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(context)
    }
}
