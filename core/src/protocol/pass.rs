//! One pass over one PasscodeReset: read the lock, look, take the lock, ask for authority, look again, claim, send, record.
//!
//! [`Start::begin`] makes the first decision. From then on [`Pass::next`] says what is to be done, and [`Pass::apply`] takes what came of it.
//! Between the two anything may happen, a crash included: a pass that is dropped has lost nothing that the next one would not find out.

mod claim;
mod effects;
mod lock;
mod records;

use std::{
    ops::ControlFlow::{self, Break, Continue},
    time::Duration,
};

use derive_where::derive_where;

pub use self::effects::{Effect, End, Event, Why};
use super::terms::{Decision, Known, Rules, Step, Terms};
use crate::lifecycle::step::Fact;

/// When to come back where this replica may not begin an attempt: a new leader, or this one once it is ready, goes on from here.
const NOT_LEADING: Duration = Duration::from_secs(5);
/// How often the record of an answer is tried before the object is left to be verified.
const RECORD_TRIES: u8 = 6;

/// A pass that has not begun: nothing is decided yet.
#[derive_where(Clone)]
pub struct Start<T: Terms> {
    object: T::Object,
    /// What an earlier pass could not record.
    unrecorded: Option<(T::AttemptId, T::Answer)>,
}

impl<T: Terms> Start<T> {
    /// A pass over an object that was just read.
    pub fn over(object: T::Object) -> Self {
        Self { object, unrecorded: None }
    }

    /// The same, where an earlier pass could not record an answer: a request whose answer is known must not be taken for one whose answer was
    /// lost, which could be sent once more.
    pub fn recording(object: T::Object, attempt: T::AttemptId, answer: T::Answer) -> Self {
        Self { object, unrecorded: Some((attempt, answer)) }
    }

    /// Makes the first decision.
    pub fn begin(self, rules: &mut impl Rules<T>) -> Pass<T> {
        let Self { object, unrecorded } = self;
        let known = Known {
            object,
            lock: None,
            look: None,
            held: None,
            lease_is_kept: false,
            policies_are_read: false,
            approvals_are_read: false,
        };
        let mut pass = Pass { known, stage: Stage::Ended(End::Finished) };
        match unrecorded {
            Some((attempt, answer)) if pass.waits_for_the_answer_to(&attempt) => {
                pass.record(Record { attempt, answer, tries: RECORD_TRIES - 1 }, rules);
            }
            _ => pass.decide(rules),
        }
        pass
    }
}

/// A pass under way.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub struct Pass<T: Terms> {
    known: Known<T>,
    stage: Stage<T>,
}

#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
enum Stage<T: Terms> {
    Observe(Fact),
    Reserve(T::LockTerms),
    TakeLock {
        attempt: T::AttemptId,
        terms: T::LockTerms,
    },
    /// Who holds the lock, after this failure to take it?
    AskForLock {
        attempt: T::AttemptId,
        why: Why,
    },
    TryClaim(T::Status),
    Claim {
        attempt: T::AttemptId,
        status: T::Status,
    },
    /// Is the claim stored?
    AskForClaim {
        attempt: T::AttemptId,
        status: T::Status,
    },
    Send(T::AttemptId),
    SendAgain(T::AttemptId, Duration),
    /// Before the status is written.
    Remember(T::Time, Write<T>),
    Write(Write<T>),
    /// Before it is asked whether this is recorded.
    PauseRecord(Record<T>),
    AskForRecord(Record<T>),
    Release(T::Lease, Option<End<T>>),
    Ended(End<T>),
}

/// A write of a status, and what it is for.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
struct Write<T: Terms> {
    status: T::Status,
    then: Then<T>,
}

#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
enum Then<T: Terms> {
    End(End<T>),
    ReleaseLock,
    Recorded { record: Record<T>, release: bool },
}

/// An answer to be recorded.
#[derive_where(Clone)]
#[derive_where(Debug, PartialEq, Eq, Hash; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
struct Record<T: Terms> {
    attempt: T::AttemptId,
    answer: T::Answer,
    /// How often it was tried.
    tries: u8,
}

impl<T: Terms> Pass<T> {
    /// What is known so far.
    pub fn known(&self) -> &Known<T> {
        &self.known
    }

    /// What was known in the end.
    pub fn into_known(self) -> Known<T> {
        self.known
    }

    /// What is to be done next, or how the pass has ended.
    pub fn next(&self) -> ControlFlow<&End<T>, Effect<'_, T>> {
        let seen = self.known.lock.as_ref().and_then(Option::as_ref);
        Continue(match &self.stage {
            Stage::Observe(fact) => Effect::Observe(*fact),
            Stage::Reserve(_) => Effect::Reserve,
            Stage::TakeLock { attempt, terms } => Effect::TakeLock { seen, attempt, terms },
            Stage::AskForLock { .. } => Effect::ReadLock,
            Stage::TryClaim(status) => Effect::TryClaim(status),
            Stage::Claim { status, .. } => Effect::Claim(status),
            Stage::AskForClaim { .. } | Stage::AskForRecord(_) => Effect::ReadObject,
            Stage::Send(attempt) => Effect::Send(attempt),
            Stage::SendAgain(_, pause) => Effect::Pause(*pause),
            Stage::PauseRecord(record) => Effect::Pause(Duration::from_millis(100 << record.tries)),
            Stage::Remember(latest, write) => Effect::Remember { seen, latest, before: &write.status },
            Stage::Write(write) => Effect::Write(&write.status),
            Stage::Release(lease, _) => Effect::Release(lease),
            Stage::Ended(end) => return Break(end),
        })
    }

    /// Takes what came of [`Self::next`].
    pub fn apply(&mut self, event: Event<T>, rules: &mut impl Rules<T>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended(End::Failed(Why::Failed)));
        match (stage, event) {
            (Stage::Observe(fact), event) => self.observed(fact, event, rules),
            (Stage::Reserve(terms), Event::Reserved(attempt)) => self.stage = Stage::TakeLock { attempt, terms },
            (Stage::TakeLock { attempt, .. }, event) => self.lock_is_put(attempt, event, rules),
            (Stage::AskForLock { attempt, why }, event) => self.lock_is_asked(attempt, why, event, rules),
            (Stage::TryClaim(_), event) => self.tried(event, rules),
            (Stage::Claim { attempt, status }, event) => self.claim_is_put(attempt, status, event, rules),
            (Stage::AskForClaim { attempt, status }, Event::ObjectStored(object)) => {
                self.read_again(object);
                self.claimed(attempt, &status, rules);
            }
            (Stage::Send(attempt), Event::Answered(answer)) => self.answered(attempt, answer, rules),
            (Stage::SendAgain(attempt, _), Event::Done) => self.stage = Stage::Send(attempt),
            (Stage::Remember(_, write), event) => self.remembered(write, event, rules),
            (Stage::Write(write), event) => self.written(write, event, rules),
            (Stage::PauseRecord(record), Event::Done) => self.stage = Stage::AskForRecord(record),
            (Stage::AskForRecord(record), event) => self.record_is_asked(record, event, rules),
            (Stage::Release(_, end), Event::Done) => match end {
                Some(end) => self.stage = Stage::Ended(end),
                None => self.decide(rules),
            },
            // Nothing to be had, or nothing to be sent by: what the rules know of it decides.
            (Stage::Reserve(_) | Stage::Send(_), Event::Done) => self.decide(rules),
            (_, event) => self.fail(event),
        }
    }

    /// Ends the pass for this event, which is a failure or does not belong here.
    fn fail(&mut self, event: Event<T>) {
        self.end(End::Failed(if let Event::NotStored(why) = event { why } else { Why::Failed }));
    }

    /// Ends the pass as soon as nothing is left to be released.
    pub fn end(&mut self, end: End<T>) {
        // A lock without a claim: nothing was sent under it, and nothing will be.
        self.stage = match self.known.held.take() {
            Some(held) => Stage::Release(held.lease, Some(end)),
            None => Stage::Ended(end),
        };
    }

    fn decide(&mut self, rules: &mut impl Rules<T>) {
        let Decision { status, step, remember } = rules.decide(&self.known);
        match step {
            Step::TakeLock(_) | Step::TryClaim | Step::Claim(_) if !rules.may_begin() => {
                self.end(End::Later(NOT_LEADING));
            }
            Step::Observe(fact) => {
                if fact == Fact::Lock {
                    // What was seen of Intune's record has to be newer than the lock.
                    self.known.look = None;
                }
                self.stage = Stage::Observe(fact);
            }
            Step::TakeLock(terms) => self.stage = Stage::Reserve(terms),
            Step::TryClaim => self.stage = Stage::TryClaim(status),
            Step::Claim(attempt) => self.stage = Stage::Claim { attempt, status },
            Step::ReleaseLock => self.write(status, remember, Then::ReleaseLock, rules),
            Step::Wait(pause) => self.write(status, remember, Then::End(End::Later(pause)), rules),
            Step::Finish => self.write(status, remember, Then::End(End::Finished), rules),
            Step::Stop => self.end(End::Finished),
        }
    }

    fn observed(&mut self, fact: Fact, event: Event<T>, rules: &mut impl Rules<T>) {
        match (fact, event) {
            (Fact::Lock, Event::Lock(lease)) => self.known.lock = Some(lease),
            (Fact::Look, Event::Look(look)) => self.known.look = Some(look),
            // Never as the look under a lock: what permits the request is asked for before that.
            (Fact::Device, Event::LockAndLook { lock, look }) if self.known.held.is_none() => {
                (self.known.lock, self.known.look) = (Some(lock), Some(look));
            }
            (Fact::LeaderLease | Fact::Authority, Event::LeaderLease { kept }) => {
                if !kept {
                    // What is stored is not to be trusted: etcd may have been restored, and with it claims and locks lost. What is restored
                    // later finds this process alive, which remembers what it took, and the object in another version.
                    return self.end(End::Failed(Why::Unclear));
                }
                self.known.lease_is_kept = true;
                if let (Fact::Authority, Some(held)) = (fact, self.known.held.as_mut()) {
                    held.authority_is_read = true;
                    self.known.policies_are_read = true;
                }
            }
            (Fact::Policies, Event::Done) => self.known.policies_are_read = true,
            (Fact::Approvals, Event::Done) => self.known.approvals_are_read = true,
            (_, Event::Done) => {}
            (_, event) => return self.fail(event),
        }
        self.decide(rules);
    }
}
