//! The budgets: one for each app in each Entra tenant, whatever IntuneTenants name it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::graph::{Budget, Clock, Full, Limits};
use passcode_core::{
    api::tenant::{CloudName, IntuneTenantSpec, Limits as Configured},
    lifecycle::observed::Gate,
};

/// After how long an object that stands in line for room is looked at all the same: somebody may have reset the device meanwhile.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// What tells one app in one tenant from another: where Graph is, the Entra tenant, the app.
type App = (Option<String>, CloudName, String, String);

/// The budgets of one term.
pub struct Budgets {
    clock: Arc<dyn Clock>,
    by_app: Mutex<HashMap<App, Arc<Budget>>>,
}

impl Budgets {
    /// Nothing is spent yet.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, by_app: Mutex::default() }
    }

    /// The budget of the app that this tenant names.
    #[must_use]
    pub fn of(&self, spec: &IntuneTenantSpec) -> Arc<Budget> {
        let graph = spec.endpoints.as_ref().map(|endpoints| endpoints.graph.clone());
        let app = (graph, spec.cloud, spec.tenant_id.to_lowercase(), spec.client_id.to_lowercase());
        let mut by_app = self.by_app.lock().unwrap_or_else(PoisonError::into_inner);
        by_app.entry(app).or_insert_with(|| Budget::new(self.clock.clone())).clone()
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

/// Why a reset waits that has no room, in words that stay the same while it waits.
#[must_use]
pub fn no_room(configured: &Configured, full: Full) -> Gate {
    let limit = match full {
        Full::Hour => format!(
            "The tenant's limit of {} resets per hour is reached (spec.limits.resetsPerHour).",
            configured.resets_per_hour
        ),
        Full::Window | Full::Queue => format!(
            "The tenant's limit of {} resets per 20 s is reached (spec.limits.writesPer20s), or what other apps leave of it.",
            configured.writes_per20s
        ),
        Full::Paused => "Graph asked to wait (429).".to_owned(),
    };
    let message = format!("{limit} Nothing is sent at the moment; this goes on by itself.");
    Gate { message, retry_after: LOOK_AGAIN }
}
