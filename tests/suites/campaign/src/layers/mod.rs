//! The layers of the campaign: each makes its plans and answers with its line of the report.

pub mod crash_points;
pub mod graph_faults;
pub mod histories;
pub mod leaders;
pub mod model;
pub mod stale_views;

use std::{path::Path, time::Duration};

use tokio::time::Instant;
use world::World;

use crate::report::Report;

/// How much of a layer is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// What fits into the tests: a fixed choice of plans, with a fixed seed.
    Small,
    /// All of it.
    Full,
}

/// A layer: its name and what runs it.
pub type Layer = (&'static str, fn(Size) -> Report);

/// The model, and all layers that run in paused time, in the order of the report.
pub const ALL: &[Layer] = &[
    (model::NAME, model::run),
    ("crash points", crash_points::run),
    ("stale views", stale_views::run),
    (graph_faults::NAME, graph_faults::layer),
    (leaders::NAME, leaders::layer),
    ("histories", histories::run),
];

/// A layer that runs in real time with the operator's binary.
pub type RealLayer = (&'static str, fn(Size, &Path) -> Report);

/// All layers that run in real time, after the others.
pub const REAL: &[RealLayer] = &[("processes", crate::processes::run), ("drills", crate::drills::run)];

/// Waits until every object has an outcome, for at most so long of the world's time; answers whether that is so.
pub async fn all_end(world: &World, at_most: Duration) -> bool {
    let deadline = Instant::now() + at_most;
    let mut pause = Duration::from_millis(500);
    while !world.api.objects("PasscodeReset").iter().all(|object| object["status"]["outcome"].is_string()) {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(pause).await;
        // Rarer and rarer: an hour of the world's time is not to cost thousands of reads.
        pause = (pause + pause / 8).min(Duration::from_secs(30));
    }
    true
}
