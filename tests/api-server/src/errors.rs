//! The `Status` bodies a kube-apiserver answers with, worded as it words them.

use kube::core::Status;
use kube::core::response::{StatusDetails, reason};

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

pub(crate) fn unsupported_media_type(content_type: &str) -> Refusal {
    let message = format!(
        "the body of the request was in an unknown format ({content_type}) - accepted media types include: application/json-patch+json, application/merge-patch+json"
    );
    refuse(415, "UnsupportedMediaType", &message)
}

pub(crate) fn already_exists(resource: &ResourceType, name: &str) -> Refusal {
    let message = format!("{} {name:?} already exists", resource.qualified());
    about(409, reason::ALREADY_EXISTS, &message, resource, name)
}

pub(crate) fn conflict(resource: &ResourceType, name: &str, why: &str) -> Refusal {
    let message = format!("Operation cannot be fulfilled on {} {name:?}: {why}", resource.qualified());
    about(409, reason::CONFLICT, &message, resource, name)
}

/// The object moved on since it was read.
pub(crate) fn modified(resource: &ResourceType, name: &str) -> Refusal {
    conflict(
        resource,
        name,
        "the object has been modified; please apply your changes to the latest version and try again",
    )
}

pub(crate) fn bad_request(message: &str) -> Refusal {
    refuse(400, reason::BAD_REQUEST, message)
}

pub(crate) fn invalid(kind: &str, name: &str, problem: &str) -> Refusal {
    refuse(422, reason::INVALID, &format!("{kind} {name:?} is invalid: {problem}"))
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
    refuse(504, reason::TIMEOUT, &format!("Timeout: Too large resource version: {asked}, current: {current}"))
}

pub(crate) fn version_on_create() -> Refusal {
    refuse(500, "", "resourceVersion should not be set on objects to be created")
}
