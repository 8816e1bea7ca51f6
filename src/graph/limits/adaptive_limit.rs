//! The limit that is left for us where other apps use part of the tenant's: estimated from Graph's 429s, and raised step by step later.
//!
//! A 429 says that the window is full: the requests of ours that went through in its 20 s are what the others left, and exactly that once
//! the others have sent for 20 s. Before that they will take more. Between an allowance that held and one that was too high, half-way is
//! tried next; after a while, more than was too high is tried again.

use std::time::Duration;

use super::configured::SPAN;

/// How long an estimate is not exceeded; doubled each time that trying a higher one failed.
const HOLD: Duration = Duration::from_secs(60);
/// The longest time between two such tries.
const LONGEST_HOLD: Duration = Duration::from_secs(600);

/// The part of a limit that is ours at the moment; `None`: all of it, as far as is known.
#[derive(Debug, Default)]
pub(super) struct AdaptiveLimit(Option<Estimate>);

#[derive(Debug)]
struct Estimate {
    allowed: usize,
    /// What held before the latest raise.
    proven: usize,
    /// What is known to be too high, or the limit.
    ceiling: usize,
    /// When the first 429 came, and the latest.
    began: Duration,
    since: Duration,
    /// The latest raise since the latest 429.
    raise: Option<Raise>,
    next_raise: Duration,
    /// How far the next try goes above what is known to be too high.
    step: usize,
    hold: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Raise {
    at: Duration,
    /// Above what was too high earlier: others may use less by now.
    beyond: bool,
}

impl AdaptiveLimit {
    /// Whether others use part of the limit, as far as is known.
    pub(super) fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// How many requests any 20 s may hold at the boot time `now`, of `limit` that were configured.
    pub(super) fn allowed(&mut self, limit: usize, now: Duration) -> usize {
        let Some(estimate) = &mut self.0 else { return limit };
        while now >= estimate.next_raise && estimate.allowed < limit {
            estimate.raise(limit);
        }
        let allowed = estimate.allowed;
        // What was raised to the whole limit has to hold for its 20 s, too.
        if allowed >= limit && now >= estimate.next_raise {
            self.0 = None;
        }
        allowed.min(limit)
    }

    /// A request that was sent at `sent` was throttled, while `passed` others of the last 20 s were not.
    pub(super) fn throttled(&mut self, limit: usize, passed: usize, sent: Duration, now: Duration) {
        let Adjustment { allowed, ceiling, hold } = match &self.0 {
            // Sent before the latest adjustment: it says nothing new.
            Some(estimate) if sent < estimate.since => return,
            Some(estimate) => estimate.another(passed, now),
            // Half and half, until more is known.
            None => Adjustment { allowed: (passed * 85 / 100).min(limit / 2), ceiling: passed, hold: HOLD },
        };
        let allowed = allowed.clamp(least(limit), limit);
        let ceiling = ceiling.clamp(allowed, limit);
        self.0 = Some(Estimate {
            allowed,
            proven: allowed,
            ceiling,
            began: self.0.as_ref().map_or(now, |estimate| estimate.began),
            since: now,
            raise: None,
            next_raise: now + if is_settled(allowed, ceiling, limit) { hold } else { SPAN },
            step: (limit / 50).max(1),
            hold,
        });
    }
}

/// What a 429 changes in the estimate.
struct Adjustment {
    allowed: usize,
    ceiling: usize,
    hold: Duration,
}

impl Estimate {
    fn raise(&mut self, limit: usize) {
        let beyond = is_settled(self.allowed, self.ceiling, limit);
        self.raise = Some(Raise { at: self.next_raise, beyond });
        self.proven = self.allowed;
        if beyond {
            self.ceiling = limit;
            self.allowed = (self.allowed + self.step).min(limit);
            self.step *= 2;
        } else {
            self.allowed += (self.ceiling - self.allowed) / 2;
        }
        let settled = !beyond && self.ceiling < limit && is_settled(self.allowed, self.ceiling, limit);
        self.next_raise += if settled { self.hold } else { SPAN };
    }

    /// What a further 429 changes.
    fn another(&self, passed: usize, now: Duration) -> Adjustment {
        let measured = passed * 95 / 100;
        let too_high = self.ceiling.min(passed);
        let failed = self.raise.filter(|raise| now < raise.at + 2 * SPAN);
        let Some(raise) = failed else {
            let others_are_counted = now > self.began + SPAN;
            let allowed = if others_are_counted { measured } else { passed.min(self.allowed) * 85 / 100 };
            return Adjustment { allowed, ceiling: too_high, hold: HOLD };
        };
        let allowed = if self.proven < passed { self.proven.max(measured) } else { measured };
        if raise.beyond {
            return Adjustment { allowed, ceiling: allowed, hold: (self.hold * 2).min(LONGEST_HOLD) };
        }
        Adjustment { allowed, ceiling: self.allowed.min(passed), hold: HOLD }
    }
}

/// Whether the estimate is precise enough.
fn is_settled(allowed: usize, ceiling: usize, limit: usize) -> bool {
    ceiling.saturating_sub(allowed) <= limit / 25
}

/// The lowest estimate: a 429 after a few requests says that Graph is busy, and not how much of the limit is ours.
fn least(limit: usize) -> usize {
    (limit / 10).max(5).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn levels(adaptive: &mut AdaptiveLimit, seconds: &[u64]) -> Vec<usize> {
        seconds.iter().map(|at| adaptive.allowed(200, second(*at))).collect()
    }

    #[test]
    fn after_the_first_429_half_of_it_is_tried_and_then_half_of_what_is_above() {
        let mut adaptive = AdaptiveLimit::default();
        assert_eq!(adaptive.allowed(200, second(0)), 200);
        adaptive.throttled(200, 180, second(99), second(100));
        assert_eq!(adaptive.allowed(200, second(100)), 100);
        // Sent before that was known.
        adaptive.throttled(200, 50, second(99), second(101));
        // Half-way to 180; that was too much once, so it is not exceeded for a minute; and then it is tried how much is there again.
        let at = [120, 140, 160, 180, 239, 240, 260, 280, 300, 320];
        assert_eq!(levels(&mut adaptive, &at), [140, 160, 170, 175, 175, 179, 189, 194, 200, 200]);
        assert!(!adaptive.is_shared());
    }

    #[test]
    fn once_others_sent_for_20_s_a_429_says_what_is_ours() {
        let mut adaptive = AdaptiveLimit::default();
        adaptive.throttled(200, 180, second(99), second(100));
        assert_eq!(adaptive.allowed(200, second(120)), 140);
        adaptive.throttled(200, 104, second(125), second(125));
        // Held before, and nearly what went through.
        assert_eq!(levels(&mut adaptive, &[125, 184, 185]), [100, 100, 104]);
        adaptive.throttled(200, 102, second(190), second(190));
        // A higher one failed: the next try comes later.
        assert_eq!(levels(&mut adaptive, &[190, 309, 310]), [100, 100, 104]);
    }

    #[test]
    fn others_that_take_more_and_more_leave_less_and_less() {
        let mut adaptive = AdaptiveLimit::default();
        adaptive.throttled(200, 180, second(100), second(100));
        adaptive.throttled(200, 70, second(110), second(110));
        assert_eq!(adaptive.allowed(200, second(110)), 59);
        adaptive.throttled(200, 40, second(125), second(125));
        assert_eq!(adaptive.allowed(200, second(125)), 38);
    }

    #[test]
    fn a_429_after_a_few_requests_does_not_say_how_much_is_ours() {
        let mut adaptive = AdaptiveLimit::default();
        adaptive.throttled(1, 0, second(1), second(1));
        assert_eq!(adaptive.allowed(1, second(1)), 1);
        adaptive.throttled(200, 0, second(2), second(2));
        assert_eq!(adaptive.allowed(200, second(2)), 20);
    }
}
