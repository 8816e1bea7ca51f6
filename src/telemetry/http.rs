//! `/livez`, `/readyz` and `/metrics`.
//!
//! A scraper that does not ask for OpenMetrics gets Prometheus' older text format, which every scraper reads.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    routing::get,
};
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

async fn metrics(
    State(sources): State<Sources>,
    asked: HeaderMap,
) -> ([(header::HeaderName, &'static str); 2], String) {
    let (kind, text) = if takes_openmetrics(&asked) {
        (OPENMETRICS, sources.metrics.openmetrics())
    } else {
        (PLAIN, sources.metrics.plain())
    };
    ([(header::CONTENT_TYPE, kind), (header::VARY, "accept")], text)
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PLAIN: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Whether OpenMetrics is asked for, and the plain format not more than it.
fn takes_openmetrics(asked: &HeaderMap) -> bool {
    let ranges = asked.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<(String, f32)> = ranges.flat_map(|value| value.split(',')).map(weighed).collect();
    let weight =
        |kind: &str| ranges.iter().filter(|(range, _)| range == kind).map(|(_, weight)| *weight).fold(0.0, f32::max);
    let openmetrics = weight("application/openmetrics-text");
    openmetrics > 0.0 && openmetrics >= weight("text/plain")
}

/// A range of the Accept header without its parameters, in lower case, and its weight (RFC 9110, 12.5.1).
fn weighed(range: &str) -> (String, f32) {
    let mut parts = range.split(';').map(|part| part.trim().to_ascii_lowercase());
    let kind = parts.next().unwrap_or_default();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").and_then(|weight| weight.trim().parse().ok()));
    (kind, weight.unwrap_or(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use axum::{body::Body, http::Request};
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::graph::SystemClock;
    use passcode_core::api::reset_status::Outcome;

    async fn scraped(accept: &[&str]) -> (String, String) {
        let metrics = Arc::new(Metrics::default());
        metrics.pass();
        metrics.finished(Outcome::Complete, &Default::default());
        let sources = Sources { health: Arc::default(), metrics, clock: Arc::new(SystemClock) };
        let request = accept.iter().fold(Request::get("/metrics"), |request, accept| request.header("accept", *accept));
        let answer = router(sources).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
        let text = String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap();
        (kind, text)
    }

    #[tokio::test]
    async fn metrics_come_in_the_format_that_was_asked_for() {
        // The third is what Prometheus 3 sends.
        for accept in [
            &["application/openmetrics-text"][..],
            &["text/plain;q=0.5", "Application/OpenMetrics-Text; version=1.0.0; q=0.9"],
            &[
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            ],
        ] {
            let (kind, text) = scraped(accept).await;
            assert_eq!(kind, OPENMETRICS, "{accept:?}");
            assert!(text.contains("# TYPE passcode_operator_passes counter\n") && text.ends_with("# EOF\n"), "{text}");
        }
        for accept in [
            &[][..],
            &["*/*"],
            &["text/plain"],
            &["text/plain;version=0.0.4;q=0.5,*/*;q=0.1"],
            &["application/openmetrics-text;q=0.1,text/plain;q=0.9"],
            &["application/openmetrics-text;q=0"],
            &["application/json"],
        ] {
            let (kind, text) = scraped(accept).await;
            assert_eq!(kind, PLAIN, "{accept:?}");
            assert!(
                text.contains("# TYPE passcode_operator_passes_total counter\npasscode_operator_passes_total 1\n"),
                "{text}"
            );
            assert!(text.contains("# HELP passcode_operator_passes_total "), "{text}");
            assert!(
                text.contains("# TYPE passcode_operator_leading_bool gauge\npasscode_operator_leading_bool 0\n"),
                "{text}"
            );
            assert!(!text.contains("# EOF") && !text.contains("# UNIT"), "{text}");
        }
    }
}
