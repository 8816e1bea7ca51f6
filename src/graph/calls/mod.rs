//! The calls: finding a device, looking at its ledger, asking for a reset.
//!
//! What lives here: the client with its calls, every request that can be made, Graph's documents, and what an answer means to a read and
//! to an action. What does not: a rule about whether or when a device may be reset, how tokens are got (`auth`), how much is sent and
//! when (`limits`), and how it is sent (`http`).

mod answer;
mod channel;
mod client;
mod find;
mod look;
mod read;
mod read_error;
mod request;
mod selector;
mod send;
#[cfg(test)]
mod testing;
mod wire;

pub use answer::{Answer, NotExecuted};
pub use client::Graph;
pub use find::{Candidate, Identified};
pub use read_error::ReadError;
pub use request::Action;
pub use selector::Selector;
pub use send::Sent;
pub use wire::{BadDevices, devices_from_json};
