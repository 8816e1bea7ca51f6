//! How a decision ends: waiting with a reason, or an outcome.

use std::time::Duration;

use jiff::Timestamp;

use super::{
    draft::Draft,
    messages,
    polling::next_look,
    step::{Fact, Step},
};
use crate::api::{
    Time,
    conditions::{self, Truth, kind, reason},
    reset_status::{AttemptResult, Outcome},
};

impl Draft<'_> {
    /// Waiting, with the word and the sentence for it.
    pub fn hold(&mut self, why: &str, message: &str, wait: Duration) -> Step {
        self.set(kind::READY, Truth::Unknown, why, message);
        self.undecided();
        self.set(kind::RECONCILING, Truth::True, why, message);
        Step::Wait(wait)
    }

    /// Waiting, with the words that it has where something is under way already.
    pub fn keep_waiting(&mut self, why: &str, message: &str, wait: Duration) -> Step {
        if self.in_flight() { Step::Wait(wait) } else { self.hold(why, message, wait) }
    }

    /// Waiting for what Intune's record shows of the attempt, whose answer did not decide.
    pub fn verify(&mut self, wait: Duration) -> Step {
        let Some(attempt) = &self.status.attempt else { return self.a_moment(wait) };
        let settled = attempt.send_deadline.plus(attempt.settle_window.as_signed());
        let message = match (attempt.result, self.last_answer()) {
            (Some(AttemptResult::Refused), answer) => messages::refused_until(answer, settled, self.platform()),
            // An earlier attempt's answer says nothing of one without any.
            (None, _) => messages::verifying(None, settled),
            (Some(_), answer) => messages::verifying(answer, settled),
        };
        self.hold(reason::VERIFYING_OUTCOME, &message, wait)
    }

    /// Waiting for the clock only, some seconds at most.
    pub fn a_moment(&mut self, wait: Duration) -> Step {
        self.keep_waiting(reason::LOOKING_UP, messages::LOOKING_UP, wait)
    }

    /// Held by a quarantine, if one holds this request back at this time. What it has forgotten may show before its end, and people wait for it.
    pub fn held_by_quarantine(&mut self, at: Timestamp) -> Option<Step> {
        let until = self.quarantined(at)?;
        let wait = next_look(Timestamp::MIN, at, until, self.stretch());
        Some(self.hold(reason::QUARANTINE, &messages::quarantine(Time(until)), wait))
    }

    /// Rejected: nothing was carried out for this object. Where that is not known it is Failed; where it cannot be known yet, it
    /// waits.
    pub fn reject(&mut self, why: &str, message: &str) -> Step {
        if self.status.silent_attempts > 0 {
            let message = messages::unknown_instead_of(self.last_answer(), message);
            return self.fail(reason::OUTCOME_UNKNOWN, &message);
        }
        if let Some(held) = self.held_by_quarantine(self.judged_at()) {
            return held;
        }
        if !self.o.lease_is_kept && !self.o.object.spec.dry_run {
            return Step::Observe(Fact::LeaderLease);
        }
        if !conditions::is_true(&self.status.conditions, kind::ISSUED) {
            self.set(kind::ISSUED, Truth::False, why, message);
        }
        self.end(Outcome::Rejected, kind::REJECTED, why, message)
    }

    /// Failed: one was asked for and did not happen, or nobody can tell.
    pub fn fail(&mut self, why: &str, message: &str) -> Step {
        self.end(Outcome::Failed, kind::FAILED, why, message)
    }

    pub fn complete(&mut self, why: &str, message: &str) -> Step {
        self.end(Outcome::Complete, kind::COMPLETE, why, message)
    }

    fn end(&mut self, outcome: Outcome, condition: &str, why: &str, message: &str) -> Step {
        let ready = if outcome == Outcome::Complete { Truth::True } else { Truth::False };
        self.set(kind::READY, ready, why, message);
        self.undecided();
        self.set(condition, Truth::True, why, message);
        conditions::remove(&mut self.status.conditions, kind::RECONCILING);
        if outcome != Outcome::Complete {
            self.set(kind::STALLED, Truth::True, why, message);
        }
        self.status.outcome = Some(outcome);
        self.status.completion_time = Some(Time(self.now.wall).floor_to_second());
        Step::Finish
    }

    /// The conditions that are there from the first write on, Unknown until decided.
    pub fn undecided(&mut self) {
        for undecided in [kind::SUPPORTED, kind::PERMITTED, kind::ISSUED] {
            if conditions::get(&self.status.conditions, undecided).is_none() {
                self.set(undecided, Truth::Unknown, reason::UNDECIDED, messages::UNDECIDED);
            }
        }
    }
}
