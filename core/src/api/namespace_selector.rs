//! The schema of a selector of namespaces or tenants: Kubernetes' own label selector, with bounds, and closed where it is unclear.
//!
//! A null is usually a template's missing value. The API server drops it, and `matchLabels: {team: null}` would become an
//! empty selector, which selects everything. So nulls are kept here, and refused.

use schemars::{Schema, SchemaGenerator, json_schema};

/// The fields that are such selectors.
pub(super) const FIELDS: [&str; 3] = ["allowedNamespaces", "namespaceSelector", "tenantSelector"];

/// The schema of `allowedNamespaces`.
pub(super) fn allowed(_: &mut SchemaGenerator) -> Schema {
    selector("allowedNamespaces: {} to allow all namespaces", "A namespace", "namespaces")
}

/// The schema of a policy's `namespaceSelector`.
pub(super) fn of_namespaces(_: &mut SchemaGenerator) -> Schema {
    selector("namespaceSelector: {} to select all namespaces", "A namespace", "namespaces")
}

/// The schema of a policy's `tenantSelector`.
pub(super) fn of_tenants(_: &mut SchemaGenerator) -> Schema {
    selector("tenantSelector: {} to select all IntuneTenants", "An IntuneTenant", "IntuneTenants")
}

/// `instead` says how to write that everything is meant. To the rules here, `has` is false of a null, while `dyn(self)` shows every field that
/// is written.
fn selector(instead: &str, one: &str, many: &str) -> Schema {
    json_schema!({
        "type": "object",
        "properties": {
            "matchLabels": {
                "description": format!("Labels that {} must have, all of them. At least one: {{}} in the place of the whole selector selects all {many}.", one.replacen('A', "a", 1)),
                "type": "object",
                "nullable": true,
                "maxProperties": 32,
                "additionalProperties": {"type": "string", "nullable": true, "maxLength": 63},
            },
            "matchExpressions": {
                "description": "Conditions on labels, all of which must hold. At least one.",
                "type": "array",
                "nullable": true,
                "maxItems": 32,
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"description": "The label.", "type": "string", "minLength": 1, "maxLength": 317},
                        "operator": {
                            "description": "In and NotIn compare with values; Exists and DoesNotExist do not.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": format!("The values to compare with. {one} without the label is NotIn."),
                            "type": "array",
                            "maxItems": 64,
                            "items": {"type": "string", "maxLength": 63},
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": "self.operator in ['In', 'NotIn'] ? has(self.values) && self.values.size() > 0 : !has(self.values) || self.values.size() == 0",
                        "message": "the operators In and NotIn need values to compare with; Exists and DoesNotExist have none",
                    }],
                },
            },
        },
        "x-kubernetes-validations": [
            {
                "rule": "dyn(self).all(name, name != 'matchLabels') || (has(self.matchLabels) && self.matchLabels.size() > 0 && self.matchLabels.all(k, dyn(self.matchLabels[k]) != null))",
                "message": format!("matchLabels has a null or nothing in it, which would select more {many} than meant: write at least one label with a value, or {instead}"),
            },
            {
                "rule": "dyn(self).all(name, name != 'matchExpressions') || (has(self.matchExpressions) && self.matchExpressions.size() > 0)",
                "message": format!("matchExpressions has nothing in it, which would select more {many} than meant: write at least one condition, or {instead}"),
            },
        ],
    })
}
