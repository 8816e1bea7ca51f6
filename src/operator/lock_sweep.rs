//! Sweeps device leases that hold nobody back and remember nothing that matters.

use std::{sync::Arc, time::Duration};

use k8s_openapi::jiff::Timestamp;
use tokio::sync::watch;

use super::{
    calls::CallError,
    locks::Locks,
    policy::Policies,
    reconciliations::{pause_after, stopped},
    tenant::Tenants,
};
use crate::graph::Clock;
use passcode_core::api::time::saturating_add;

/// How often.
const PERIOD: Duration = Duration::from_secs(300);

/// Sweeps until `stop`.
pub async fn run(
    locks: Arc<Locks>,
    tenants: Arc<Tenants>,
    policies: Arc<Policies>,
    clock: Arc<dyn Clock>,
    stop: watch::Receiver<bool>,
) {
    let sweeps = async {
        let mut pause = PERIOD;
        loop {
            tokio::time::sleep(pause).await;
            pause = match sweep(&locks, &tenants, &policies, clock.as_ref()).await {
                Ok(()) => PERIOD,
                Err(error) => {
                    tracing::info!(%error, "the device locks could not be swept; tried again");
                    pause_after(&error)
                }
            };
        }
    };
    tokio::select! {
        () = sweeps => {}
        () = stopped(stop) => {}
    }
}

/// One sweep. By whose clock a lock is over only its tenant knows.
async fn sweep(locks: &Locks, tenants: &Tenants, policies: &Policies, clock: &dyn Clock) -> Result<(), CallError> {
    let tenants = tenants.all();
    if tenants.is_empty() {
        return Ok(());
    }
    let wall = clock.wall();
    let graph_now = |tenant_id: &str| -> Option<Timestamp> {
        // The latest of all tenants with this id would do as well; they ask the same Graph.
        let tenant = tenants.iter().find(|tenant| tenant.spec().tenant_id == tenant_id)?;
        let offset = tenant.record.health().clock_offset?;
        Some(saturating_add(wall, offset))
    };
    locks.sweep(wall, graph_now, policies.are_in_use()).await
}
