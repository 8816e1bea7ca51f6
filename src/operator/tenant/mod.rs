//! IntuneTenants: each is set up, signed in, and told how it is.
//!
//! What lives here: the controller, a tenant as it is in force, its client, its Secrets, its limits. What does not: what its status says and
//! when it may be asked (`protocol`), signing in itself (`graph`).

pub mod budgets;
mod client;
pub mod context;
pub mod controller;
pub mod known;
mod no_client;
mod registry;
mod secrets;
mod setup;
mod state;
mod status;

pub use registry::{Presence, Tenants};
pub use state::Tenant;
