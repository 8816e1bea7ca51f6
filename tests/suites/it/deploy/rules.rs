//! The operator's rights, as the chart grants them, one by one.

use std::fmt;

use serde_json::Value;

use super::rendered;

/// One verb on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// The API group; empty for the core group.
    pub group: String,
    /// The resource, with its subresource: `passcoderesets/status`.
    pub resource: String,
    /// Only the object of this name.
    pub name: Option<String>,
    /// Only in this namespace.
    pub namespace: Option<String>,
    /// As RBAC calls it.
    pub verb: String,
}

impl fmt::Display for Right {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name.as_ref().map(|name| format!(" {}", name.split('.').next().unwrap()));
        write!(out, "{} {}{}", self.verb, self.resource, name.unwrap_or_default())
    }
}

/// All rights of the operator, where one Secret is named.
pub async fn operators(secret: &str) -> Vec<Right> {
    let objects = rendered(&["--set", &format!("secretNames={{{secret}}}")]).await;
    let named = |object: &&Value| object["metadata"]["name"] == "passcode-operator" && object["rules"].is_array();
    objects.iter().filter(named).flat_map(rights).collect()
}

/// The rights of a Role or ClusterRole.
fn rights(role: &Value) -> Vec<Right> {
    let namespace = role["metadata"]["namespace"].as_str().map(ToOwned::to_owned);
    let mut rights = Vec::new();
    for rule in role["rules"].as_array().unwrap() {
        let names =
            if rule["resourceNames"].is_null() { vec![None] } else { texts(rule, "resourceNames").map(Some).collect() };
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                for name in &names {
                    for verb in texts(rule, "verbs") {
                        let (group, resource, name) = (group.clone(), resource.clone(), name.clone());
                        rights.push(Right { group, resource, name, namespace: namespace.clone(), verb });
                    }
                }
            }
        }
    }
    assert!(!rights.iter().any(|right| right.to_string().contains('*')), "a right to everything");
    rights
}

fn texts(rule: &Value, field: &str) -> impl Iterator<Item = String> {
    rule[field].as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned())
}
