//! IntuneTenants: each is set up, signed in, and told how it is.
//!
//! What lives here: the controller, a tenant as it is in force, its client, its Secrets, its limits. What does not: what its status says and
//! when it may be asked (`protocol`), signing in itself (`graph`).

pub mod budgets;
pub mod controller;
mod no_client;
mod secrets;
mod setup;
mod state;

pub use state::Tenant;
