//! Following a reset: an entry of Intune's record, an accepted request that does not show yet, an earlier reset that answers.

use jiff::Timestamp;

use super::{
    draft::Draft,
    ledger::{self, Progress},
    memory, messages,
    observed::{Look, Reading},
    polling::{next_look, positive},
    step::{Lesson, Step},
};
use crate::{
    api::{
        Time,
        conditions::{Truth, kind, reason},
        reset_status::{AttemptResult, DeviceAction, EarlierReset},
    },
    platform::ActionResult,
};

impl Draft<'_> {
    /// The remembered reset that answers this request. Once an object waits for it, it is in its status, since the lease forgets it one day.
    pub fn earlier_reset(&self) -> Option<EarlierReset> {
        let answers = |latest: &Timestamp| {
            !self.o.object.spec.dry_run
                && !self.work_profile_not_asked_for()
                && memory::answers(*latest, self.request_time())
                && !self.is_shown(*latest)
        };
        let remembered = self.o.device_lease.remembered().filter(answers);
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
        let remembered = self.o.device_lease.remembered();
        self.remember = memory::to_remember(remembered.as_ref(), memory::of_entry(start, self.margin()));
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
            self.lesson = Some(Lesson::Lag(positive(start.0, at)));
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
}
