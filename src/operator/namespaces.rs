//! Whether a namespace may name a tenant.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use kube::{
    ResourceExt,
    core::{Selector, SelectorExt},
    runtime::reflector::{ObjectRef, Store},
};

use super::{tenant::Tenant, watches::Namespaces};
use passcode_core::{
    api::{conditions::reason, reset::PasscodeReset, tenant::IntuneTenantSpec},
    lifecycle::observed::{Namespace, NotReady},
};

/// What the caches say; they can be behind, so a "no" of theirs is read again.
pub fn by_cache(cache: &Store<Namespaces>, tenant: Option<&Tenant>, object: &PasscodeReset) -> Namespace {
    let name = object.namespace().unwrap_or_default();
    let namespace = cache.get(&ObjectRef::new(&name));
    if allows(tenant.map(Tenant::spec), namespace.as_deref()) { Namespace::Allowed } else { Namespace::DeniedByCache }
}

/// Whether the tenant allows the namespace.
#[must_use]
pub fn allows(tenant: Option<&IntuneTenantSpec>, namespace: Option<&impl ResourceExt>) -> bool {
    let (Some(tenant), Some(namespace)) = (tenant, namespace) else { return false };
    allows_labels(tenant, namespace.labels())
}

/// Whether the tenant allows a namespace with these labels.
#[must_use]
pub fn allows_labels(tenant: &IntuneTenantSpec, labels: &BTreeMap<String, String>) -> bool {
    tenant.allowed_namespaces.as_ref().is_some_and(|selector| matches(selector, labels))
}

/// What is wrong with the selector. Whom an operator of a newer version allows cannot be told, so nobody is rejected by it.
#[must_use]
pub fn unusable(tenant: &IntuneTenantSpec) -> Option<NotReady> {
    let selector = tenant.allowed_namespaces.as_ref()?;
    let known = |requirement: &LabelSelectorRequirement| OPERATORS.contains(&requirement.operator.as_str());
    if selector.match_expressions.iter().flatten().all(known) {
        return None;
    }
    let message = format!(
        "spec.allowedNamespaces.matchExpressions holds an operator that this version does not know. Write {}, or install the version that \
         knows it.",
        OPERATORS.join(", ")
    );
    Some(NotReady { reason: reason::INVALID_CONFIGURATION.to_owned(), message })
}

const OPERATORS: [&str; 4] = ["In", "NotIn", "Exists", "DoesNotExist"];

/// Kubernetes' own meaning of a label selector; one with an expression that is not valid selects nothing.
fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> BTreeMap<String, String> {
        [("team".to_owned(), "helpdesk".to_owned())].into()
    }

    fn requirement(key: &str, operator: &str, values: &[&str]) -> LabelSelector {
        let requirement = LabelSelectorRequirement {
            key: key.into(),
            operator: operator.into(),
            values: Some(values.iter().map(|v| (*v).to_owned()).collect()),
        };
        LabelSelector { match_expressions: Some(vec![requirement]), match_labels: None }
    }

    fn without_values(key: &str, operator: &str) -> LabelSelector {
        let requirement = LabelSelectorRequirement { key: key.into(), operator: operator.into(), values: None };
        LabelSelector { match_expressions: Some(vec![requirement]), match_labels: None }
    }

    #[test]
    fn selectors() {
        let cases = [
            ("everything", LabelSelector::default(), true),
            ("In", requirement("team", "In", &["it", "helpdesk"]), true),
            ("not In", requirement("team", "In", &["it"]), false),
            ("NotIn", requirement("team", "NotIn", &["it"]), true),
            ("NotIn without the label", requirement("other", "NotIn", &["it"]), true),
            ("Exists", requirement("team", "Exists", &[]), true),
            ("DoesNotExist", requirement("team", "DoesNotExist", &[]), false),
            ("no such operator", requirement("team", "Like", &["help"]), false),
            ("In without values", without_values("team", "In"), false),
            // The schema refuses it, and so does Kubernetes: not valid, although no value is in an empty list.
            ("NotIn without values", without_values("team", "NotIn"), false),
        ];
        for (name, selector, expected) in cases {
            assert_eq!(matches(&selector, &labels()), expected, "{name}");
        }
    }
}
