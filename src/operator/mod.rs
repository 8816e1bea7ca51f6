//! Kubernetes: watches, carries out the next step, keeps locks and the leader lease, writes status and events.
//!
//! What lives here: effects. What does not: any rule about whether or when (`lifecycle`), any fact about a platform
//! (`platform`) or about Graph's wire format (`graph`).

mod authority;
mod calls;
mod cluster;
mod denials;
mod event_writer;
mod guarded;
mod identity;
mod intune;
mod leader;
mod lock_sweep;
mod locks;
mod matrix;
mod namespace_watch;
mod namespaces;
mod policy;
mod ready_writer;
mod reconciliations;
mod reset;
mod run;
mod schema;
mod sent;
mod status_writer;
mod tenant;
mod term;
pub mod transports;
mod wakes;
mod watches;

pub use denials::{denial, visible};
pub use run::{Environment, run};
