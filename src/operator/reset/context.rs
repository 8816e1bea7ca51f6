//! What the parts of this directory need.

use std::sync::Arc;

use kube::{ResourceExt, runtime::reflector::Store};

use super::{
    claim_trials::Asks,
    deletions::Deletions,
    devices::Devices,
    queue::PassQueue,
    slots::Slots,
    state::{PassState, PassStates},
};
use crate::{
    graph::Clock,
    operator::{
        authority::Authority, cluster::Cluster, event_writer::EventWriter, identity::IdentityProof, locks::Locks,
        policy::Policies, sent::SentResets, tenant::Tenants, watches::Namespaces,
    },
    telemetry::{health::Health, metrics::Metrics},
};

/// What the controller needs: what a pass does, and whose turn it is.
pub struct Context {
    /// What a pass needs.
    pub pass: PassContext,
    /// Slots for passes.
    pub slots: Slots,
    /// Who waits for one, or for capacity within a tenant's limits.
    pub queue: PassQueue,
    /// What is remembered of unfinished objects.
    pub states: PassStates,
    /// Objects that were deleted after their request was sent.
    pub deletions: Deletions,
}

/// What a pass needs.
pub struct PassContext {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Whether this process may act.
    pub authority: Authority,
    /// The tenants in force.
    pub tenants: Arc<Tenants>,
    /// The namespaces.
    pub namespaces: Store<Namespaces>,
    /// The policies.
    pub policies: Arc<Policies>,
    /// Whether it is proved who approves.
    pub identity: Arc<IdentityProof>,
    /// What the budgets of policies count.
    pub sent: Arc<SentResets>,
    /// When held claims are tried again.
    pub asks: Asks,
    /// Work on one device is serial.
    pub devices: Devices,
    /// Device locks.
    pub locks: Arc<Locks>,
    /// Events.
    pub events: EventWriter,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What the probes are told.
    pub health: Arc<Health>,
}

impl Context {
    /// An object is gone of which this was remembered: before it was sent that cancels it; afterwards the reset may still happen, and
    /// somebody has to be told.
    pub fn forgotten(&self, state: PassState) {
        let Some(object) = state.in_flight else { return };
        if let Some(tenant) = self.pass.tenants.get(&object.spec.tenant_ref.name) {
            tenant.record.health().follows(&object.uid().unwrap_or_default(), 0);
        }
        self.deletions.note(object);
    }
}
