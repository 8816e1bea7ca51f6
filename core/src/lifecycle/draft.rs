//! The status while it is being decided: the only place where an outcome, a hold or a condition is written into it.

use jiff::{SignedDuration, Timestamp};

use super::{
    ledger::{OwnAttempt, Question},
    messages,
    observed::{Now, Observed, Reading, Unconfirmed, UnconfirmedKind},
    polling::{Stretch, in_flight},
    quarantine::Quarantine,
    step::{AfterAnswer, Decision, Lesson, Step},
};
use crate::{
    api::{
        Time,
        conditions::{self, Truth, kind, reason},
        matrix::MatrixAction,
        reset::RequestedAction,
        reset_status::{Attempt, AttemptResult, Effective, PasscodeResetStatus, SupportStatus},
        tenant::{Defaults, IntuneTenantSpec, Timing},
    },
    platform::{Platform, required_ledger_name},
};

/// How far apart the two looks of a negative verdict are.
const TWO_LOOKS: SignedDuration = SignedDuration::from_secs(30);

/// A status being decided.
pub(super) struct Draft<'a> {
    pub o: Observed<'a>,
    pub now: Now,
    pub status: PasscodeResetStatus,
    pub unconfirmed: Option<Unconfirmed>,
    pub lesson: Option<Lesson>,
    pub remember: Option<Timestamp>,
    /// The matrix's action for the device, where it is supported.
    pub offered: Option<MatrixAction>,
    /// What policies ask for before it is sent, where they ask for something.
    pub to_wait_for: Option<String>,
    /// The raw values of a device that could not be classified.
    pub unknown_device: Option<String>,
}

impl<'a> Draft<'a> {
    pub fn new(o: Observed<'a>, now: Now) -> Self {
        let mut status = o.object.status.clone().unwrap_or_default();
        status.observed_generation = o.object.metadata.generation;
        Self {
            o,
            now,
            status,
            unconfirmed: None,
            lesson: None,
            remember: None,
            offered: None,
            to_wait_for: None,
            unknown_device: None,
        }
    }

    pub fn into_decision(self, step: Step) -> Decision {
        // What is asked for in between says nothing about a doubt that an earlier pass had.
        let unconfirmed = if matches!(step, Step::Observe(_)) { self.o.unconfirmed } else { self.unconfirmed };
        let silent = step == Step::Stop;
        Decision { unconfirmed, ..self.decided(step, silent) }
    }

    pub fn into_judgement(self, step: AfterAnswer) -> Decision<AfterAnswer> {
        self.decided(step, step == AfterAnswer::Nothing)
    }

    /// `silent`: nothing is written, so nothing is said, not even the generation.
    fn decided<S>(mut self, step: S, silent: bool) -> Decision<S> {
        if silent {
            self.status = self.o.object.status.clone().unwrap_or_default();
        } else {
            conditions::sort(&mut self.status.conditions);
            self.status.reason = Some(self.status.reason().to_owned()).filter(|reason| !reason.is_empty());
            self.keep_transition_times();
        }
        Decision {
            status: self.status,
            step,
            unconfirmed: self.unconfirmed,
            lesson: self.lesson,
            remember: self.remember,
        }
    }

    /// On its way to a decision a condition may have changed and changed back: then its status did not move.
    fn keep_transition_times(&mut self) {
        let Some(before) = &self.o.object.status else { return };
        for condition in &mut self.status.conditions {
            if let Some(old) = conditions::get(&before.conditions, &condition.type_)
                && old.status == condition.status
            {
                condition.last_transition_time.clone_from(&old.last_transition_time);
            }
        }
    }

    // What is known.

    pub fn request_time(&self) -> Timestamp {
        self.o.object.spec.request_time.0
    }

    pub fn expiration(&self) -> Time {
        match &self.status.effective {
            Some(effective) => effective.expiration_time,
            None => Defaults::default().expiration(&self.o.object.spec),
        }
    }

    pub fn completion_timeout(&self) -> SignedDuration {
        match &self.status.effective {
            Some(effective) => effective.completion_timeout.as_signed(),
            None => Defaults::default().completion_timeout.as_signed(),
        }
    }

    /// Pins the deadlines by the first write, so that a later edit of the tenant does not move a request in flight.
    pub fn pin_effective(&mut self, tenant: &IntuneTenantSpec) {
        if self.status.effective.is_some() {
            return;
        }
        self.status.effective = Some(Effective {
            tenant_id: tenant.tenant_id.clone(),
            expiration_time: tenant.defaults.expiration(&self.o.object.spec),
            completion_timeout: self.o.object.spec.completion_timeout.unwrap_or(tenant.defaults.completion_timeout),
        });
    }

    pub fn platform(&self) -> Platform {
        let name = self.status.device.as_ref().map_or("", |device| device.platform.as_str());
        name.parse().unwrap_or(Platform::Unknown)
    }

    pub fn ledger_name(&self) -> &'static str {
        required_ledger_name(self.platform())
    }

    /// How much longer than usual it is from look to look.
    pub fn stretch(&self) -> Stretch {
        self.o.tenant.map_or_else(Stretch::default, |tenant| tenant.stretch)
    }

    pub fn in_flight(&self) -> bool {
        in_flight(&self.status)
    }

    /// Whether the device lock no longer matters: Graph took the request, or an entry is followed.
    pub fn following(&self) -> bool {
        let accepted = self.status.attempt.as_ref().is_some_and(|a| a.result == Some(AttemptResult::Accepted));
        accepted || self.status.device_action.is_some()
    }

    /// Whether a reset may happen, or have happened, that this object asked for or follows, or that answers it.
    pub fn may_happen(&self) -> bool {
        self.may_have_been_sent() || self.status.device_action.is_some() || self.earlier_reset().is_some()
    }

    /// Whether a request of this object may have been carried out.
    pub fn may_have_been_sent(&self) -> bool {
        let last = self.status.attempt.as_ref().is_some_and(|attempt| {
            // Refused, too: it is Rejected only where Intune's record shows that it was not.
            attempt.result != Some(AttemptResult::NotExecuted)
        });
        last || self.status.silent_attempts > 0
    }

    pub fn lock_is_of(&self, attempt_id: &str) -> bool {
        self.o.device_lease.lock().is_some_and(|lock| lock.attempt_id == attempt_id)
    }

    /// Whether the device lock was taken for this object.
    pub fn lock_is_own(&self) -> bool {
        self.o.device_lease.lock().is_some_and(|lock| Some(&lock.owner_uid) == self.o.object.metadata.uid.as_ref())
    }

    /// Whether the device's entries speak of a work profile that nobody asked about.
    pub fn work_profile_not_asked_for(&self) -> bool {
        self.platform().is_work_profile_only() && self.o.object.spec.action != RequestedAction::ResetWorkProfilePasscode
    }

    pub fn timing(&self) -> Timing {
        self.o.tenant.map_or_else(Timing::default, |tenant| tenant.spec.timing.clone())
    }

    /// How much earlier than it was sent a reset may seem to have started.
    pub fn margin(&self) -> SignedDuration {
        let timing = self.timing();
        timing.clock_error.as_signed().saturating_add(timing.ledger_clock_error.as_signed())
    }

    pub fn question<'q>(&self, attempt: Option<&'q Attempt>) -> Question<'q> {
        Question {
            action_name: self.ledger_name(),
            request_time: self.request_time(),
            completion_timeout: self.completion_timeout(),
            margin: self.margin(),
            attempt: attempt.map(|attempt| OwnAttempt {
                seen_start_times: &attempt.seen_start_times,
                claim_time: attempt.claim_time,
            }),
            followed: self.status.device_action.as_ref().and_then(|action| action.start_time),
        }
    }

    /// The end of the quarantine that holds this request back at this time.
    pub fn quarantined(&self, at: Timestamp) -> Option<Timestamp> {
        self.concerned_by(at).filter(|quarantine| quarantine.in_force(at)).map(|quarantine| quarantine.end)
    }

    /// The quarantine that concerns this request, in force or over.
    fn concerned_by(&self, at: Timestamp) -> Option<Quarantine> {
        let (quarantine, tenant) = (self.o.quarantine?, self.o.tenant?);
        let grace = tenant.spec.timing.send_grace.as_signed();
        let concerned =
            !self.o.object.spec.dry_run && at >= self.request_time() && quarantine.concerns(self.request_time(), grace);
        concerned.then_some(quarantine)
    }

    /// Whether a restore of etcd that is over may have taken back what was sent for this object.
    pub fn may_have_lost_a_claim(&self, at: Timestamp) -> bool {
        let created = self.o.object.metadata.creation_timestamp.as_ref();
        self.concerned_by(at).is_some_and(|quarantine| {
            !quarantine.in_force(at) && created.is_none_or(|created| created.0 <= quarantine.begin)
        })
    }

    /// The time by which a verdict is judged: that of what was read last. Before anything was read it is a guess, which can only
    /// hold a verdict about a namespace back.
    pub fn judged_at(&self) -> Timestamp {
        match (self.o.look, self.o.found) {
            (Some(Reading::Answer { at, .. }), _) | (_, Some(Reading::Answer { at, .. })) => *at,
            _ => self.now.graph.unwrap_or(self.now.estimate),
        }
    }

    /// The last answer that did not decide, as it was recorded.
    pub fn last_answer(&self) -> Option<&str> {
        let issued = conditions::get(&self.status.conditions, kind::ISSUED)?;
        let undecided = [reason::REFUSED_BY_INTUNE, reason::VERIFYING_OUTCOME].contains(&issued.reason.as_str());
        (undecided && !conditions::is_true(&self.status.conditions, kind::ISSUED)).then_some(issued.message.as_str())
    }

    /// What the object waited for last, for the message of an expiry.
    pub fn waited_for(&self) -> Option<String> {
        let old = self.o.object.status.as_ref()?;
        conditions::get(&old.conditions, kind::READY).map(|ready| ready.reason.clone())
    }

    // What is found out.

    /// Whether a negative finding is confirmed by a second look: `None`, or how long until that look. Where a confirmed one is
    /// not a verdict yet, the next pass need not begin again.
    pub fn confirm(&mut self, finding: UnconfirmedKind, at: Timestamp) -> Option<std::time::Duration> {
        let since = match self.o.unconfirmed {
            // Never later than now: a clock that was set back must not make the second look wait for hours.
            Some(unconfirmed) if unconfirmed.kind == finding => unconfirmed.since.min(at),
            _ => at,
        };
        self.unconfirmed = Some(Unconfirmed { kind: finding, since });
        let left = TWO_LOOKS - at.duration_since(since);
        if left <= SignedDuration::ZERO {
            return None;
        }
        Some(std::time::Duration::try_from(left).unwrap_or_default())
    }

    /// Nothing was looked at: what an earlier look found still waits for its second. An object that is let through once a minute would
    /// otherwise never come to it.
    pub fn keep_doubt(&mut self) {
        self.unconfirmed = self.o.unconfirmed;
    }

    /// Asks the matrix, until the claim and never after it.
    pub fn judge_support(&mut self) {
        let Some((matrix, device)) = self.o.tenant.and_then(|t| t.matrix).zip(self.status.device.as_ref()) else {
            return;
        };
        if self.status.attempt.is_some() {
            return;
        }
        let verdict = matrix.verdict(self.platform(), &device.os_version, &device.ownership);
        let truth = if verdict.supported { Truth::True } else { Truth::False };
        self.offered = verdict.action.filter(|_| verdict.supported);
        let guidance = self.guidance(&verdict.guidance);
        let support = SupportStatus {
            matrix: matrix.name().to_owned(),
            revision: matrix.revision().to_owned(),
            supported: verdict.supported,
            action: self.offered.map(|action| action.as_str().to_owned()),
            rule: verdict.rule,
            reason: verdict.reason,
            certainty: verdict.certainty.map(|certainty| certainty.as_str().to_owned()),
            guidance,
            prerequisites: verdict.prerequisites,
        };
        self.set(kind::SUPPORTED, truth, &support.reason, &support.guidance);
        self.note_no_policy();
        self.status.support = Some(support);
    }

    /// What to tell people: of an unknown device its raw values too. Only the pass that looked it up knows them, so a later one keeps
    /// what was written.
    fn guidance(&self, of_the_matrix: &str) -> String {
        let before = self.status.support.as_ref().map(|support| support.guidance.as_str());
        match (&self.unknown_device, before) {
            (Some(values), _) => messages::with_raw_values(of_the_matrix, values),
            (None, Some(before)) if self.platform() == Platform::Unknown && before.starts_with(of_the_matrix) => {
                before.to_owned()
            }
            _ => of_the_matrix.to_owned(),
        }
    }

    pub fn set(&mut self, kind: &str, truth: Truth, why: &str, message: &str) {
        let generation = self.status.observed_generation;
        conditions::set(&mut self.status.conditions, kind, truth, why, message, generation, self.now.wall);
    }
}
