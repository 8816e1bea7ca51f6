//! What a pass speaks of, without saying what it is made of: the operator has Kubernetes objects, the model has small numbers.

use std::time::Duration;

use derive_where::derive_where;

use crate::lifecycle::step::{AfterAnswer, Fact};

/// The types of one world, and the few questions that a pass has about them.
pub trait Terms {
    /// A PasscodeReset of one version, with its status.
    type Object: Clone;
    /// Its status.
    type Status: Clone;
    /// An attempt's id.
    type AttemptId: Clone + PartialEq;
    /// What is written into a device lock: until when is sent, and for how long it may still show.
    type LockTerms: Clone;
    /// A device lease of one version: the lock, if there is one, and what is remembered.
    type Lease: Clone;
    /// What a look at Intune's record showed.
    type Look: Clone;
    /// Graph's answer to a request.
    type Answer: Clone;
    /// A point in time.
    type Time: Clone;

    /// The attempt that the object carries, and whether its answer is recorded.
    fn attempt(object: &Self::Object) -> Option<(Self::AttemptId, bool)>;

    /// Whether the object's status says this already, so that it need not be written.
    fn says(object: &Self::Object, status: &Self::Status) -> bool;

    /// The attempt that the device lock was taken for.
    fn locked_for(lease: &Self::Lease) -> Option<Self::AttemptId>;
}

/// What a pass knows so far. What is `None` has not been read yet.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub struct Known<T: Terms> {
    /// The object as it was read or written last.
    pub object: T::Object,
    /// The device lease; the inner `None`: there is none.
    pub lock: Option<Option<T::Lease>>,
    /// The look that was made since the lock was read or taken.
    pub look: Option<T::Look>,
    /// The device lock that this pass took, while nothing is claimed under it.
    pub held: Option<Held<T>>,
    /// Whether the leader lease was seen, after the object was read, as this replica wrote it.
    pub lease_is_kept: bool,
    /// Whether the policies were read live since the pass began, and since the lock was taken.
    pub policies_are_read: bool,
    /// The same of the approvals.
    pub approvals_are_read: bool,
}

/// A device lock without a claim.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub struct Held<T: Terms> {
    /// The attempt that it was taken for.
    pub attempt: T::AttemptId,
    /// The lease as it was written: what is released is this version.
    pub lease: T::Lease,
    /// Whether what permits a request was read live since the lock was taken.
    pub authority_is_read: bool,
}

/// The rules, asked with what is known.
pub trait Rules<T: Terms> {
    /// What is to be done for the object.
    fn decide(&mut self, known: &Known<T>) -> Decision<T>;

    /// What Graph's answer to the object's attempt changes.
    fn judge(&mut self, known: &Known<T>, answer: &T::Answer) -> Judgement<T>;

    /// Whether a claim is stored as it was written; if not, what is recorded instead of an answer, since nothing is sent under it.
    fn altered(&mut self, object: &T::Object, status: &T::Status) -> Option<T::Answer>;

    /// Whether this replica may begin an attempt at the moment.
    fn may_begin(&self) -> bool;
}

/// A decision: the status as it should be, and the one next step.
#[derive_where(Clone; S)]
pub struct Decision<T: Terms, S = Step<T>> {
    /// The status as it should be.
    pub status: T::Status,
    /// What to do next.
    pub step: S,
    /// What the device lease has to remember before the status is written.
    pub remember: Option<T::Time>,
}

/// What follows from an answer.
pub type Judgement<T> = Decision<T, AfterAnswer>;

/// The next step, as in [`crate::lifecycle::step::Step`].
#[derive_where(Clone)]
pub enum Step<T: Terms> {
    /// Find this out and decide again.
    Observe(Fact),
    /// Take the device lock and decide again.
    TakeLock(T::LockTerms),
    /// Write the status, release the device lock and decide again.
    ReleaseLock,
    /// Have the API server judge the status without storing it, and decide again.
    TryClaim,
    /// Write the status, which carries this claim; send once it is stored.
    Claim(T::AttemptId),
    /// Write the status and come back.
    Wait(Duration),
    /// Write the status; nothing follows.
    Finish,
    /// Write nothing.
    Stop,
}
