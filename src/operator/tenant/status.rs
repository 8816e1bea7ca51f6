//! The one place where the status of an IntuneTenant that can be read is written.

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::json;

use super::{Tenant, context::Context};
use crate::{
    graph::SignedIn,
    operator::calls::{CallError, call},
};
use passcode_core::{
    api::{
        conditions::{self, Truth, kind},
        tenant::{IntuneTenant, IntuneTenantStatus},
    },
    protocol::tenant_status::{TenantFacts, Token},
};

/// Writes what is known of the tenant, on `object`, its latest version. Answers what is stored, if it was.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn write(
    context: &Context,
    object: &IntuneTenant,
    tenant: &Tenant,
    signed_in: Option<&SignedIn>,
) -> Result<Option<IntuneTenant>, CallError> {
    let old = object.status.clone().unwrap_or_default();
    let identity = context.proof.said();
    let new = {
        let health = tenant.record.health();
        let token = signed_in.map(|signed_in| Token { roles: signed_in.permissions.as_deref() });
        let facts = TenantFacts {
            spec: tenant.spec(),
            generation: tenant.object.metadata.generation,
            not_ready: tenant.not_ready.as_ref(),
            signing_in: tenant.signing_in,
            certificate_ends: tenant.graph.as_ref().and_then(|graph| graph.certificate_ends()),
            token,
            health: &health,
            identity: identity.as_ref(),
        };
        facts.status(&old, context.clock.wall())
    };
    if new == old {
        return Ok(None);
    }
    let api: Api<IntuneTenant> = Api::all(context.cluster.client.clone());
    let params = PatchParams { field_validation: Some(ValidationDirective::Warn), ..PatchParams::default() };
    let patch = json!({
        "metadata": {"uid": object.uid(), "resourceVersion": object.resource_version()},
        "status": new,
    });
    match call(api.patch_status(&object.name_any(), &params, &Patch::Merge(patch))).await {
        Err(CallError::Gone) => Ok(None),
        other => other.map(|written| {
            log_change(&object.name_any(), &old, &new);
            Some(written)
        }),
    }
}

/// A line when a tenant begins to work, or ceases to, or for another reason.
fn log_change(tenant: &str, old: &IntuneTenantStatus, new: &IntuneTenantStatus) {
    let before = conditions::get(&old.conditions, kind::READY);
    let Some(now) = conditions::get(&new.conditions, kind::READY) else { return };
    if before.is_some_and(|before| (&before.status, &before.reason) == (&now.status, &now.reason)) {
        return;
    }
    let (reason, message) = (&now.reason, &now.message);
    if now.status == Truth::True.as_str() {
        tracing::info!(tenant, reason, message, "the tenant is ready");
    } else if now.status == Truth::False.as_str() {
        tracing::warn!(tenant, reason, message, "the tenant is not ready");
    }
}
