//! Which namespaces a tenant may allow: nothing that is half written may allow more than it says.

use serde_json::json;

use super::{Accepted, Case, Refused, case, check, manifests::tenant};

const LABELS: &str =
    "matchLabels has a null or nothing in it, which would select more namespaces than meant: write at least one";
const EXPRESSIONS: &str =
    "matchExpressions has nothing in it, which would select more namespaces than meant: write at least one";
const VALUES: &str = "the operators In and NotIn need values to compare with; Exists and DoesNotExist have none";

/// The cases.
pub fn cases() -> Vec<Case> {
    let allowed = |value, expect| case("spec.allowedNamespaces", value, expect);
    let labels = |value, expect| allowed(json!({"matchLabels": value}), expect);
    let expressions = |value, expect| allowed(json!({"matchExpressions": value}), expect);
    let many: serde_json::Value = (0..33).map(|number| (number.to_string(), json!("x"))).collect();
    vec![
        allowed(json!({}), Accepted),
        allowed(json!(null), Accepted),
        labels(json!({"team": "helpdesk"}), Accepted),
        labels(json!({"team": ""}), Accepted),
        labels(json!({}), Refused(LABELS)),
        // What a template leaves where its value is missing.
        labels(json!(null), Refused(LABELS)),
        labels(json!({"team": null}), Refused(LABELS)),
        labels(json!({"team": null, "stage": "test"}), Refused(LABELS)),
        labels(json!({"team": 5}), Refused("spec.allowedNamespaces.matchLabels.team in body must be of type string")),
        labels(json!({"team": "x".repeat(64)}), Refused("Too long: may not be more than 63")),
        labels(many, Refused("must have at most 32 items")),
        expressions(json!([{"key": "team", "operator": "In", "values": ["helpdesk"]}]), Accepted),
        expressions(json!([{"key": "team", "operator": "NotIn", "values": ["a", "b"]}]), Accepted),
        expressions(json!([{"key": "team", "operator": "Exists"}]), Accepted),
        expressions(json!([{"key": "team", "operator": "DoesNotExist", "values": []}]), Accepted),
        expressions(json!([]), Refused(EXPRESSIONS)),
        expressions(json!(null), Refused(EXPRESSIONS)),
        expressions(json!([null]), Refused("matchExpressions[0] in body must be of type object")),
        expressions(json!([{"key": "team", "operator": "In"}]), Refused(VALUES)),
        expressions(json!([{"key": "team", "operator": "NotIn", "values": []}]), Refused(VALUES)),
        expressions(json!([{"key": "team", "operator": "NotIn", "values": null}]), Refused(VALUES)),
        expressions(json!([{"key": "team", "operator": "Exists", "values": ["a"]}]), Refused(VALUES)),
        expressions(json!([{"key": "team", "operator": "In", "values": [null]}]), Refused("must be of type string")),
        expressions(
            json!([{"key": "team", "operator": "Equals"}]),
            Refused("supported values: \"In\", \"NotIn\", \"Exists\""),
        ),
        expressions(json!([{"operator": "Exists"}]), Refused("matchExpressions[0].key: Required value")),
        expressions(json!([{"key": "", "operator": "Exists"}]), Refused("key in body should be at least 1 chars long")),
        expressions(
            json!([{"key": "k".repeat(318), "operator": "Exists"}]),
            Refused("Too long: may not be more than 317"),
        ),
    ]
}

#[tokio::test]
async fn control_plane_rules_of_namespace_selectors() {
    check(&tenant("selectors"), &cases()).await;
}
