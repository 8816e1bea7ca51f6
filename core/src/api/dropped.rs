//! Fields of a manifest that the API server did not keep.
//!
//! A client that does not ask for strict validation is told of an unknown field by a warning at most; the field is dropped before anybody else,
//! admission included, sees the object. What `kubectl apply`, and Argo CD in its manner, leave behind is the manifest itself, in an annotation.

use serde_json::{Map, Value};

use super::reset::{PasscodeReset, PasscodeResetSpec};

/// The annotation in which `kubectl apply` leaves the manifest.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What an object has beside its spec.
const OBJECT: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

impl PasscodeReset {
    /// The paths of the fields that the manifest which was applied has, and a PasscodeReset has not. Empty, too, where nothing tells of a
    /// manifest: whoever writes the object writes the annotation.
    #[must_use]
    pub fn dropped_fields(&self) -> Vec<String> {
        let annotations = self.metadata.annotations.as_ref();
        annotations
            .and_then(|annotations| annotations.get(LAST_APPLIED))
            .and_then(|text| dropped(text))
            .unwrap_or_default()
    }
}

fn dropped(manifest: &str) -> Option<Vec<String>> {
    let manifest: Map<String, Value> = serde_json::from_str(manifest).ok()?;
    // What is read and written again has the fields that are known, and no others.
    let understood: PasscodeResetSpec = serde_json::from_value(manifest.get("spec")?.clone()).ok()?;
    let kept = Map::from_iter([("spec".to_owned(), serde_json::to_value(understood).ok()?)]);
    let mut dropped = Vec::new();
    compare("", &manifest, &kept, &mut dropped);
    dropped.retain(|field| !OBJECT.contains(&field.as_str()));
    Some(dropped)
}

fn compare(path: &str, written: &Map<String, Value>, kept: &Map<String, Value>, into: &mut Vec<String>) {
    for (name, value) in written {
        match (kept.get(name), value) {
            (Some(Value::Object(kept)), Value::Object(value)) => compare(&format!("{path}{name}."), value, kept, into),
            // No field at all is what null stands for.
            (Some(_), _) | (None, Value::Null) => {}
            (None, _) => into.push(format!("{path}{name}")),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    fn dropped_of(manifest: &str) -> Vec<String> {
        let mut object: PasscodeReset = PasscodeReset::new("inc1", serde_json::from_value(spec()).unwrap());
        object.metadata.annotations = Some([(LAST_APPLIED.to_owned(), manifest.to_owned())].into());
        object.dropped_fields()
    }

    fn spec() -> Value {
        json!({"device": {"serialNumber": "F9FX"}, "requestTime": "2026-11-22T09:00:00Z"})
    }

    fn manifest(change: impl FnOnce(&mut Value)) -> String {
        let metadata = json!({"name": "inc1", "namespace": "helpdesk", "annotations": {}});
        let mut manifest = json!({
            "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset", "metadata": metadata, "spec": spec(),
        });
        change(&mut manifest);
        manifest.to_string()
    }

    #[test]
    fn a_field_that_is_none_is_found_wherever_it_was_written() {
        for (change, field) in [
            ((|m| m["spec"]["dryrun"] = json!(true)) as fn(&mut Value), "spec.dryrun"),
            (|m| m["spec"]["dry_run"] = json!("true"), "spec.dry_run"),
            (|m| m["spec"]["device"]["dryRun"] = json!(true), "spec.device.dryRun"),
            (|m| m["spec"]["tenantRef"] = json!({"nmae": "other"}), "spec.tenantRef.nmae"),
            (|m| m["dryRun"] = json!(true), "dryRun"),
        ] {
            assert_eq!(dropped_of(&manifest(change)), [field]);
        }
    }

    #[test]
    fn what_is_written_right_is_kept() {
        let everything = |m: &mut Value| {
            m["status"] = json!({});
            m["spec"] = json!({
                "tenantRef": {"name": "other"}, "device": {"azureADDeviceId": "1", "deviceName": null, "userPrincipalName": "a@b"},
                "requestTime": "2026-11-22T10:00:00+01:00", "expirationTime": "2026-11-23T09:00:00Z", "completionTimeout": "3h",
                "action": "UnlockDevice", "dryRun": true, "justification": "x",
            });
        };
        for fine in [manifest(|_| {}), manifest(everything)] {
            assert_eq!(dropped_of(&fine), Vec::<String>::new());
        }
    }

    #[test]
    fn what_cannot_be_read_tells_nothing() {
        for text in ["", "x", "[]", "{}", r#"{"spec": 7}"#, r#"{"spec": {"requestTime": "soon"}}"#] {
            assert_eq!(dropped_of(text), Vec::<String>::new());
        }
        let plain = PasscodeReset::new("inc1", serde_json::from_value(spec()).unwrap());
        assert_eq!(plain.dropped_fields(), Vec::<String>::new());
    }
}
