//! What Graph lets through where other apps use part of the tenant's limit: learned from its 429s, and tried again later.

use std::time::Duration;

use super::window::SPAN;

/// After a raise that failed, how long until the next; doubled with each that fails.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time between two raises that fail.
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// The part of a limit that is ours at the moment.
#[derive(Debug, Default)]
pub(super) struct Share(Option<Learned>);

#[derive(Debug)]
struct Learned {
    allowed: usize,
    /// What went well before the latest raise.
    proven: usize,
    /// When the lesson was learned.
    since: Duration,
    /// When the latest raise was made, if there was one since.
    raised: Option<Duration>,
    next_raise: Duration,
    step: usize,
    patience: Duration,
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
            learned.proven = learned.allowed;
            learned.allowed += learned.step;
            learned.step *= 2;
            learned.raised = Some(learned.next_raise);
            learned.next_raise += SPAN;
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
        let (allowed, patience, pause) = match &self.0 {
            // Sent before the lesson was learned: it says nothing new.
            Some(learned) if sent < learned.since => return,
            // The raise was too much, and what was proven before it most likely still holds.
            Some(learned) if learned.raised.is_some_and(|raised| now < raised + 2 * SPAN) => {
                let patience = (learned.patience * 2).min(LONGEST_PATIENCE);
                (learned.proven, patience, patience)
            }
            // Somebody began to use the tenant's share, and will have more of it before the 20 s are over.
            _ => (passed * 85 / 100, PATIENCE, SPAN),
        };
        let allowed = allowed.clamp(least(limit), limit);
        let step = (limit / 50).max(1);
        self.0 = Some(Learned {
            allowed,
            proven: allowed,
            since: now,
            raised: None,
            next_raise: now + pause,
            step,
            patience,
        });
    }
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

    #[test]
    fn what_went_through_is_learned_and_raised_until_the_limit_is_there_again() {
        let mut share = Share::default();
        assert_eq!(share.allowed(200, second(0)), 200);
        share.throttled(200, 100, second(99), second(100));
        assert_eq!(share.allowed(200, second(100)), 85);
        // Sent before that was known.
        share.throttled(200, 50, second(99), second(101));
        let levels: Vec<usize> = (120..=240).step_by(20).map(|at| share.allowed(200, second(at))).collect();
        assert_eq!(levels, [89, 97, 113, 145, 200, 200, 200]);
        assert!(!share.is_shared());
    }

    #[test]
    fn a_raise_that_fails_falls_back_and_is_tried_later_and_later() {
        let mut share = Share::default();
        share.throttled(200, 100, second(99), second(100));
        assert_eq!((share.allowed(200, second(120)), share.allowed(200, second(140))), (89, 97));
        share.throttled(200, 94, second(145), second(145));
        assert_eq!(share.allowed(200, second(145)), 89);
        assert_eq!((share.allowed(200, second(264)), share.allowed(200, second(265))), (89, 93));
        share.throttled(200, 94, second(270), second(270));
        assert_eq!((share.allowed(200, second(509)), share.allowed(200, second(510))), (89, 93));
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
