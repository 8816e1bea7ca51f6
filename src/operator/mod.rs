//! Kubernetes: watches, carries out the next step, keeps locks and the leader lease, writes status and events.
//!
//! What lives here: effects. What does not: any rule about whether or when (`lifecycle`), any fact about a platform
//! (`platform`) or about Graph's wire format (`graph`).

mod budgets;
mod caches;
mod calls;
mod claim_trials;
mod context;
mod deletions;
mod denials;
mod dependencies;
mod event_writer;
mod guarded;
mod intune;
mod leader;
mod listed;
mod locks;
mod matrices;
mod namespaces;
mod no_client;
mod pass;
mod pass_queue;
mod pass_state;
mod pass_wait;
mod resets;
mod run;
mod schema;
mod slots;
mod status_writer;
mod sweep;
mod tenant;
mod tenant_secrets;
mod tenant_setup;
mod tenants;
pub mod transports;
mod upkeep;

pub use run::{Environment, run};
