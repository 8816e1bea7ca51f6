//! `metadata`, which no definition describes: the API server knows it by itself.

use serde_json::{Value, json};

/// How the API server cuts a `generateName` before it adds five characters.
const LONGEST_GENERATED_BASE: usize = 58;

/// The schema of `metadata`, as far as people write it. Fields that the server writes are allowed, because exported objects
/// have them.
pub(super) fn schema() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let text = json!({"type": "string"});
    let number = json!({"type": "integer"});
    let anything = json!({"type": "array", "items": {"x-kubernetes-preserve-unknown-fields": true}});
    json!({
        "type": "object",
        "properties": {
            "name": {
                "type": "string", "minLength": 1, "maxLength": 253,
                "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
            },
            "generateName": {
                "type": "string", "maxLength": 247, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*[-.]?$",
            },
            "namespace": {"type": "string", "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"},
            "labels": texts, "annotations": texts,
            "finalizers": {"type": "array", "items": {"type": "string"}},
            "ownerReferences": anything, "managedFields": anything,
            "uid": text, "resourceVersion": text, "selfLink": text,
            "creationTimestamp": text, "deletionTimestamp": text,
            "generation": number, "deletionGracePeriodSeconds": number,
        },
    })
}

/// Gives an object that only has a `generateName` a name such as the API server would make, because rules speak of the name.
pub(super) fn generate_name(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    if metadata.contains_key("name") {
        return;
    }
    if let Some(base) = metadata.get("generateName").and_then(Value::as_str) {
        let base: String = base.chars().take(LONGEST_GENERATED_BASE).collect();
        metadata.insert("name".to_owned(), format!("{base}aaaaa").into());
    }
}
