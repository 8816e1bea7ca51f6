//! The once-only protocol, explored: the operator's own `decide` and `answered`, in every order of events that a small world allows.
//!
//! What lives here: a world of one device, one or two objects, an API server, Intune's record of the device and one to three replicas,
//! in which anything may be late, lost, stale or restored (`state`, `store`, `environment`, `election`, `driver`); the same with one thing done wrong
//! (`variant`), which shows that the exploration would notice; and what has to hold (`explore`). What does not: any rule of whether
//! and when. Those are the operator's, called through `bridge`.
//!
//! Time goes in ticks of half a minute, as long as a claim may be sent. Intune's bounds (how late a request may be carried out, how
//! long its entry may be hidden, how wrong a clock may be) are a tick or two, so that their edges are met in every way.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a model that is wrong about itself must stop"
)]

mod bridge;
mod driver;
mod election;
mod environment;
pub mod explore;
mod mind;
pub mod setup;
mod state;
mod store;
mod terms;
pub mod variant;
pub mod worlds;
