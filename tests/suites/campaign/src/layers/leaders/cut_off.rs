//! The leader is cut off from the API server at an effect, and Graph still hears it; the other takes over.

use std::time::Duration;

use api_server::Cut;
use futures::FutureExt;
use k8s_openapi::jiff::SignedDuration;

use super::{
    effect::{Effect, Probe, Side},
    scene::{aged, both_end, come_to_the_effect, declare, ended, judged, leader_and_standby, within},
};
use crate::{audit::Terms, plan::Plan, report::Tally};

/// One cut.
#[derive(Clone, Copy, Debug)]
pub struct CutOff {
    effect: Effect,
    side: Side,
    cut: Cut,
    seconds: u64,
}

/// All of them.
pub fn all() -> Vec<CutOff> {
    let mut cuts = Vec::new();
    for effect in Effect::ALL {
        for side in Side::ALL {
            for cut in [Cut::Refused, Cut::Silent] {
                for seconds in [8, 60, 400] {
                    cuts.push(CutOff { effect, side, cut, seconds });
                }
            }
        }
    }
    cuts
}

/// A spread choice: 19 has no factor in common with the numbers of sides, cuts and lengths, so that each comes up.
pub fn some() -> Vec<CutOff> {
    all().into_iter().step_by(19).collect()
}

impl CutOff {
    /// The plan of it.
    pub fn into_plan(self) -> Plan {
        let Self { effect, side, cut, seconds } = self;
        Plan::new(format!("cut off ({cut:?}) {side:?} {effect:?} for {seconds} s"), move || self.run())
    }

    async fn run(self) -> Tally {
        let world = aged(self.effect, SignedDuration::ZERO).await;
        let caller = world.api.caller("a");
        let cut = self.cut;
        let probe = Probe::new(self.effect, self.side, move || {
            caller.cut_off(cut);
            std::future::ready(()).boxed()
        });
        let [a, b] = leader_and_standby(&world, &probe).await;
        let mut problems = come_to_the_effect(&world, &probe).await;
        declare(&world, 1).await;
        let gone_on = tokio::time::Instant::now() + Duration::from_secs(self.seconds);
        if self.seconds >= 60 && !within(Duration::from_secs(50), || ended(&world, 1)).await {
            problems.push("nobody acted while the first was cut off".to_owned());
        }
        tokio::time::sleep_until(gone_on).await;
        world.api.caller("a").reconnect();
        both_end(&world).await;
        tokio::time::sleep(Duration::from_secs(40)).await;
        a.stop().await;
        b.stop().await;
        let mut tally = judged(&world, Terms::default()).await;
        tally.violations.extend(problems);
        tally
    }
}
