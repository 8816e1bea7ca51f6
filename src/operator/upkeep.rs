//! Keeps what resets rest on current: namespaces, matrices, tenants, the served schema, the device locks.

use std::{
    collections::{HashMap, hash_map::Entry},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Duration,
};

use futures::{FutureExt, StreamExt};
use k8s_openapi::jiff::Timestamp;
use kube::{Resource, ResourceExt, runtime::reflector::Store};
use tokio::{
    sync::watch,
    task::{AbortHandle, Id, JoinError, JoinSet},
};

use super::{
    caches::{Caches, Probes},
    calls::CallError,
    context::Context,
    dependencies::Dependencies,
    guarded::Guarded,
    matrix::compiled::{self as matrices, Matrices},
    tenant::{
        budgets,
        controller::{self as tenants, TenantsContext},
    },
};
use crate::graph::Budget;
use passcode_core::{
    api::{matrix::PlatformSupportMatrix, tenant::IntuneTenant, time::saturating_add},
    lifecycle::admission::write_again,
    protocol::health::Unreported,
};

/// How often everything is gone through, whatever the watches say.
const ROUND: Duration = Duration::from_secs(5);
/// How often the device locks are swept.
const SWEEP: Duration = Duration::from_secs(300);

/// Runs until `stop`.
pub async fn run(context: Arc<Context>, caches: Caches, mut stop: watch::Receiver<bool>) {
    let (tenants, matrices) = (caches.tenants.clone(), caches.matrices.clone());
    let probes = Probes { health: context.health.clone(), clock: context.clock.clone() };
    let mut changes = caches.watched(&context.client, &probes);
    let mut dependencies = Dependencies::new(context.clone());
    let mut upkeep = Upkeep::new(context.clone(), tenants, matrices);
    while !*stop.borrow() {
        tokio::select! {
            Some(watch) = changes.next() => dependencies.heard(watch),
            Some(done) = upkeep.tasks.join_next_with_id() => upkeep.done(done),
            () = tokio::time::sleep(ROUND) => {}
            _ = stop.wait_for(|stop| *stop) => break,
        }
        // One round for all that has come.
        while let Some(Some(watch)) = changes.next().now_or_never() {
            dependencies.heard(watch);
        }
        upkeep.round();
    }
    upkeep.tasks.shutdown().await;
    upkeep.say_what_is_unsaid().await;
}

/// What fails is tried again when its task has ended: that is not to be at once.
async fn slow_to_fail<T>(work: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    let result = work.await;
    if let Err(error) = &result {
        // What admission control denies is not to be asked every few seconds.
        let denied = matches!(error, CallError::Denied(_));
        tokio::time::sleep(if denied { write_again(u32::MAX) } else { ROUND }).await;
    }
    result
}

/// What is done in the background: calls that are not answered hold up neither the round nor each other.
struct Upkeep {
    context: Arc<Context>,
    tenants: Store<Guarded<IntuneTenant>>,
    matrices: Store<Guarded<PlatformSupportMatrix>>,
    compiled: Arc<Matrices>,
    shared: Arc<TenantsContext>,
    tasks: JoinSet<Done>,
    /// Which task is about what: there is one of each at a time.
    running: HashMap<Work, AbortHandle>,
    /// Of each matrix, the version that was compiled, and whether its status tells so.
    matrix_versions: HashMap<String, (Version, bool)>,
    /// Of each tenant, the version that was set up last and when it is due again, by boot time.
    tenant_versions: HashMap<String, (Version, Duration)>,
    /// What earlier leaders claimed: tenant ids and times.
    claims: Option<Vec<(String, Timestamp)>>,
    /// The budgets in which that is counted.
    counted: Vec<Arc<Budget>>,
    swept: Option<Duration>,
}

/// What a task is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Work {
    Claims,
    Matrix(String),
    Tenant(String),
    Sweep,
}

/// What came of a task.
enum Done {
    Claims(Result<Vec<(String, Timestamp)>, CallError>),
    Matrix(String, Result<(), CallError>),
    Tenant(String, std::thread::Result<Result<Duration, CallError>>),
    Swept(Result<(), CallError>),
}

/// An object's uid and generation.
type Version = (Option<String>, Option<i64>);

fn version<K: Resource>(object: &K) -> Version {
    (object.meta().uid.clone(), object.meta().generation)
}

impl Upkeep {
    fn new(
        context: Arc<Context>,
        tenants: Store<Guarded<IntuneTenant>>,
        matrices: Store<Guarded<PlatformSupportMatrix>>,
    ) -> Self {
        let compiled = Arc::new(Matrices::default());
        Self {
            shared: Arc::new(TenantsContext::new(context.clone(), compiled.clone())),
            context,
            tenants,
            matrices,
            compiled,
            tasks: JoinSet::new(),
            running: HashMap::new(),
            matrix_versions: HashMap::new(),
            tenant_versions: HashMap::new(),
            claims: None,
            counted: Vec::new(),
            swept: None,
        }
    }

    /// Begins what is due; it waits for nothing.
    fn round(&mut self) {
        if self.claims.is_none() {
            // Until it is known what earlier leaders claimed, nothing is asked of Graph.
            let locks = self.context.locks.clone();
            return self.begin(Work::Claims, async move { Done::Claims(slow_to_fail(locks.claims()).await) });
        }
        let matrices_changed = self.compile_matrices();
        self.set_tenants_up(matrices_changed);
        let now = self.context.clock.boot();
        if self.swept.is_none_or(|swept| now >= swept + SWEEP) && !self.tenant_versions.is_empty() {
            self.sweep();
        }
    }

    /// Begins it, unless it is under way.
    fn begin(&mut self, work: Work, task: impl Future<Output = Done> + Send + 'static) {
        if let Entry::Vacant(free) = self.running.entry(work) {
            free.insert(self.tasks.spawn(task));
        }
    }

    /// Ends what is under way; what it did so far stays.
    fn end(&mut self, work: &Work) {
        if let Some(task) = self.running.remove(work) {
            task.abort();
        }
    }

    /// A task has ended.
    fn done(&mut self, ended: Result<(Id, Done), JoinError>) {
        let id = ended.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let current = self.running.iter().find(|(_, task)| task.id() == id).map(|(work, _)| work.clone());
        // Another took the place of one that was ended.
        let Some(work) = current else { return };
        self.running.remove(&work);
        match ended {
            Ok((_, Done::Claims(Ok(claims)))) => self.claims = Some(claims),
            Ok((_, Done::Claims(Err(error)))) => {
                tracing::info!(%error, "the device locks could not be listed; tried again");
            }
            Ok((_, Done::Matrix(name, told))) => self.matrix_was_told(&name, told),
            Ok((_, Done::Tenant(name, set_up))) => self.tenant_was_set_up(&name, set_up),
            Ok((_, Done::Swept(Ok(())))) => self.swept = Some(self.context.clock.boot()),
            Ok((_, Done::Swept(Err(error)))) => {
                tracing::info!(%error, "the device locks could not be swept; tried again");
            }
            Err(error) => tracing::error!(?work, %error, "a part of the upkeep ended unexpectedly; tried again"),
        }
    }

    /// Compiles what is new; answers whether tenants have to look again.
    fn compile_matrices(&mut self) -> bool {
        let all = self.matrices.state();
        let names: Vec<String> = all.iter().map(|matrix| matrix.name_any()).collect();
        let mut changed = self.compiled.retain(&names);
        self.matrix_versions.retain(|name, _| names.contains(name));
        for matrix in all {
            let (name, version) = (matrix.name_any(), version(&*matrix));
            let known = self.matrix_versions.get(&name).filter(|(known, _)| *known == version);
            if known.is_none() {
                matrices::compile(&matrix, &self.compiled);
                self.matrix_versions.insert(name.clone(), (version, false));
                self.end(&Work::Matrix(name.clone()));
                changed = true;
            } else if known.is_some_and(|(_, told)| *told) {
                continue;
            }
            let (context, compiled) = (self.context.clone(), self.compiled.clone());
            self.begin(Work::Matrix(name.clone()), async move {
                let told = slow_to_fail(matrices::tell(&matrix, &context, &compiled)).await;
                Done::Matrix(name, told)
            });
        }
        changed
    }

    /// A matrix's status was written, or not.
    fn matrix_was_told(&mut self, name: &str, told: Result<(), CallError>) {
        match told {
            Ok(()) => {
                if let Some((_, told)) = self.matrix_versions.get_mut(name) {
                    *told = true;
                }
            }
            Err(error) => {
                tracing::info!(matrix = name, %error, "a matrix's status could not be written; tried again");
            }
        }
    }

    /// Sets up what is new or due.
    fn set_tenants_up(&mut self, all_of_them: bool) {
        let now = self.context.clock.boot();
        let all = self.tenants.state();
        for tenant in all.iter().filter_map(|tenant| tenant.0.as_ref().ok()) {
            self.count(tenant);
        }
        for name in self.tenant_versions.keys().cloned().collect::<Vec<_>>() {
            if !all.iter().any(|tenant| tenant.name_any() == name) {
                self.tenant_versions.remove(&name);
                self.end(&Work::Tenant(name.clone()));
                self.context.tenants.remove(&name);
                self.context.tenants.wake_objects_of(&name);
            }
        }
        for tenant in all {
            let (name, version) = (tenant.name_any(), version(&*tenant));
            let known = self.tenant_versions.get(&name);
            let unsaid = self.context.tenants.get(&name).and_then(|tenant| tenant.record.health().take_unreported());
            if unsaid == Some(Unreported::NotReady) {
                self.context.tenants.wake_objects_of(&name);
            }
            let work = Work::Tenant(name.clone());
            if all_of_them || unsaid.is_some() || known.is_none_or(|(known, _)| *known != version) {
                // What is under way began with what was known before.
                self.end(&work);
            } else if known.is_some_and(|(_, due)| now < *due) {
                continue;
            }
            self.tenant_versions.insert(name.clone(), (version, now));
            let shared = self.shared.clone();
            self.begin(work, async move {
                let set_up = AssertUnwindSafe(tenants::reconcile(&name, &shared)).catch_unwind().await;
                Done::Tenant(name, set_up)
            });
        }
    }

    /// A tenant was set up, or not: when it is due again.
    fn tenant_was_set_up(&mut self, name: &str, set_up: std::thread::Result<Result<Duration, CallError>>) {
        let next = match set_up {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => {
                tracing::info!(tenant = name, %error, "a tenant could not be set up; tried again");
                ROUND
            }
            // What one sign-in service says must not end the upkeep of all tenants. A panic's text may hold anything.
            Err(_) => {
                tracing::error!(tenant = name, "setting up a tenant panicked; tried again");
                self.context.metrics.panicked();
                ROUND
            }
        };
        let due = self.context.clock.boot() + next;
        if let Some((_, known)) = self.tenant_versions.get_mut(name) {
            *known = due;
        }
    }

    /// The last words of a term: the next leader reads them.
    async fn say_what_is_unsaid(&self) {
        for object in self.tenants.state() {
            let (Ok(object), Some(tenant)) = (&object.0, self.context.tenants.get(&object.name_any())) else {
                continue;
            };
            if tenant.record.health().take_unreported().is_none() {
                continue;
            }
            if let Err(error) = tenants::write_status(&self.context, object, &tenant, None).await {
                tracing::info!(tenant = object.name_any(), %error, "a tenant's status could not be written at the end");
            }
        }
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
    fn sweep(&mut self) {
        let context = self.context.clone();
        self.begin(Work::Sweep, async move {
            let tenants = context.tenants.all();
            let wall = context.clock.wall();
            let graph_now = |tenant_id: &str| -> Option<Timestamp> {
                // The latest of all tenants with this id would do as well; they ask the same Graph.
                let tenant = tenants.iter().find(|tenant| tenant.spec().tenant_id == tenant_id)?;
                let offset = tenant.record.health().clock_offset?;
                Some(saturating_add(wall, offset))
            };
            Done::Swept(slow_to_fail(context.locks.sweep(wall, graph_now)).await)
        });
    }
}
