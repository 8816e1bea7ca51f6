//! A queue in which no party starves another: parties take turns, and within one the oldest comes first.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

/// What waits, by party and by age.
#[derive(Debug)]
pub struct FairQueue<T> {
    parties: HashMap<String, Party<T>>,
    /// The turn that was served last: a party that joins begins here, and has no claim to earlier turns.
    turn: u64,
    arrivals: u64,
}

#[derive(Debug)]
struct Party<T> {
    turn: u64,
    /// By age; the number of arrival tells apart what is equally old.
    waiting: BTreeMap<(Timestamp, u64), T>,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self { parties: HashMap::new(), turn: 0, arrivals: 0 }
    }
}

impl<T> FairQueue<T> {
    /// Queues something for `party`, behind what is older.
    pub fn push(&mut self, party: &str, age: Timestamp, value: T) {
        self.arrivals += 1;
        let turn = self.turn;
        let party = self.parties.entry(party.to_owned()).or_insert_with(|| Party { turn, waiting: BTreeMap::new() });
        party.waiting.insert((age, self.arrivals), value);
    }

    /// What comes next.
    #[must_use]
    pub fn head(&self) -> Option<&T> {
        let party = self.parties.get(self.next()?)?;
        party.waiting.first_key_value().map(|(_, value)| value)
    }

    /// Drops what comes next as long as it is `gone`; that costs its party no turn.
    pub fn skip(&mut self, gone: impl Fn(&T) -> bool) {
        while self.head().is_some_and(&gone) {
            let Some(name) = self.next().map(str::to_owned) else { return };
            let Some(party) = self.parties.get_mut(&name) else { return };
            party.waiting.pop_first();
            if party.waiting.is_empty() {
                self.parties.remove(&name);
            }
        }
    }

    /// Takes what comes next.
    pub fn pop(&mut self) -> Option<T> {
        let name = self.next()?.to_owned();
        let party = self.parties.get_mut(&name)?;
        let (_, value) = party.waiting.pop_first()?;
        self.turn = party.turn;
        party.turn += 1;
        if party.waiting.is_empty() {
            self.parties.remove(&name);
        }
        Some(value)
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty()
    }

    /// The party with the fewest turns; of several, the one whose oldest is the oldest.
    fn next(&self) -> Option<&str> {
        let next = self.parties.iter().min_by_key(|(_, party)| (party.turn, party.waiting.keys().next()));
        next.map(|(name, _)| name.as_str())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn age(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn drain(queue: &mut FairQueue<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| queue.pop()).collect()
    }

    #[test]
    fn within_a_party_the_oldest_comes_first() {
        let mut queue = FairQueue::default();
        for (second, name) in [(3, "c"), (1, "a"), (2, "b"), (1, "a, later")] {
            queue.push("one", age(second), name);
        }
        assert_eq!(queue.head(), Some(&"a"));
        assert_eq!(drain(&mut queue), ["a", "a, later", "b", "c"]);
        assert!(queue.is_empty());
    }

    #[test]
    fn parties_take_turns_however_old_and_many_the_others_are() {
        let mut queue = FairQueue::default();
        for second in 0..1000 {
            queue.push("many", age(second), "many");
        }
        assert_eq!((queue.pop(), queue.pop()), (Some("many"), Some("many")));
        for second in 5000..5003 {
            queue.push("few", age(second), "few");
        }
        let next: Vec<&str> = (0..6).filter_map(|_| queue.pop()).collect();
        assert_eq!(next.iter().filter(|name| **name == "few").count(), 3, "{next:?}");
    }

    #[test]
    fn one_that_always_has_one_waiting_gets_every_second_turn() {
        let mut queue = FairQueue::default();
        for second in 0..100 {
            queue.push("many", age(second), "many");
        }
        let mut served = Vec::new();
        for round in 0..20 {
            queue.push("drip", age(10_000 + round), "drip");
            served.push(queue.pop().unwrap());
            served.push(queue.pop().unwrap());
        }
        assert_eq!(served.iter().filter(|name| **name == "drip").count(), 20, "{served:?}");
    }

    #[test]
    fn an_idle_party_saves_up_no_turns() {
        let mut queue = FairQueue::default();
        for second in 0..50 {
            queue.push("busy", age(second), "busy");
            queue.pop();
        }
        for second in 0..10 {
            queue.push("busy", age(100 + second), "busy");
            queue.push("idle", age(200 + second), "idle");
        }
        let first: Vec<&str> = (0..10).filter_map(|_| queue.pop()).collect();
        assert_eq!(first.iter().filter(|name| **name == "idle").count(), 5, "{first:?}");
    }
}
