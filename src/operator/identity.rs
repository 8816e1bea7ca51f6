//! Whether it is proved who writes approvals and requests.

use jiff::Timestamp;

/// The proof.
#[derive(Default)]
pub struct Identity;

impl Identity {
    /// Since when it is proved, by the API server's clock.
    pub fn since(&self) -> Option<Timestamp> {
        None
    }
}
