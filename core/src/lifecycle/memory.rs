//! What the device lease remembers of resets, since Intune's record may lose an entry: until when the latest one was carried out.
//!
//! It is written before the status that says so, by whoever writes that status. One time is enough: what answers a request is a reset that was
//! carried out at or after its requestTime, and of several the latest one answers most.

use jiff::{SignedDuration, Timestamp};

use super::lock::SEND_WINDOW;
use crate::api::{Time, tenant::Timing, time::saturating_add};

/// The latest expirationTime that a request can have, after its requestTime: a declaration that comes back later is never sent.
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(168);

/// By when a request was carried out that Graph accepted: the answer may come before that.
#[must_use]
pub fn of_accepted(send_deadline: Time, timing: &Timing) -> Timestamp {
    saturating_add(send_deadline.0, after_the_deadline(timing))
}

/// By when a reset was carried out of which an entry started then; `margin` as in [`Question`](super::ledger::Question).
#[must_use]
pub fn of_entry(start: Time, margin: SignedDuration) -> Timestamp {
    saturating_add(start.0, margin)
}

/// What is to be remembered where a reset was carried out by `latest`, of whatever type times are; `None`: as much is remembered already.
#[must_use]
pub fn to_remember<T: PartialOrd>(known: Option<&T>, latest: T) -> Option<T> {
    known.is_none_or(|known| *known < latest).then_some(latest)
}

/// Since when its entry may seem to have started, of whichever kind the memory is: where the record shows one, that decides and not the memory, which
/// tells less exactly when it was.
#[must_use]
pub fn may_have_started(latest: Timestamp, timing: &Timing, margin: SignedDuration) -> Timestamp {
    saturating_add(latest, -SEND_WINDOW.saturating_add(after_the_deadline(timing)).saturating_add(margin))
}

/// How long after its deadline a request may be carried out.
fn after_the_deadline(timing: &Timing) -> SignedDuration {
    timing.send_grace.as_signed().saturating_add(timing.clock_error.as_signed())
}

/// Whether a reset that was carried out by `latest` may answer a request of this time.
#[must_use]
pub fn answers(latest: Timestamp, request_time: Timestamp) -> bool {
    latest >= request_time
}

/// Whether no request that `latest` answers can be sent any more.
#[must_use]
pub fn is_over(latest: Timestamp, now: Timestamp) -> bool {
    now > saturating_add(latest, LONGEST_WINDOW)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn how_late_it_may_have_been_carried_out() {
        let timing = Timing::default();
        assert_eq!(of_accepted(Time(t(30)), &timing), t(30 + 150 + 5));
        assert_eq!(of_entry(Time(t(0)), SignedDuration::from_secs(125)), t(125));
    }

    #[test]
    fn the_latest_is_remembered() {
        for (known, latest, expected) in
            [(None, 5, Some(5)), (Some(&4), 5, Some(5)), (Some(&5), 5, None), (Some(&6), 5, None)]
        {
            assert_eq!(to_remember(known, latest), expected, "{known:?}");
        }
    }

    #[test]
    fn it_answers_what_was_asked_for_before_it_and_is_kept_as_long_as_that_can_be_sent() {
        assert!(answers(t(10), t(10)) && !answers(t(10), t(11)));
        let week = 168 * 3600;
        assert!(!is_over(t(0), t(week)) && is_over(t(0), t(week + 1)));
    }
}
