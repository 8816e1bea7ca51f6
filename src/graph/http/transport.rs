//! The seam to the network: one HTTP exchange.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

/// Carries out one HTTP exchange, exactly once: no retry, no redirect.
///
/// [`ReqwestTransport`](super::ReqwestTransport) is the one for production; tests put a simulator here.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends `request` and returns the answer, whatever its status.
    ///
    /// Where the status line arrived but not the whole body, the answer still counts: it carries what arrived and the
    /// extension [`Truncated`]. The caller drops the future after `exchange.time_out`.
    ///
    /// # Errors
    /// [`TransportError`], when no status line arrived.
    async fn send(
        &self,
        request: http::Request<Bytes>,
        exchange: Exchange,
    ) -> Result<http::Response<Bytes>, TransportError>;
}

/// How an exchange is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Which connection to use.
    pub connection: Connection,
    /// How long the caller waits, connecting and reading the body included.
    pub time_out: Duration,
}

/// The only address that is reached by [`Connection::Node`]: link-local, on every Azure node.
pub(in crate::graph) const NODE_ORIGIN: &str = "http://169.254.169.254";

/// Which connection an exchange uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Any, an idle one of earlier exchanges too.
    Pooled,
    /// A new one, closed afterwards: a pooled one that the other side has just closed leaves open whether the request
    /// was carried out.
    Own,
    /// To the node's own metadata service, over plain HTTP and never through a proxy.
    Node,
}

/// Extension of an answer whose body did not arrive as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Truncated;

/// Why an exchange brought no status line. The texts hold neither a URL's query nor a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection could be made: certainly nothing was sent.
    #[error("no connection could be made: {0}")]
    NotConnected(String),
    /// A connection was made, or may have been, and no answer came: anything may have happened. Includes time-outs.
    #[error("the connection was lost before an answer came: {0}")]
    Lost(String),
}
