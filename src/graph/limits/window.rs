//! One sliding window: never more than so many requests in any 20 s, by Graph's count as well as by ours.

use std::{collections::VecDeque, time::Duration};

use super::{adaptive_limit::AdaptiveLimit, configured::SPAN};

/// How long to pause after a 429 without `Retry-After`; twice as long after each further one, at most [`SPAN`].
const DEFAULT_PAUSE: Duration = Duration::from_secs(2);
/// How often that pause doubles.
const DOUBLINGS: u32 = 4;

/// Why a request has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Until this boot time.
    Until(Duration),
    /// Until one of the requests under way is answered.
    Answer,
}

/// A 429.
#[derive(Clone, Copy, Debug)]
pub(in crate::graph) struct Throttle {
    /// Boot time at which the request was sent.
    pub(in crate::graph) sent: Duration,
    /// What its `Retry-After` says.
    pub(in crate::graph) retry_after: Option<Duration>,
}

/// What was spent of one limit. Graph counts a request when it arrives, which is some time between its sending and its answer: so
/// it counts here from the one until 20 s after the other.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// Requests promised or under way.
    open: usize,
    /// When those that are answered were, ascending, and whether they were let through.
    answered: VecDeque<(Duration, bool)>,
    adaptive: AdaptiveLimit,
    not_before: Duration,
    /// How many 429s in a row had no `Retry-After`, each after the pause for the one before.
    without_retry_after: u32,
}

impl Window {
    /// Takes capacity for one request, and leaves `spare` for others.
    pub(super) fn take(&mut self, limit: usize, spare: usize, now: Duration) -> Result<(), Wait> {
        self.capacity(limit, spare, now)?;
        self.promise();
        Ok(())
    }

    /// Takes the capacity that was found.
    pub(super) fn promise(&mut self) {
        self.open += 1;
    }

    /// Whether there is capacity for one request more.
    pub(super) fn capacity(&mut self, limit: usize, spare: usize, now: Duration) -> Result<(), Wait> {
        if now < self.not_before {
            return Err(Wait::Until(self.not_before));
        }
        self.forget(now);
        let allowed = self.allowed(limit, now);
        let spare = spare.min(allowed / 2);
        let Some(over) = (self.open + self.answered.len() + 1 + spare).checked_sub(allowed).filter(|over| *over > 0)
        else {
            return Ok(());
        };
        // So many have to leave the window.
        Err(self.answered.get(over - 1).map_or(Wait::Answer, |(at, _)| Wait::Until(*at + SPAN)))
    }

    /// How many requests any 20 s may hold at the moment.
    pub(super) fn allowed(&mut self, limit: usize, now: Duration) -> usize {
        self.adaptive.allowed(limit.max(1), now)
    }

    /// Whether others use part of the limit, as far as is known.
    pub(super) fn is_shared(&self) -> bool {
        self.adaptive.is_shared()
    }

    /// How long the pause that Graph asked for still lasts.
    pub(super) fn paused(&self, now: Duration) -> Option<Duration> {
        self.not_before.checked_sub(now).filter(|pause| !pause.is_zero())
    }

    /// How many requests are promised or under way.
    pub(super) fn open(&self) -> usize {
        self.open
    }

    /// Whether nothing has gone through since a 429 without `Retry-After`: one request at a time tries whether it does.
    pub(super) fn is_on_trial(&self) -> bool {
        self.without_retry_after > 0
    }

    /// One that was promised is not sent.
    pub(super) fn give_back(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// One was answered, or its answer is no longer waited for.
    pub(super) fn answered(&mut self, now: Duration) {
        if now >= self.not_before {
            self.without_retry_after = 0;
        }
        self.close(now, true);
    }

    /// One that was sent at `sent` was throttled; `retry_after` is what the answer asks for. Returns how long nothing is sent.
    pub(super) fn throttled(
        &mut self,
        limit: usize,
        sent: Duration,
        now: Duration,
        retry_after: Option<Duration>,
    ) -> Duration {
        self.forget(now);
        let passed = self.answered.iter().filter(|(_, passed)| *passed).count();
        self.adaptive.throttled(limit.max(1), passed, sent, now);
        self.close(now, false);
        let pause = retry_after.unwrap_or_else(|| self.default_pause(sent));
        self.not_before = self.not_before.max(now + pause);
        pause
    }

    /// A request that was under way when a pause began says nothing new.
    fn default_pause(&mut self, sent: Duration) -> Duration {
        if sent >= self.not_before {
            self.without_retry_after = (self.without_retry_after + 1).min(DOUBLINGS + 1);
        }
        (DEFAULT_PAUSE * (1 << self.without_retry_after.saturating_sub(1))).min(SPAN)
    }

    /// One that an earlier process sent at about this time.
    pub(super) fn sent_by_another(&mut self, at: Duration) {
        let position = self.answered.partition_point(|(earlier, _)| *earlier <= at);
        self.answered.insert(position, (at, true));
    }

    fn close(&mut self, now: Duration, passed: bool) {
        self.give_back();
        self.answered.push_back((now, passed));
    }

    fn forget(&mut self, now: Duration) {
        while self.answered.front().is_some_and(|(at, _)| *at + SPAN <= now) {
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn capacity_comes_back_twenty_seconds_after_the_answer() {
        let mut window = Window::default();
        window.take(2, 0, second(0)).unwrap();
        window.take(2, 0, second(0)).unwrap();
        assert_eq!(window.take(2, 0, second(1)), Err(Wait::Answer));
        window.answered(second(3));
        assert_eq!(window.take(2, 0, second(4)), Err(Wait::Until(second(23))));
        window.give_back();
        assert_eq!(window.take(2, 0, second(4)), Ok(()));
        assert_eq!(window.take(2, 0, second(23)), Ok(()));
    }

    #[test]
    fn a_429_asks_for_a_pause_and_says_what_is_ours() {
        let mut window = Window::default();
        for _ in 0..100 {
            window.take(200, 0, second(0)).unwrap();
            window.answered(second(0));
        }
        window.take(200, 0, second(1)).unwrap();
        window.throttled(200, second(1), second(1), Some(Duration::from_millis(2128)));
        assert_eq!(window.take(200, 0, second(2)), Err(Wait::Until(Duration::from_millis(3128))));
        assert_eq!(window.paused(second(2)), Some(Duration::from_millis(1128)));
        // 85 of them are ours now, and 101 are in the window.
        assert_eq!(window.take(200, 0, second(4)), Err(Wait::Until(second(20))));
        let taken = (0..200).take_while(|_| window.take(200, 0, second(21)).is_ok()).count();
        // 20 s later half of what went through above that is tried.
        assert_eq!(taken, 92);
    }

    #[test]
    fn a_429_without_retry_after_pauses_all_the_same() {
        let mut window = Window::default();
        window.take(200, 0, second(0)).unwrap();
        assert_eq!(window.throttled(200, second(0), second(1), None), second(2));
        assert_eq!(window.take(200, 0, second(2)), Err(Wait::Until(second(3))));
    }

    #[test]
    fn while_nothing_goes_through_each_such_pause_is_twice_as_long() {
        let mut window = Window::default();
        let mut pause = |sent: u64, limit: usize| {
            window.promise();
            window.throttled(limit, second(sent), second(sent), None).as_secs()
        };
        assert_eq!([0, 2, 6, 14, 30, 50].map(|sent| pause(sent, 200)), [2, 4, 8, 16, 20, 20]);
        // Sent before the pause that began at 50.
        assert_eq!(pause(49, 200), 20);
        window.promise();
        window.answered(second(71));
        window.promise();
        assert_eq!(window.throttled(200, second(72), second(72), None), second(2));
    }

    proptest! {
        /// However long answers take, and whenever in between Graph counts them.
        #[test]
        fn no_twenty_seconds_hold_more_than_the_limit(
            limit in 1..6_usize,
            steps in proptest::collection::vec((0..4000_u64, 0..3000_u64, 0..=100_u64), 1..80),
        ) {
            let (mut window, mut under_way, mut arrivals) = (Window::default(), Vec::new(), Vec::new());
            let mut now = Duration::ZERO;
            for (pause, takes, arrives) in steps {
                now += Duration::from_millis(pause);
                under_way.sort();
                while let Some(done) = under_way.first().copied().filter(|done| *done <= now) {
                    window.answered(done);
                    under_way.remove(0);
                }
                if window.take(limit, 0, now).is_ok() {
                    under_way.push(now + Duration::from_millis(takes));
                    arrivals.push(now + Duration::from_millis(takes * arrives / 100));
                }
            }
            arrivals.sort();
            for from in &arrivals {
                let held = arrivals.iter().filter(|at| *at >= from && **at < *from + SPAN).count();
                prop_assert!(held <= limit);
            }
        }
    }
}
