//! What every part of the driver shares.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError, RwLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use kube::{
    Client, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};
use tokio::sync::{mpsc, watch};

use super::{
    caches::Namespaces,
    calls::CallError,
    event_writer::EventWriter,
    guarded::Guarded,
    leader::{self, Leadership},
    locks::Locks,
    reset::{
        claim_trials::Asks,
        deletions::Deletions,
        queue::PassQueue,
        slots::Slots,
        state::{PassState, PassStates},
    },
    tenant::{Tenant, budgets::Budgets},
    transports::Transports,
};
use crate::{
    graph::{AllowedOrigins, Clock},
    telemetry::{health::Health, metrics::Metrics},
};
use passcode_core::{api::tenant::IntuneTenant, lifecycle::observed::NotReady};

/// What every part of the driver shares.
pub struct Context {
    /// The API server.
    pub client: Client,
    /// The operator's own namespace: its Secrets, its Leases.
    pub namespace: String,
    /// This replica's name.
    pub identity: String,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// How Graph is reached.
    pub transports: Arc<dyn Transports>,
    /// The pod's projected token, for tenants that sign in by workload identity.
    pub token_file: PathBuf,
    /// Where credentials may be sent besides Microsoft's own origins.
    pub allowed_origins: AllowedOrigins,
    /// The tenants, by name.
    pub tenants: Tenants,
    /// The namespaces.
    pub namespaces: Store<Namespaces>,
    /// The tenants' objects.
    pub tenant_objects: Store<Guarded<IntuneTenant>>,
    /// What was asked of Graph.
    pub budgets: Budgets,
    /// Slots for passes.
    pub slots: Slots,
    /// Who waits for one, or for capacity within a tenant's limits.
    pub queue: PassQueue,
    /// When held claims are tried again.
    pub asks: Asks,
    /// Device locks.
    pub locks: Arc<Locks>,
    /// Events.
    pub events: EventWriter,
    /// What is remembered of unfinished objects.
    pub pass_states: PassStates,
    /// Objects that were deleted after their request was sent.
    pub deletions: Deletions,
    /// Work on one device is serial.
    pub devices: Devices,
    /// Whether this replica leads, and the quarantine.
    pub leadership: watch::Receiver<Leadership>,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// What the probes are told.
    pub health: Arc<Health>,
    /// Set at SIGTERM: no new locks.
    pub stopping: Arc<AtomicBool>,
}

impl Context {
    /// An object is gone of which this was remembered: before it was sent that cancels it; afterwards the reset may still happen, and
    /// somebody has to be told.
    pub fn forgotten(&self, state: PassState) {
        let Some(object) = state.in_flight else { return };
        if let Some(tenant) = self.tenants.get(&object.spec.tenant_ref.name) {
            tenant.record.health().follows(&object.uid().unwrap_or_default(), 0);
        }
        self.deletions.note(object);
    }

    /// What is known of the tenant of this name.
    #[must_use]
    pub fn presence(&self, name: &str) -> Presence {
        match self.tenants.get(name) {
            Some(tenant) if tenant.signing_in => Presence::BeingSetUp,
            Some(_) => Presence::SetUp,
            None if self.tenants.unreadable(name).is_some() => Presence::SetUp,
            None if self.tenant_objects.get(&ObjectRef::new(name)).is_some() => Presence::BeingSetUp,
            None => Presence::Missing,
        }
    }

    /// Whether a new attempt may begin as far as this process is concerned.
    #[must_use]
    pub fn may_begin(&self) -> bool {
        !self.stopping.load(Ordering::Relaxed) && self.health.schema_is_current() && self.acts()
    }

    /// Whether this replica leads, and has renewed the lease lately.
    fn acts(&self) -> bool {
        self.leadership.borrow().acts(self.clock.boot())
    }

    /// Whether the leader lease says so, too, at this moment.
    ///
    /// # Errors
    /// If the API server does not answer.
    pub async fn leads(&self) -> Result<bool, CallError> {
        let known = *self.leadership.borrow();
        let kept = leader::is_kept(self.client.clone(), &self.namespace, &self.identity, &known).await?;
        // A lease that this replica left alone for too long may look the same and not be: another's terms may have been taken back.
        Ok(kept && self.acts())
    }
}

/// What is known of the tenant that an object names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It can be asked, or says why not.
    SetUp,
    /// It exists, and there is nothing to say of it yet; its objects are woken once there is.
    BeingSetUp,
    /// There is no such IntuneTenant.
    Missing,
}

/// Which objects have to be looked at again, because something changed that they may wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// All that name this tenant.
    Tenant(String),
    /// Those of this namespace that name this tenant.
    Namespace {
        /// The namespace.
        namespace: String,
        /// The tenant.
        tenant: String,
    },
}

impl Wake {
    /// Whether it concerns an object of this namespace that names this tenant.
    #[must_use]
    pub fn concerns(&self, of_namespace: &str, of_tenant: &str) -> bool {
        match self {
            Self::Tenant(tenant) => tenant == of_tenant,
            Self::Namespace { namespace, tenant } => namespace == of_namespace && tenant == of_tenant,
        }
    }
}

/// The tenants, by name, and what wakes the objects that wait for them.
pub struct Tenants {
    by_name: RwLock<HashMap<String, Result<Arc<Tenant>, NotReady>>>,
    woken: mpsc::UnboundedSender<Wake>,
}

impl Tenants {
    /// None yet; the receiver gets who is to be woken.
    #[must_use]
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Wake>) {
        let (woken, wakes) = mpsc::unbounded_channel();
        (Self { by_name: RwLock::default(), woken }, wakes)
    }

    /// The tenant of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Tenant>> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name)?.clone().ok()
    }

    /// What cannot be read of the tenant of this name, if it is there and that is so.
    #[must_use]
    pub fn unreadable(&self, name: &str) -> Option<NotReady> {
        self.by_name.read().unwrap_or_else(PoisonError::into_inner).get(name)?.clone().err()
    }

    /// All that can be read.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Tenant>> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.values().filter_map(|tenant| tenant.clone().ok()).collect()
    }

    /// Puts one in place.
    pub fn put(&self, name: &str, tenant: Arc<Tenant>) {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), Ok(tenant));
    }

    /// Says that this one cannot be read; answers whether that is new.
    pub fn put_unreadable(&self, name: &str, why: NotReady) -> bool {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        let before = by_name.insert(name.to_owned(), Err(why.clone()));
        before.and_then(Result::err) != Some(why)
    }

    /// Takes one away.
    pub fn remove(&self, name: &str) -> bool {
        self.by_name.write().unwrap_or_else(PoisonError::into_inner).remove(name).is_some()
    }

    /// Something changed that these objects may wait for.
    pub fn wake(&self, wake: Wake) {
        // Where nobody listens any more, the term is over.
        let _ = self.woken.send(wake);
    }

    /// The same for all objects that name this tenant.
    pub fn wake_objects_of(&self, tenant: &str) {
        self.wake(Wake::Tenant(tenant.to_owned()));
    }
}

/// One mutex per device that is being worked on.
#[derive(Default)]
pub struct Devices(Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>);

impl Devices {
    /// Waits until nobody else in this process works on the device.
    pub async fn alone_with(&self, device_id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let mutex = {
            let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            devices.retain(|_, mutex| mutex.strong_count() > 0);
            let slot = devices.entry(device_id.to_lowercase()).or_default();
            slot.upgrade().unwrap_or_else(|| {
                let mutex = Arc::new(tokio::sync::Mutex::new(()));
                *slot = Arc::downgrade(&mutex);
                mutex
            })
        };
        mutex.lock_owned().await
    }
}
