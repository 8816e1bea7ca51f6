//! The one place where a PasscodeReset's status is written.

use json_patch::{
    AddOperation, Patch as JsonPatch, PatchOperation, RemoveOperation, TestOperation, jsonptr::PointerBuf,
};
use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::{Map, Value, json};

use super::calls::{CallError, call};
use passcode_core::api::{reset::PasscodeReset, reset_status::PasscodeResetStatus};

/// How strictly the API server is to check a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A field that the served CRD does not know is an error: for the claim, which must not be stored without its id.
    Strict,
    /// It is dropped: an older CRD must never refuse an outcome.
    Lenient,
    /// As [`Strict`](Self::Strict), and nothing is stored.
    Trial,
}

/// Writes the status on exactly the version that was read, of exactly the object and the attempt that were read; answers with the
/// object as stored.
///
/// # Errors
/// [`CallError`]; `Conflict` also where the version was given out again, after a restore of etcd, to something else.
pub async fn write(
    client: &Client,
    object: &PasscodeReset,
    status: &PasscodeResetStatus,
    check: Check,
) -> Result<PasscodeReset, CallError> {
    let api: Api<PasscodeReset> = Api::namespaced(client.clone(), &object.namespace().unwrap_or_default());
    let params = PatchParams {
        field_manager: Some("passcode-operator".to_owned()),
        field_validation: Some(match check {
            Check::Strict | Check::Trial => ValidationDirective::Strict,
            Check::Lenient => ValidationDirective::Warn,
        }),
        dry_run: check == Check::Trial,
        ..PatchParams::default()
    };
    let patch: Patch<()> = Patch::Json(patch(object, status)?);
    match call(api.patch_status(&object.name_any(), &params, &patch)).await {
        // A test of the patch that does not hold is answered like a schema that refuses it: what is stored tells them apart.
        Err(CallError::Invalid(_)) if !is_as_read(&api, object).await? => Err(CallError::Conflict),
        answer => answer,
    }
}

async fn is_as_read(api: &Api<PasscodeReset>, read: &PasscodeReset) -> Result<bool, CallError> {
    let stored = call(api.get(&read.name_any())).await?;
    let attempt = |object: &PasscodeReset| Some(object.status.as_ref()?.attempt.as_ref()?.id.clone());
    let version = |object: &PasscodeReset| (object.uid(), object.resource_version(), attempt(object));
    Ok(version(&stored) == version(read))
}

/// A JSON patch, for only that has tests: a merge patch compares the version and nothing else (decision 0022).
fn patch(object: &PasscodeReset, status: &PasscodeResetStatus) -> Result<JsonPatch, CallError> {
    let json = |status: &PasscodeResetStatus| {
        serde_json::to_value(status).map_err(|error| CallError::Unreadable(error.to_string()))
    };
    let old = object.status.as_ref().map(json).transpose()?;
    let mut operations = vec![
        test("/metadata/uid", json!(object.uid())),
        test("/metadata/resourceVersion", json!(object.resource_version())),
    ];
    if let Some(attempt) = object.status.as_ref().and_then(|status| status.attempt.as_ref()) {
        operations.push(test("/status/attempt/id", json!(attempt.id)));
    }
    match (old, json(status)?) {
        (Some(Value::Object(old)), Value::Object(new)) => operations.extend(changes(&old, new)),
        (_, new) => operations.push(add("/status", new)),
    }
    Ok(JsonPatch(operations))
}

/// What is different, field by field of the status: whole fields, so that no operation rests on what is inside of one.
fn changes(old: &Map<String, Value>, new: Map<String, Value>) -> Vec<PatchOperation> {
    let path = |field: &str| format!("/status/{field}");
    let gone = old.keys().filter(|field| !new.contains_key(*field));
    let mut operations: Vec<PatchOperation> =
        gone.map(|field| PatchOperation::Remove(RemoveOperation { path: pointer(&path(field)) })).collect();
    let changed = new.into_iter().filter(|(field, value)| old.get(field) != Some(value));
    operations.extend(changed.map(|(field, value)| add(&path(&field), value)));
    operations
}

fn test(path: &str, value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: pointer(path), value })
}

/// Also where there is something already: then it takes its place.
fn add(path: &str, value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: pointer(path), value })
}

/// The fields of a status are words, so nothing has to be escaped.
fn pointer(path: &str) -> PointerBuf {
    PointerBuf::parse(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use passcode_core::api::reset_status::{Attempt, Outcome};

    fn object(attempt: Option<&str>) -> PasscodeReset {
        let spec = json!({"device": {"serialNumber": "S"}, "requestTime": "2026-11-22T09:00:00Z"});
        let mut object = PasscodeReset::new("inc", serde_json::from_value(spec).unwrap());
        object.metadata.uid = Some("u".to_owned());
        object.metadata.resource_version = Some("7".to_owned());
        let attempt = attempt.map(|id| -> Attempt {
            let json = json!({
                "number": 1, "id": id, "claimTime": "2026-11-22T09:00:01Z", "sendDeadline": "2026-11-22T09:00:31Z", "settleWindow": "280s",
            });
            serde_json::from_value(json).unwrap()
        });
        object.status = Some(PasscodeResetStatus { attempt, silent_attempts: 1, ..PasscodeResetStatus::default() });
        object
    }

    #[test]
    fn a_write_tests_what_it_was_read_from_and_has_what_changed() {
        let object = object(Some("a"));
        let mut status = object.status.clone().unwrap();
        status.silent_attempts = 0;
        status.outcome = Some(Outcome::Failed);
        let written = serde_json::to_value(patch(&object, &status).unwrap()).unwrap();
        let expected = json!([
            {"op": "test", "path": "/metadata/uid", "value": "u"},
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "test", "path": "/status/attempt/id", "value": "a"},
            {"op": "remove", "path": "/status/silentAttempts"},
            {"op": "add", "path": "/status/outcome", "value": "Failed"},
        ]);
        assert_eq!(written, expected);
    }

    #[test]
    fn without_a_status_there_is_no_field_to_change() {
        let object = PasscodeReset { status: None, ..object(None) };
        let written = serde_json::to_value(patch(&object, &PasscodeResetStatus::default()).unwrap()).unwrap();
        assert_eq!(written[2], json!({"op": "add", "path": "/status", "value": {}}));
    }
}
