//! Graph's clock as its answers show it: what a `Date` says about the time of a look, and about now.

use std::{sync::Mutex, sync::PoisonError, time::Duration};

use jiff::Timestamp;

/// How long a `Date` may be extrapolated with the machine's own clock.
const MAX_AGE: Duration = Duration::from_secs(60);

/// A `Date` has whole seconds: up to this much of the true time was cut off.
const DATE_PRECISION: Duration = Duration::from_secs(1);

/// The `Date` of an answer of Graph, whatever its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockReading {
    /// The header's value.
    pub date: Timestamp,
    /// When the request was sent, by [`Clock::boot`](super::Clock::boot).
    pub sent: Duration,
}

impl ClockReading {
    /// An upper bound of Graph's time at the boot time `boot`; `None` once the reading is more than 60 s old.
    pub fn now(&self, boot: Duration) -> Option<Timestamp> {
        let since = boot.checked_sub(self.sent)?;
        if since > MAX_AGE {
            return None;
        }
        self.date.checked_add(DATE_PRECISION + since).ok()
    }
}

/// A value that Graph answered with, and the time at which it held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timed<T> {
    /// What was answered.
    pub value: T,
    /// The answer's time by Graph's clock: its `Date` less the time from sending the request until the answer was
    /// there. It is never later than the moment at which Graph read its data.
    pub at: Timestamp,
    /// The answer's `Date` header, whole seconds.
    pub date: Timestamp,
    /// When the request was sent, by [`Clock::boot`](super::Clock::boot).
    pub sent: Duration,
    /// The answer's `request-id`, which Microsoft's support asks for.
    pub request_id: Option<String>,
}

/// The newest [`ClockReading`] of a client; shared by all its calls.
#[derive(Debug, Default)]
pub(in crate::graph) struct LastClockReading(Mutex<Option<ClockReading>>);

impl LastClockReading {
    /// Keeps `reading` unless one of a later request is there already.
    pub(in crate::graph) fn keep(&self, reading: ClockReading) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|kept| kept.sent <= reading.sent) {
            *last = Some(reading);
        }
    }

    /// The newest reading.
    pub(in crate::graph) fn get(&self) -> Option<ClockReading> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn reading(sent: u64) -> ClockReading {
        ClockReading { date: "2026-11-22T09:00:00Z".parse().unwrap(), sent: Duration::from_secs(sent) }
    }

    #[test]
    fn now_is_the_date_plus_a_second_plus_what_passed_since_sending() {
        let now = reading(100).now(Duration::from_secs(107)).unwrap();
        assert_eq!(now.to_string(), "2026-11-22T09:00:08Z");
    }

    #[test]
    fn a_reading_is_good_for_sixty_seconds() {
        assert!(reading(100).now(Duration::from_secs(160)).is_some());
        assert!(reading(100).now(Duration::from_millis(160_001)).is_none());
        assert!(reading(100).now(Duration::from_secs(99)).is_none());
    }

    #[test]
    fn an_answer_to_an_earlier_request_does_not_replace_a_later_one() {
        let last = LastClockReading::default();
        assert_eq!(last.get(), None);
        last.keep(reading(2));
        last.keep(reading(1));
        assert_eq!(last.get(), Some(reading(2)));
        last.keep(reading(3));
        assert_eq!(last.get(), Some(reading(3)));
    }
}
