//! What a custom resource's schema does to an object: defaults, nulls, unknown fields.
//!
//! Follows `apiextensions-apiserver/pkg/apiserver/schema/{defaulting,pruning}`. Types, patterns and CEL rules are not checked.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use serde_json::{Map, Value};

/// The fields of every resource that no schema describes.
const ENVELOPE: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Fills in defaults and removes nulls that the schema does not allow.
pub(crate) fn apply_defaults(value: &mut Value, schema: &JSONSchemaProps) {
    match value {
        Value::Object(fields) => {
            settle_nulls(fields, schema);
            for (key, property) in schema.properties.iter().flatten() {
                if let Some(default) = &property.default {
                    fields.entry(key.as_str()).or_insert_with(|| default.0.clone());
                }
            }
            for (key, field) in fields.iter_mut() {
                if let Some(child) = child_of(schema, key) {
                    apply_defaults(field, child);
                }
            }
        }
        Value::Array(items) => {
            if let Some(child) = items_of(schema) {
                for item in items {
                    apply_defaults(item, child);
                }
            }
        }
        _ => {}
    }
}

/// A null where null is not allowed counts as absent.
fn settle_nulls(fields: &mut Map<String, Value>, schema: &JSONSchemaProps) {
    fields.retain(|key, value| {
        !value.is_null() || child_of(schema, key).is_none_or(|child| child.nullable == Some(true))
    });
}

/// Removes what the schema does not know and returns the paths of what was removed, sorted.
pub(crate) fn prune(object: &mut Value, schema: &JSONSchemaProps) -> Vec<String> {
    let mut removed = Vec::new();
    let Value::Object(fields) = object else {
        return removed;
    };
    let envelope: Vec<(String, Value)> = ENVELOPE.iter().filter_map(|key| fields.remove_entry(*key)).collect();
    prune_value(object, Some(schema), "", &mut removed);
    if let Value::Object(fields) = object {
        fields.extend(envelope);
    }
    removed.sort();
    removed
}

fn prune_value(value: &mut Value, schema: Option<&JSONSchemaProps>, path: &str, removed: &mut Vec<String>) {
    let keep_unknown = schema.is_some_and(|schema| schema.x_kubernetes_preserve_unknown_fields == Some(true));
    match value {
        Value::Object(fields) => {
            let embedded = schema.is_some_and(|schema| schema.x_kubernetes_embedded_resource == Some(true));
            fields.retain(|key, field| {
                if embedded && ENVELOPE.contains(&key.as_str()) {
                    return true;
                }
                let here = join(path, key);
                match schema.and_then(|schema| known(schema, key)) {
                    Some(child) => prune_value(field, child, &here, removed),
                    None if keep_unknown => {}
                    None => {
                        removed.push(here);
                        return false;
                    }
                }
                true
            });
        }
        Value::Array(items) => {
            let child = schema.and_then(items_of);
            if keep_unknown && child.is_none() {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                prune_value(item, child, &format!("{path}[{index}]"), removed);
            }
        }
        _ => {}
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// None: the field is unknown. Some(None): the field is known, what it holds is not described.
fn known<'a>(schema: &'a JSONSchemaProps, key: &str) -> Option<Option<&'a JSONSchemaProps>> {
    if let Some(property) = schema.properties.as_ref().and_then(|properties| properties.get(key)) {
        return Some(Some(property));
    }
    match &schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(child)) => Some(Some(child)),
        Some(JSONSchemaPropsOrBool::Bool(true)) => Some(None),
        _ => None,
    }
}

fn child_of<'a>(schema: &'a JSONSchemaProps, key: &str) -> Option<&'a JSONSchemaProps> {
    known(schema, key).flatten()
}

fn items_of(schema: &JSONSchemaProps) -> Option<&JSONSchemaProps> {
    match &schema.items {
        Some(JSONSchemaPropsOrArray::Schema(child)) => Some(child),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> JSONSchemaProps {
        serde_json::from_value(json!({
            "type": "object",
            "properties": {
                "spec": {"type": "object", "properties": {
                    "size": {"type": "integer", "default": 1},
                    "note": {"type": "string", "nullable": true},
                    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": true,
                             "properties": {"closed": {"type": "object"}}},
                    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                    "rules": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}}
                }},
                "status": {"type": "object", "default": {"seen": -1}, "properties": {
                    "seen": {"type": "integer"}, "phase": {"type": "string", "default": "New"}}}
            }
        }))
        .unwrap()
    }

    #[test]
    fn defaults_reach_into_defaults_and_nulls_count_as_absent() {
        let mut object = json!({"spec": {"size": null, "note": null}});
        apply_defaults(&mut object, &schema());
        assert_eq!(object, json!({"spec": {"size": 1, "note": null}, "status": {"seen": -1, "phase": "New"}}));
    }

    #[test]
    fn unknown_fields_go_and_are_named() {
        let mut object = json!({
            "apiVersion": "v1", "kind": "X", "metadata": {"name": "x"}, "extra": 1,
            "spec": {"other": 1, "open": {"any": {"deep": 1}, "closed": {"in": 1}}, "labels": {"a": "b"},
                     "rules": [{"name": "n", "odd": 1}]},
        });
        let removed = prune(&mut object, &schema());
        assert_eq!(removed, ["extra", "spec.open.closed.in", "spec.other", "spec.rules[0].odd"]);
        assert_eq!(
            object,
            json!({
                "apiVersion": "v1", "kind": "X", "metadata": {"name": "x"},
                "spec": {"open": {"any": {"deep": 1}, "closed": {}}, "labels": {"a": "b"}, "rules": [{"name": "n"}]},
            })
        );
    }
}
