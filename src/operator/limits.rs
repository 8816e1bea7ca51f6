//! The tenant's limits: how many resets in any 20 s and in any hour, how many requests in any 20 s.

use std::{collections::VecDeque, time::Duration};

use crate::{api::tenant::Limits, lifecycle::observed::Gate};

/// The window of Graph's own limits (throttling-intune-devices: per 20 s).
pub const SHORT: Duration = Duration::from_secs(20);
/// The window of `resetsPerHour`.
pub const HOUR: Duration = Duration::from_secs(3600);

/// What was spent, by boot time.
#[derive(Debug, Default)]
pub struct Spent {
    resets: VecDeque<Duration>,
    requests: VecDeque<Duration>,
}

impl Spent {
    /// Counts a reset that was claimed at this boot time, also one of an earlier leader.
    pub fn reset(&mut self, at: Duration) {
        let position = self.resets.partition_point(|earlier| *earlier <= at);
        self.resets.insert(position, at);
    }

    /// Takes the latest reset back: it was not sent.
    pub fn give_back(&mut self) {
        self.resets.pop_back();
    }

    /// Why no reset may be sent at the moment.
    pub fn reset_gate(&mut self, limits: &Limits, now: Duration) -> Option<Gate> {
        while self.resets.front().is_some_and(|at| *at + HOUR <= now) {
            self.resets.pop_front();
        }
        let recent = self.resets.iter().rev().take_while(|at| **at + SHORT > now).count();
        if self.resets.len() >= count(limits.resets_per_hour) {
            let freed = self.resets[self.resets.len() - count(limits.resets_per_hour)] + HOUR;
            return Some(Gate {
                message: format!(
                    "The tenant's limit of {} resets per hour is reached (spec.limits.resetsPerHour). Nothing is sent at the moment; this goes on by itself.",
                    limits.resets_per_hour
                ),
                retry_after: freed.saturating_sub(now).min(Duration::from_secs(60)),
            });
        }
        if recent >= count(limits.writes_per20s) {
            let freed = self.resets[self.resets.len() - count(limits.writes_per20s)] + SHORT;
            return Some(Gate {
                message: format!(
                    "The tenant's limit of {} resets per 20 s is reached (spec.limits.writesPer20s). Nothing is sent at the moment; this goes on by itself.",
                    limits.writes_per20s
                ),
                retry_after: freed.saturating_sub(now),
            });
        }
        None
    }

    /// Counts a request, or says how long to wait until it may be made.
    pub fn request(&mut self, limits: &Limits, now: Duration) -> Result<(), Duration> {
        while self.requests.front().is_some_and(|at| *at + SHORT <= now) {
            self.requests.pop_front();
        }
        let limit = count(limits.requests_per20s);
        if self.requests.len() >= limit {
            return Err((self.requests[self.requests.len() - limit] + SHORT).saturating_sub(now));
        }
        self.requests.push_back(now);
        Ok(())
    }
}

fn count(limit: i32) -> usize {
    usize::try_from(limit).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn no_window_holds_more_than_the_limit() {
        let limits = Limits { writes_per20s: 2, resets_per_hour: 3, requests_per20s: 2 };
        let mut spent = Spent::default();
        spent.reset(second(0));
        spent.reset(second(5));
        assert_eq!(spent.reset_gate(&limits, second(19)).unwrap().retry_after, second(1));
        assert!(spent.reset_gate(&limits, second(20)).is_none());
        spent.reset(second(30));
        let gate = spent.reset_gate(&limits, second(100)).unwrap();
        assert!(gate.message.contains("3 resets per hour"));
        assert!(spent.reset_gate(&limits, second(3600)).is_none());
    }

    #[test]
    fn what_was_not_sent_is_given_back() {
        let limits = Limits { writes_per20s: 1, ..Limits::default() };
        let mut spent = Spent::default();
        spent.reset(second(0));
        spent.give_back();
        assert!(spent.reset_gate(&limits, second(0)).is_none());
    }

    #[test]
    fn requests_wait_for_the_window() {
        let limits = Limits { requests_per20s: 2, ..Limits::default() };
        let mut spent = Spent::default();
        assert_eq!((spent.request(&limits, second(0)), spent.request(&limits, second(1))), (Ok(()), Ok(())));
        assert_eq!(spent.request(&limits, second(2)), Err(second(18)));
        assert_eq!(spent.request(&limits, second(20)), Ok(()));
    }
}
