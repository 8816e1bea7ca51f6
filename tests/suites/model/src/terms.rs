//! What a pass speaks of in the model: small numbers, so that states can be told apart and counted.

use passcode_core::protocol::Terms;

use crate::state::{Answer, Lock, Object, Second, Status, Tick, View};

/// The model's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Small;

/// The device lease of one version.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceLease {
    pub lock: Option<Lock>,
    /// By when the latest reset was carried out that is remembered.
    pub remembered: Option<Second>,
    pub version: u16,
}

impl Terms for Small {
    type Object = Object;
    type Status = Status;
    type AttemptId = u8;
    type LockTerms = Tick;
    type Lease = DeviceLease;
    type Look = View;
    /// An answer, and whether sending again can help.
    type Answer = (Answer, bool);
    type Time = Second;

    fn attempt(object: &Object) -> Option<(u8, bool)> {
        object.status.attempt.as_ref().map(|attempt| (attempt.id, attempt.result.is_some()))
    }

    fn says(object: &Object, status: &Status) -> bool {
        object.status == *status
    }

    fn locked_for(lease: &DeviceLease) -> Option<u8> {
        lease.lock.as_ref().map(|lock| lock.attempt)
    }
}
