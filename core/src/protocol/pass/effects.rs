//! What a pass asks for, what comes of it, and how a pass ends.

use std::time::Duration;

use derive_where::derive_where;

use crate::{lifecycle::step::Fact, protocol::terms::Terms};

/// What is to be done next.
#[derive_where(Debug, PartialEq, Eq; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub enum Effect<'a, T: Terms> {
    /// Find this out. Answered by [`Event::Lock`], [`Event::Look`] or [`Event::LeaderLease`] where it is one of these (of authority the
    /// latter is what counts here), of a device by [`Event::LockAndLook`] where that is what was read of it, else by [`Event::Done`].
    Observe(Fact),
    /// Find a slot for a request, and an id for its attempt: [`Event::Reserved`]; [`Event::Done`] where there is none.
    Reserve,
    /// Write the device lock over what was seen: [`Event::LeaseStored`], [`Event::LockAltered`] or [`Event::NotStored`].
    TakeLock {
        /// The lease as it was read; `None`: there was none.
        seen: Option<&'a T::Lease>,
        /// Whom it is taken for.
        attempt: &'a T::AttemptId,
        /// What it says.
        terms: &'a T::LockTerms,
    },
    /// Read the lease back after a write of the lock that failed: [`Event::Lock`], or [`Event::LockAltered`].
    ReadLock,
    /// Have the API server judge this status: [`Event::Done`], [`Event::ComeBack`], or [`Event::NotStored`] with a conflict.
    TryClaim(&'a T::Status),
    /// Write this status, strictly: [`Event::ObjectStored`] or [`Event::NotStored`].
    Claim(&'a T::Status),
    /// Read the object again: [`Event::ObjectStored`] or [`Event::NotStored`].
    ReadObject,
    /// Send the request of this attempt: [`Event::Answered`]; [`Event::Done`] where there is no way to.
    Send(&'a T::AttemptId),
    /// Wait for so long: [`Event::Done`].
    Pause(Duration),
    /// Have the device lease remember a reset that was carried out by then: [`Event::LeaseStored`] or [`Event::NotStored`].
    Remember {
        /// The lease as it was read last; `None`: it was not, or there was none.
        seen: Option<&'a T::Lease>,
        /// By when.
        latest: &'a T::Time,
        /// The status that is written after it.
        before: &'a T::Status,
    },
    /// Write this status: [`Event::ObjectStored`] or [`Event::NotStored`].
    Write(&'a T::Status),
    /// Release this device lock, of exactly this version: [`Event::Done`], also where that failed.
    Release(&'a T::Lease),
}

/// What came of an [`Effect`].
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub enum Event<T: Terms> {
    /// It is done, or the rules know of it.
    Done,
    /// The device lease, or that there is none.
    Lock(Option<T::Lease>),
    /// A look.
    Look(T::Look),
    /// The device was found: its lease was read, and after that a look was made.
    LockAndLook {
        /// The device lease, or that there is none.
        lock: Option<T::Lease>,
        /// The look.
        look: T::Look,
    },
    /// The leader lease, and whether it is as this replica wrote it.
    LeaderLease {
        /// If not, another leads, or etcd was restored.
        kept: bool,
    },
    /// There is a slot for this attempt.
    Reserved(T::AttemptId),
    /// The lease as it is stored now.
    LeaseStored(T::Lease),
    /// The lock was stored as another than was written.
    LockAltered(T::Lease),
    /// The object as it is stored now.
    ObjectStored(T::Object),
    /// Graph answered, or will not.
    Answered(T::Answer),
    /// Not now.
    ComeBack(Duration),
    /// It was not stored, as far as is known, or could not be read.
    NotStored(Why),
}

/// Why something was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Another version is stored.
    Conflict,
    /// No answer: it may be stored.
    Unclear,
    /// Admission control denied it.
    Denied,
    /// The schema that is served refuses it.
    Refused,
    /// The object is gone.
    Gone,
    /// Anything else.
    Failed,
}

/// How a pass ends.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub enum End<T: Terms> {
    /// Come back then.
    Later(Duration),
    /// Nothing more, ever.
    Finished,
    /// Something was not stored or could not be read: start over later.
    Failed(Why),
    /// This answer to this attempt could not be recorded: the next pass begins with it.
    Unrecorded(T::AttemptId, T::Answer, Why),
}
