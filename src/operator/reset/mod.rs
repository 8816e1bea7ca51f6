//! PasscodeResets: the controller, its queue and slots, and one pass over one object.
//!
//! What lives here: whose turn it is, and the effects of a pass. What does not: any rule about a reset (`lifecycle`), the order of the
//! effects (`protocol`), tenants and their clients (`tenant`).

pub mod claim_trials;
pub mod context;
pub mod controller;
pub mod deletions;
pub mod devices;
pub mod listed;
mod pass;
pub mod queue;
mod reading;
pub mod slots;
pub mod state;
mod sweep;
mod wait;
