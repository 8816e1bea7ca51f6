//! Objects as people would write them.

use k8s_openapi::{api::core::v1::Secret, jiff::Timestamp};
use passcode_core::api::{reset::PasscodeReset, tenant::IntuneTenant};
use serde_json::{Value, json};

/// The namespace of the operator.
pub const OPERATOR: &str = "passcode-operator";
/// The namespace of the help desk.
pub const HELPDESK: &str = "helpdesk";

/// A tenant as the simulator has it, with its secret in `graph-credentials`.
pub fn tenant(name: &str) -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "IntuneTenant",
        "metadata": {"name": name},
        "spec": {
            "tenantId": graph_simulator::EXAMPLE_TENANT,
            "clientId": graph_simulator::EXAMPLE_CLIENT,
            "endpoints": {"graph": "https://graph.microsoft.com", "authority": "https://login.microsoftonline.com"},
            "auth": {"clientSecretRef": {"name": "graph-credentials"}},
            "allowedNamespaces": {},
        },
    })
}

/// The same for another app, which signs in in another way.
pub fn tenant_by(name: &str, client_id: &str, auth: Value) -> Value {
    let mut tenant = tenant(name);
    tenant["spec"]["clientId"] = client_id.into();
    tenant["spec"]["auth"] = auth;
    tenant
}

/// The tenant as an object, with the defaults that the API server would set.
pub fn tenant_object(value: Value) -> IntuneTenant {
    serde_json::from_value(value).unwrap()
}

/// The Secret that [`tenant`] names.
pub fn credentials(secret: &str) -> Secret {
    serde_json::from_value(json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "graph-credentials", "namespace": OPERATOR},
        "data": {"clientSecret": base64(secret)},
    }))
    .unwrap()
}

fn base64(text: &str) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A reset of the device with this serial number, asked for at this time.
pub fn reset(name: &str, serial: &str, requested: Timestamp) -> Value {
    json!({
        "apiVersion": "passcode-operator.dev/v1alpha1", "kind": "PasscodeReset",
        "metadata": {"name": name, "namespace": HELPDESK},
        "spec": {
            "device": {"serialNumber": serial},
            "requestTime": passcode_core::api::Time(requested).floor_to_second().to_string(),
        },
    })
}

/// The same with further fields of the spec.
pub fn with(mut object: Value, fields: Value) -> Value {
    for (key, value) in fields.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

/// The object that the manifest says.
pub fn reset_object(value: Value) -> PasscodeReset {
    serde_json::from_value(value).unwrap()
}
