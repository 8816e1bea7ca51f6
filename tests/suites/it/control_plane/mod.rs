//! What a real kube-apiserver makes of the operator's definitions.
//!
//! These tests need kube-apiserver, etcd and kubectl; `tests/support/control-plane` builds them where they are missing. They fail,
//! they are never left out, where that is not possible.

mod admission;
mod approve;
mod claims;
mod columns;
mod denials;
mod dropped;
mod finished;
pub mod identity;
mod kubectl;
mod rules;
mod samples;
mod schema_admits;
mod schema_values;
pub mod server;
mod stale;
mod status;
mod versions;
