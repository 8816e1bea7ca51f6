//! Layer 6, random histories: a seed says what exists, what people do and what goes wrong, and when. Then everything is in order again,
//! and within a bound every object has to end as the audit wants it.
//!
//! What lives here: what a seed makes ([`draw`]), what can happen ([`event`]), and how it is made to happen ([`stage`]). Nothing is drawn
//! while a history runs, so a seed is a history that can be printed, and changed by hand.
//!
//! Not drawn, because the promise does not cover it: a request that is carried out later than sendGrace after it was
//! sent; a record that lags longer than ledgerLag; clocks that jump; an answer that means "not executed" or "refused" to a request that was
//! carried out; a device lock deleted by hand; two installations. And a restore of etcd from a snapshot younger than the settle window, or
//! older than the first leader lease: nothing in the cluster tells it. Nor one together with a device that
//! vanishes or is enrolled again: a claim that is lost with the record that would have shown its reset cannot be known.

mod draw;
mod event;
mod stage;

use super::Size;
use crate::{
    plan::{self, Plan},
    report::Report,
};

/// How many seeds each size runs, from 0 on.
const SMALL: u64 = 2_000;
const FULL: u64 = 100_000;

/// Runs the layer.
#[must_use]
pub fn run(size: Size) -> Report {
    let seeds = match size {
        Size::Small => SMALL,
        Size::Full => FULL,
    };
    range(0, seeds - 1)
}

/// Runs the seeds of a range, its end included.
#[must_use]
pub fn range(first: u64, last: u64) -> Report {
    Report { seeds: Some(first..=last), ..plan::run("histories", (first..=last).map(of_seed)) }
}

/// Runs one seed and prints what it makes happen.
#[must_use]
pub fn replay(seed: u64) -> Report {
    println!("{}", draw::history(seed));
    range(seed, seed)
}

fn of_seed(seed: u64) -> Plan {
    Plan::new(format!("seed {seed}"), move || stage::play(draw::history(seed)))
}

#[cfg(test)]
mod tests;
