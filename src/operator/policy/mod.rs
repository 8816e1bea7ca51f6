//! PasscodeResetPolicies and PasscodeResetApprovals: read, compiled, and told what is wrong with them.
//!
//! What lives here: the controller of policies, the policies as they decide, the approvals of a request, and what wakes the requests that they are
//! about. What does not: what a policy says of a request (`policy` of the core), and when that is asked (`lifecycle`).

pub mod approvals;
mod compiled;
pub mod controller;

use std::sync::Arc;

use kube::ResourceExt;
use tokio::sync::watch;

pub use self::compiled::Policies;
use super::{
    identity::IdentityProof,
    reconciliations::stopped,
    tenant::Tenants,
    wakes::{Wake, Wakes},
};

/// Wakes every request when something else is known of who approves, until `stop`.
pub async fn wake_by_proof(
    proof: Arc<IdentityProof>,
    tenants: Arc<Tenants>,
    wakes: Wakes,
    stop: watch::Receiver<bool>,
) {
    let mut changes = proof.changes();
    let work = async {
        while changes.changed().await.is_ok() {
            tenants.all().iter().for_each(|tenant| wakes.wake(Wake::Tenant(tenant.object.name_any())));
        }
        // The proof is as long there as the process.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = work => {}
        () = stopped(stop) => {}
    }
}
