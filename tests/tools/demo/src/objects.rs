//! The PasscodeResets as anyone can read them in the cluster.

use anyhow::Result;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, ListParams};
use kube::{Client, ResourceExt};
use serde_json::Value;

/// What an object says of itself.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Another one for each object, also of the same name.
    pub uid: String,
    /// `spec.requestTime`.
    pub requested: String,
    /// `status.outcome`; empty until the end.
    pub outcome: String,
    /// The status of the condition Ready.
    pub ready: String,
    /// The reason of the condition Ready.
    pub reason: String,
    /// The message of the condition Ready.
    pub message: String,
    /// The status of the condition IdentityEnforced, of an IntuneTenant.
    pub identity: String,
    /// `status.attempt.id`; empty if nothing was sent for it.
    pub attempt: String,
}

impl State {
    fn of(object: &DynamicObject) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let status = &object.data["status"];
        let ready = condition(status, "Ready");
        Self {
            name: object.name_any(),
            uid: object.uid().unwrap_or_default(),
            requested: text(&object.data["spec"]["requestTime"]),
            outcome: text(&status["outcome"]),
            ready: text(&ready["status"]),
            reason: text(&ready["reason"]),
            message: text(&ready["message"]),
            identity: text(&condition(status, "IdentityEnforced")["status"]),
            attempt: text(&status["attempt"]["id"]),
        }
    }
}

fn condition<'a>(status: &'a Value, kind: &str) -> &'a Value {
    let conditions = status["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    conditions.iter().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

fn resource(kind: &str) -> ApiResource {
    ApiResource::from_gvk(&GroupVersionKind::gvk("passcode-operator.dev", "v1alpha1", kind))
}

/// All PasscodeResets of a namespace.
pub async fn resets(client: &Client, namespace: &str) -> Result<Vec<State>> {
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource("PasscodeReset"));
    Ok(api.list(&ListParams::default()).await?.iter().map(State::of).collect())
}

/// Whether an IntuneTenant is ready, and why.
pub async fn tenant(client: &Client, name: &str) -> Result<State> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource("IntuneTenant"));
    Ok(State::of(&api.get(name).await?))
}
