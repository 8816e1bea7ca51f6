//! The `Status` bodies a kube-apiserver answers with, worded as it words them.

use kube::core::Status;
use kube::core::response::{StatusDetails, reason};

use serde_json::{Value, json};

use crate::resources::ResourceType;

/// A failure with a code, a reason and a message of one's own, for [`Fault`](crate::Fault)s.
pub fn status(code: u16, reason: &str, message: &str) -> Status {
    Status::failure(message, reason).with_code(code)
}

/// A 429 that asks to wait.
pub fn too_many_requests(retry_after_seconds: u32) -> Status {
    status(429, "TooManyRequests", "the server has received too many requests")
        .with_details(StatusDetails { retry_after_seconds, ..details("", "", "") })
}

/// A `Status` as it goes over the wire.
pub(crate) fn body_of(status: &Status) -> Value {
    let mut body = serde_json::to_value(status).unwrap_or_default();
    body["apiVersion"] = "v1".into();
    body["kind"] = "Status".into();
    body["metadata"] = json!({});
    body
}

/// What the server answers instead of doing what was asked.
pub(crate) type Refusal = Box<Status>;

pub(crate) fn refuse(code: u16, reason: &str, message: &str) -> Refusal {
    status(code, reason, message).boxed()
}

fn details(group: &str, kind: &str, name: &str) -> StatusDetails {
    StatusDetails {
        name: name.into(),
        group: group.into(),
        kind: kind.into(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    }
}

fn about(code: u16, reason: &str, message: &str, resource: &ResourceType, name: &str) -> Refusal {
    status(code, reason, message).with_details(details(&resource.group, &resource.plural, name)).boxed()
}

/// How messages name a kind or a resource of a group.
fn qualified(group: &str, kind: &str) -> String {
    if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") }
}

pub(crate) fn not_found(resource: &ResourceType, name: &str) -> Refusal {
    let message = format!("{} {name:?} not found", resource.qualified());
    about(404, reason::NOT_FOUND, &message, resource, name)
}

pub(crate) fn no_such_path() -> Refusal {
    refuse(404, reason::NOT_FOUND, "the server could not find the requested resource")
}

pub(crate) fn method_not_allowed() -> Refusal {
    refuse(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
}

pub(crate) fn unsupported_media_type() -> Refusal {
    let message = "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json";
    refuse(415, "UnsupportedMediaType", message)
}

pub(crate) fn already_exists(resource: &ResourceType, name: &str) -> Refusal {
    let message = format!("{} {name:?} already exists", resource.qualified());
    about(409, reason::ALREADY_EXISTS, &message, resource, name)
}

/// Messages about a conflict name the resource, save one that names the kind.
fn conflict(group: &str, kind: &str, name: &str, why: &str) -> Refusal {
    let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", qualified(group, kind));
    status(409, reason::CONFLICT, &message).with_details(details(group, kind, name)).boxed()
}

/// A DELETE asked for another object, or another version of it.
pub(crate) fn precondition_of_delete(resource: &ResourceType, name: &str, why: &str) -> Refusal {
    conflict(&resource.group, &resource.kind, name, why)
}

/// A PUT was meant for another object of the same name.
pub(crate) fn other_uid(resource: &ResourceType, namespace: &str, name: &str, asked: &str, held: &str) -> Refusal {
    let folder =
        if resource.built_in { resource.plural.clone() } else { format!("{}/{}", resource.group, resource.plural) };
    let place = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    let why = format!(
        "StorageError: invalid object, Code: 4, Key: /registry/{folder}/{place}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {asked}, UID in object meta: {held}"
    );
    conflict(&resource.group, &resource.plural, name, &why)
}

/// The object moved on since it was read.
pub(crate) fn modified(resource: &ResourceType, name: &str) -> Refusal {
    let why = "the object has been modified; please apply your changes to the latest version and try again";
    conflict(&resource.group, &resource.plural, name, why)
}

pub(crate) fn bad_request(message: &str) -> Refusal {
    refuse(400, reason::BAD_REQUEST, message)
}

pub(crate) fn invalid(group: &str, kind: &str, name: &str, problem: &str) -> Refusal {
    let message = format!("{} {name:?} is invalid: {problem}", qualified(group, kind));
    status(422, reason::INVALID, &message).with_details(details(group, kind, name)).boxed()
}

pub(crate) fn patch_does_not_fit() -> Refusal {
    refuse(422, reason::INVALID, "the server rejected our request due to an error in our request")
}

/// A resourceVersion that is no longer kept.
pub(crate) fn expired(asked: u64, oldest: u64) -> Refusal {
    refuse(410, reason::EXPIRED, &format!("too old resource version: {asked} ({oldest})"))
}

/// A resourceVersion that this server has not seen yet.
pub(crate) fn too_large(asked: u64, current: u64) -> Refusal {
    let message = format!("Timeout: Too large resource version: {asked}, current: {current}");
    let soon = StatusDetails { retry_after_seconds: 1, ..details("", "", "") };
    status(504, reason::TIMEOUT, &message).with_details(soon).boxed()
}

pub(crate) fn version_on_create() -> Refusal {
    refuse(500, "", "resourceVersion should not be set on objects to be created")
}
