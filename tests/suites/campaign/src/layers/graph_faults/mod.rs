//! Layer 4: Graph's faults. Every answer to the request for a reset, times whether and when it is carried out; what may be
//! wrong with Intune's record; reads, tokens and permissions; what becomes of the device.
//!
//! Each case says beforehand which end is right, how often the phone is reset, and how it may be asked for again. What is outside of what
//! the promise rests on is not among them: a request that is carried out although Graph itself answered 429, 401 or 403, one that is
//! carried out later than `sendGrace`, and a record that lags for longer than `ledgerLag`. The tests use these to show that the layer can
//! fail.

mod answers;
mod case;
mod devices;
mod ledger;
mod signing_in;

use crate::{
    layers::Size,
    plan::{Plan, run},
    report::Report,
};
use case::Case;

/// The layer's name.
pub const NAME: &str = "graph faults";
/// Of so many cases one is run in the tests.
const SPREAD: usize = 13;

/// Runs the layer.
#[must_use]
pub fn layer(size: Size) -> Report {
    run(NAME, plans(size))
}

fn cases() -> Vec<Case> {
    let mut cases = answers::cases();
    cases.extend(ledger::cases());
    cases.extend(signing_in::cases());
    cases.extend(devices::cases());
    cases
}

fn plans(size: Size) -> Vec<Plan> {
    let chosen: Vec<Case> = match size {
        Size::Full => cases(),
        Size::Small => cases().into_iter().filter(|case| !case.is_long()).step_by(SPREAD).collect(),
    };
    chosen.into_iter().map(Case::into_plan).collect()
}

#[cfg(test)]
mod tests;
