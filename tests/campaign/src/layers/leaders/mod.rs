//! Layer 5: leaders. Two replicas; the leader is stopped before and after each effect and continued later, is cut off from the
//! API server, or is told to end, and their clocks are wrong by the lease's length and by twice that.
//!
//! What is right is the same for all: both phones are reset once, and both objects say so. A process that is stopped for longer than
//! `sendGrace` between its last look at the clock and the wire is outside of the promise (design 2.3); the tests use it to show that the
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
    let (stops, step) = match size {
        Size::Full => (stopped::all(), 1),
        // Coprime with the number of lengths and sides, so that each comes up.
        Size::Small => (stopped::some(), 19),
    };
    let cuts = cut_off::all().into_iter().step_by(step).map(cut_off::CutOff::into_plan);
    let hand_overs = handed_over::all().into_iter().step_by(step).map(handed_over::HandOver::into_plan);
    stops.into_iter().map(stopped::Stop::into_plan).chain(cuts).chain(hand_overs).collect()
}

#[cfg(test)]
mod tests;
