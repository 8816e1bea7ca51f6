//! The watches of one term of leadership, and the caches that they fill.

use std::{collections::HashMap, sync::Arc};

use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, Resource, ResourceExt,
    core::PartialObjectMeta,
    runtime::{WatchStreamExt, reflector, reflector::store::Writer, watcher},
};
use serde::de::DeserializeOwned;
use tokio::sync::watch::{Receiver, Sender, channel, error::RecvError};

use crate::{
    graph::Clock,
    telemetry::health::{Health, Watch},
};

/// Where it is noted that a watch brings something, and by which clock.
#[derive(Clone)]
pub struct Probes {
    /// What the probes are told.
    pub health: Arc<Health>,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
}

/// Of a namespace nothing but its metadata matters, and nothing else of it is asked for.
pub type Namespaces = PartialObjectMeta<Namespace>;

/// An object's uid and generation: the same as long as its spec is.
pub type Version = (Option<String>, Option<i64>);

/// The version of an object.
pub fn version<K: Resource>(object: &K) -> Version {
    (object.meta().uid.clone(), object.meta().generation)
}

/// Whether a cache has been filled for the first time. kube's store is not asked for that: of several tasks that wait for it, it wakes only
/// the one that asked last, and a controller is one.
#[derive(Clone)]
pub struct Filled(Receiver<bool>);

impl Filled {
    /// It has not; the sender is for [`watched`].
    #[must_use]
    pub fn new() -> (Sender<bool>, Self) {
        let (sender, filled) = channel(false);
        (sender, Self(filled))
    }

    /// Whether it has been.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        *self.0.borrow()
    }

    /// Resolves once it has been.
    ///
    /// # Errors
    /// If the watch has ended before, and with it the term.
    pub async fn wait(&self) -> Result<(), RecvError> {
        self.0.clone().wait_for(|filled| *filled).await.map(|_| ())
    }
}

/// Watches all objects of a kind and fills their cache for as long as it is polled; brings each event once it is in the cache. A watch that
/// fails is made again, and the probes are told.
pub fn watched<K>(
    client: Client,
    (cache, filled): (Writer<K>, Sender<bool>),
    probes: Probes,
    watch: Watch,
) -> impl Stream<Item = watcher::Event<K>> + Send + 'static
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let events = watcher(Api::all(client), watcher::Config::default()).default_backoff().modify(|object: &mut K| {
        // Nothing here reads them, and there may be much of both.
        object.managed_fields_mut().clear();
        object.annotations_mut().clear();
    });
    reflector(cache, events).filter_map(move |event| {
        probes.health.watched(watch, event.as_ref().map_err(ToString::to_string), probes.clock.boot());
        if matches!(event, Ok(watcher::Event::InitDone)) {
            filled.send_replace(true);
        }
        std::future::ready(event.ok())
    })
}

/// The objects that are new in a cache, have another spec there, or are gone from it. What only changes a status is not brought: mostly that
/// was written here.
pub fn changed<K>(
    events: impl Stream<Item = watcher::Event<K>> + Send + 'static,
) -> impl Stream<Item = watcher::Result<K>> + Send + 'static
where
    K: Resource + Clone + Send + 'static,
{
    let mut seen = Seen { objects: HashMap::new(), listed: HashMap::new() };
    events.flat_map(move |event| stream::iter(seen.changed(event))).map(Ok)
}

/// The objects of a cache, by name, and those of a list that is not complete.
struct Seen<K> {
    objects: HashMap<String, K>,
    listed: HashMap<String, K>,
}

impl<K: Resource + Clone> Seen<K> {
    fn changed(&mut self, event: watcher::Event<K>) -> Vec<K> {
        match event {
            watcher::Event::Apply(object) => {
                let before = self.objects.insert(object.name_any(), object.clone());
                if is_another(before.as_ref(), &object) { vec![object] } else { Vec::new() }
            }
            watcher::Event::Delete(object) => {
                self.objects.remove(&object.name_any());
                vec![object]
            }
            watcher::Event::Init => {
                self.listed.clear();
                Vec::new()
            }
            watcher::Event::InitApply(object) => {
                self.listed.insert(object.name_any(), object);
                Vec::new()
            }
            // Only now is the list in the cache. What was deleted while nothing was watched shows by its absence.
            watcher::Event::InitDone => {
                let mut before = std::mem::replace(&mut self.objects, std::mem::take(&mut self.listed));
                let listed = self.objects.iter();
                let another = listed.filter(|(name, object)| is_another(before.remove(*name).as_ref(), *object));
                let mut changed: Vec<K> = another.map(|(_, object)| object.clone()).collect();
                changed.extend(before.into_values());
                changed
            }
        }
    }
}

fn is_another<K: Resource>(before: Option<&K>, now: &K) -> bool {
    before.is_none_or(|before| version(before) != version(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use kube::runtime::watcher::Event;

    fn object(name: &str, uid: &str, generation: i64) -> Namespace {
        let metadata = ObjectMeta {
            name: Some(name.to_owned()),
            uid: Some(uid.to_owned()),
            generation: Some(generation),
            ..ObjectMeta::default()
        };
        Namespace { metadata, ..Namespace::default() }
    }

    #[test]
    fn another_spec_and_a_deletion_are_news_and_a_status_is_none() {
        let mut seen = Seen { objects: HashMap::new(), listed: HashMap::new() };
        let mut brings = |event| {
            let mut names: Vec<String> = seen.changed(event).iter().map(ResourceExt::name_any).collect();
            names.sort();
            names.join(" ")
        };
        for (event, expected) in [
            (Event::Init, ""),
            (Event::InitApply(object("a", "1", 1)), ""),
            (Event::InitApply(object("b", "2", 1)), ""),
            (Event::InitDone, "a b"),
            (Event::Apply(object("a", "1", 1)), ""),
            (Event::Apply(object("a", "1", 2)), "a"),
            (Event::Apply(object("a", "3", 2)), "a"),
            (Event::Delete(object("b", "2", 1)), "b"),
            (Event::Apply(object("b", "2", 1)), "b"),
            // A list that breaks off brings nothing.
            (Event::Init, ""),
            (Event::InitApply(object("x", "9", 1)), ""),
            (Event::Init, ""),
            (Event::InitApply(object("a", "3", 2)), ""),
            (Event::InitApply(object("c", "4", 1)), ""),
            (Event::InitDone, "b c"),
        ] {
            let shown = format!("{event:?}");
            assert_eq!(brings(event), expected, "{shown}");
        }
    }
}
