//! What the state machine answers: the status as it should be, and the one next step.

use std::time::Duration;

use jiff::Timestamp;

use super::observed::Unconfirmed;
use crate::api::reset_status::{Attempt, PasscodeResetStatus};

/// One decision; `S` is [`Step`], or [`AfterAnswer`].
#[derive(Clone, Debug, PartialEq)]
pub struct Decision<S = Step> {
    /// The status as it should be.
    pub status: PasscodeResetStatus,
    /// What to do next.
    pub step: S,
    /// What to remember for the next pass; lost without harm.
    pub unconfirmed: Option<Unconfirmed>,
    /// What was learned of the tenant's ledger.
    pub lesson: Option<Lesson>,
    /// What the device lease has to remember before the status is written.
    pub remember: Option<Timestamp>,
}

/// The one next step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Find this out and decide again; nothing is written.
    Observe(Fact),
    /// Take the device lock, then decide again from the start: with it where it was taken, without it where it was refused.
    TakeLock {
        /// Nothing is sent after this time, by Graph's clock.
        send_deadline: Timestamp,
        /// How long after that it may still show.
        settle_window: Duration,
    },
    /// Give back the lock of an attempt that is known not to have been carried out, then decide again.
    ReleaseLock,
    /// Have the API server judge the status, which carries the claim as it would be made, without storing it (`dryRun=All`), then decide
    /// again.
    TryClaim,
    /// Write the status, which carries this claim, on the exact version that was read; and only where the answer shows the
    /// claim, send.
    Claim(Box<Attempt>),
    /// Write the status if it differs, and come back.
    Wait(Duration),
    /// Write the status if it differs; nothing follows.
    Finish,
    /// Write nothing, ever again.
    Stop,
}

/// The one next step after Graph's answer to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterAnswer {
    /// Send once more under the same claim, after a pause; nothing is written.
    SendAgain(Duration),
    /// Write the status, which records the answer, and decide again.
    Record,
    /// The same, and give back the lock first: nothing was carried out under it.
    RecordAndRelease,
    /// Write nothing: the object has its outcome, or no attempt.
    Nothing,
}

/// Something to find out, in the order in which it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The namespace and the tenant, read live.
    Namespace,
    /// The device that the selector means.
    Device,
    /// The device lock. Whatever was seen of Intune's record before is forgotten: the lock is read first.
    Lock,
    /// Intune's record of the device.
    Look,
    /// The leader lease, before a rejection: whether etcd was restored without anybody having noticed yet.
    LeaderLease,
    /// What permits a request, once the device lock is held and before the look under it: the leader lease, the IntuneTenant, the
    /// Namespace and the policies, read live.
    Authority,
    /// The policies, read live, before one of them refuses a request.
    Policies,
    /// The approvals of the request, read live, where its answer depends on them.
    Approvals,
}

/// What a pass taught about the tenant's ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lesson {
    /// An entry of our own was seen for the first time, so long after its start.
    Lag(Duration),
    /// An accepted request does not show although it should by now.
    EntryMissing,
}
