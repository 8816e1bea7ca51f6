//! Reads as the scheduler makes them over this client.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{auth::testing::client_secret, http::Exchange};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use http::{Request, Response};
use serde_json::{Value, json};
use tokio::time::Instant;

/// A script that takes a second for each answer of Graph's.
struct Slow(Arc<Script>);

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request<Bytes>, exchange: Exchange) -> Result<Response<Bytes>, TransportError> {
        if request.uri().host() == Some("graph.test") {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        self.0.send(request, exchange).await
    }
}

/// Time as tokio has it.
struct Paused(Instant);

impl Clock for Paused {
    fn boot(&self) -> Duration {
        Duration::from_secs(1000) + self.0.elapsed()
    }

    fn wall(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }
}

fn device(id: &str) -> Value {
    json!({"id": id, "deviceActionResults": []})
}

/// Graph as it answers looks.
fn graph(requests: usize) -> (Arc<Graph>, Arc<Script>) {
    let script = Script::signed_in(|request| ok(&device(request.uri().path().rsplit('/').next().unwrap())));
    let clock = Arc::new(Paused(Instant::now()));
    let transport = Arc::new(Slow(script.clone()));
    let graph = Graph::new(TENANT, endpoints(), client_secret(), transport, clock.clone()).unwrap();
    let limits = Limits { requests, resets: 2, resets_per_hour: 100 };
    (Arc::new(graph.within(Budget::new(clock), limits)), script)
}

/// So many looks at once, in this order.
async fn looks(graph: &Graph, priorities: &[Priority]) {
    let looks = priorities.iter().enumerate().map(|(number, priority)| async move {
        graph.look(&format!("device-{number}"), *priority).await.unwrap();
    });
    join_all(looks).await;
}

#[tokio::test(start_paused = true)]
async fn each_read_is_a_call_of_its_own_and_sixty_four_are_under_way_at_once() {
    let (graph, script) = graph(2000);
    looks(&graph, &[Priority::LookUp]).await;
    for (count, seconds) in [(64, 1), (65, 2), (200, 4)] {
        let (begin, before) = (Instant::now(), script.graph_calls().len());
        looks(&graph, &vec![Priority::LookUp; count]).await;
        assert_eq!(script.graph_calls().len() - before, count);
        assert_eq!(begin.elapsed(), Duration::from_secs(seconds), "{count}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_looks_of_a_reset_pass_all_others() {
    let (graph, script) = graph(2000);
    looks(&graph, &[Priority::LookUp]).await;
    let many = {
        let graph = graph.clone();
        tokio::spawn(async move { looks(&graph, &[Priority::LookUp; 200]).await })
    };
    tokio::time::sleep(Duration::from_millis(10)).await;
    let begin = Instant::now();
    graph.look("urgent", Priority::Reset).await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    let alone = script.graph_calls().into_iter().filter(|call| call.line.contains("/urgent?")).count();
    assert_eq!(alone, 1);
    many.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn no_twenty_seconds_hold_more_reads_than_the_limit_and_some_are_spared() {
    let (graph, _) = graph(22);
    let begin = Instant::now();
    // Of 20 reads 6 are for resets.
    looks(&graph, &[Priority::LookUp; 14]).await;
    assert!(begin.elapsed() < Duration::from_secs(5));
    graph.look("urgent", Priority::Reset).await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(6));
    looks(&graph, &[Priority::LookUp]).await;
    assert!(begin.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_read_delays_no_other() {
    let (graph, _) = graph(2000);
    looks(&graph, &[Priority::LookUp]).await;
    for _ in 0..50 {
        let look = graph.look("gone", Priority::LookUp);
        assert!(tokio::time::timeout(Duration::from_millis(1), look).await.is_err());
    }
    let begin = Instant::now();
    looks(&graph, &[Priority::LookUp; 20]).await;
    assert!(begin.elapsed() <= Duration::from_secs(3));
}
