//! What the state machine is told: facts, each with the time at which it held.

use jiff::{SignedDuration, Timestamp};

use super::{admission::AttemptDenial, agreement::Agreement, lock::Lock, polling::Stretch, quarantine::Quarantine};
use crate::{
    api::{
        reset::PasscodeReset,
        tenant::{IntuneTenantSpec, UnknownOutcome},
    },
    platform::Matrix,
};

pub use crate::platform::{Found, Look};

/// The clocks, read once for one decision.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// This machine's clock. It dates conditions and decides nothing.
    pub wall: Timestamp,
    /// Not earlier than Graph's clock, from an answer at most 60 s old. A deadline is judged with this and nothing else.
    pub graph: Option<Timestamp>,
    /// The best guess of Graph's clock. It says when to look again and decides nothing.
    pub estimate: Timestamp,
}

/// Everything known of one PasscodeReset in one pass. What is `None` has not been looked at yet; the state machine asks for
/// it when it needs it.
#[derive(Clone, Copy)]
pub struct Observed<'a> {
    /// The object, as just read.
    pub object: &'a PasscodeReset,
    /// The tenant that it names; `None`: there is no such IntuneTenant, or none that can be read.
    pub tenant: Option<TenantView<'a>>,
    /// The own condition's words of a tenant that is there and cannot be read by this version of the operator.
    pub unread_tenant: Option<&'a NotReady>,
    /// Whether the tenant allows the object's namespace.
    pub namespace: Namespace,
    /// The answer to the look-up of the device.
    pub found: Option<&'a Reading<Found>>,
    /// What is known of the device lease.
    pub device_lease: LeaseView<'a>,
    /// The look at Intune's record, made after the lock was read.
    pub look: Option<&'a Reading<Look>>,
    /// The first of two looks that a negative verdict needs.
    pub unconfirmed: Option<Unconfirmed>,
    /// Why nothing may be sent at the moment, whatever the object says: limits and the breaker.
    pub gate: Option<&'a Gate>,
    /// What admission control said of the claim.
    pub admission: Admission<'a>,
    /// Why the tenant takes no reset, known once one would be sent.
    pub closed: Option<&'a Closed>,
    /// The quarantine in force, in Graph's time.
    pub quarantine: Option<Quarantine>,
    /// Whether the leader lease was read after the object, and is as this replica wrote it: the object is not of a restored etcd whose
    /// quarantine has yet to begin.
    pub lease_is_kept: bool,
    /// What decides whether the request is permitted.
    pub agreement: Agreement<'a>,
    /// The sweep that saw that the tenant does not exist, for an object whose time it found to be over.
    pub swept: Option<Sweep>,
}

/// What is known of the device lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeaseView<'a> {
    /// It has not been read yet.
    NotRead,
    /// This version of the operator cannot read it: a clause that says why.
    Unreadable(&'a str),
    /// It was read.
    Read {
        /// Its lock, which may be over; `None`: there is none.
        lock: Option<&'a Lock>,
        /// By when the latest reset of the device was carried out that was accepted or seen.
        remembered: Option<Timestamp>,
    },
    /// This very pass holds its lock, without a claim yet.
    Held {
        /// The lock.
        lock: &'a Lock,
        /// As above.
        remembered: Option<Timestamp>,
        /// Whether the tenant, the namespace and the leader lease were read live since the lock was taken.
        authority_is_read: bool,
    },
}

impl<'a> LeaseView<'a> {
    /// The lock that is known of, this pass's own or another's.
    #[must_use]
    pub fn lock(self) -> Option<&'a Lock> {
        match self {
            Self::NotRead | Self::Unreadable(_) => None,
            Self::Read { lock, .. } => lock,
            Self::Held { lock, .. } => Some(lock),
        }
    }

    /// The lock that this pass holds.
    #[must_use]
    pub fn held(self) -> Option<&'a Lock> {
        if let Self::Held { lock, .. } = self { Some(lock) } else { None }
    }

    /// What is remembered, as far as is known.
    #[must_use]
    pub fn remembered(self) -> Option<Timestamp> {
        match self {
            Self::NotRead | Self::Unreadable(_) => None,
            Self::Read { remembered, .. } | Self::Held { remembered, .. } => remembered,
        }
    }
}

/// What the state machine needs of an IntuneTenant.
#[derive(Clone, Copy)]
pub struct TenantView<'a> {
    /// Its spec.
    pub spec: &'a IntuneTenantSpec,
    /// Why it cannot be used; `None`: it can.
    pub not_ready: Option<&'a NotReady>,
    /// The matrix that decides, and its name; `None` only together with trouble.
    pub matrix: Option<&'a Matrix>,
    /// How much longer than usual it is from look to look.
    pub stretch: Stretch,
    /// Whether Intune's record of actions is believed to work in this tenant (LedgerReadable); `None`: no entry was ever seen.
    pub ledger_readable: Option<bool>,
}

impl TenantView<'_> {
    /// Whether silence is the end.
    #[must_use]
    pub fn silence_fails(&self) -> bool {
        self.spec.unknown_outcome == UnknownOutcome::Fail || self.ledger_readable != Some(true)
    }
}

/// Why a tenant cannot be used: its own condition's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotReady {
    /// One of the tenant's reasons.
    pub reason: String,
    /// A sentence.
    pub message: String,
}

/// Whether the namespace may use the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// It may.
    Allowed,
    /// By the caches it may not; they can be behind.
    DeniedByCache,
    /// By a live read of the namespace and of the tenant it may not.
    Denied {
        /// When that was read.
        at: Timestamp,
    },
}

/// The answer to one question to Graph.
#[derive(Clone, Debug)]
pub enum Reading<T> {
    /// An answer, and the time at which it held, by Graph's clock.
    Answer {
        /// What was answered.
        value: T,
        /// Not later than the moment at which Graph read it.
        at: Timestamp,
    },
    /// No answer: never a verdict.
    CouldNotTell(Unreadable),
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub struct Unreadable {
    /// Whether the tenant is to blame rather than the moment.
    pub tenant: Option<NotReady>,
    /// A sentence.
    pub message: String,
    /// When to ask again.
    pub retry_after: std::time::Duration,
}

/// What admission control (a policy or a webhook of the cluster) said of the claim, or of the lock that it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission<'a> {
    /// Nothing that this process knows of.
    NotTried,
    /// The claim was tried in this pass, without being stored, and admitted.
    Admitted,
    /// It was denied.
    Refused {
        /// By whom, why, and how often.
        refusal: &'a AttemptDenial,
        /// How long it still is until it is tried again; zero: it is due.
        again_after: std::time::Duration,
    },
}

/// A negative finding that needs a second look before it is a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unconfirmed {
    /// What was found.
    pub kind: UnconfirmedKind,
    /// When it was found first.
    pub since: Timestamp,
}

/// The negative findings that need a second look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnconfirmedKind {
    /// The namespace is not allowed.
    NamespaceNotAllowed,
    /// No device.
    DeviceNotFound,
    /// Several devices.
    AmbiguousDevice,
    /// One device, of which Intune does not say what it is.
    CannotClassify,
    /// The device's record is gone.
    DeviceGone,
}

/// What requests of one kind met in this tenant before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The tenant's own condition's words.
    pub not_ready: NotReady,
    /// When to come back: one of those that do is let through, to see whether it is over.
    pub retry_after: std::time::Duration,
}

/// Why nothing may be sent at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gate {
    /// A sentence.
    pub message: String,
    /// Within which time the next reset may be sent, where that is long enough to be told.
    pub slot_within: Option<std::time::Duration>,
    /// When to ask again.
    pub retry_after: std::time::Duration,
}

/// What one sweep over the objects without a tenant found out before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// The API server's time, from the answer that showed that the tenant does not exist: not later than now.
    pub at: Timestamp,
    /// The API server's clock less this machine's.
    pub offset: SignedDuration,
}
