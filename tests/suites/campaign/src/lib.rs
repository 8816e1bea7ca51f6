//! The reliability campaign: no phone is reset twice and none is forgotten, whatever dies.
//!
//! What lives here: the layers (each makes plans: a world, and what goes wrong in it), the audit that holds what the API server
//! and the simulator know against the promise, and the report. What does not: the model of the protocol
//! (`tests/suites/model`), the world itself (`tests/support/world`), and tests of single features (`tests/suites/it`).
//!
//! Each layer runs small, with a fixed seed, in `cargo test`; `make campaign` runs all of them in full.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be set up, or does not hold, fails its plan"
)]

pub mod audit;
pub mod drills;
pub mod ends;
pub mod layers;
pub mod plan;
pub mod processes;
pub mod report;
pub mod resources;
pub mod scenarios;
pub mod trace;
