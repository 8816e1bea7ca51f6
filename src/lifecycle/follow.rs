//! How often to look: seconds apart while an action is young, a minute apart later.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use crate::api::reset_status::{AttemptResult, PasscodeResetStatus};

/// The longest time between two looks at an action under way.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether an attempt was sent, or may have been, or an entry is being followed: then only the ledger decides.
#[must_use]
pub fn in_flight(status: &PasscodeResetStatus) -> bool {
    let attempted = status.attempt.as_ref().is_some_and(|a| a.result != Some(AttemptResult::NotExecuted));
    attempted || status.silent_attempts > 0 || status.device_action.is_some()
}

/// How long to wait before the next look at an action that began then; never beyond `deadline`, so that a deadline is met to
/// its step.
#[must_use]
pub fn next_look(began: Timestamp, now: Timestamp, deadline: Timestamp) -> Duration {
    let interval = match positive(began, now).as_secs() {
        0..=29 => Duration::from_secs(2),
        30..=119 => Duration::from_secs(5),
        120..=599 => Duration::from_secs(15),
        _ => LONGEST,
    };
    // One second beyond: a deadline has passed only when a later time was seen, and Graph's clock shows whole seconds.
    let to_deadline = positive(now, deadline) + Duration::from_secs(1);
    interval.min(to_deadline)
}

/// How long it is from one time to another; nothing if that is past.
#[must_use]
pub fn positive(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn slower_with_age_and_exact_at_the_deadline() {
        for (age, deadline, seconds) in
            [(0, 1000, 2), (60, 1000, 5), (300, 1000, 15), (900, 1000, 60), (900, 910, 11), (900, 800, 1)]
        {
            assert_eq!(next_look(t(0), t(age), t(deadline)).as_secs(), seconds, "age {age}, deadline {deadline}");
        }
    }
}
