//! The IntuneTenants: each is set up, signed in, and told how it is.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::LabelSelector,
    jiff::{SignedDuration, Timestamp},
};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::json;

use super::{
    ask::sign_in_trouble,
    calls::{CallError, call},
    context::Context,
    matrices::Matrices,
    tenant::{Record, Tenant},
    tenant_setup::{self, Client, NoClient},
};
use crate::{
    api::{
        conditions::{self, Truth, kind, reason},
        tenant::{IntuneTenant, IntuneTenantSpec, IntuneTenantStatus},
    },
    graph::SignedIn,
    lifecycle::observed::Trouble,
};

/// How often a tenant is looked at again: a rotated Secret shows by then.
const PERIOD: Duration = Duration::from_secs(60);
/// How often while it is in trouble.
const TROUBLED_PERIOD: Duration = Duration::from_secs(15);
/// How soon after its status met another write.
const SOON: Duration = Duration::from_secs(5);
/// A change of the measured clock offset that is worth a write.
const OFFSET_STEP: SignedDuration = SignedDuration::from_secs(5);

/// How long before its end a certificate is told of.
const CERTIFICATE_ENDS_SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What the upkeep of tenants shares.
pub struct TenantsContext {
    /// What everything shares.
    pub context: Arc<Context>,
    /// The matrices.
    pub matrices: Arc<Matrices>,
    /// Clients and records by the tenant's uid: they outlive a change of the object.
    known: Mutex<HashMap<String, Known>>,
}

/// What outlives a change of a tenant's object.
type Known = (Option<Client>, Arc<Record>);

impl TenantsContext {
    /// An empty one.
    #[must_use]
    pub fn new(context: Arc<Context>, matrices: Arc<Matrices>) -> Self {
        Self { context, matrices, known: Mutex::default() }
    }

    fn known(&self, tenant: &IntuneTenant) -> Known {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(tenant.uid().unwrap_or_default()).or_insert_with(|| (None, Arc::new(remembered(tenant)))).clone()
    }

    fn keep(&self, tenant: &IntuneTenant, client: Option<Client>, record: Arc<Record>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(tenant.uid().unwrap_or_default(), (client, record));
    }
}

/// What an earlier leader wrote of the tenant's ledger.
fn remembered(tenant: &IntuneTenant) -> Record {
    let record = Record::default();
    if let Some(status) = &tenant.status {
        let mut facts = record.facts();
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

/// Sets a tenant up, signs in, writes its status; answers when to do so again.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn reconcile(name: &str, shared: &TenantsContext) -> Result<Duration, CallError> {
    let context = &shared.context;
    // Read live, once a minute at least: what suspends a tenant, or resumes it, must not depend on a watch that stands still or lies.
    let tenants: Api<IntuneTenant> = Api::all(context.client.clone());
    let Some(tenant) = call(tenants.get_opt(name)).await?.map(Arc::new) else {
        context.tenants.remove(name);
        context.tenants.wake_all();
        return Ok(SOON);
    };
    let (client, record) = shared.known(&tenant);
    let (client, signed_in, found) = set_up(context, &tenant, client).await?;
    shared.keep(&tenant, client.clone(), record.clone());
    let (matrix, trouble) = match shared.matrices.of(&tenant.spec) {
        Ok(matrix) => (Some(matrix), found),
        Err(bad) => (None, found.or(Some(bad))),
    };
    let graph = client.map(|client| client.graph);
    let ready = Arc::new(Tenant { object: tenant.clone(), graph, matrix, trouble, record });
    let recovered = signed_in.is_some() && ready.record.facts().signed_in();
    let before = context.tenants.get(name);
    context.tenants.put(name, ready.clone());
    if recovered
        || before.is_none_or(|before| {
            before.trouble != ready.trouble || before.object.metadata.generation != tenant.metadata.generation
        })
    {
        context.tenants.wake_all();
    }
    match write_status(context, &tenant, &ready, signed_in.as_ref()).await {
        // Most likely our own last write, which has not come back yet. It may be a label, so nothing else would say the status.
        Err(CallError::Conflict) => return Ok(SOON),
        said => said?,
    }
    let troubled = ready.trouble.is_some() || ready.record.facts().fault().is_some();
    Ok(if troubled { TROUBLED_PERIOD } else { PERIOD })
}

type SetUp = (Option<Client>, Option<SignedIn>, Option<Trouble>);

async fn set_up(context: &Context, tenant: &IntuneTenant, old: Option<Client>) -> Result<SetUp, CallError> {
    let client = match tenant_setup::client(context, tenant, old).await {
        Ok(client) => client,
        Err(NoClient::Trouble(trouble)) => return Ok((None, None, Some(trouble))),
        Err(NoClient::Unclear(error)) => return Err(error),
    };
    match client.graph.sign_in().await {
        Ok(signed_in) => Ok((Some(client), Some(signed_in), None)),
        Err(error) => Ok((Some(client), None, Some(sign_in_trouble(&error)))),
    }
}

/// The one place where a tenant's status is written: on `object`, its latest version.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn write_status(
    context: &Context,
    object: &IntuneTenant,
    tenant: &Tenant,
    signed_in: Option<&SignedIn>,
) -> Result<(), CallError> {
    let old = object.status.clone().unwrap_or_default();
    let new = status(context, tenant, signed_in, &old);
    if new == old {
        return Ok(());
    }
    let api: Api<IntuneTenant> = Api::all(context.client.clone());
    let params = PatchParams { field_validation: Some(ValidationDirective::Warn), ..PatchParams::default() };
    let patch = json!({
        "metadata": {"uid": object.uid(), "resourceVersion": object.resource_version()},
        "status": new,
    });
    match call(api.patch_status(&object.name_any(), &params, &Patch::Merge(patch))).await {
        Err(CallError::Gone) => Ok(()),
        other => other.map(|_| log_change(&object.name_any(), &old, &new)),
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
    } else {
        tracing::warn!(tenant, reason, message, "the tenant is not ready");
    }
}

fn status(
    context: &Context,
    tenant: &Tenant,
    signed_in: Option<&SignedIn>,
    old: &IntuneTenantStatus,
) -> IntuneTenantStatus {
    let mut new = old.clone();
    let generation = tenant.object.metadata.generation;
    let now = context.clock.wall();
    let facts = tenant.record.facts();
    let trouble = tenant.trouble.clone().or_else(|| facts.fault());
    let certificate_ends = tenant.graph.as_ref().and_then(|graph| graph.certificate_ends());
    let mut set = |kind: &str, truth: Truth, reason: &str, message: &str| {
        conditions::set(&mut new.conditions, kind, truth, reason, message, generation, now);
    };
    match &trouble {
        Some(trouble) => set(kind::READY, Truth::False, &trouble.reason, &trouble.message),
        None => {
            let message = signed_in_message(certificate_ends, now) + &namespaces_message(tenant.spec());
            set(kind::READY, Truth::True, reason::READY, &message);
        }
    }
    let (truth, why, message) = permissions(signed_in);
    if signed_in.is_some() {
        set(kind::PERMISSIONS_VERIFIED, truth, why, &message);
    }
    let (truth, why, message) = match facts.ledger_readable {
        Some(true) => (Truth::True, reason::ENTRY_SEEN, "Intune's record of actions was seen to work."),
        Some(false) => (
            Truth::False,
            reason::ENTRY_MISSING,
            "Graph accepted a reset that Intune's record of the device did not show in time; until it shows one, an answer that is lost is not followed by another attempt.",
        ),
        None => (
            Truth::Unknown,
            reason::NO_ENTRY_SEEN,
            "No device of this tenant has shown an action yet; until one does, an answer that is lost is not followed by another attempt.",
        ),
    };
    set(kind::LEDGER_READABLE, truth, why, message);
    new.observed_generation = generation;
    new.settle_window = Some(tenant.spec().timing.settle_window());
    // When an entry was seen last moves with every look, and is worth a write only together with something else.
    if !same_measures(old, &facts) {
        new.ledger.clone_from(&facts.ledger);
    }
    if let Some(offset) = facts.clock_offset
        && old.clock_offset.as_deref().and_then(read_offset).is_none_or(|old| (old - offset).abs() >= OFFSET_STEP)
    {
        new.clock_offset = Some(format!("{}s", offset.as_secs()));
    }
    new
}

/// Whoever wrote `{}`, or wrote nothing where labels belong and had `kubectl apply` take that out, is told what it means.
fn namespaces_message(spec: &IntuneTenantSpec) -> String {
    let nothing = LabelSelector::default();
    if spec.allowed_namespaces.as_ref() == Some(&nothing) {
        return " Every namespace may name this tenant (allowedNamespaces is {}).".to_owned();
    }
    String::new()
}

/// That it works, and whether somebody has to do something so that it goes on doing so.
fn signed_in_message(certificate_ends: Option<Timestamp>, now: Timestamp) -> String {
    match certificate_ends.filter(|ends| ends.duration_since(now) < CERTIFICATE_ENDS_SOON) {
        Some(ends) => format!(
            "Signed in. The certificate in tls.crt ends at {ends}: upload a new one to the app registration, and put it with its key into the Secret before that."
        ),
        None => "Signed in.".to_owned(),
    }
}

fn same_measures(old: &IntuneTenantStatus, facts: &super::tenant::Facts) -> bool {
    match (&old.ledger, &facts.ledger) {
        (Some(old), Some(new)) => (old.samples, old.last_lag, old.max_lag) == (new.samples, new.last_lag, new.max_lag),
        (None, None) => true,
        _ => false,
    }
}

fn read_offset(text: &str) -> Option<SignedDuration> {
    text.strip_suffix('s')?.parse().ok().map(SignedDuration::from_secs)
}

const RESET: &str = "DeviceManagementManagedDevices.PrivilegedOperations.All";
const READ: [&str; 2] = ["DeviceManagementManagedDevices.Read.All", "DeviceManagementManagedDevices.ReadWrite.All"];

/// What the token's roles say, where they can be read: Graph's tokens are opaque, so this is advice and no verdict.
fn permissions(signed_in: Option<&SignedIn>) -> (Truth, &'static str, String) {
    let Some(roles) = signed_in.and_then(|signed_in| signed_in.permissions.as_ref()) else {
        return (
            Truth::Unknown,
            reason::TOKEN_OPAQUE,
            "The token cannot be read; a missing permission shows with the first request.".to_owned(),
        );
    };
    let mut missing = Vec::new();
    if !roles.iter().any(|role| role == RESET) {
        missing.push(RESET);
    }
    if !roles.iter().any(|role| READ.contains(&role.as_str())) {
        missing.push(READ[0]);
    }
    if missing.is_empty() {
        return (Truth::True, reason::ROLES_PRESENT, "The token has the permissions that are needed.".to_owned());
    }
    let message = format!(
        "The token lacks {}. Grant it as an application permission, with admin consent; to a managed identity by an app role assignment.",
        missing.join(" and ")
    );
    (Truth::False, reason::PERMISSION_MISSING, message)
}
