//! Why a tenant has no client of Graph.

use crate::operator::calls::CallError;
use passcode_core::lifecycle::observed::NotReady;

/// Why there is no client.
pub enum NoClient {
    /// Somebody has to mend something.
    NotReady(NotReady),
    /// The API server did not answer.
    Unclear(CallError),
}

impl NoClient {
    /// Somebody has to mend something, by this reason and sentence.
    pub fn not_ready(reason: &str, message: String) -> Self {
        Self::NotReady(NotReady { reason: reason.to_owned(), message })
    }
}
