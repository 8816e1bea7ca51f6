//! The condition Ready of what administrators write: matrices, policies, and whatever this version cannot read.

use std::fmt;

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, ObjectMeta},
    jiff::Timestamp,
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams, ValidationDirective},
    core::ClusterResourceScope,
};
use passcode_core::api::conditions::{self, Truth, kind};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{
    calls::{CallError, call},
    guarded::{Guarded, Unread},
};

const UNREAD: &str = "this version cannot read an object: nothing is done with it, and its status says what to do";

/// What is said of an object.
pub struct Said<'a> {
    /// Whether it can be used.
    pub truth: Truth,
    /// The condition's reason.
    pub reason: &'a str,
    /// The condition's message.
    pub message: &'a str,
    /// This machine's clock, which dates the condition.
    pub now: Timestamp,
}

/// Writes it on the version that was read, and answers whether that was done: not if its conditions say it already, or if it is gone.
///
/// # Errors
/// [`CallError`]: it is tried again. After a conflict, too: a label moves the version as well, and nothing but another try would say the status.
pub async fn write<K>(
    client: &Client,
    metadata: &ObjectMeta,
    old: &[Condition],
    said: &Said<'_>,
) -> Result<bool, CallError>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + DeserializeOwned + fmt::Debug,
{
    let ObjectMeta { name, uid, resource_version, generation, .. } = metadata;
    let mut new = old.to_vec();
    conditions::set(&mut new, kind::READY, said.truth, said.reason, said.message, *generation, said.now);
    if new == old {
        return Ok(false);
    }
    let api: Api<Guarded<K>> = Api::all(client.clone());
    let params = PatchParams { field_validation: Some(ValidationDirective::Warn), ..PatchParams::default() };
    let patch = json!({
        "metadata": {"uid": uid, "resourceVersion": resource_version},
        "status": {"observedGeneration": generation, "conditions": new},
    });
    match call(api.patch_status(name.as_deref().unwrap_or_default(), &params, &Patch::Merge(patch))).await {
        Err(CallError::Gone) => Ok(false),
        written => written.map(|_| true),
    }
}

/// Says in the object's own status that this version cannot read it; for that nothing else of it has to be. `now` dates the condition.
///
/// # Errors
/// [`CallError`]: it is tried again.
pub async fn tell_unread<K>(client: &Client, unread: &Unread, now: Timestamp, reason: &str) -> Result<(), CallError>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Clone + DeserializeOwned + fmt::Debug,
{
    let message = unread.sentence();
    let said = Said { truth: Truth::False, reason, message: &message, now };
    if write::<K>(client, &unread.metadata, &unread.conditions, &said).await? {
        tracing::warn!(name = unread.metadata.name, kind = %K::kind(&()), place = unread.place, "{UNREAD}");
    }
    Ok(())
}
