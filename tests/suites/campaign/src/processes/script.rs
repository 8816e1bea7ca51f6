//! What goes wrong and when: the same for the same seed, whoever is put to the test.

use std::time::Duration;

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The dice of a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Below `end`, which must not be 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from + 1))
    }
}

/// Whom it hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Victim {
    /// A replica of the operator.
    Operator(usize),
    /// kube-apiserver.
    ApiServer,
    /// etcd.
    Etcd,
}

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// SIGKILL; it is started again at once.
    Kill,
    /// SIGSTOP, and SIGCONT after this.
    Freeze(Duration),
}

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Disturbance {
    /// How long after the one before.
    pub after: Duration,
    /// Whom it hits.
    pub victim: Victim,
    /// What is done to it.
    pub blow: Blow,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// By which everything is chosen.
    pub seed: u64,
    /// How many phones are to be reset.
    pub resets: u32,
    /// How many processes are killed. Some more are frozen.
    pub kills: usize,
    /// The longest pause between two disturbances, in milliseconds; the shortest is a second.
    pub longest_pause: u64,
}

/// The longest freeze of an operator. A request may be held by it for as long, and what the bound `sendGrace` excludes is not tried: it is
/// more than twice as long here.
const LONGEST_FREEZE: u64 = 4000;

impl Script {
    /// The whole of it.
    #[must_use]
    pub fn full(seed: u64) -> Self {
        Self { seed, resets: 3000, kills: 50, longest_pause: 5000 }
    }

    /// What fits into the tests.
    #[must_use]
    pub fn small(seed: u64) -> Self {
        Self { seed, resets: 60, kills: 5, longest_pause: 2000 }
    }

    /// Everything that goes wrong, in order.
    #[must_use]
    pub fn disturbances(&self) -> Vec<Disturbance> {
        let mut dice = Dice::seeded(self.seed);
        let mut all = Vec::new();
        let mut kills = 0;
        while kills < self.kills {
            let after = dice.millis(1000, self.longest_pause);
            let victim = match dice.below(4) {
                0 => Victim::Operator(0),
                1 => Victim::Operator(1),
                2 => Victim::ApiServer,
                _ => Victim::Etcd,
            };
            // A quarter are frozen.
            let blow = if dice.below(4) == 0 { Blow::Freeze(dice.millis(500, LONGEST_FREEZE)) } else { Blow::Kill };
            kills += usize::from(blow == Blow::Kill);
            all.push(Disturbance { after, victim, blow });
        }
        all
    }

    /// How long all of it takes at least.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.disturbances()
            .iter()
            .map(|one| one.after + if let Blow::Freeze(time) = one.blow { time } else { Duration::ZERO })
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_says_everything() {
        let script = Script { seed: 7, resets: 0, kills: 50, longest_pause: 5000 };
        let all = script.disturbances();
        assert_eq!(all.iter().filter(|one| one.blow == Blow::Kill).count(), 50);
        assert_eq!(format!("{all:?}"), format!("{:?}", script.disturbances()));
        for victim in [Victim::Operator(0), Victim::Operator(1), Victim::ApiServer, Victim::Etcd] {
            assert!(all.iter().any(|one| one.victim == victim), "{victim:?}");
        }
        assert!(all.iter().all(|one| one.after >= Duration::from_secs(1) && one.after <= Duration::from_secs(5)));
    }
}
