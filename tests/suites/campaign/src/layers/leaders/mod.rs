//! Layer 5: leaders. Two replicas; the leader is stopped before and after each effect and continued later, is cut off from the
//! API server, or is told to end, and their clocks are wrong by the lease's length and by twice that.
//!
//! What is right is the same for all: both phones are reset once, and both objects say so. A process that is stopped for longer than
//! `sendGrace` between its last look at the clock and the wire is outside of the promise; the tests use it to show that the
//! layer can fail.

mod cut_off;
mod effect;
mod handed_over;
mod process;
mod scene;
mod stopped;

use crate::{
    layers::Size,
    plan::{Plan, run},
    report::Report,
};

/// The layer's name.
pub const NAME: &str = "leaders";

/// Runs the layer.
#[must_use]
pub fn layer(size: Size) -> Report {
    run(NAME, plans(size))
}

fn plans(size: Size) -> Vec<Plan> {
    let (stops, cuts, hand_overs) = match size {
        Size::Full => (stopped::all(), cut_off::all(), handed_over::all()),
        Size::Small => (stopped::some(), cut_off::some(), handed_over::some()),
    };
    let stops = stops.into_iter().map(stopped::Stop::into_plan);
    let cuts = cuts.into_iter().map(cut_off::CutOff::into_plan);
    stops.chain(cuts).chain(hand_overs.into_iter().map(handed_over::HandOver::into_plan)).collect()
}

#[cfg(test)]
mod tests;
