//! What stands between a write and the store: the policies and webhooks of a test.

use std::sync::Arc;

use kube::core::Status;
use kube::core::response::{StatusCause, StatusDetails};
use serde_json::Value;

use crate::call::Verb;
use crate::errors::status;

/// A write that was found to be well formed and is about to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// Who writes.
    pub client: &'a str,
    /// How.
    pub verb: Verb,
    /// The resource's plural name.
    pub resource: &'a str,
    /// Empty for the main resource.
    pub subresource: &'a str,
    /// The object's name.
    pub name: &'a str,
    /// What would be stored; for a delete what was.
    pub object: &'a Value,
    /// What is stored; null if nothing is.
    pub old: &'a Value,
    /// Whether nothing will be stored in any case.
    pub dry_run: bool,
}

/// What becomes of a write.
#[derive(Clone, Debug)]
pub enum Ruling {
    /// It is stored.
    Admit,
    /// It is answered with this.
    Deny(Box<Status>),
    /// This is stored instead.
    Change(Value),
}

/// Judges every write.
pub(crate) type Admission = Arc<dyn Fn(&Review<'_>) -> Ruling + Send + Sync>;

/// As a ValidatingAdmissionPolicy denies: 403 if it says Forbidden, 422 by default.
pub fn denied_by_policy(code: u16, policy: &str, sentence: &str) -> Status {
    let said = format!("ValidatingAdmissionPolicy '{policy}' with binding '{policy}' denied request: {sentence}");
    let reason = if code == 403 { "Forbidden" } else { "Invalid" };
    let message = format!("passcoderesets.passcode-operator.dev is forbidden: {said}");
    status(code, reason, &message).with_details(because(&said))
}

/// As a webhook denies, with the code that it chooses.
pub fn denied_by_webhook(code: u16, webhook: &str, sentence: &str) -> Status {
    status(code, "", &format!("admission webhook {webhook:?} denied the request: {sentence}"))
}

/// What comes of a webhook that does not answer.
pub fn webhook_down(webhook: &str) -> Status {
    let cause =
        format!("failed calling webhook {webhook:?}: failed to call webhook: Post \"https://w\": connection refused");
    status(500, "InternalError", &format!("Internal error occurred: {cause}")).with_details(because(&cause))
}

fn because(message: &str) -> StatusDetails {
    let cause = StatusCause { reason: String::new(), message: message.to_owned(), field: String::new() };
    StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: vec![cause],
        retry_after_seconds: 0,
    }
}
