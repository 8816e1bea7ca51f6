//! The limits as configured, and how they are divided between resets and reads.

use std::time::Duration;

/// The span of Graph's limits (throttling limits of the Intune devices service: per 20 s).
pub(super) const SPAN: Duration = Duration::from_secs(20);

/// What a reset that has capacity reads before it is sent, at most: the device, its record, and its record once more under the lock.
pub(super) const READS_OF_A_RESET: usize = 3;

/// What may be asked, as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of any kind in any 20 s.
    pub requests: usize,
    /// Resets in any 20 s.
    pub resets: usize,
    /// Resets in any hour.
    pub resets_per_hour: usize,
}

impl Limits {
    /// Graph's own, per app and tenant (throttling limits of the Intune devices service).
    pub const PUBLISHED: Self = Self { requests: 2000, resets: 200, resets_per_hour: usize::MAX };

    /// Resets in any 20 s: at most half of all requests, because each of them needs reads.
    #[must_use]
    pub fn resets(&self) -> usize {
        self.resets.min(self.requests / 2).max(1)
    }

    /// Reads in any 20 s.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.requests.saturating_sub(self.resets()).max(1)
    }

    /// Reads in any 20 s that are kept for resets.
    #[must_use]
    pub fn kept_for_resets(&self) -> usize {
        (READS_OF_A_RESET * self.resets()).min(self.reads() / 2)
    }
}
