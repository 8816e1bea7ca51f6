//! The IntuneTenants: each is set up, signed in, and told how it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::json;

use super::{
    no_client::NoClient,
    setup::{self, Client},
    state::{Record, Tenant},
};
use crate::graph::SignedIn;
use crate::operator::{
    calls::{CallError, call},
    context::Context,
    guarded::{Guarded, Unread},
    intune::sign_in_trouble,
    matrix::compiled::Matrices,
    namespaces,
};
use passcode_core::{
    api::{
        conditions::{self, Truth, kind, reason},
        tenant::{IntuneTenant, IntuneTenantStatus},
    },
    lifecycle::observed::NotReady,
    protocol::tenant_status::{TenantFacts, Token},
};

/// How often a tenant is looked at again: a rotated Secret shows by then.
const PERIOD: Duration = Duration::from_secs(60);
/// How often while it is in trouble.
const TROUBLED_PERIOD: Duration = Duration::from_secs(15);
/// How soon after its status met another write.
const SOON: Duration = Duration::from_secs(5);
/// What the upkeep of tenants shares.
pub struct TenantsContext {
    /// What everything shares.
    pub context: Arc<Context>,
    /// The matrices.
    pub matrices: Arc<Matrices>,
    /// What is known of tenants, by uid.
    known: Mutex<HashMap<String, Known>>,
}

/// What outlives a change of a tenant's object.
#[derive(Clone, Default)]
struct Known {
    client: Option<Client>,
    /// Why there is no client, or why it could not sign in.
    not_ready: Option<NotReady>,
    record: Arc<Record>,
}

impl Known {
    /// Whether nobody knows yet if it can sign in.
    fn is_signing_in(&self) -> bool {
        self.client.is_none() && self.not_ready.is_none()
    }
}

impl TenantsContext {
    /// An empty one.
    #[must_use]
    pub fn new(context: Arc<Context>, matrices: Arc<Matrices>) -> Self {
        Self { context, matrices, known: Mutex::default() }
    }

    fn known(&self, tenant: &IntuneTenant) -> Known {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let first = || Known { record: Arc::new(remembered(tenant)), ..Known::default() };
        known.entry(tenant.uid().unwrap_or_default()).or_insert_with(first).clone()
    }

    fn keep(&self, tenant: &IntuneTenant, known: Known) {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant.uid().unwrap_or_default(), known);
    }

    /// Puts the tenant in force: this spec, with what is known of its sign-in. `recovered`: objects may wait for what is over now.
    fn put(&self, object: &Arc<IntuneTenant>, known: &Known, recovered: bool) -> Arc<Tenant> {
        let not_ready = known.not_ready.clone().or_else(|| namespaces::unusable(&object.spec));
        let (matrix, not_ready) = match self.matrices.of(&object.spec) {
            Ok(matrix) => (Some(matrix), not_ready),
            Err(bad) => (None, not_ready.or(Some(bad))),
        };
        let tenant = Arc::new(Tenant {
            object: object.clone(),
            graph: known.client.as_ref().map(|client| client.graph.clone()),
            matrix,
            not_ready,
            signing_in: known.is_signing_in(),
            record: known.record.clone(),
        });
        let name = object.name_any();
        let tenants = &self.context.tenants;
        let before = tenants.get(&name);
        tenants.put(&name, tenant.clone());
        let same = before.is_some_and(|before| before.verdict() == tenant.verdict());
        if !tenant.signing_in && (recovered || !same) {
            tenants.wake_objects_of(&name);
        }
        tenant
    }
}

/// What an earlier leader wrote of the tenant's ledger.
fn remembered(tenant: &IntuneTenant) -> Record {
    let record = Record::default();
    if let Some(status) = &tenant.status {
        let mut facts = record.health();
        facts.ledger.clone_from(&status.ledger);
        facts.ledger_readable = conditions::get(&status.conditions, kind::LEDGER_READABLE).and_then(|condition| {
            match condition.status.as_str() {
                "True" => Some(true),
                "False" => Some(false),
                _ => None,
            }
        });
    }
    record
}

/// Puts a tenant's spec in force, signs in, writes its status; answers when to do so again. It may take as long as a sign-in does, and may
/// be dropped at any time for another one of the same tenant.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn reconcile(name: &str, shared: &TenantsContext) -> Result<Duration, CallError> {
    let context = &shared.context;
    // Read live, once a minute at least: what suspends a tenant, or resumes it, must not depend on a watch that stands still or lies.
    let tenants: Api<Guarded<IntuneTenant>> = Api::all(context.client.clone());
    let mut object = match call(tenants.get_opt(name)).await? {
        None => {
            context.tenants.remove(name);
            context.tenants.wake_objects_of(name);
            return Ok(SOON);
        }
        Some(Guarded(Err(unread))) => return unreadable(name, context, &unread).await,
        Some(Guarded(Ok(tenant))) => Arc::new(tenant),
    };
    let mut known = shared.known(&object);
    if let Some(client) = known.client.take() {
        known.client = client.under(&object.spec);
        known.not_ready = known.not_ready.filter(|_| known.client.is_some());
    }
    // What the spec forbids or limits holds from here on, whatever becomes of the sign-in, which may take half a minute.
    let in_force = shared.put(&object, &known, false);
    if object.status.as_ref().and_then(|status| status.observed_generation) != object.metadata.generation
        // Where this cannot be written, what follows cannot either, and says so.
        && let Ok(Some(written)) = write_status(context, &object, &in_force, None).await
    {
        object = Arc::new(written);
    }
    let signed_in = sign_in(context, &object, &mut known).await?;
    shared.keep(&object, known.clone());
    let recovered = signed_in.is_some() && known.record.health().signed_in();
    let ready = shared.put(&object, &known, recovered);
    match write_status(context, &object, &ready, signed_in.as_ref()).await {
        // Most likely our own last write, which has not come back yet. It may be a label, so nothing else would say the status.
        Err(CallError::Conflict) => return Ok(SOON),
        // It is set up all the same, and its resets go on.
        Err(CallError::Denied(denial)) => {
            context.metrics.write_denied("tenant");
            tracing::warn!(tenant = name, %denial, "a tenant's status could not be written");
        }
        said => {
            said?;
        }
    }
    let troubled = ready.not_ready.is_some() || ready.record.health().fault().is_some();
    Ok(if troubled { TROUBLED_PERIOD } else { PERIOD })
}

/// A tenant that this version cannot read: nothing is asked in its name, and it says why.
async fn unreadable(name: &str, context: &Context, unread: &Unread) -> Result<Duration, CallError> {
    let not_ready = NotReady { reason: reason::INVALID_CONFIGURATION.to_owned(), message: unread.sentence() };
    if context.tenants.put_unreadable(name, not_ready) {
        context.tenants.wake_objects_of(name);
    }
    let (client, now) = (context.client.clone(), context.clock.wall());
    match unread.tell::<IntuneTenant>(client, now, reason::INVALID_CONFIGURATION).await {
        Err(CallError::Conflict) => Ok(SOON),
        told => told.map(|()| TROUBLED_PERIOD),
    }
}

/// Signs in, with what the Secret says now.
async fn sign_in(context: &Context, tenant: &IntuneTenant, known: &mut Known) -> Result<Option<SignedIn>, CallError> {
    let client = match setup::client(context, tenant, known.client.take()).await {
        Ok(client) => client,
        Err(NoClient::NotReady(not_ready)) => {
            known.not_ready = Some(not_ready);
            return Ok(None);
        }
        Err(NoClient::Unclear(error)) => return Err(error),
    };
    let signed_in = client.graph.sign_in().await;
    known.client = Some(client);
    known.not_ready = signed_in.as_ref().err().map(sign_in_trouble);
    Ok(signed_in.ok())
}

/// The one place where the status of a tenant that can be read is written: on `object`, its latest version. Answers what is stored, if it was.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn write_status(
    context: &Context,
    object: &IntuneTenant,
    tenant: &Tenant,
    signed_in: Option<&SignedIn>,
) -> Result<Option<IntuneTenant>, CallError> {
    let old = object.status.clone().unwrap_or_default();
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
        };
        facts.status(&old, context.clock.wall())
    };
    if new == old {
        return Ok(None);
    }
    let api: Api<IntuneTenant> = Api::all(context.client.clone());
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
