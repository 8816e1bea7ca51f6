//! The breaker: where a tenant's answers stay away, no further attempt begins, so that an outage does not use up everybody's
//! three attempts.

use std::time::Duration;

/// Unknown answers in a row before it opens.
const TOLERATED: u32 = 3;
/// The first pause.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Counts a tenant's unknown answers in a row. Times are boot time, as every pause is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    unknown_in_a_row: u32,
    closed_until: Option<Duration>,
}

impl Breaker {
    /// A request was answered, whatever the answer: the tenant is back.
    pub fn answered(&mut self) {
        *self = Self::default();
    }

    /// A request had no answer that tells anything.
    pub fn unknown(&mut self, now: Duration) {
        self.unknown_in_a_row = self.unknown_in_a_row.saturating_add(1);
        if let Some(doublings) = self.unknown_in_a_row.checked_sub(TOLERATED) {
            let pause = FIRST_PAUSE.saturating_mul(1 << doublings.min(8)).min(LONGEST_PAUSE);
            self.closed_until = Some(now + pause);
        }
    }

    /// How long no further attempt may begin.
    #[must_use]
    pub fn pause(&self, now: Duration) -> Option<Duration> {
        self.closed_until?.checked_sub(now).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_at_the_third_and_doubles_to_ten_minutes() {
        let mut breaker = Breaker::default();
        let second = Duration::from_secs;
        breaker.unknown(second(0));
        breaker.unknown(second(0));
        assert_eq!(breaker.pause(second(0)), None);
        let mut pauses = Vec::new();
        for _ in 0..7 {
            breaker.unknown(second(0));
            pauses.push(breaker.pause(second(0)).unwrap().as_secs());
        }
        assert_eq!(pauses, [30, 60, 120, 240, 480, 600, 600]);
        assert_eq!(breaker.pause(second(600)), None, "over");
        breaker.answered();
        assert_eq!(breaker.pause(second(0)), None);
    }
}
