//! An in-process Kubernetes API server that keeps every version of every object.
//!
//! It has no sockets and no threads: a [`kube::Client`] calls it directly, so that whole controllers run against it in
//! paused tokio time. What it does it does as kube-apiserver 1.37 does; types, patterns and CEL rules of a schema,
//! authorization, server-side apply and managedFields are left to the real one.
//!
//! ```
//! use api_server::{ApiServer, Fault, On};
//! use k8s_openapi::api::core::v1::Secret;
//! use kube::Api;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), kube::Error> {
//! let server = ApiServer::new();
//! let caller = server.caller("replica-a");
//! caller.fault(On::writes(), Fault::ApplyThenLose);
//! let secrets: Api<Secret> = Api::default_namespaced(caller.client());
//! let secret = Secret { metadata: kube::core::ObjectMeta { name: Some("one".into()), ..Default::default() }, ..Default::default() };
//! assert!(secrets.create(&Default::default(), &secret).await.is_err());
//! assert_eq!(server.objects("Secret").len(), 1);
//! # Ok(())
//! # }
//! ```

mod admission;
mod call;
mod caller;
mod clock;
mod deletes;
mod errors;
mod events;
mod exchange;
mod faults;
mod names;
mod objects;
mod patch;
mod reads;
mod resources;
mod schema;
mod selectors;
mod serve;
mod state;
mod store;
mod watching;
mod writes;

use std::fmt;
use std::sync::Arc;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

pub use admission::{Review, Ruling, denied_by_policy, denied_by_webhook, webhook_down};
pub use call::{Call, Verb};
pub use caller::Caller;
pub use errors::{status, too_many_requests};
pub use events::{EventFault, EventType, WatchEvent};
pub use exchange::ResponseBody;
pub use faults::{Fault, Fired, On};
pub use state::{Cut, Outcome, Request, Stale};
pub use store::{Change, Key, Snapshot, Version};

use objects::Address;
use resources::{DEFINITIONS_GROUP, ResourceType};
use state::{Shared, State};
use store::Author;
use writes::{Writer, Written};

/// Who writes what the server itself brings about.
const SYSTEM: &str = "system";

/// A handle on the server; clones are handles on the same one.
#[derive(Clone)]
pub struct ApiServer {
    shared: Arc<Shared>,
}

impl fmt::Debug for ApiServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ApiServer").field("resource_version", &self.resource_version()).finish_non_exhaustive()
    }
}

impl Default for ApiServer {
    fn default() -> Self {
        Self::new()
    }
}

impl ApiServer {
    /// An empty server with the namespaces every cluster has. Its time starts at 2026-01-01T00:00:00Z.
    pub fn new() -> Self {
        let server = Self { shared: Arc::new(Shared::new()) };
        for namespace in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            server.create_namespace(namespace, &[]);
        }
        server
    }

    /// Another server that begins with everything that this one has stored and serves; from then on they have nothing in common.
    /// Its callers have no faults. It is far cheaper than to register the same definitions again.
    pub fn fork(&self) -> Self {
        Self { shared: Arc::new(self.shared.fork()) }
    }

    /// The caller of this name, whom faults can be set for.
    pub fn caller(&self, name: &str) -> Caller {
        Caller { shared: self.shared.clone(), name: name.to_owned() }
    }

    /// A client of the caller `default`.
    pub fn client(&self) -> kube::Client {
        self.client_named("default")
    }

    /// A client of the caller of this name.
    pub fn client_named(&self, name: &str) -> kube::Client {
        self.caller(name).client()
    }

    /// Judges every write that is about to be stored, also one of a dry run, in place of an earlier judge. What the server itself writes is
    /// not judged.
    pub fn admission(&self, judge: impl Fn(&Review<'_>) -> Ruling + Send + Sync + 'static) {
        self.shared.change(|state| state.admission = Some(Arc::new(judge)));
    }

    /// Ends [`admission`](Self::admission).
    pub fn admit_all(&self) {
        self.shared.change(|state| state.admission = None);
    }

    /// The server's time; it runs with tokio's clock.
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// Sets the server's time.
    pub fn set_now(&self, now: Timestamp) {
        self.shared.clock.set(now);
    }

    /// Serves a custom resource, in place of an earlier definition of the same name: its watches close, and objects
    /// that exist are read through the new schema, as after an upgrade of the definition.
    pub fn register(&self, crd: CustomResourceDefinition) {
        let now = self.now();
        self.shared.change(|state| {
            state.registry.define(&crd, state.store.revision());
            let mut object = serde_json::to_value(&crd).unwrap_or_default();
            object["status"] = established(&crd);
            let name = crd.metadata.name.clone().unwrap_or_default();
            write_definition(state, &name, object, now);
        });
    }

    /// Creates a namespace with labels, unless it exists.
    pub fn create_namespace(&self, name: &str, labels: &[(&str, &str)]) {
        let now = self.now();
        let labels: serde_json::Map<String, Value> =
            labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
        let object = json!({"metadata": {"name": name, "labels": labels}});
        self.shared.change(|state| {
            let Some(resource) = state.registry.called("namespaces").cloned() else {
                return;
            };
            // The only way for this to fail is that the namespace exists.
            let _ = as_system(state, &resource, name, now, |writer| writer.create(object));
        });
    }

    /// The objects of a kind as they are now, by namespace and name.
    ///
    /// # Panics
    ///
    /// If no kind, plural or `plural.group` is called that. `Event` is the core one; the other is `events.events.k8s.io`.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        self.look(kind, |state, resource| {
            let objects = state.store.list(resource, state.store.revision());
            objects.iter().map(|object| present(resource, object)).collect()
        })
    }

    /// One object as it is now; the namespace is empty for cluster scoped kinds.
    ///
    /// # Panics
    ///
    /// As [`objects`](Self::objects).
    pub fn object(&self, kind: &str, namespace: &str, name: &str) -> Option<Value> {
        self.look(kind, |state, resource| {
            let object = state.store.get(resource, &key(namespace, name))?;
            Some(present(resource, &object))
        })
    }

    /// Every version an object of this name has had, also those that a restore took back, oldest first.
    ///
    /// # Panics
    ///
    /// As [`objects`](Self::objects).
    pub fn history(&self, kind: &str, namespace: &str, name: &str) -> Vec<Arc<Version>> {
        self.look(kind, |state, resource| state.store.history(resource, &key(namespace, name)))
    }

    /// The history of every object of a kind that ever was, by namespace and name.
    ///
    /// # Panics
    ///
    /// As [`objects`](Self::objects).
    pub fn histories(&self, kind: &str) -> Vec<(Key, Vec<Arc<Version>>)> {
        self.look(kind, |state, resource| state.store.histories(resource))
    }

    #[expect(clippy::panic, reason = "a misspelt kind must fail the test, not look like an empty store")]
    fn look<R>(&self, kind: &str, see: impl FnOnce(&State, &Arc<ResourceType>) -> R) -> R {
        let seen = self.shared.read(|state| state.registry.called(kind).map(|resource| see(state, resource)));
        seen.unwrap_or_else(|| panic!("no resource is called {kind:?}"))
    }

    /// Every request that reached the server, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.clone())
    }

    /// Of the requests those that create, update, patch or delete.
    pub fn writes(&self) -> Vec<Request> {
        self.shared.read(|state| state.requests.iter().filter(|request| request.call.verb.writes()).cloned().collect())
    }

    /// The newest resourceVersion.
    pub fn resource_version(&self) -> u64 {
        self.shared.read(|state| state.store.revision())
    }

    /// Lists and watches from before this resourceVersion are answered with 410 from now on.
    pub fn compact(&self, resource_version: u64) {
        self.shared.change(|state| state.store.compact(resource_version));
    }

    /// Ends all watches in good order.
    pub fn close_watches(&self) {
        self.shared.change(|state| state.closings += 1);
    }

    /// A copy of everything that is stored.
    pub fn snapshot(&self) -> Snapshot {
        self.shared.read(|state| state.store.snapshot())
    }

    /// Puts a copy back, as a restore of etcd does: resourceVersions go back and occur again, watches close. History and
    /// requests stay.
    pub fn restore(&self, snapshot: &Snapshot) {
        self.shared.change(|state| state.store.restore(snapshot));
    }
}

fn key(namespace: &str, name: &str) -> Key {
    (namespace.to_owned(), name.to_owned())
}

/// An object in the newest version that is served.
fn present(resource: &Arc<ResourceType>, object: &Value) -> Value {
    let version = resource.versions.keys().next_back().map(String::as_str).unwrap_or_default();
    Address { resource, version, namespace: "", name: "" }.present(object).into_owned()
}

fn as_system<R>(
    state: &mut State,
    resource: &Arc<ResourceType>,
    name: &str,
    now: Timestamp,
    write: impl FnOnce(&mut Writer<'_>) -> R,
) -> R {
    let mut writer = Writer {
        store: &mut state.store,
        names: &mut state.names,
        registry: &state.registry,
        address: Address { resource, version: "v1", namespace: "", name },
        author: Author { name: SYSTEM, now },
        strict: false,
        dry_run: false,
        admission: None,
    };
    write(&mut writer)
}

/// The status of a definition that is served.
fn established(crd: &CustomResourceDefinition) -> Value {
    let condition = |type_| json!({"type": type_, "status": "True", "reason": type_, "message": ""});
    let stored = crd.spec.versions.iter().filter(|version| version.storage);
    json!({
        "acceptedNames": crd.spec.names,
        "conditions": [condition("NamesAccepted"), condition("Established")],
        "storedVersions": stored.map(|version| &version.name).collect::<Vec<_>>(),
    })
}

/// Makes the definition readable as the object it is.
fn write_definition(state: &mut State, name: &str, object: Value, now: Timestamp) {
    let Some(resource) = state.registry.get(DEFINITIONS_GROUP, "customresourcedefinitions").cloned() else {
        return;
    };
    let exists = state.store.get(&resource, &key("", name)).is_some();
    let _: Result<Written, _> = as_system(state, &resource, name, now, |writer| {
        if exists { writer.update(object, false) } else { writer.create(object) }
    });
}
