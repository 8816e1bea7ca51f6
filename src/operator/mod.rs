//! Kubernetes: watches, carries out the next step, keeps locks and the leader lease, writes status and events.
//!
//! What lives here: effects. What does not: any rule about whether or when (`lifecycle`), any fact about a platform
//! (`platform`) or about Graph's wire format (`graph`).

mod caches;
mod calls;
mod context;
mod denials;
mod dependencies;
mod event_writer;
mod guarded;
mod intune;
mod leader;
mod locks;
mod matrix;
mod namespaces;
mod reset;
mod run;
mod schema;
mod status_writer;
mod tenant;
pub mod transports;
mod upkeep;

pub use run::{Environment, run};
