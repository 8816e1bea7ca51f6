//! Why a tenant has no client of Graph.

use super::calls::CallError;
use passcode_core::lifecycle::observed::Trouble;

/// Why there is no client.
pub enum NoClient {
    /// Somebody has to mend something.
    Trouble(Trouble),
    /// The API server did not answer.
    Unclear(CallError),
}

impl NoClient {
    /// Somebody has to mend something, by this reason and sentence.
    pub fn trouble(reason: &str, message: String) -> Self {
        Self::Trouble(Trouble { reason: reason.to_owned(), message })
    }
}
