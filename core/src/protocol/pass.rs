//! One pass over one PasscodeReset: read the lock, look, take the lock, ask for authority, look again, claim, send, record.
//!
//! [`Pass::next`] says what is to be done, [`Pass::apply`] takes what came of it. Between the two anything may happen, a crash included: a
//! pass that is dropped has lost nothing that the next one would not find out.

use std::time::Duration;

use derive_where::derive_where;

use super::terms::{Decision, Held, Judgement, Known, Rules, Step, Terms};
use crate::lifecycle::step::{AfterAnswer, Fact};

/// When to come back where this replica may not begin an attempt: a new leader, or this one once it is ready, goes on from here.
const NOT_LEADING: Duration = Duration::from_secs(5);
/// How often the record of an answer is tried before the object is left to be verified.
const RECORD_TRIES: u8 = 6;

/// What is to be done next.
#[derive_where(Debug, PartialEq, Eq; T::Object, T::Status, T::AttemptId, T::LockTerms, T::Lease, T::Look, T::Answer, T::Time)]
pub enum Effect<'a, T: Terms> {
    /// Find this out. Answered by [`Event::Lock`], [`Event::Look`] or [`Event::LeaderLease`] where it is one of these (of authority the
    /// latter is what counts here), else by [`Event::Done`].
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
    /// Nothing: the pass has ended.
    End(&'a End<T>),
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
        terms: T::LockTerms,
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
    /// A pass over an object that was just read.
    pub fn new(object: T::Object, rules: &mut impl Rules<T>) -> Self {
        let mut pass = Self::over(object);
        pass.decide(rules);
        pass
    }

    /// The same, where an earlier pass could not record an answer: a request whose answer is known must not be taken for one whose answer was
    /// lost, which could be sent once more.
    pub fn recording(object: T::Object, attempt: T::AttemptId, answer: T::Answer, rules: &mut impl Rules<T>) -> Self {
        let mut pass = Self::over(object);
        if pass.waits_for_the_answer_to(&attempt) {
            pass.record(Record { attempt, answer, tries: RECORD_TRIES - 1 }, rules);
        } else {
            pass.decide(rules);
        }
        pass
    }

    fn over(object: T::Object) -> Self {
        let known = Known {
            object,
            lock: None,
            look: None,
            held: None,
            lease_is_kept: false,
            authority_is_read: false,
            policies_are_read: false,
            approvals_are_read: false,
        };
        Self { known, stage: Stage::Ended(End::Finished) }
    }

    /// What is known so far.
    pub fn known(&self) -> &Known<T> {
        &self.known
    }

    /// What was known in the end.
    pub fn into_known(self) -> Known<T> {
        self.known
    }

    /// What is to be done next.
    pub fn next(&self) -> Effect<'_, T> {
        let seen = self.known.lock.as_ref().and_then(Option::as_ref);
        match &self.stage {
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
            Stage::Ended(end) => Effect::End(end),
        }
    }

    /// Takes what came of [`Self::next`].
    pub fn apply(&mut self, event: Event<T>, rules: &mut impl Rules<T>) {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended(End::Failed(Why::Failed)));
        match (stage, event) {
            (Stage::Observe(fact), event) => self.observed(fact, event, rules),
            (Stage::Reserve(terms), Event::Reserved(attempt)) => self.stage = Stage::TakeLock { attempt, terms },
            (Stage::TakeLock { attempt, terms }, event) => self.lock_is_put(attempt, terms, event, rules),
            (Stage::AskForLock { attempt, terms, why }, event) => self.lock_is_asked(attempt, terms, why, event, rules),
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
            (Fact::LeaderLease | Fact::Authority, Event::LeaderLease { kept }) => {
                if !kept {
                    // What is stored is not to be trusted: etcd may have been restored, and with it claims and locks lost. What is restored
                    // later finds this process alive, which remembers what it took, and the object in another version.
                    return self.end(End::Failed(Why::Unclear));
                }
                self.known.lease_is_kept = true;
                self.known.authority_is_read |= fact == Fact::Authority;
                self.known.policies_are_read |= fact == Fact::Authority;
            }
            (Fact::Policies, Event::Done) => self.known.policies_are_read = true,
            (Fact::Approvals, Event::Done) => self.known.approvals_are_read = true,
            (_, Event::Done) => {}
            (_, event) => return self.fail(event),
        }
        self.decide(rules);
    }

    // The device lock.

    fn lock_is_put(&mut self, attempt: T::AttemptId, terms: T::LockTerms, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::LeaseStored(lease) => self.locked(attempt, terms, lease, rules),
            Event::LockAltered(lease) => self.release(Some(lease), rules),
            Event::NotStored(why) => {
                (self.known.lock, self.known.look) = (None, None);
                self.stage = Stage::AskForLock { attempt, terms, why };
            }
            event => self.fail(event),
        }
    }

    /// An answer may have been lost, or be one to a repetition: what is stored decides.
    fn lock_is_asked(
        &mut self,
        attempt: T::AttemptId,
        terms: T::LockTerms,
        why: Why,
        event: Event<T>,
        rules: &mut impl Rules<T>,
    ) {
        match (event, why) {
            (Event::Lock(Some(lease)), _) if T::locked_for(&lease).as_ref() == Some(&attempt) => {
                self.locked(attempt, terms, lease, rules);
            }
            (Event::LockAltered(lease), _) => self.release(Some(lease), rules),
            // Somebody was faster, or admission control is in the way: decided with what is there now.
            (Event::Lock(_), Why::Conflict | Why::Gone | Why::Denied) => self.decide(rules),
            (Event::NotStored(why), _) | (_, why) => self.end(End::Failed(why)),
        }
    }

    fn locked(&mut self, attempt: T::AttemptId, terms: T::LockTerms, lease: T::Lease, rules: &mut impl Rules<T>) {
        // Whatever was seen was seen before the lock.
        self.known.look = None;
        self.known.agreement_is_old();
        self.known.lock = Some(Some(lease.clone()));
        self.known.held = Some(Held { attempt, terms, lease });
        self.decide(rules);
    }

    /// Releases a lock under which nothing was carried out, and decides again.
    fn release(&mut self, lease: Option<T::Lease>, rules: &mut impl Rules<T>) {
        (self.known.lock, self.known.look, self.known.held) = (None, None, None);
        match lease {
            Some(lease) => self.stage = Stage::Release(lease, None),
            None => self.decide(rules),
        }
    }

    // The claim, and what is sent under it.

    fn tried(&mut self, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::Done => self.decide(rules),
            Event::ObjectStored(object) => {
                self.read_again(object);
                self.decide(rules);
            }
            Event::ComeBack(pause) => self.end(End::Later(pause)),
            event => self.fail(event),
        }
    }

    fn claim_is_put(&mut self, attempt: T::AttemptId, status: T::Status, event: Event<T>, rules: &mut impl Rules<T>) {
        self.known.look = None;
        match event {
            Event::ObjectStored(object) => {
                self.known.object = object;
                self.claimed(attempt, &status, rules);
            }
            // Lost or refused, what is stored decides.
            Event::NotStored(Why::Conflict | Why::Unclear) => self.stage = Stage::AskForClaim { attempt, status },
            Event::NotStored(Why::Denied) => {
                let held = self.known.held.take();
                self.release(held.map(|held| held.lease), rules);
            }
            Event::NotStored(Why::Refused) => self.decide(rules),
            event => self.fail(event),
        }
    }

    /// Only where the stored object shows this very claim it is sent; if not, the rules decide again under the same lock.
    fn claimed(&mut self, attempt: T::AttemptId, status: &T::Status, rules: &mut impl Rules<T>) {
        if !self.waits_for_the_answer_to(&attempt) {
            return self.decide(rules);
        }
        // From here on the lock is kept: it ends by itself, or by what the answer says.
        self.known.held = None;
        match rules.altered(&self.known.object, status) {
            None => self.stage = Stage::Send(attempt),
            Some(answer) => self.record(Record { attempt, answer, tries: 0 }, rules),
        }
    }

    fn waits_for_the_answer_to(&self, attempt: &T::AttemptId) -> bool {
        T::attempt(&self.known.object).is_some_and(|(stored, answered)| stored == *attempt && !answered)
    }

    fn read_again(&mut self, object: T::Object) {
        self.known.object = object;
        self.known.lease_is_kept = false;
        self.known.agreement_is_old();
    }

    /// Sent once, and again only where the answer says that nothing was executed.
    fn answered(&mut self, attempt: T::AttemptId, answer: T::Answer, rules: &mut impl Rules<T>) {
        match rules.judge(&self.known, &answer).step {
            AfterAnswer::SendAgain(pause) => self.stage = Stage::SendAgain(attempt, pause),
            _ => self.record(Record { attempt, answer, tries: 0 }, rules),
        }
    }

    // Writes of the status.

    /// Records an answer, stubbornly: without it the object waits for minutes to be verified.
    fn record(&mut self, record: Record<T>, rules: &mut impl Rules<T>) {
        let Judgement { status, step, remember } = rules.judge(&self.known, &record.answer);
        if step == AfterAnswer::Nothing {
            // Another replica has followed its entry to the end meanwhile.
            return self.decide(rules);
        }
        let release = step == AfterAnswer::RecordAndRelease;
        self.write(status, remember, Then::Recorded { record, release }, rules);
    }

    fn record_is_asked(&mut self, record: Record<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::ObjectStored(object) => self.read_again(object),
            Event::NotStored(Why::Gone) => return self.end(End::Failed(Why::Gone)),
            // Tried on what is known.
            _ => {}
        }
        if self.waits_for_the_answer_to(&record.attempt) { self.record(record, rules) } else { self.decide(rules) }
    }

    /// Writes the status where it says something else than before. What the device lease has to remember is written first: a crash in between
    /// leaves more remembered than said, which sends nothing.
    fn write(&mut self, status: T::Status, remember: Option<T::Time>, then: Then<T>, rules: &mut impl Rules<T>) {
        if T::says(&self.known.object, &status) {
            return self.after(then, rules);
        }
        let write = Write { status, then };
        self.stage = match remember {
            Some(latest) => Stage::Remember(latest, write),
            None => Stage::Write(write),
        };
    }

    fn remembered(&mut self, write: Write<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match event {
            Event::LeaseStored(lease) => {
                // If another has taken the lock over meanwhile, what is held is not released by its new version.
                if let Some(held) = self.known.held.as_mut()
                    && T::locked_for(&lease).as_ref() == Some(&held.attempt)
                {
                    held.lease = lease.clone();
                }
                self.known.lock = Some(Some(lease));
                self.stage = Stage::Write(write);
            }
            Event::Done => self.stage = Stage::Write(write),
            event => {
                self.known.lock = None;
                self.written(write, event, rules);
            }
        }
    }

    fn written(&mut self, Write { then, .. }: Write<T>, event: Event<T>, rules: &mut impl Rules<T>) {
        match (event, then) {
            (Event::ObjectStored(object), then) => {
                self.known.object = object;
                self.after(then, rules);
            }
            (Event::NotStored(why @ (Why::Conflict | Why::Unclear | Why::Denied)), Then::Recorded { record, .. }) => {
                let record = Record { tries: record.tries + 1, ..record };
                if record.tries < RECORD_TRIES {
                    self.stage = Stage::PauseRecord(record);
                } else {
                    let Record { attempt, answer, .. } = record;
                    self.end(End::Unrecorded(attempt, answer, why));
                }
            }
            (event, _) => self.fail(event),
        }
    }

    fn after(&mut self, then: Then<T>, rules: &mut impl Rules<T>) {
        match then {
            Then::End(end) => self.end(end),
            Then::ReleaseLock | Then::Recorded { release: true, .. } => {
                let lease = self.known.lock.take().flatten();
                self.release(lease, rules);
            }
            Then::Recorded { .. } => self.decide(rules),
        }
    }
}
