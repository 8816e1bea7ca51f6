//! The budgets: one for each app in each Entra tenant, whatever IntuneTenants name it. They include what earlier leaders asked of Graph.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::jiff::Timestamp;
use tokio::sync::OnceCell;

use crate::{
    graph::{Budget, Clock, Full, Limits},
    operator::{calls::CallError, locks::Locks},
};
use passcode_core::{
    api::tenant::{CloudName, IntuneTenantSpec, Limits as Configured},
    lifecycle::observed::Gate,
};

/// After how long an object that is queued for capacity is looked at all the same: somebody may have reset the device meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// Within which time a slot of an hour's resets is free: the oldest of them is an hour old by then. It is a minute more for one that has its
/// slot and is yet to be sent.
const SLOT_WITHIN: Duration = Duration::from_secs(3660);

/// What tells one app in one tenant from another: where Graph is, the Entra tenant, the app.
type App = (Option<String>, CloudName, String, String);

/// The budgets of one term.
pub struct Budgets {
    clock: Arc<dyn Clock>,
    locks: Arc<Locks>,
    /// Whether somebody led until a moment ago.
    succeeded: bool,
    /// What earlier leaders claimed: tenant ids and times. The device locks tell.
    claims: OnceCell<Vec<(String, Timestamp)>>,
    by_app: Mutex<HashMap<App, Arc<Budget>>>,
}

impl Budgets {
    /// Nothing is spent yet. `succeeded`: an earlier leader may have asked as much as the limits allow, a moment ago.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, locks: Arc<Locks>, succeeded: bool) -> Self {
        Self { clock, locks, succeeded, claims: OnceCell::new(), by_app: Mutex::default() }
    }

    /// The budget of the app that this tenant names. One that is named for the first time begins with what earlier leaders asked.
    ///
    /// # Errors
    /// [`CallError`], where the device locks cannot be listed: until it is known what was claimed, nothing is asked of Graph.
    pub async fn open(&self, spec: &IntuneTenantSpec) -> Result<Arc<Budget>, CallError> {
        let claims = self.claims.get_or_try_init(|| self.locks.claims()).await?;
        let graph = spec.endpoints.as_ref().map(|endpoints| endpoints.graph.clone());
        let app = (graph, spec.cloud, spec.tenant_id.to_lowercase(), spec.client_id.to_lowercase());
        let mut by_app = self.by_app.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(by_app.entry(app).or_insert_with(|| self.begun(spec, claims)).clone())
    }

    fn begun(&self, spec: &IntuneTenantSpec, claims: &[(String, Timestamp)]) -> Arc<Budget> {
        let budget = Budget::new(self.clock.clone());
        let wall = self.clock.wall();
        for (_, claimed) in claims.iter().filter(|(id, _)| spec.tenant_id.eq_ignore_ascii_case(id)) {
            budget.sent_by_another(Duration::try_from(wall.duration_since(*claimed)).unwrap_or_default());
        }
        if self.succeeded {
            budget.read_by_another(&limits(&spec.limits));
        }
        budget
    }
}

/// The limits as the client knows them.
#[must_use]
pub fn limits(configured: &Configured) -> Limits {
    let count = |limit: i32| usize::try_from(limit).unwrap_or(1).max(1);
    Limits {
        requests: count(configured.requests_per20s),
        resets: count(configured.writes_per20s),
        resets_per_hour: count(configured.resets_per_hour),
    }
}

/// Why a reset waits that has no capacity, in words that stay the same while it waits.
#[must_use]
pub fn no_capacity(configured: &Configured, full: Full) -> Gate {
    let (message, slot_within) = match full {
        Full::Hour => {
            let limit = configured.resets_per_hour;
            let message =
                format!("The tenant's limit of {limit} resets per hour is reached (spec.limits.resetsPerHour).");
            (message, Some(SLOT_WITHIN))
        }
        Full::Window | Full::Queue => {
            let limit = configured.writes_per20s;
            let message = format!(
                "The tenant's limit of {limit} resets per 20 s is reached (spec.limits.writesPer20s), or what other apps leave of it; \
                 namespaces take turns."
            );
            (message, None)
        }
        Full::Paused => ("Graph asked to wait (429).".to_owned(), None),
    };
    Gate { message, slot_within, retry_after: LOOK_AGAIN }
}
