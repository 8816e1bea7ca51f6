//! `/livez`, `/readyz` and `/metrics`.

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::State, http::StatusCode, routing::get};
use tokio::{net::TcpListener, sync::watch};

use super::{health::Health, metrics::Metrics};
use crate::graph::Clock;

/// What the endpoints answer from.
#[derive(Clone)]
pub struct Sources {
    /// Health.
    pub health: Arc<Health>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The clock by which silence is measured.
    pub clock: Arc<dyn Clock>,
}

/// Serves until `stop`.
///
/// # Errors
/// If the address cannot be listened on.
pub async fn serve(address: SocketAddr, sources: Sources, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
    let listener = TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "listening for probes and metrics");
    let stopped = async move {
        let _ = stop.wait_for(|stop| *stop).await;
    };
    axum::serve(listener, router(sources)).with_graceful_shutdown(stopped).await?;
    Ok(())
}

fn router(sources: Sources) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(sources)
}

async fn ready(State(sources): State<Sources>) -> (StatusCode, String) {
    match sources.health.ready(sources.clock.boot()) {
        Ok(()) => (StatusCode::OK, "ok\n".to_owned()),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")),
    }
}

async fn metrics(State(sources): State<Sources>) -> ([(&'static str, &'static str); 1], String) {
    ([("content-type", "application/openmetrics-text; version=1.0.0; charset=utf-8")], sources.metrics.text())
}
