//! The one place where a PasscodeReset's status is written.

use kube::{
    Api, Client, ResourceExt,
    api::{Patch, PatchParams, ValidationDirective},
};
use serde_json::{Map, Value, json};

use super::calls::{CallError, call};
use crate::api::{reset::PasscodeReset, reset_status::PasscodeResetStatus};

/// How strictly the API server is to check a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// A field that the served CRD does not know is an error: for the claim, which must not be stored without its id.
    Strict,
    /// It is dropped: an older CRD must never refuse an outcome.
    Lenient,
}

/// Writes the status on exactly the version that was read; answers with the object as stored.
///
/// # Errors
/// [`CallError`]; `Conflict` also where another object has taken the name.
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
            Check::Strict => ValidationDirective::Strict,
            Check::Lenient => ValidationDirective::Warn,
        }),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(patch(object, status)?);
    let stored = call(api.patch_status(&object.name_any(), &params, &patch)).await?;
    // The version decides on the server; after a restore of etcd a version can come back under another uid.
    if stored.uid() == object.uid() { Ok(stored) } else { Err(CallError::Conflict) }
}

fn patch(object: &PasscodeReset, status: &PasscodeResetStatus) -> Result<Value, CallError> {
    let json = |status: &PasscodeResetStatus| {
        serde_json::to_value(status).map_err(|error| CallError::Unreadable(error.to_string()))
    };
    let old = object.status.as_ref().map(json).transpose()?.unwrap_or_else(|| json!({}));
    Ok(json!({
        "metadata": {"uid": object.uid(), "resourceVersion": object.resource_version()},
        "status": difference(&old, &json(status)?),
    }))
}

/// The merge patch (RFC 7386) from one value to another. By hand: crates for it bring a second JSON patch dialect along.
fn difference(old: &Value, new: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (old, new) else { return new.clone() };
    let mut patch = Map::new();
    for key in old.keys().filter(|key| !new.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new {
        match old.get(key) {
            Some(before) if before == value => {}
            Some(before) => {
                patch.insert(key.clone(), difference(before, value));
            }
            None => {
                patch.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_has_what_changed_and_nothing_else() {
        let old = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1], "f": 5});
        let new = json!({"a": 1, "b": {"c": 4}, "e": [1, 2]});
        assert_eq!(difference(&old, &new), json!({"b": {"c": 4, "d": null}, "e": [1, 2], "f": null}));
        assert_eq!(difference(&old, &old), json!({}));
    }
}
