//! Questions about the object's own attempts: whether the last one is settled, left no trace, or was refused.

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;

use super::{
    claim::Seen,
    draft::Draft,
    holds::tenant_is_ready,
    messages,
    polling::next_look,
    step::{Lesson, Step},
};
use crate::api::{
    Time,
    conditions::reason,
    reset_status::{Attempt, AttemptResult},
    time::saturating_add,
};

/// Attempts without a trace after which no other follows.
const MOST_ATTEMPTS: i32 = 3;

/// The object's own attempt, where nothing answers yet.
pub(super) fn own_attempt_is_settled(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    if let Some(action) = d.status.device_action.clone() {
        // What was followed is not listed at the moment. It is not sent again for that.
        return Break(d.wait_for_device(action.start_time.unwrap_or(Time(at)), at, messages::NOT_LISTED_ANY_MORE));
    }
    let Some(attempt) = d.status.attempt.clone() else { return Continue(()) };
    let settled = attempt.send_deadline.plus(attempt.settle_window.as_signed()).0;
    match attempt.result {
        Some(AttemptResult::Accepted) => {
            if at > settled {
                d.lesson = Some(Lesson::EntryMissing);
            }
            Break(d.wait_for_device(
                attempt.claim_time,
                at,
                &messages::accepted_not_listed(attempt.request_id.as_deref()),
            ))
        }
        Some(AttemptResult::NotExecuted) if d.lock_is_of(&attempt.id) => Break(Step::ReleaseLock),
        None | Some(AttemptResult::Unknown | AttemptResult::Refused) if at <= settled => {
            Break(d.verify(next_look(attempt.claim_time.0, at, settled, d.stretch())))
        }
        None | Some(AttemptResult::NotExecuted | AttemptResult::Unknown | AttemptResult::Refused) => Continue(()),
    }
}

/// An attempt that left no trace is counted, once.
pub(super) fn silence_is_not_the_end(d: &mut Draft<'_>, at: Timestamp) -> ControlFlow<Step> {
    if let Some(attempt) = d.status.attempt.as_mut()
        && matches!(attempt.result, None | Some(AttemptResult::Unknown))
    {
        attempt.result = Some(AttemptResult::Unknown);
        // At least one, whatever number the status says.
        d.status.silent_attempts = d.status.silent_attempts.max(attempt.number).max(1);
    }
    if d.status.silent_attempts == 0 {
        return Continue(());
    }
    // A missing tenant says nothing about silence: that is held below.
    let no_more = d.o.tenant.is_some_and(|tenant| tenant.silence_fails())
        || d.status.silent_attempts >= MOST_ATTEMPTS
        || at > d.expiration().0;
    if no_more {
        let message = messages::outcome_unknown(d.last_answer());
        return Break(d.fail(reason::OUTCOME_UNKNOWN, &message));
    }
    Continue(())
}

/// Refused, and by now Intune's record is sure to show what was carried out all the same, if it can be relied on.
pub(super) fn not_refused(d: &mut Draft<'_>, look: &Seen<'_>) -> ControlFlow<Step> {
    let refused = |attempt: &&Attempt| attempt.result == Some(AttemptResult::Refused);
    let Some(claimed) = d.status.attempt.as_ref().filter(refused).map(|attempt| attempt.claim_time.0) else {
        return Continue(());
    };
    // Without its tenant nobody knows what the record is worth.
    let Some(tenant) = d.o.tenant else { return tenant_is_ready(d) };
    // A record that was begun since, by whichever clock, is silent about what the old one may have had.
    let begun_since = look.enrolled.is_some_and(|enrolled| enrolled >= saturating_add(claimed, -d.margin()));
    let why = if d.status.silent_attempts > 0 {
        Some(messages::AN_EARLIER_ATTEMPT)
    } else if tenant.ledger_readable == Some(false) {
        Some(messages::RECORD_IN_DOUBT)
    } else {
        begun_since.then_some(messages::RECORD_BEGUN_SINCE)
    };
    let answer = d.last_answer().map(str::to_owned);
    Break(match why {
        Some(why) => d.fail(reason::OUTCOME_UNKNOWN, &messages::refused_in_doubt(answer.as_deref(), why)),
        None => d.reject(reason::REFUSED_BY_INTUNE, &messages::refused(answer.as_deref(), d.platform())),
    })
}
