//! The status while it is being decided: the only place where an outcome, a hold or a condition is written into it.

use jiff::{SignedDuration, Timestamp};

use super::{
    ledger::{self, OwnAttempt, Progress, Question},
    memory, messages,
    observed::{Look, Now, Observed, Reading, Unconfirmed, UnconfirmedKind},
    polling::{Stretch, in_flight, next_look},
    quarantine::Quarantine,
    step::{AfterAnswer, Decision, Fact, Lesson, Step},
};
use crate::{
    api::{
        Time,
        conditions::{self, Truth, kind, reason},
        matrix::MatrixAction,
        reset::RequestedAction,
        reset_status::{
            Attempt, AttemptResult, DeviceAction, EarlierReset, Effective, Outcome, PasscodeResetStatus, SupportStatus,
        },
        tenant::{Defaults, IntuneTenantSpec, Timing},
    },
    platform::{ActionResult, Platform, required_ledger_name},
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
    /// The raw values of a device that could not be classified.
    pub unknown_device: Option<String>,
}

impl<'a> Draft<'a> {
    pub fn new(o: Observed<'a>, now: Now) -> Self {
        let mut status = o.object.status.clone().unwrap_or_default();
        status.observed_generation = o.object.metadata.generation;
        Self { o, now, status, unconfirmed: None, lesson: None, remember: None, offered: None, unknown_device: None }
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
            None => self.expiration_by(&Defaults::default()),
        }
    }

    fn expiration_by(&self, defaults: &Defaults) -> Time {
        let spec = &self.o.object.spec;
        spec.expiration_time.unwrap_or_else(|| spec.request_time.plus(defaults.issue_window.as_signed()))
    }

    fn completion_timeout(&self) -> SignedDuration {
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
            expiration_time: self.expiration_by(&tenant.defaults),
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

    /// The remembered reset that answers this request. Once an object waits for it, it is in its status, since the lease forgets it one day.
    pub fn earlier_reset(&self) -> Option<EarlierReset> {
        let answers = |latest: &Timestamp| {
            !self.o.object.spec.dry_run
                && !self.work_profile_not_asked_for()
                && memory::answers(*latest, self.request_time())
                && !self.is_shown(*latest)
        };
        let remembered = self.o.remembered.filter(answers);
        self.status.earlier_reset.or(remembered.map(|latest| EarlierReset { latest_time: Time(latest) }))
    }

    /// Whether Intune's record shows what may be the reset that was carried out by then.
    fn is_shown(&self, latest: Timestamp) -> bool {
        let Some(Reading::Answer { value: Look::Seen { results, .. }, .. }) = self.o.look else { return false };
        let from = memory::may_have_started(latest, &self.timing(), self.margin());
        ledger::starts(self.ledger_name(), results).iter().any(|start| start.0 >= from)
    }

    /// What Graph accepted is to be remembered.
    pub fn remember_accepted(&mut self) {
        let timing = self.timing();
        self.remember = self.status.attempt.as_ref().map(|attempt| memory::of_accepted(attempt.send_deadline, &timing));
    }

    /// What is followed from now on is to be remembered, unless it is already: an accepted request was, before that was recorded.
    fn remember_entry(&mut self, start: Time) {
        let followed = self.status.device_action.as_ref().and_then(|action| action.start_time);
        let accepted = self.status.attempt.as_ref().is_some_and(|a| a.result == Some(AttemptResult::Accepted));
        if accepted || followed == Some(start) {
            return;
        }
        let latest = memory::of_entry(start, self.margin());
        self.remember = Some(latest).filter(|latest| self.o.remembered.is_none_or(|known| known < *latest));
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
        self.o.lock.flatten().is_some_and(|lock| lock.attempt_id == attempt_id)
    }

    /// Whether the device lock was taken for this object.
    pub fn lock_is_own(&self) -> bool {
        self.o.lock.flatten().is_some_and(|lock| Some(&lock.owner_uid) == self.o.object.metadata.uid.as_ref())
    }

    /// Whether the device's entries speak of a work profile that nobody asked about.
    pub fn work_profile_not_asked_for(&self) -> bool {
        self.platform().is_work_profile_only() && self.o.object.spec.action != RequestedAction::ResetWorkProfilePasscode
    }

    fn timing(&self) -> Timing {
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
    fn judged_at(&self) -> Timestamp {
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
        self.permitted();
        self.status.support = Some(support);
    }

    /// Nothing that this operator knows of forbids it.
    pub fn permitted(&mut self) {
        self.set(kind::PERMITTED, Truth::True, reason::NO_POLICY, messages::NO_POLICY);
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

    // What is decided.

    /// Waiting, with the word and the sentence for it.
    pub fn hold(&mut self, why: &str, message: &str, wait: std::time::Duration) -> Step {
        self.set(kind::READY, Truth::Unknown, why, message);
        self.undecided();
        self.set(kind::RECONCILING, Truth::True, why, message);
        Step::Wait(wait)
    }

    /// Waiting, with the words that it has where something is under way already.
    pub fn keep_waiting(&mut self, why: &str, message: &str, wait: std::time::Duration) -> Step {
        if self.in_flight() { Step::Wait(wait) } else { self.hold(why, message, wait) }
    }

    /// Waiting for what Intune's record shows of the attempt, whose answer did not decide.
    pub fn verify(&mut self, wait: std::time::Duration) -> Step {
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
    pub fn a_moment(&mut self, wait: std::time::Duration) -> Step {
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

    fn complete(&mut self, why: &str, message: &str) -> Step {
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

    /// Graph took it, or an earlier one was adopted.
    pub fn issued(&mut self, adopted: bool, message: &str) {
        let why = self.issued_reason(adopted);
        self.set(kind::ISSUED, Truth::True, &why, message);
    }

    fn issued_reason(&self, adopted: bool) -> String {
        match &self.status.support {
            Some(support) if !adopted => support.reason.clone(),
            _ => reason::ADOPTED.to_owned(),
        }
    }

    /// Follows an entry of Intune's record, to its end if it has come to that.
    pub fn follow(&mut self, entry: &ActionResult, start: Time, last_sync: Option<Timestamp>, at: Timestamp) -> Step {
        self.remember_entry(start);
        let before = self.status.device_action.as_ref();
        let adopted = before.map_or_else(|| !self.may_have_been_sent(), |action| action.adopted);
        if before.is_none() && !adopted {
            self.lesson = Some(Lesson::Lag(super::polling::positive(start.0, at)));
        }
        self.status.device_action = Some(DeviceAction {
            name: entry.name.clone(),
            state: entry.state.clone(),
            start_time: Some(start),
            last_update_time: entry.last_updated.map(Time),
            error_code: entry.error_code.filter(|code| *code != 0),
            adopted,
            device_checked_in_since: last_sync.is_some_and(|sync| sync > start.0),
        });
        let issued = messages::issued(adopted, start, self.status.attempt.as_ref());
        self.issued(adopted, &issued);
        let platform = self.platform();
        let code = entry.error_code.unwrap_or_default();
        match ledger::progress(&entry.state) {
            Progress::Unfinished => self.wait_for_device(start, at, ""),
            Progress::Done => {
                let why = self.issued_reason(adopted);
                self.complete(&why, &messages::complete(adopted, start, platform, self.status.support.as_ref()))
            }
            Progress::Failed => self.fail(reason::DEVICE_REFUSED, &messages::device_refused(adopted, platform, code)),
            Progress::NotSupported => {
                self.reject(reason::NOT_SUPPORTED_BY_DEVICE, &messages::not_supported(adopted, platform))
            }
            Progress::Canceled => self.fail(reason::CANCELED, &messages::canceled(adopted)),
        }
    }

    /// Waiting for the device, up to the deadline.
    pub fn wait_for_device(&mut self, since: Time, at: Timestamp, note: &str) -> Step {
        let deadline = since.plus(self.completion_timeout()).0;
        if at > deadline {
            let message = messages::deadline_exceeded(Time(deadline));
            return self.fail(reason::DEADLINE_EXCEEDED, &message);
        }
        let message = messages::waiting(note, self.platform(), Time(deadline));
        self.hold(reason::WAITING_FOR_DEVICE, &message, next_look(since.0, at, deadline, self.stretch()))
    }

    /// Waiting for an earlier reset to show, which answers this request: nothing is sent for it any more.
    pub fn wait_for_earlier_reset(&mut self, earlier: EarlierReset, at: Timestamp) -> Step {
        self.status.earlier_reset = Some(earlier);
        let (latest, deadline) = (earlier.latest_time, earlier.latest_time.plus(self.completion_timeout()));
        if at > deadline.0 {
            return self.fail(reason::OUTCOME_UNKNOWN, &messages::earlier_reset_not_shown(latest));
        }
        let message = messages::waiting(&messages::earlier_reset(latest), self.platform(), deadline);
        self.hold(reason::WAITING_FOR_DEVICE, &message, next_look(latest.0, at, deadline.0, self.stretch()))
    }

    /// The conditions that are there from the first write on, Unknown until decided.
    fn undecided(&mut self) {
        for undecided in [kind::SUPPORTED, kind::PERMITTED, kind::ISSUED] {
            if conditions::get(&self.status.conditions, undecided).is_none() {
                self.set(undecided, Truth::Unknown, reason::UNDECIDED, messages::UNDECIDED);
            }
        }
    }

    pub fn set(&mut self, kind: &str, truth: Truth, why: &str, message: &str) {
        let generation = self.status.observed_generation;
        conditions::set(&mut self.status.conditions, kind, truth, why, message, generation, self.now.wall);
    }
}
