//! The leader is stopped at an effect, as by SIGSTOP, for longer than its lease; the other takes over, and the first is
//! continued. Their clocks are wrong by up to twice the lease's length.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::SignedDuration;
use world::Replica;

use super::{
    effect::{Effect, Probe, Side},
    process::{Brake, Conductor, First},
    scene::{aged, both_end, come_to_the_effect, declare, ended, judged, leads, within},
};
use crate::{audit::Terms, plan::Plan, report::Tally};

/// A lease, most of `sendGrace`, more than that, and more than the settle window after the latest deadline.
const LENGTHS: [u64; 4] = [20, 100, 200, 400];
/// How long a process may be stopped between its last look at the clock and the wire: less than `sendGrace`. For longer the
/// promise is not given.
const ON_THE_WIRE: u64 = 140;
/// How far ahead the clocks of the two are, in seconds.
const CLOCKS: [(i64, i64); 5] = [(0, 0), (15, 0), (0, 15), (15, -15), (-15, 15)];

/// One stop.
#[derive(Clone, Copy, Debug)]
pub struct Stop {
    pub effect: Effect,
    pub side: Side,
    pub seconds: u64,
    /// Of the first leader and of the second.
    pub clocks: (i64, i64),
    pub first: First,
}

/// All of them.
pub fn all() -> Vec<Stop> {
    let mut stops = Vec::new();
    for effect in Effect::ALL {
        for side in Side::ALL {
            for seconds in lengths(effect, side) {
                for clocks in CLOCKS {
                    for first in [First::Work, First::Timers] {
                        stops.push(Stop { effect, side, seconds, clocks, first });
                    }
                }
            }
        }
    }
    stops
}

/// Of each effect and side one, with each length, each pair of clocks and each order often.
pub fn some() -> Vec<Stop> {
    let mut stops = Vec::new();
    for (at, effect) in Effect::ALL.into_iter().enumerate() {
        for (on, side) in Side::ALL.into_iter().enumerate() {
            let lengths = lengths(effect, side);
            let seconds = lengths[(at + on) % lengths.len()];
            let clocks = CLOCKS[(2 * at + on) % CLOCKS.len()];
            let first = if (at / 2 + on).is_multiple_of(2) { First::Work } else { First::Timers };
            stops.push(Stop { effect, side, seconds, clocks, first });
        }
    }
    stops
}

fn lengths(effect: Effect, side: Side) -> Vec<u64> {
    let longest = if (effect, side) == (Effect::Send, Side::Before) { ON_THE_WIRE } else { u64::MAX };
    let mut lengths: Vec<u64> = LENGTHS.into_iter().map(|length| length.min(longest)).collect();
    lengths.dedup();
    lengths
}

impl Stop {
    /// The plan of it.
    pub fn into_plan(self) -> Plan {
        let Self { effect, side, seconds, clocks: (ours, theirs), first } = self;
        let name =
            format!("stopped {side:?} {effect:?} for {seconds} s, clocks {ours:+} s and {theirs:+} s, {first:?} first");
        Plan::bare(name, move || self.run())
    }

    fn run(self) -> Tally {
        let offset = SignedDuration::from_secs;
        let brake = Arc::new(Brake::default());
        let mut conductor = Conductor::new(brake.clone(), Duration::from_secs(self.seconds), self.first);
        let stop = brake.clone();
        let probe = Probe::new(self.effect, self.side, move || stop.stop());
        let mut world = conductor.before(aged(self.effect, offset(self.clocks.0)));
        let a = conductor.within(async {
            let (environment, plug) = world.environment("a");
            Replica::start((probe.watch(&world.api, environment, conductor.wire()), plug))
        });
        conductor.run(leads(&world, "a"));
        world.clock_offset = offset(self.clocks.1);
        let b = conductor.run(async { world.replica("b") });
        conductor.run(self.script(&world, &probe, &brake, [a, b]))
    }

    async fn script(self, world: &world::World, probe: &Probe, brake: &Brake, replicas: [Replica; 2]) -> Tally {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut problems = come_to_the_effect(world, probe).await;
        declare(world, 1).await;
        // Long before the first goes on, the second has acted; unless clocks that disagree look like a restore of etcd.
        if self.seconds >= 100 && self.clocks == (0, 0) {
            let acted = within(Duration::from_secs(60), || ended(world, 1)).await;
            if !acted || !brake.is_stopped() {
                problems.push("nobody acted while the first was stopped".to_owned());
            }
        }
        both_end(world).await;
        within(Duration::from_secs(self.seconds), || !brake.is_stopped()).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        for replica in replicas {
            replica.stop().await;
        }
        let in_flight = (self.effect, self.side) == (Effect::Send, Side::Before);
        let late = if in_flight { i64::try_from(self.seconds).unwrap() } else { 0 };
        let mut tally =
            judged(world, Terms { arrives_within: SignedDuration::from_secs(late), ..Terms::default() }).await;
        tally.kills = 1;
        tally.violations.extend(problems);
        tally
    }
}
