//! The leader gets SIGTERM at an effect: the other leads within two seconds and goes on with what waits.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::FutureExt;
use graph_simulator::PathClass;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use world::World;

use super::{
    effect::{Effect, Probe, Side},
    scene::{aged, both_end, come_to_the_effect, declare, judged, leader_and_standby, took_over},
};
use crate::{audit::Terms, plan::Plan, report::Tally};

/// How soon the other leads.
const LEADS_WITHIN: SignedDuration = SignedDuration::from_secs(2);

/// One hand-over.
#[derive(Clone, Copy, Debug)]
pub struct HandOver {
    effect: Effect,
    side: Side,
    /// How long the call that is in flight still takes.
    millis: u64,
}

/// All of them.
pub fn all() -> Vec<HandOver> {
    let mut hand_overs = Vec::new();
    for effect in Effect::ALL {
        for side in Side::ALL {
            for millis in [0, 1500, 9000] {
                hand_overs.push(HandOver { effect, side, millis });
            }
        }
    }
    hand_overs
}

/// Of each effect one, with each side and each time often; the renewal of the lease itself is the slowest.
pub fn some() -> Vec<HandOver> {
    all().into_iter().step_by(5).collect()
}

impl HandOver {
    /// The plan of it.
    pub fn into_plan(self) -> Plan {
        let Self { effect, side, millis } = self;
        Plan::new(format!("SIGTERM {side:?} {effect:?}, which takes {millis} ms"), move || self.run())
    }

    async fn run(self) -> Tally {
        let world = aged(self.effect, SignedDuration::ZERO).await;
        let sigterm: Arc<OnceLock<Box<dyn Fn() + Send + Sync>>> = Arc::default();
        let (send, pause) = (sigterm.clone(), Duration::from_millis(self.millis));
        let probe = Probe::new(self.effect, self.side, move || {
            if let Some(sigterm) = send.get() {
                sigterm();
            }
            tokio::time::sleep(pause).boxed()
        });
        let [a, b] = leader_and_standby(&world, &probe).await;
        let _ = sigterm.set(Box::new(a.sigterm()));
        let mut problems = come_to_the_effect(&world, &probe).await;
        let at = world.now();
        declare(&world, 1).await;
        a.stop().await;
        both_end(&world).await;
        b.stop().await;
        problems.extend(self.too_late(&world, at));
        let mut tally = judged(&world, Terms::default()).await;
        tally.violations.extend(problems);
        tally
    }

    fn too_late(self, world: &World, at: Timestamp) -> Vec<String> {
        let mut problems = Vec::new();
        match took_over(world, "b").map(|then| then.duration_since(at)) {
            Some(passed) if passed <= LEADS_WITHIN => {}
            passed => problems.push(format!("the other led after {passed:?}")),
        }
        let second = &world.graph.devices()[1].id;
        let asked = world
            .graph
            .requests()
            .into_iter()
            .find(|request| request.class == PathClass::Action && request.path.contains(second.as_str()));
        match asked.map(|request| request.at.duration_since(at)) {
            Some(passed) if passed <= LEADS_WITHIN => {}
            passed => problems.push(format!("what waited was sent after {passed:?}")),
        }
        problems
    }
}
