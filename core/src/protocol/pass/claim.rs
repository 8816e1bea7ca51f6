//! The claim, and the request that is sent under it.

use super::{End, Event, Pass, Record, Stage, Why};
use crate::{
    lifecycle::step::AfterAnswer,
    protocol::terms::{Rules, Terms},
};

impl<T: Terms> Pass<T> {
    pub(super) fn tried(&mut self, event: Event<T>, rules: &mut impl Rules<T>) {
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

    pub(super) fn claim_is_put(
        &mut self,
        attempt: T::AttemptId,
        status: T::Status,
        event: Event<T>,
        rules: &mut impl Rules<T>,
    ) {
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
    pub(super) fn claimed(&mut self, attempt: T::AttemptId, status: &T::Status, rules: &mut impl Rules<T>) {
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

    pub(super) fn waits_for_the_answer_to(&self, attempt: &T::AttemptId) -> bool {
        T::attempt(&self.known.object).is_some_and(|(stored, answered)| stored == *attempt && !answered)
    }

    pub(super) fn read_again(&mut self, object: T::Object) {
        self.known.object = object;
        self.known.lease_is_kept = false;
        (self.known.policies_are_read, self.known.approvals_are_read) = (false, false);
        if let Some(held) = self.known.held.as_mut() {
            held.authority_is_read = false;
        }
    }

    /// Sent once, and again only where the answer says that nothing was executed.
    pub(super) fn answered(&mut self, attempt: T::AttemptId, answer: T::Answer, rules: &mut impl Rules<T>) {
        match rules.judge(&self.known, &answer).step {
            AfterAnswer::SendAgain(pause) => self.stage = Stage::SendAgain(attempt, pause),
            _ => self.record(Record { attempt, answer, tries: 0 }, rules),
        }
    }
}
