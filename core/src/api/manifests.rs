//! The custom resources' definitions, as they are installed.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;
use serde_json::Value;

use super::{
    approval::PasscodeResetApproval, matrix::PlatformSupportMatrix, namespace_selector, policy::PasscodeResetPolicy,
    reset::PasscodeReset, tenant::IntuneTenant,
};

/// Every definition that the operator needs, in the order in which to apply them.
///
/// # Errors
/// If one cannot be serialised.
pub fn definitions() -> Result<Vec<CustomResourceDefinition>, serde_json::Error> {
    [
        IntuneTenant::crd(),
        PasscodeReset::crd(),
        PasscodeResetApproval::crd(),
        PasscodeResetPolicy::crd(),
        PlatformSupportMatrix::crd(),
    ]
    .iter()
    .map(tidied)
    .collect()
}

/// The definition as people read it, and without `nullable`, so that the API server drops a null instead of storing it: to every rule and every
/// reader, a manifest with the null and one without the field are the same object.
fn tidied(definition: &CustomResourceDefinition) -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut value = serde_json::to_value(definition)?;
    strip_nulls(&mut value);
    join_lines(&mut value);
    serde_json::from_value(value)
}

/// Descriptions come with the line breaks of the comments that they were, in whose middle `kubectl explain` breaks the lines once more.
fn join_lines(value: &mut Value) {
    rewrite(value, "description", |text| {
        text.split("\n\n").map(|part| part.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
    });
}

/// Rewrites every text called `name` in a document.
pub fn rewrite(value: &mut Value, name: &str, by: fn(&str) -> String) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(text)) = fields.get_mut(name) {
                *text = by(text);
            }
            fields.values_mut().for_each(|field| rewrite(field, name, by));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, name, by)),
        _ => {}
    }
}

fn strip_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("nullable");
            // Inside a selector a null is kept, and refused by its own rules.
            fields
                .iter_mut()
                .filter(|(name, _)| !namespace_selector::FIELDS.contains(&name.as_str()))
                .for_each(|(_, field)| strip_nulls(field));
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(strip_nulls);
        }
        _ => {}
    }
}
