//! How often to look: seconds apart while an action is young, a minute apart later, and all of it stretched evenly where there are more
//! actions than the tenant's limits have room for.

use std::time::Duration;

use jiff::Timestamp;

use crate::api::{
    reset::PasscodeReset,
    reset_status::{AttemptResult, PasscodeResetStatus},
};

/// The longest time between two looks at an action under way.
const LONGEST: Duration = Duration::from_secs(60);

/// Whether an attempt was sent, or may have been, or an entry or an earlier reset is being followed: then only the ledger decides.
#[must_use]
pub fn in_flight(status: &PasscodeResetStatus) -> bool {
    let attempted = status.attempt.as_ref().is_some_and(|a| a.result != Some(AttemptResult::NotExecuted));
    attempted || status.silent_attempts > 0 || status.device_action.is_some() || status.earlier_reset.is_some()
}

/// The same of an object, which may have no status yet.
#[must_use]
pub fn is_in_flight(object: &PasscodeReset) -> bool {
    object.status.as_ref().is_some_and(in_flight)
}

/// How much longer than usual it is from look to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    thousandths: u32,
}

impl Default for Stretch {
    fn default() -> Self {
        Self { thousandths: 1000 }
    }
}

impl Stretch {
    /// Where all actions together ask for `wanted` looks an hour and there is room for `room`.
    #[must_use]
    pub fn of(wanted: u64, room: u64) -> Self {
        let thousandths = (wanted.saturating_mul(1000) / room.max(1)).max(1000);
        Self { thousandths: u32::try_from(thousandths).unwrap_or(u32::MAX) }
    }

    fn times(self, interval: Duration) -> Duration {
        interval.saturating_mul(self.thousandths) / 1000
    }
}

/// How many looks an hour a reset asks for: none unless it is in flight.
#[must_use]
pub fn looks_an_hour(status: &PasscodeResetStatus, now: Timestamp) -> u64 {
    if status.outcome.is_some() || !in_flight(status) {
        return 0;
    }
    let started = status.device_action.as_ref().and_then(|action| action.start_time);
    let began = started
        .or_else(|| status.earlier_reset.map(|earlier| earlier.latest_time))
        .or_else(|| status.attempt.as_ref().map(|attempt| attempt.claim_time));
    3600 / interval(began.map_or(Timestamp::MIN, |began| began.0), now).as_secs().max(1)
}

/// How long it is usually from look to look at an action that began then.
fn interval(began: Timestamp, now: Timestamp) -> Duration {
    match positive(began, now).as_secs() {
        0..=29 => Duration::from_secs(2),
        30..=119 => Duration::from_secs(5),
        120..=599 => Duration::from_secs(15),
        _ => LONGEST,
    }
}

/// How long to wait before the next look at an action that began then; never beyond `deadline`, so that a deadline is met to
/// its step.
#[must_use]
pub fn next_look(began: Timestamp, now: Timestamp, deadline: Timestamp, stretch: Stretch) -> Duration {
    let interval = stretch.times(interval(began, now));
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
            assert_eq!(
                next_look(t(0), t(age), t(deadline), Stretch::default()).as_secs(),
                seconds,
                "age {age}, deadline {deadline}"
            );
        }
    }

    #[test]
    fn stretched_where_there_is_no_room_and_still_exact_at_the_deadline() {
        // 10,000 old actions ask for 600,000 looks an hour, and 90 a second are 324,000.
        let stretch = Stretch::of(600_000, 324_000);
        assert_eq!(next_look(t(0), t(900), t(5000), stretch).as_millis(), 111_060);
        assert_eq!(next_look(t(0), t(10), t(5000), stretch).as_millis(), 3702);
        assert_eq!(next_look(t(0), t(900), t(910), stretch).as_secs(), 11);
        assert_eq!(Stretch::of(100, 324_000), Stretch::default());
        assert_eq!(Stretch::of(u64::MAX, 0).thousandths, u32::MAX);
    }
}
