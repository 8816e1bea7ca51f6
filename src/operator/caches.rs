//! The caches of one term of leadership, and the watches that fill them.

use std::sync::Arc;

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{Store, store::Writer},
        watcher,
    },
};

use super::{context::Context, guarded::Guarded};
use crate::telemetry::health::Watch;
use passcode_core::api::{matrix::PlatformSupportMatrix, tenant::IntuneTenant};

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
    pub fn watched(self, context: &Arc<Context>) -> impl Stream<Item = Watch> + Unpin + Send + 'static {
        let (client, config) = (&context.client, watcher::Config::default);
        stream::select_all([
            cached(watcher(Api::all(client.clone()), config()), self.writers.0, context, Watch::Namespaces),
            cached(watcher(Api::all(client.clone()), config()), self.writers.1, context, Watch::Tenants),
            cached(watcher(Api::all(client.clone()), config()), self.writers.2, context, Watch::Matrices),
        ])
    }
}

/// Empty caches; the namespaces' goes into the [`Context`].
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
    context: &Arc<Context>,
    watch: Watch,
) -> stream::BoxStream<'static, Watch>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + Send + Sync + 'static,
{
    let context = context.clone();
    let events = events.default_backoff().modify(|object| {
        // Nothing here reads them, and there may be much of both.
        object.managed_fields_mut().clear();
        object.annotations_mut().clear();
    });
    reflector(writer, events)
        .filter_map(move |event| {
            let heard =
                context.health.watched(watch, event.as_ref().map_err(ToString::to_string), context.clock.boot());
            async move { heard.then_some(watch) }
        })
        .boxed()
}
