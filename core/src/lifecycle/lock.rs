//! The device lock: at most one attempt at a device at a time, whichever object and whichever replica it is of.

use jiff::{SignedDuration, Timestamp};

use crate::api::{Duration, time::saturating_add};

/// How long after a lock was taken something may be sent under it.
pub(super) const SEND_WINDOW: SignedDuration = SignedDuration::from_secs(30);

/// What a device lock says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// The attempt that it was taken for.
    pub attempt_id: String,
    /// Nothing is sent for it after this time, by Graph's clock.
    pub send_deadline: Timestamp,
    /// How long after that Intune's record is sure to show it.
    pub settle_window: Duration,
    /// The uid of the object that it was taken for.
    pub owner_uid: String,
}

impl Lock {
    /// When it stops holding others back, whatever became of its attempt.
    #[must_use]
    pub fn settled(&self) -> Timestamp {
        saturating_add(self.send_deadline, self.settle_window.as_signed())
    }

    /// Whether it holds others back at this time.
    #[must_use]
    pub fn is_open(&self, at: Timestamp) -> bool {
        at <= self.settled()
    }
}
