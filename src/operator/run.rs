//! Starts everything, and ends it in order.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use kube::Client;
use tokio::{sync::watch, task::JoinHandle};

use super::{
    cluster::Cluster,
    identity::IdentityProof,
    leader::Elector,
    locks::Locks,
    schema::Comparison,
    term::Terms,
    transports::{GraphAccess, Transports},
};
use crate::{
    graph::{AllowedOrigins, Clock},
    telemetry::{
        health::Health,
        http::{self, Sources},
        metrics::Metrics,
    },
};

/// How often the served schemas are compared with our own.
const SCHEMA_PERIOD: Duration = Duration::from_secs(30);
/// The same while they are not current.
const STALE_SCHEMA_PERIOD: Duration = Duration::from_secs(3);

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
    /// Whether it is tried who can approve and ask, also where no policy asks for that.
    pub probe_identity: bool,
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
    let Environment { client, namespace, identity, clock, transports, token_file, allowed_origins, .. } = environment;
    let Environment { probe_identity, listen, .. } = environment;
    let server = listen.map(|address| {
        let sources = Sources { health: health.clone(), metrics: metrics.clone(), clock: clock.clone() };
        tokio::spawn(http::serve(address, sources, stop.clone()))
    });
    tokio::spawn(compare_schemas(client.clone(), health.clone(), stop.clone()));
    let (proof, proofs) = IdentityProof::new(clock.clone(), probe_identity);
    let told = (health.clone(), metrics.clone());
    let (elector, leadership) = Elector::new(client.clone(), &namespace, identity.clone(), clock.clone(), told, proofs);
    let election = tokio::spawn(elector.run(stop.clone()));
    let terms = Terms {
        locks: Arc::new(Locks::new(client.clone(), &namespace)),
        cluster: Arc::new(Cluster { client, namespace, identity }),
        proof: Arc::new(proof),
        graph: Arc::new(GraphAccess { transports, token_file, allowed_origins }),
        clock,
        health,
        metrics,
        stopping: Arc::default(),
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
    // Without its election a replica would lead forever and renew nothing: then the process ends, and is started again.
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
