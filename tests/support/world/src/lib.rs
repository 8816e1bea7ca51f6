//! The world that the operator runs in, for tests: an API server in process, the Graph simulator, and replicas, all in paused
//! time, so that a week takes a moment.
//!
//! What does not live here: any scenario (the tests in `tests/suites/it`, the campaign in `tests/suites/campaign`).
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a world that cannot be set up fails its test")]

pub mod changes;
mod identity;
pub mod objects;
pub mod transport;
mod world;

pub use world::{BEGIN, PausedClock, Plug, Replica, World, check};
