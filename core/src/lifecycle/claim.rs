//! The claim: what is written before a request, and until when it may be sent.

use std::ops::ControlFlow::{self, Break, Continue};

use jiff::Timestamp;

use super::{draft::Draft, holds::MOMENT, ledger, lock::SEND_WINDOW, messages, step::Step};
use crate::{
    api::{Time, conditions::reason, reset_status::Attempt, time::saturating_add},
    platform::ActionResult,
};

/// A look that was answered.
pub(super) struct Seen<'a> {
    pub at: Timestamp,
    pub results: &'a [ActionResult],
    pub enrolled: Option<Timestamp>,
    pub last_sync: Option<Timestamp>,
}

/// Graph's time now, and until when an attempt that begins now may be sent; `None`: not at the moment.
pub(super) fn send_deadline(d: &Draft<'_>) -> Option<(Timestamp, Timestamp)> {
    let now = d.now.graph?;
    let deadline = Time(saturating_add(now, SEND_WINDOW)).min(d.expiration()).floor_to_second().0;
    (now < deadline).then_some((now, deadline))
}

/// The claim, with what the look under the lock showed.
pub(super) fn claim(d: &mut Draft<'_>, look: &Seen<'_>) -> ControlFlow<Step, Step> {
    let (Some(held), Some(now)) = (d.o.device_lease.held(), d.now.graph) else { return Break(d.a_moment(MOMENT)) };
    if now > held.send_deadline {
        return Break(d.a_moment(MOMENT));
    }
    match attempt(d, look, held.attempt_id.clone(), held.send_deadline, now) {
        Some(attempt) => Continue(Step::Claim(Box::new(attempt))),
        None => Break(d.a_moment(MOMENT)),
    }
}

/// Puts the claim into the status; `None`: there is no tenant.
pub(super) fn attempt(
    d: &mut Draft<'_>,
    look: &Seen<'_>,
    id: String,
    send_deadline: Timestamp,
    now: Timestamp,
) -> Option<Attempt> {
    let tenant = d.o.tenant?;
    let attempt = Attempt {
        number: d.status.silent_attempts + 1,
        id,
        claim_time: Time(now).floor_to_second(),
        send_deadline: Time(send_deadline),
        settle_window: tenant.spec.timing.settle_window(),
        seen_start_times: ledger::starts(d.ledger_name(), look.results),
        result: None,
        request_id: None,
    };
    d.status.attempt = Some(attempt.clone());
    let _ = d.hold(reason::SENDING, messages::SENDING, MOMENT);
    Some(attempt)
}
