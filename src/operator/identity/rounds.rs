//! One round of probes after the other, as long as this replica leads and somebody depends on it.

use std::sync::Arc;

use futures::StreamExt;
use tokio::{sync::watch, time::Instant};

use super::{
    probes,
    proof::{IdentityProof, Known},
    shipped::Shipped,
};
use crate::{
    graph::Clock,
    operator::{cluster::Cluster, reconciliations::stopped},
    telemetry::metrics::Metrics,
};
use passcode_core::{
    api::conditions::{Truth, reason},
    protocol::identity_proof::{Identity, Proof},
};

/// What the rounds of a term need.
pub struct Context {
    /// The cluster.
    pub cluster: Arc<Cluster>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where it is noted what they show.
    pub proof: Arc<IdentityProof>,
    /// The term.
    pub term: u64,
    /// What the leader lease kept when the term began.
    pub kept: Option<Proof>,
}

/// Runs until `stop`.
pub async fn run(context: Context, stop: watch::Receiver<bool>) {
    if context.kept.is_some() {
        // Somebody depended on it in the term before, and may be waiting.
        context.proof.need();
    }
    let mut needed = context.proof.needed();
    let work = async {
        // The sender is the context's own.
        let _ = needed.wait_for(|needed| *needed).await;
        rounds(&context).await;
    };
    tokio::select! {
        () = work => {}
        () = stopped(stop) => {}
    }
    context.proof.forget();
    context.metrics.identity_not_enforced(false);
}

async fn rounds(context: &Context) {
    let mut known = Known { identity: Identity::new(context.kept), differing: Vec::new() };
    let mut shipped = Shipped::default();
    let changes = Shipped::changes(&context.cluster.client);
    tokio::pin!(changes);
    let mut due = after(&known);
    note(context, &known);
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(due) => {
                let (verdict, date) = probes::round(&context.cluster, context.clock.wall()).await;
                known.identity.tried(verdict, date, context.clock.boot());
                due = after(&known);
                note(context, &known);
            }
            Some(change) = changes.next() => if shipped.apply(change) {
                known.differing = shipped.differing();
                known.identity.changed();
                due = due.min(after(&known));
                note(context, &known);
            },
        }
    }
}

fn after(known: &Known) -> Instant {
    Instant::now() + known.identity.pause()
}

fn note(context: &Context, known: &Known) {
    let before = context.proof.said();
    context.proof.found(context.term, known.clone());
    context.metrics.identity_not_enforced(context.proof.since().is_none());
    let Some((truth, why, message)) = context.proof.said() else { return };
    if before.is_some_and(|(_, before, _)| before == why) {
        return;
    }
    match truth {
        Truth::True => tracing::info!(reason = why, message, "identity is enforced"),
        _ if why == reason::IDENTITY_NOT_PROVED => tracing::info!(reason = why, message, "identity is not proved"),
        _ => tracing::warn!(reason = why, message, "identity is not enforced"),
    }
}
