//! The resource campaign, in the manner of Acto: everything that can be written into a spec is written, on a real API server, and is
//! either refused with a sentence that says what to write, or comes to a named state.
//!
//! What lives here: the fields, walked from the definitions' own schemas (`places`), what is written there (`values`), the judge of
//! refusals (`judge`), the closed lists of states (`states`), the record of every version (`record`), and the three parts of the
//! campaign: fresh objects (`creations`), existing ones (`alterations`), random sequences (`sequences`). It runs in real time, so it
//! is not among [`crate::layers::ALL`].

mod alterations;
mod catalogue;
mod creations;
mod judge;
mod noise;
mod places;
mod record;
mod sequences;
mod server;
mod specimens;
mod stage;
mod states;
mod values;
mod weakened;

use std::{collections::BTreeMap, time::Duration};

use passcode_core::api::conditions::reason;

use crate::{
    layers::Size,
    report::{Report, Tally},
};
use sequences::Pace;
use stage::Stage;
use tokio::runtime::Runtime;

/// The name of this layer.
pub const NAME: &str = "resources";

/// The line of the report, and what the API server said.
pub struct Outcome {
    /// The line.
    pub report: Report,
    /// How many operations the API server took; it refused the others.
    pub taken: usize,
    /// Everything that was said in a refusal, with the first place and change of which it was said.
    pub refusals: BTreeMap<String, String>,
}

/// The campaign on its stage.
pub struct Campaign {
    runtime: Runtime,
    stage: Stage,
}

impl Campaign {
    /// Starts everything that it plays on.
    #[must_use]
    pub fn begin() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let stage = runtime.block_on(Stage::build());
        Self { runtime, stage }
    }

    /// Runs it.
    #[must_use]
    pub fn run(&self, size: Size) -> Outcome {
        self.runtime.block_on(async {
            let (faults, seeds) = match size {
                Size::Small => small(&self.stage).await,
                Size::Full => full(&self.stage).await,
            };
            conclude(&self.stage, faults, seeds)
        })
    }

    /// Takes some of the definitions' rules away and answers what is found then, to see that it is found. Nothing holds any more
    /// afterwards.
    #[must_use]
    pub fn weakened(&mut self) -> Vec<String> {
        self.runtime.block_on(weakened::run(&mut self.stage))
    }

    /// Ends it; answers what was wrong with that.
    #[must_use]
    pub fn end(self) -> Vec<String> {
        self.runtime.block_on(self.stage.end())
    }
}

type Found = (Vec<String>, std::ops::RangeInclusive<u64>);

async fn full(stage: &Stage) -> Found {
    let seeds = 1..=500;
    let mut faults = creations::every_field_can_be_written(stage).await;
    progress(stage, "policies and approvals, which are not stored");
    faults.extend(creations::run_dry(stage, creations::only_tried()).await);
    progress(stage, "fresh objects");
    faults.extend(creations::run(stage, creations::all(), Some(Duration::from_secs(300))).await);
    progress(stage, "existing objects");
    faults.extend(alterations::run(stage, alterations::all(), 12).await);
    progress(stage, "sequences");
    faults.extend(sequences::run(stage, seeds.clone(), Pace::Slow, 100).await);
    (faults, seeds)
}

/// A part takes minutes.
fn progress(stage: &Stage, next: &str) {
    let counts = stage.counts();
    eprintln!("{} operations, {} of them taken; now {next}", counts.operations, counts.taken);
}

/// A sample that is spread over all fields and sorts; refusals are tried without storing, which is cheap.
async fn small(stage: &Stage) -> Found {
    let seeds = 1..=4;
    let (all, dry, fresh, altered, played) = tokio::join!(
        creations::every_field_can_be_written(stage),
        creations::run_dry(stage, creations::all().chain(creations::only_tried()).step_by(9)),
        creations::run(stage, creations::all().skip(3).step_by(97), None),
        alterations::run(stage, alterations::all().step_by(97), 2),
        sequences::run(stage, seeds.clone(), Pace::Quick, 4),
    );
    ([all, dry, fresh, altered, played].concat(), seeds)
}

fn conclude(stage: &Stage, mut violations: Vec<String>, seeds: std::ops::RangeInclusive<u64>) -> Outcome {
    violations.extend(stage.at_large());
    let counts = stage.counts().clone();
    let (declared, carried_out) = (stage.record.declared(), stage.graph.executed().len());
    let left_to_people = stage.record.ended_with(reason::OUTCOME_UNKNOWN);
    let duplicates = stage.record.forbidden(&stage.graph.executed()).len();
    let lost = violations.iter().filter(|violation| violation.contains("no end")).count();
    let plans = counts.operations + usize::try_from(seeds.end() - seeds.start() + 1).unwrap();
    let tally = Tally { declared, carried_out, kills: 0, duplicates, lost, left_to_people, violations };
    let report = Report { layer: NAME.to_owned(), plans, seeds: Some(seeds), tally };
    Outcome { report, taken: counts.taken, refusals: counts.refusals }
}
