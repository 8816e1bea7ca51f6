//! For tests: a client over a script.
#![allow(clippy::unwrap_used)]

use std::{sync::Arc, time::Duration};

use futures::FutureExt;

use super::Graph;
use crate::graph::{
    auth::testing::client_secret,
    http::testing::{HandClock, Script, TENANT, endpoints},
    limits::{Budget, Limits, Reservation},
};

/// A client over `script`, with a clock of its own.
pub(super) fn client(script: &Arc<Script>) -> (Graph, Arc<HandClock>) {
    let clock = Arc::new(HandClock::default());
    clock.advance(Duration::from_secs(1000));
    let graph = Graph::new(TENANT, endpoints(), client_secret(), script.clone(), clock.clone());
    (graph.unwrap(), clock)
}

/// Capacity for a reset, whatever was sent before.
pub(super) fn reservation() -> Reservation {
    let budget = Budget::new(Arc::new(HandClock::default()));
    budget.reserve_again(Limits::PUBLISHED).now_or_never().unwrap()
}
