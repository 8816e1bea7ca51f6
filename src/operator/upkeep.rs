//! Keeps what resets rest on current: namespaces, matrices, tenants, the served schema, the device locks.

use std::{
    collections::{BTreeMap, HashMap},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, StreamExt, future::join_all, stream};
use k8s_openapi::{api::core::v1::Namespace, jiff::Timestamp};
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::{
        WatchStreamExt, reflector,
        reflector::{Store, store::Writer},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::watch;

use super::{
    budgets, calls::CallError, context::Context, matrices, matrices::Matrices, tenant::Unsaid, tenants,
    tenants::TenantsContext,
};
use crate::{
    api::{matrix::PlatformSupportMatrix, tenant::IntuneTenant},
    graph::Budget,
    telemetry::health::Watch,
};

/// How often everything is gone through, whatever the watches say.
const ROUND: Duration = Duration::from_secs(5);
/// How often the device locks are swept.
const SWEEP: Duration = Duration::from_secs(300);

/// The caches of one term of leadership.
pub struct Caches {
    /// Tenants.
    pub tenants: Store<IntuneTenant>,
    /// Matrices.
    pub matrices: Store<PlatformSupportMatrix>,
    writers: (Writer<Namespace>, Writer<IntuneTenant>, Writer<PlatformSupportMatrix>),
}

impl Caches {
    /// Resolves once every cache has been filled for the first time.
    pub fn filled(&self, namespaces: &Store<Namespace>) -> impl Future<Output = ()> + Send + 'static {
        let (namespaces, tenants, matrices) = (namespaces.clone(), self.tenants.clone(), self.matrices.clone());
        async move {
            // An error means that the watch has ended, and with it the term.
            let _ = namespaces.wait_until_ready().await;
            let _ = tenants.wait_until_ready().await;
            let _ = matrices.wait_until_ready().await;
        }
    }
}

/// Empty caches; the namespaces' goes into the [`Context`].
#[must_use]
pub fn caches() -> (Caches, Store<Namespace>) {
    let (namespaces, a) = reflector::store();
    let (tenants, b) = reflector::store();
    let (matrices, c) = reflector::store();
    (Caches { tenants, matrices, writers: (a, b, c) }, namespaces)
}

/// Runs until `stop`.
pub async fn run(context: Arc<Context>, caches: Caches, mut stop: watch::Receiver<bool>) {
    let Caches { tenants, matrices, writers } = caches;
    let client = &context.client;
    let mut changes = stream::select_all([
        cached(client, writers.0, context.clone(), Watch::Namespaces),
        cached(client, writers.1, context.clone(), Watch::Tenants),
        cached(client, writers.2, context.clone(), Watch::Matrices),
    ]);
    let mut labels = Labels { context: context.clone(), known: BTreeMap::new() };
    let mut upkeep = Upkeep::new(context.clone(), tenants, matrices);
    let mut unanswered = false;
    while !*stop.borrow() {
        if !unanswered {
            tokio::select! {
                Some(watch) = changes.next() => labels.heard(watch),
                () = tokio::time::sleep(ROUND) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        unanswered = false;
        let round = upkeep.round();
        tokio::pin!(round);
        // The caches are filled by whoever polls the watches. A round takes as long as its calls do, and one that began with caches
        // of long ago would meet its own last writes, and find out about the newest objects after as many rounds as there are events.
        loop {
            tokio::select! {
                () = &mut round => break,
                Some(watch) = changes.next() => {
                    labels.heard(watch);
                    unanswered = true;
                }
            }
        }
    }
    upkeep.say_what_is_unsaid().await;
}

/// The labels of all namespaces, by name: they decide whether a namespace's objects may go on; nothing else of it does.
struct Labels {
    context: Arc<Context>,
    known: BTreeMap<String, BTreeMap<String, String>>,
}

impl Labels {
    /// Something came by a watch, and is in its cache.
    fn heard(&mut self, watch: Watch) {
        if watch != Watch::Namespaces {
            return;
        }
        let now = labels_of(&self.context.namespaces);
        if self.known != now {
            self.known = now;
            self.context.tenants.wake_all();
        }
    }
}

/// The labels of all namespaces, by name.
fn labels_of(namespaces: &Store<Namespace>) -> BTreeMap<String, BTreeMap<String, String>> {
    namespaces.state().iter().map(|namespace| (namespace.name_any(), namespace.labels().clone())).collect()
}

/// A watch that fills a cache and says that something came.
fn cached<K>(
    client: &Client,
    writer: Writer<K>,
    context: Arc<Context>,
    watch: Watch,
) -> stream::BoxStream<'static, Watch>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + std::fmt::Debug + Send + Sync + 'static,
{
    let api: Api<K> = Api::all(client.clone());
    let events = watcher(api, watcher::Config::default()).default_backoff().modify(|object| {
        object.managed_fields_mut().clear();
    });
    reflector(writer, events)
        .filter_map(move |event| {
            let heard =
                context.health.watched(watch, event.as_ref().map_err(ToString::to_string), context.clock.boot());
            async move { heard.then_some(watch) }
        })
        .boxed()
}

struct Upkeep {
    context: Arc<Context>,
    tenants: Store<IntuneTenant>,
    matrices: Store<PlatformSupportMatrix>,
    compiled: Arc<Matrices>,
    shared: TenantsContext,
    /// Of each matrix, the version that was compiled.
    matrix_versions: HashMap<String, Version>,
    /// Of each tenant, the version that was set up and when it is due again, by boot time.
    tenant_versions: HashMap<String, (Version, Duration)>,
    /// What earlier leaders claimed: tenant ids and times.
    claims: Option<Vec<(String, Timestamp)>>,
    /// The budgets in which that is counted.
    counted: Vec<Arc<Budget>>,
    swept: Option<Duration>,
}

/// An object's uid and generation.
type Version = (Option<String>, Option<i64>);

fn version<K: Resource>(object: &K) -> Version {
    (object.meta().uid.clone(), object.meta().generation)
}

impl Upkeep {
    fn new(context: Arc<Context>, tenants: Store<IntuneTenant>, matrices: Store<PlatformSupportMatrix>) -> Self {
        let compiled = Arc::new(Matrices::default());
        Self {
            shared: TenantsContext::new(context.clone(), compiled.clone()),
            context,
            tenants,
            matrices,
            compiled,
            matrix_versions: HashMap::new(),
            tenant_versions: HashMap::new(),
            claims: None,
            counted: Vec::new(),
            swept: None,
        }
    }

    async fn round(&mut self) {
        if !self.claims_are_known().await {
            return;
        }
        let matrices_changed = self.matrices().await;
        self.tenants(matrices_changed).await;
        let now = self.context.clock.boot();
        if self.swept.is_none_or(|swept| now >= swept + SWEEP) && !self.tenant_versions.is_empty() {
            self.sweep(now).await;
        }
    }

    /// Compiles what is new; answers whether tenants have to look again.
    async fn matrices(&mut self) -> bool {
        let all = self.matrices.state();
        let names: Vec<String> = all.iter().map(|matrix| matrix.name_any()).collect();
        let mut changed = self.compiled.retain(&names);
        self.matrix_versions.retain(|name, _| names.contains(name));
        for matrix in all {
            let (name, version) = (matrix.name_any(), version(&*matrix));
            if self.matrix_versions.get(&name) == Some(&version) {
                continue;
            }
            changed = true;
            match matrices::reconcile(matrix, &self.context, &self.compiled).await {
                Ok(()) => {
                    self.matrix_versions.insert(name, version);
                }
                Err(error) => {
                    tracing::info!(matrix = name, %error, "a matrix's status could not be written; tried again")
                }
            }
        }
        changed
    }

    /// Sets up what is new or due, each on its own: one that does not answer holds up no other.
    async fn tenants(&mut self, all_of_them: bool) {
        let now = self.context.clock.boot();
        let all = self.tenants.state();
        for tenant in &all {
            self.count(tenant);
        }
        for name in self.tenant_versions.keys().cloned().collect::<Vec<_>>() {
            if !all.iter().any(|tenant| tenant.name_any() == name) {
                self.tenant_versions.remove(&name);
                self.context.tenants.remove(&name);
                self.context.tenants.wake_all();
            }
        }
        let due = all.into_iter().filter(|tenant| {
            let name = tenant.name_any();
            let known = self.tenant_versions.get(&name);
            let unsaid = self.context.tenants.get(&name).and_then(|tenant| tenant.record.facts().take_unsaid());
            if unsaid == Some(Unsaid::Trouble) {
                self.context.tenants.wake_all();
            }
            all_of_them
                || unsaid.is_some()
                || known.is_none_or(|(known, due)| *known != version(&**tenant) || now >= *due)
        });
        let shared = &self.shared;
        let done = join_all(due.map(|tenant| async move {
            let name = tenant.name_any();
            let set_up = AssertUnwindSafe(tenants::reconcile(&name, shared)).catch_unwind().await;
            (tenant, set_up)
        }))
        .await;
        for (tenant, set_up) in done {
            let next = self.due_again(&tenant, set_up);
            self.tenant_versions.insert(tenant.name_any(), (version(&*tenant), self.context.clock.boot() + next));
        }
    }

    /// When to set a tenant up again.
    fn due_again(&self, tenant: &IntuneTenant, set_up: std::thread::Result<Result<Duration, CallError>>) -> Duration {
        match set_up {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::info!(tenant = tenant.name_any(), %error, "a tenant could not be set up; tried again");
                ROUND
            }
            // What one sign-in service says must not end the upkeep of all tenants. A panic's text may hold anything.
            Err(_) => {
                tracing::error!(tenant = tenant.name_any(), "setting up a tenant panicked; tried again");
                self.context.metrics.panicked();
                ROUND
            }
        }
    }

    /// The last words of a term: the next leader reads them.
    async fn say_what_is_unsaid(&self) {
        for object in self.tenants.state() {
            let Some(tenant) = self.context.tenants.get(&object.name_any()) else { continue };
            if tenant.record.facts().take_unsaid().is_none() {
                continue;
            }
            if let Err(error) = tenants::write_status(&self.context, &object, &tenant, None).await {
                tracing::info!(tenant = object.name_any(), %error, "a tenant's status could not be written at the end");
            }
        }
    }

    /// What earlier leaders claimed, asked for once. `false`: not yet; until it is known nothing is asked of Graph.
    async fn claims_are_known(&mut self) -> bool {
        if self.claims.is_none() {
            match self.context.locks.claims().await {
                Ok(claims) => self.claims = Some(claims),
                Err(error) => tracing::info!(%error, "the device locks could not be listed; tried again"),
            }
        }
        self.claims.is_some()
    }

    /// Counts what earlier leaders asked of Graph for this tenant, before it is set up.
    fn count(&mut self, tenant: &IntuneTenant) {
        let budget = self.context.budgets.of(&tenant.spec);
        if self.counted.iter().any(|counted| Arc::ptr_eq(counted, &budget)) {
            return;
        }
        let wall = self.context.clock.wall();
        let claims = self.claims.iter().flatten();
        for (_, claimed) in claims.filter(|(id, _)| tenant.spec.tenant_id.eq_ignore_ascii_case(id)) {
            budget.sent_by_another(Duration::try_from(wall.duration_since(*claimed)).unwrap_or_default());
        }
        if self.context.leadership.borrow().succeeded {
            budget.read_by_another(&budgets::limits(&tenant.spec.limits));
        }
        self.counted.push(budget);
    }

    /// Sweeps old locks.
    async fn sweep(&mut self, now: Duration) {
        let tenants = self.context.tenants.all();
        let clock = self.context.clock.clone();
        let graph_now = |tenant_id: &str| -> Option<Timestamp> {
            // The latest of all tenants with this id would do as well; they ask the same Graph.
            let tenant = tenants.iter().find(|tenant| tenant.spec().tenant_id == tenant_id)?;
            let offset = tenant.record.facts().clock_offset?;
            Some(crate::api::time::saturating_add(clock.wall(), offset))
        };
        let wall = self.context.clock.wall();
        match self.context.locks.sweep(wall, graph_now).await {
            Ok(()) => self.swept = Some(now),
            Err(error) => tracing::info!(%error, "the device locks could not be swept; tried again"),
        }
    }
}
