//! Starts everything, and ends it in order.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use kube::{Client, runtime::reflector::Store};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use super::{
    caches::{self, Namespaces},
    context::{Context, Devices, Tenants},
    event_writer::EventWriter,
    guarded::Guarded,
    leader::{Candidate, Leadership},
    locks::Locks,
    reset::{
        claim_trials::Asks,
        controller::{self as resets, Inputs},
        deletions::Deletions,
        queue::PassQueue,
        slots::Slots,
        state::PassStates,
    },
    schema::Comparison,
    tenant::budgets::Budgets,
    transports::Transports,
    upkeep,
};
use crate::{
    graph::{AllowedOrigins, Clock},
    telemetry::{
        health::Health,
        http::{self, Sources},
        metrics::Metrics,
    },
};
use passcode_core::api::tenant::IntuneTenant;

/// How often the served schemas are compared with our own.
const SCHEMA_PERIOD: Duration = Duration::from_secs(30);
/// The same while they are not current.
const STALE_SCHEMA_PERIOD: Duration = Duration::from_secs(3);

/// How long the first lists of a term may take, of a hundred thousand objects too.
const FILLED_WITHIN: Duration = Duration::from_secs(60);
/// How soon a term begins anew whose part has ended.
const BEGIN_ANEW: Duration = Duration::from_secs(1);

/// What the operator runs on.
pub struct Environment {
    /// The API server.
    pub client: Client,
    /// The operator's own namespace.
    pub namespace: String,
    /// This replica's name, unique among replicas and restarts.
    pub identity: String,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How Graph is reached.
    pub transports: Arc<dyn Transports>,
    /// The pod's projected token, for tenants that sign in by workload identity.
    pub token_file: PathBuf,
    /// Where credentials may be sent besides Microsoft's own origins.
    pub allowed_origins: AllowedOrigins,
    /// Where probes and metrics are served; `None`: nowhere.
    pub listen: Option<SocketAddr>,
}

/// Runs the operator until `stop` becomes true; then no new lock is taken, the leader lease is let go at once, and what is in
/// flight is finished and recorded.
///
/// # Errors
/// If the probes' address cannot be listened on.
pub async fn run(environment: Environment, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let health = Arc::new(Health::default());
    let metrics = Arc::new(Metrics::default());
    let stopping = Arc::new(AtomicBool::new(false));
    let Environment { client, namespace, identity, clock, transports, token_file, allowed_origins, listen } =
        environment;
    let server = listen.map(|address| {
        let sources = Sources { health: health.clone(), metrics: metrics.clone(), clock: clock.clone() };
        tokio::spawn(http::serve(address, sources, stop.clone()))
    });
    tokio::spawn(compare_schemas(client.clone(), health.clone(), stop.clone()));
    let (candidate, leadership) =
        Candidate::new(client.clone(), &namespace, identity.clone(), clock.clone(), (health.clone(), metrics.clone()));
    let election = tokio::spawn(candidate.run(stop.clone()));
    let locks = Arc::new(Locks::new(client.clone(), &namespace));
    let terms = Terms {
        client,
        namespace,
        identity,
        clock,
        transports,
        token_file,
        allowed_origins,
        locks,
        health,
        metrics,
        stopping,
        leadership,
    };
    let terms = tokio::spawn(terms.run(stop.clone()));
    finish(server, election, terms).await
}

/// Ends with the work; the probes' address is the only thing without which it does not begin.
async fn finish(
    server: Option<JoinHandle<anyhow::Result<()>>>,
    election: JoinHandle<()>,
    terms: JoinHandle<()>,
) -> anyhow::Result<()> {
    // Without its election a replica would lead for ever and renew nothing: then the process ends, and is started anew.
    let work = futures::future::try_join(election, terms);
    tokio::pin!(work);
    if let Some(server) = server {
        tokio::select! {
            served = server => {
                served??;
            }
            ended = &mut work => {
                ended?;
                return Ok(());
            }
        }
    }
    work.await?;
    Ok(())
}

async fn compare_schemas(client: Client, health: Arc<Health>, mut stop: watch::Receiver<bool>) {
    let mut comparison = Comparison::default();
    loop {
        if !health.schema_is_current() {
            // A claim's answer may have told otherwise than the definitions did.
            comparison = Comparison::default();
        }
        match comparison.missing(&client).await {
            Ok(missing) => {
                if let Some(missing) = &missing {
                    tracing::warn!(missing, "nothing is sent until the served schema is current");
                }
                health.schema_compared(missing);
            }
            Err(error) => tracing::info!(%error, "the served schemas could not be read"),
        }
        let pause = if health.schema_is_current() { SCHEMA_PERIOD } else { STALE_SCHEMA_PERIOD };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// What every term of leadership begins with.
struct Terms {
    client: Client,
    namespace: String,
    identity: String,
    clock: Arc<dyn Clock>,
    transports: Arc<dyn Transports>,
    token_file: PathBuf,
    allowed_origins: AllowedOrigins,
    /// What is remembered of them outlives a term: the end of one may be a restore.
    locks: Arc<Locks>,
    health: Arc<Health>,
    metrics: Arc<Metrics>,
    stopping: Arc<AtomicBool>,
    leadership: watch::Receiver<Leadership>,
}

/// What a term's parts hear each other by.
struct Shared {
    namespaces: Store<Namespaces>,
    tenant_objects: Store<Guarded<IntuneTenant>>,
    tenants: Tenants,
    queue: PassQueue,
    deletions: Deletions,
}

impl Terms {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
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

    /// One term: until this replica does not lead any more or leads anew, a part of it ends, or `stop`.
    async fn term(&self, mut stop: watch::Receiver<bool>) {
        let term = self.leadership.borrow().term;
        let (caches, namespaces) = caches::caches();
        let filled = caches.filled(&namespaces);
        let (end, ended) = watch::channel(false);
        let (queue, told) = PassQueue::new();
        let (tenants, woken) = Tenants::new();
        let (deletions, deleted) = Deletions::new();
        let heard = Inputs { told, woken, deleted };
        let shared = Shared { namespaces, tenant_objects: caches.tenants.clone(), tenants, queue, deletions };
        let context = Arc::new(self.context(shared));
        self.metrics.leading(true);
        let mut parts = JoinSet::new();
        parts.spawn(upkeep::run(context.clone(), caches, ended.clone()));
        parts.spawn(async move {
            let mut stop = ended.clone();
            // What is not known yet must not look as if it were missing. A list that is never answered must not hold up the term either:
            // this part ends then, and the term begins anew.
            let filled = tokio::select! {
                () = filled => true,
                () = tokio::time::sleep(FILLED_WITHIN) => false,
                _ = stop.wait_for(|stop| *stop) => false,
            };
            if filled {
                resets::run(context, heard, ended).await;
            }
        });
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
            // Half of a term would look well and do nothing: the whole of it begins anew.
            let error = part.err().map(tracing::field::display);
            tracing::error!(error, "a part of the operator ended unexpectedly; it starts again, with a new term");
            tokio::time::sleep(BEGIN_ANEW).await;
        }
        while let Some(part) = parts.join_next().await {
            if let Err(error) = part {
                tracing::error!(%error, "a part of the operator ended unexpectedly");
            }
        }
    }

    fn context(&self, shared: Shared) -> Context {
        let Shared { namespaces, tenant_objects, tenants, queue, deletions } = shared;
        Context {
            client: self.client.clone(),
            namespace: self.namespace.clone(),
            identity: self.identity.clone(),
            clock: self.clock.clone(),
            transports: self.transports.clone(),
            token_file: self.token_file.clone(),
            allowed_origins: self.allowed_origins.clone(),
            tenants,
            namespaces,
            tenant_objects,
            budgets: Budgets::new(self.clock.clone()),
            slots: Slots::default(),
            queue,
            asks: Asks::default(),
            locks: self.locks.clone(),
            events: EventWriter::new(self.client.clone(), &self.identity),
            pass_states: PassStates::default(),
            deletions,
            devices: Devices::default(),
            leadership: self.leadership.clone(),
            metrics: self.metrics.clone(),
            health: self.health.clone(),
            stopping: self.stopping.clone(),
        }
    }
}
