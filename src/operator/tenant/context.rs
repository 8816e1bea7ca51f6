//! What the parts of this directory need.

use std::sync::Arc;

use super::{Tenants, budgets::Budgets, known::AllKnown};
use crate::{
    graph::Clock,
    operator::{
        cluster::Cluster, identity::IdentityProof, matrix::Matrices, reconciliations::Reconciliations,
        transports::GraphAccess,
    },
    telemetry::metrics::Metrics,
};

/// What the controller of tenants needs.
pub struct Context {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How Graph is reached.
    pub graph: Arc<GraphAccess>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The tenants in force.
    pub tenants: Arc<Tenants>,
    /// The matrices.
    pub matrices: Arc<Matrices>,
    /// What was asked of Graph.
    pub budgets: Budgets,
    /// What outlives a change of an object.
    pub known: AllKnown,
    /// What is known of who approves and who asks.
    pub proof: Arc<IdentityProof>,
    /// What is under way.
    pub reconciliations: Reconciliations,
}
