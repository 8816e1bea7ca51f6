//! The terms in which the operator speaks: its own resources, and whatever it stores a device lease as.

use std::{marker::PhantomData, time::Duration};

use jiff::Timestamp;

use super::terms::{self, Known, Terms};
use crate::{
    api::{reset::PasscodeReset, reset_status::PasscodeResetStatus},
    lifecycle::{
        answered::Answered,
        events::says_the_same,
        lock::Lock,
        observed::{LeaseView, Look, Reading},
        step::{AfterAnswer, Decision, Step},
    },
};

/// The operator's terms, with device leases of the type `L`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Real<L>(PhantomData<L>);

/// A device lease of one version, as it is stored.
pub trait DeviceLease: Clone {
    /// The lock, if there is one; it may be over.
    fn lock(&self) -> Option<&Lock>;

    /// By when the latest reset was carried out that is remembered.
    fn latest_reset(&self) -> Option<Timestamp>;
}

/// What a device lock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockTerms {
    /// Nothing is sent after this time, by Graph's clock.
    pub send_deadline: Timestamp,
    /// How long after that it may still show.
    pub settle_window: Duration,
}

impl<L: DeviceLease> Terms for Real<L> {
    type Object = PasscodeReset;
    type Status = PasscodeResetStatus;
    type AttemptId = String;
    type LockTerms = LockTerms;
    type Lease = L;
    type Look = Reading<Look>;
    type Answer = Answered;
    type Time = Timestamp;

    fn attempt(object: &PasscodeReset) -> Option<(String, bool)> {
        let attempt = object.status.as_ref()?.attempt.as_ref()?;
        Some((attempt.id.clone(), attempt.result.is_some()))
    }

    fn says(object: &PasscodeReset, status: &PasscodeResetStatus) -> bool {
        let nothing = PasscodeResetStatus::default();
        says_the_same(object.status.as_ref().unwrap_or(&nothing), status)
    }

    fn locked_for(lease: &L) -> Option<String> {
        lease.lock().map(|lock| lock.attempt_id.clone())
    }
}

impl<L: DeviceLease> Known<Real<L>> {
    /// The device lease as the rules see it; `unreadable`: why this version cannot read it, if that is so.
    #[must_use]
    pub fn device_lease<'a>(&'a self, unreadable: Option<&'a str>) -> LeaseView<'a> {
        let remembered = self.lock.iter().flatten().find_map(DeviceLease::latest_reset);
        let held = self.held.as_ref().and_then(|held| Some((held.lease.lock()?, held.authority_is_read)));
        match (held, &self.lock, unreadable) {
            (Some((lock, authority_is_read)), ..) => LeaseView::Held { lock, remembered, authority_is_read },
            (None, Some(lease), _) => LeaseView::Read { lock: lease.as_ref().and_then(DeviceLease::lock), remembered },
            (None, None, Some(why)) => LeaseView::Unreadable(why),
            (None, None, None) => LeaseView::NotRead,
        }
    }
}

impl<L: DeviceLease> From<Decision> for terms::Decision<Real<L>> {
    fn from(decision: Decision) -> Self {
        let step = match decision.step {
            Step::Observe(fact) => terms::Step::Observe(fact),
            Step::TakeLock { send_deadline, settle_window } => {
                terms::Step::TakeLock(LockTerms { send_deadline, settle_window })
            }
            Step::ReleaseLock => terms::Step::ReleaseLock,
            Step::TryClaim => terms::Step::TryClaim,
            Step::Claim(attempt) => terms::Step::Claim(attempt.id.clone()),
            Step::Wait(pause) => terms::Step::Wait(pause),
            Step::Finish => terms::Step::Finish,
            Step::Stop => terms::Step::Stop,
        };
        Self { status: decision.status, step, remember: decision.remember }
    }
}

impl<L: DeviceLease> From<Decision<AfterAnswer>> for terms::Judgement<Real<L>> {
    fn from(Decision { status, step, remember, .. }: Decision<AfterAnswer>) -> Self {
        Self { status, step, remember }
    }
}
