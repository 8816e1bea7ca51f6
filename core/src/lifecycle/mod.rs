//! The state machine: whether, when and how often a reset is sent, and how it ends.
//!
//! What lives here: every rule about *whether and when*. [`decide::decide`] takes what was observed and the time, and answers with the
//! status to write and the one next step. What does not: any clock, randomness, input or output (they are arguments), any
//! fact about a platform (`platform`) or about Graph's wire format (`graph`).

pub mod action_check;
pub mod admission;
mod admitted;
pub mod agreement;
pub mod answered;
mod attempts;
pub mod breaker;
mod claim;
pub mod decide;
pub mod device;
mod draft;
pub mod events;
mod following;
mod holds;
pub mod ledger;
pub mod lock;
pub mod memory;
mod messages;
pub mod observed;
mod outcomes;
mod permitted;
pub mod polling;
pub mod quarantine;
pub mod step;
#[cfg(test)]
pub(crate) mod tests;
pub mod without_tenant;
mod wording;
