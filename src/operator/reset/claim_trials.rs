//! When held claims are tried again: at most so many a second over all objects, whatever each of them would like.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use passcode_core::lifecycle::admission::TRIES_PER_SECOND;

/// The tries that were promised, and those that were made.
#[derive(Default)]
pub struct Asks(Mutex<State>);

#[derive(Default)]
struct State {
    /// The slots that are taken, by their number since boot.
    taken: BTreeSet<u128>,
    /// When the next try may be made, by boot time.
    next: Duration,
}

impl Asks {
    /// The first free slot that does not begin before `wanted`, by boot time: whoever comes back then need not wait.
    pub fn slot(&self, wanted: Duration, now: Duration) -> Duration {
        let length = length();
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.taken = state.taken.split_off(&(now.as_nanos() / length.as_nanos()));
        let mut slot = wanted.max(now).as_nanos().div_ceil(length.as_nanos());
        for next in state.taken.range(slot..) {
            if *next != slot {
                break;
            }
            slot += 1;
        }
        state.taken.insert(slot);
        length.saturating_mul(u32::try_from(slot).unwrap_or(u32::MAX))
    }

    /// How long to wait before a try is made: what comes before it took longer for some than for others.
    pub fn pause(&self, now: Duration) -> Duration {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = state.next.max(now);
        state.next = at + length();
        at - now
    }
}

fn length() -> Duration {
    Duration::from_secs(1) / TRIES_PER_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_a_second_are_promised_and_each_as_soon_as_it_can() {
        let asks = Asks::default();
        let now = Duration::from_millis(1_000_050);
        let slots: Vec<u128> = (0..25).map(|_| asks.slot(now, now).as_millis() - 1_000_000).collect();
        assert_eq!((slots[0], slots[1], slots[24]), (100, 200, 2500));
        let later = now + Duration::from_secs(600);
        assert_eq!(asks.slot(later, now).as_millis(), 1_600_100);
        assert_eq!(asks.slot(now, now).as_millis(), 1_002_600, "what is far away holds nobody back");
        assert_eq!(asks.slot(now, later).as_millis(), 1_600_200, "what is past is forgotten");
        assert_eq!(asks.0.lock().unwrap().taken.len(), 2);
    }

    #[test]
    fn ten_a_second_are_made() {
        let asks = Asks::default();
        let now = Duration::from_secs(1000);
        assert_eq!([0, 1, 2].map(|_| asks.pause(now).as_millis()), [0, 100, 200]);
        assert_eq!(asks.pause(now + Duration::from_secs(1)), Duration::ZERO);
    }
}
