//! One term of leadership: its parts, and how it ends.
//!
//! The parts: the controllers of tenants, matrices and resets, the watch of the namespaces, the sweep of the device locks, and the probes of who can
//! approve and ask. Resets begin once the caches of the others are filled.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::runtime::reflector::{self, Store};
use tokio::{
    sync::{mpsc, watch},
    task::JoinSet,
};

use super::{
    authority::Authority,
    cluster::Cluster,
    event_writer::EventWriter,
    identity::{self, IdentityProof},
    leader::Leadership,
    lock_sweep,
    locks::Locks,
    matrix::{self, Matrices},
    namespace_watch,
    policy::{self, Policies},
    reconciliations::{Reconciliations, stopped},
    reset::{
        self, claim_trials::Asks, context::PassContext, controller::Inputs, deletions::Deletions, devices::Devices,
        queue::PassQueue, slots::Slots, state::PassStates,
    },
    tenant::{self, Tenants, budgets::Budgets, known::AllKnown},
    transports::GraphAccess,
    wakes::{Wake, Wakes},
    watches::{Filled, Namespaces, Probes, watched},
};
use crate::{
    graph::Clock,
    telemetry::{
        health::{Health, Watch},
        metrics::Metrics,
    },
};

/// How long the first lists of a term may take, of a hundred thousand objects too.
const FILLED_WITHIN: Duration = Duration::from_secs(60);
/// How long after a part of a term ended the next term begins.
const TERM_PAUSE: Duration = Duration::from_secs(1);

/// What every term of leadership begins with.
pub struct Terms {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// How Graph is reached.
    pub graph: Arc<GraphAccess>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// What is remembered of them outlives a term: the end of one may be a restore.
    pub locks: Arc<Locks>,
    /// What is known of who approves and who asks.
    pub proof: Arc<IdentityProof>,
    /// What the probes are told.
    pub health: Arc<Health>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Set at SIGTERM: no new locks.
    pub stopping: Arc<AtomicBool>,
    /// Whether this replica leads, and the quarantine.
    pub leadership: watch::Receiver<Leadership>,
}

impl Terms {
    /// One term after the other, until `stop`.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            tokio::select! {
                // Stopping comes first: the lease may still be ours for the moment that it takes to let it go.
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                led = self.leadership.wait_for(|state| state.leading) => {
                    if led.is_err() {
                        return;
                    }
                }
            }
            if !self.schema_is_current(&mut stop).await {
                return;
            }
            self.term(stop.clone()).await;
            // Without an election nothing says any more whether this replica leads.
            if self.leadership.has_changed().is_err() {
                return;
            }
        }
    }

    /// Nothing can be watched before the definitions are there. `false`: it is time to stop.
    async fn schema_is_current(&self, stop: &mut watch::Receiver<bool>) -> bool {
        while !self.health.schema_is_current() {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
                _ = stop.wait_for(|stop| *stop) => return false,
            }
        }
        true
    }

    /// One term: until this replica does not lead any more or leads in another term, a part of it ends, or `stop`.
    async fn term(&self, mut stop: watch::Receiver<bool>) {
        let leadership = *self.leadership.borrow();
        let term = leadership.term;
        let (end, ended) = watch::channel(false);
        self.metrics.leading(true);
        let mut parts = self.parts(leadership, &ended);
        let mut leadership = self.leadership.clone();
        let ended_by_itself = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => {
                self.stopping.store(true, Ordering::Relaxed);
                None
            }
            _ = leadership.wait_for(|state| !state.leading || state.term != term) => None,
            part = parts.join_next() => part,
        };
        end.send_replace(true);
        self.metrics.leading(false);
        if let Some(part) = ended_by_itself {
            // Half of a term would look well and do nothing: the whole of it begins again.
            let error = part.err().map(tracing::field::display);
            tracing::error!(error, "a part of the operator ended unexpectedly; it starts again, with a new term");
            tokio::time::sleep(TERM_PAUSE).await;
        }
        while let Some(part) = parts.join_next().await {
            if let Err(error) = part {
                tracing::error!(%error, "a part of the operator ended unexpectedly");
            }
        }
    }

    /// Begins the parts of a term; each runs until `ended`.
    fn parts(
        &self,
        Leadership { term, succeeded, identity: kept, .. }: Leadership,
        ended: &watch::Receiver<bool>,
    ) -> JoinSet<()> {
        let Self { cluster, clock, .. } = self;
        let client = &cluster.client;
        let probes = Probes { health: self.health.clone(), clock: clock.clone() };
        let (namespaces, of_namespaces) = reflector::store();
        let (matrix_objects, of_matrices) = reflector::store();
        let (tenant_objects, of_tenants) = reflector::store();
        let (policy_objects, of_policies) = reflector::store();
        let (namespaces_filled, matrices_filled, tenants_filled) = (Filled::new(), Filled::new(), Filled::new());
        let policies_filled = Filled::new();
        let (wakes, woken) = Wakes::new();
        let (matrix_changed, matrices_changed) = mpsc::unbounded_channel();
        let policies = Arc::new(Policies::new(policy_objects.clone(), policies_filled.1.clone()));
        let matrices = Arc::new(Matrices::new(matrix_objects.clone(), matrices_filled.1.clone()));
        let tenants = Arc::new(Tenants::new(tenant_objects.clone(), wakes.clone()));
        let reconciliations = || Reconciliations::new(self.metrics.clone(), ended.clone());
        let caches = [namespaces_filled.1, matrices_filled.1, tenants_filled.1];
        let filled = async move {
            for cache in &caches {
                // An error means that the watch has ended, and with it the term.
                let _ = cache.wait().await;
            }
        };

        let mut parts = JoinSet::new();
        let events = watched(client.clone(), (of_namespaces, namespaces_filled.0), probes.clone(), Watch::Namespaces);
        parts.spawn(namespace_watch::run(
            namespaces.clone(),
            events,
            tenants.clone(),
            policies.clone(),
            wakes.clone(),
            ended.clone(),
        ));

        let context = policy::controller::Context {
            client: client.clone(),
            clock: clock.clone(),
            metrics: self.metrics.clone(),
            policies: policies.clone(),
            tenants: tenants.clone(),
            namespaces: namespaces.clone(),
            wakes: wakes.clone(),
            proof: self.proof.clone(),
            reconciliations: reconciliations(),
            told: Mutex::default(),
        };
        let events = watched(client.clone(), (of_policies, policies_filled.0), probes.clone(), Watch::Policies);
        parts.spawn(policy::controller::run(context, policy_objects, events, ended.clone()));
        parts.spawn(policy::wake_by_proof(self.proof.clone(), tenants.clone(), wakes.clone(), ended.clone()));
        parts.spawn(policy::approvals::wake(client.clone(), probes.clone(), wakes, ended.clone()));

        let context = matrix::controller::Context {
            client: client.clone(),
            clock: clock.clone(),
            metrics: self.metrics.clone(),
            matrices: matrices.clone(),
            reconciliations: reconciliations(),
        };
        let events = watched(client.clone(), (of_matrices, matrices_filled.0), probes.clone(), Watch::Matrices);
        parts.spawn(matrix::controller::run(context, matrix_objects, events, matrix_changed, ended.clone()));

        let context = tenant::context::Context {
            cluster: cluster.clone(),
            clock: clock.clone(),
            graph: self.graph.clone(),
            metrics: self.metrics.clone(),
            tenants: tenants.clone(),
            matrices,
            budgets: Budgets::new(clock.clone(), self.locks.clone(), succeeded),
            known: AllKnown::default(),
            proof: self.proof.clone(),
            reconciliations: reconciliations(),
        };
        let events = watched(client.clone(), (of_tenants, tenants_filled.0), probes, Watch::Tenants);
        parts.spawn(tenant::controller::run(context, tenant_objects, events, matrices_changed, ended.clone()));

        parts.spawn(lock_sweep::run(
            self.locks.clone(),
            tenants.clone(),
            policies.clone(),
            clock.clone(),
            ended.clone(),
        ));

        let context = identity::Context {
            cluster: cluster.clone(),
            clock: clock.clone(),
            metrics: self.metrics.clone(),
            proof: self.proof.clone(),
            term,
            kept,
        };
        parts.spawn(identity::run(context, ended.clone()));

        let (context, inputs) = self.resets(tenants, namespaces, policies.clone(), woken);
        let locks = self.locks.clone();
        let ended = ended.clone();
        parts.spawn(async move {
            // What is not known yet must not look as if it were missing. A list that is never answered must not hold up the term either:
            // this part ends then, and the term begins again.
            let known = async {
                filled.await;
                policies.are_known().await;
                locks.sent().await
            };
            let sent = tokio::select! {
                sent = known => sent.inspect_err(|error| tracing::info!(%error, "the device locks could not be listed")).ok(),
                () = tokio::time::sleep(FILLED_WITHIN) => None,
                () = stopped(ended.clone()) => None,
            };
            if let Some(sent) = sent {
                context.pass.sent.begin_with(sent);
                reset::controller::run(Arc::new(context), inputs, ended).await;
            }
        });
        parts
    }

    /// What the controller of resets needs, and what comes to it from elsewhere.
    fn resets(
        &self,
        tenants: Arc<Tenants>,
        namespaces: Store<Namespaces>,
        policies: Arc<Policies>,
        woken: mpsc::UnboundedReceiver<Wake>,
    ) -> (reset::context::Context, Inputs) {
        let (queue, told) = PassQueue::new();
        let (deletions, deleted) = Deletions::new();
        let pass = PassContext {
            cluster: self.cluster.clone(),
            clock: self.clock.clone(),
            authority: Authority {
                cluster: self.cluster.clone(),
                clock: self.clock.clone(),
                health: self.health.clone(),
                leadership: self.leadership.clone(),
                stopping: self.stopping.clone(),
            },
            tenants,
            namespaces,
            policies,
            identity: self.proof.clone(),
            sent: Arc::default(),
            asks: Asks::default(),
            devices: Devices::default(),
            locks: self.locks.clone(),
            events: EventWriter::new(self.cluster.client.clone(), &self.cluster.identity),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
        };
        let states = PassStates::default();
        let context = reset::context::Context { pass, slots: Slots::default(), queue, states, deletions };
        (context, Inputs { told, woken, deleted })
    }
}
