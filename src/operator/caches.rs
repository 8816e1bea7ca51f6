//! The caches of one term of leadership, and the watches that fill them.

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{Store, store::Writer},
        watcher,
    },
};

use super::guarded::Guarded;
use crate::{
    graph::Clock,
    telemetry::health::{Health, Watch},
};
use passcode_core::api::{matrix::PlatformSupportMatrix, tenant::IntuneTenant};

/// Where it is noted that a watch brings something, and by which clock.
#[derive(Clone)]
pub struct Probes {
    /// What the probes are told.
    pub health: Arc<Health>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// The caches of one term of leadership.
pub struct Caches {
    /// Tenants.
    pub tenants: Store<Guarded<IntuneTenant>>,
    /// Matrices.
    pub matrices: Store<Guarded<PlatformSupportMatrix>>,
    writers: (Writer<Namespaces>, Writer<Guarded<IntuneTenant>>, Writer<Guarded<PlatformSupportMatrix>>),
}

/// Of a namespace nothing but its metadata matters, and nothing else of it is asked for.
pub type Namespaces = PartialObjectMeta<Namespace>;

impl Caches {
    /// Resolves once every cache has been filled for the first time.
    pub fn filled(&self, namespaces: &Store<Namespaces>) -> impl Future<Output = ()> + Send + 'static {
        let (namespaces, tenants, matrices) = (namespaces.clone(), self.tenants.clone(), self.matrices.clone());
        async move {
            // An error means that the watch has ended, and with it the term.
            let _ = namespaces.wait_until_ready().await;
            let _ = tenants.wait_until_ready().await;
            let _ = matrices.wait_until_ready().await;
        }
    }

    /// Fills the caches for as long as it is polled, and says which of them something came to.
    pub fn watched(self, client: &Client, probes: &Probes) -> impl Stream<Item = Watch> + Unpin + Send + 'static {
        let config = watcher::Config::default;
        stream::select_all([
            cached(watcher(Api::all(client.clone()), config()), self.writers.0, probes, Watch::Namespaces),
            cached(watcher(Api::all(client.clone()), config()), self.writers.1, probes, Watch::Tenants),
            cached(watcher(Api::all(client.clone()), config()), self.writers.2, probes, Watch::Matrices),
        ])
    }
}

/// Empty caches, and the one of the namespaces.
#[must_use]
pub fn caches() -> (Caches, Store<Namespaces>) {
    let (namespaces, a) = reflector::store();
    let (tenants, b) = reflector::store();
    let (matrices, c) = reflector::store();
    (Caches { tenants, matrices, writers: (a, b, c) }, namespaces)
}

/// A watch that fills a cache and says that something came.
fn cached<K>(
    events: impl Stream<Item = watcher::Result<watcher::Event<K>>> + Send + 'static,
    writer: Writer<K>,
    probes: &Probes,
    watch: Watch,
) -> stream::BoxStream<'static, Watch>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let probes = probes.clone();
    let events = events.default_backoff().modify(|object| {
        // Nothing here reads them, and there may be much of both.
        object.managed_fields_mut().clear();
        object.annotations_mut().clear();
    });
    reflector(writer, events)
        .filter_map(move |event| {
            let heard = probes.health.watched(watch, event.as_ref().map_err(ToString::to_string), probes.clock.boot());
            async move { heard.then_some(watch) }
        })
        .boxed()
}
