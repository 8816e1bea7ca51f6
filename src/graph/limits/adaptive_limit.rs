//! What Graph lets through where other apps use part of the tenant's limit: learned from its 429s, and tried again later.
//!
//! A 429 says that the window is full: what went through of ours in its 20 s is what others left, and exactly that once they have asked for
//! 20 s. Before that they will take more. Between what held and what was too much it is tried half-way; above it again after a while.

use std::time::Duration;

use super::window::SPAN;

/// How long what was learned is not exceeded; doubled each time that it was tried in vain.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time between two such tries.
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// The part of a limit that is ours at the moment.
#[derive(Debug, Default)]
pub(super) struct Share(Option<Learned>);

#[derive(Debug)]
struct Learned {
    allowed: usize,
    /// What held before the latest raise.
    proven: usize,
    /// What is known to be too much, or the limit.
    ceiling: usize,
    /// When the first lesson was learned, and the latest.
    began: Duration,
    since: Duration,
    /// The latest raise since the latest lesson.
    raise: Option<Raise>,
    next_raise: Duration,
    /// How far the next try goes above what is known to be too much.
    step: usize,
    patience: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Raise {
    at: Duration,
    /// Above what was too much earlier: others may use less by now.
    beyond: bool,
}

impl Share {
    /// Whether others use part of the limit, as far as is known.
    pub(super) fn is_shared(&self) -> bool {
        self.0.is_some()
    }

    /// How many requests any 20 s may hold at the boot time `now`, of `limit` that were configured.
    pub(super) fn allowed(&mut self, limit: usize, now: Duration) -> usize {
        let Some(learned) = &mut self.0 else { return limit };
        while now >= learned.next_raise && learned.allowed < limit {
            learned.raise(limit);
        }
        let allowed = learned.allowed;
        // What was raised to the whole limit has to hold for its 20 s, too.
        if allowed >= limit && now >= learned.next_raise {
            self.0 = None;
        }
        allowed.min(limit)
    }

    /// A request that was sent at `sent` was throttled, while `passed` others of the last 20 s were not.
    pub(super) fn throttled(&mut self, limit: usize, passed: usize, sent: Duration, now: Duration) {
        let Lesson { allowed, ceiling, patience } = match &self.0 {
            // Sent before the lesson was learned: it says nothing new.
            Some(learned) if sent < learned.since => return,
            Some(learned) => learned.another(passed, now),
            // Half and half, until more is known.
            None => Lesson { allowed: (passed * 85 / 100).min(limit / 2), ceiling: passed, patience: PATIENCE },
        };
        let allowed = allowed.clamp(least(limit), limit);
        let ceiling = ceiling.clamp(allowed, limit);
        self.0 = Some(Learned {
            allowed,
            proven: allowed,
            ceiling,
            began: self.0.as_ref().map_or(now, |learned| learned.began),
            since: now,
            raise: None,
            next_raise: now + if is_settled(allowed, ceiling, limit) { patience } else { SPAN },
            step: (limit / 50).max(1),
            patience,
        });
    }
}

/// What a 429 says.
struct Lesson {
    allowed: usize,
    ceiling: usize,
    patience: Duration,
}

impl Learned {
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
        self.next_raise += if settled { self.patience } else { SPAN };
    }

    /// What another 429 says.
    fn another(&self, passed: usize, now: Duration) -> Lesson {
        let measured = passed * 95 / 100;
        let too_much = self.ceiling.min(passed);
        let failed = self.raise.filter(|raise| now < raise.at + 2 * SPAN);
        let Some(raise) = failed else {
            let others_are_counted = now > self.began + SPAN;
            let allowed = if others_are_counted { measured } else { passed.min(self.allowed) * 85 / 100 };
            return Lesson { allowed, ceiling: too_much, patience: PATIENCE };
        };
        let allowed = if self.proven < passed { self.proven.max(measured) } else { measured };
        if raise.beyond {
            return Lesson { allowed, ceiling: allowed, patience: (self.patience * 2).min(LONGEST_PATIENCE) };
        }
        Lesson { allowed, ceiling: self.allowed.min(passed), patience: PATIENCE }
    }
}

/// Whether it is known well enough how much is ours.
fn is_settled(allowed: usize, ceiling: usize, limit: usize) -> bool {
    ceiling.saturating_sub(allowed) <= limit / 25
}

/// Less than this is not believed: a 429 after a few requests says that Graph is busy, and not how much of it is ours.
fn least(limit: usize) -> usize {
    (limit / 10).max(5).min(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn levels(share: &mut Share, seconds: &[u64]) -> Vec<usize> {
        seconds.iter().map(|at| share.allowed(200, second(*at))).collect()
    }

    #[test]
    fn after_the_first_429_half_of_it_is_tried_and_then_half_of_what_is_above() {
        let mut share = Share::default();
        assert_eq!(share.allowed(200, second(0)), 200);
        share.throttled(200, 180, second(99), second(100));
        assert_eq!(share.allowed(200, second(100)), 100);
        // Sent before that was known.
        share.throttled(200, 50, second(99), second(101));
        // Half-way to 180; that was too much once, so it is not exceeded for a minute; and then it is tried how much is there again.
        let at = [120, 140, 160, 180, 239, 240, 260, 280, 300, 320];
        assert_eq!(levels(&mut share, &at), [140, 160, 170, 175, 175, 179, 189, 194, 200, 200]);
        assert!(!share.is_shared());
    }

    #[test]
    fn once_others_asked_for_20_s_a_429_says_what_is_ours() {
        let mut share = Share::default();
        share.throttled(200, 180, second(99), second(100));
        assert_eq!(share.allowed(200, second(120)), 140);
        share.throttled(200, 104, second(125), second(125));
        // Held before, and nearly what went through.
        assert_eq!(levels(&mut share, &[125, 184, 185]), [100, 100, 104]);
        share.throttled(200, 102, second(190), second(190));
        // Tried in vain: the next time it takes longer.
        assert_eq!(levels(&mut share, &[190, 309, 310]), [100, 100, 104]);
    }

    #[test]
    fn who_takes_more_and_more_is_met_by_less_and_less() {
        let mut share = Share::default();
        share.throttled(200, 180, second(100), second(100));
        share.throttled(200, 70, second(110), second(110));
        assert_eq!(share.allowed(200, second(110)), 59);
        share.throttled(200, 40, second(125), second(125));
        assert_eq!(share.allowed(200, second(125)), 38);
    }

    #[test]
    fn a_429_after_a_few_requests_does_not_say_how_much_is_ours() {
        let mut share = Share::default();
        share.throttled(1, 0, second(1), second(1));
        assert_eq!(share.allowed(1, second(1)), 1);
        share.throttled(200, 0, second(2), second(2));
        assert_eq!(share.allowed(200, second(2)), 20);
    }
}
