//! Valid manifests, with no more than what has to be written.

use serde_json::{Value, json};

use crate::control_plane::server::NAMESPACE;

const API_VERSION: &str = "passcode-operator.dev/v1alpha1";

/// A GUID.
pub const GUID: &str = "705c034c-034c-705c-4c03-5c704c035c70";

/// A reset by serial number.
pub fn reset(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "PasscodeReset",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"device": {"serialNumber": "F9FXK0ABCDEF"}, "requestTime": "2026-11-22T09:00:00Z"},
    })
}

/// A tenant of the worldwide cloud.
pub fn tenant(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "IntuneTenant",
        "metadata": {"name": name},
        "spec": {"tenantId": GUID, "clientId": GUID, "auth": {"workloadIdentity": {}}},
    })
}

/// Where a tenant of a test set-up is.
pub fn endpoints() -> Value {
    json!({"graph": "https://graph.example.test", "authority": "https://login.example.test:8443"})
}

/// A matrix of one rule.
pub fn matrix(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "PlatformSupportMatrix",
        "metadata": {"name": name},
        "spec": {"revision": "2026-11", "rules": [rule("a")]},
    })
}

/// A rule of a matrix.
pub fn rule(name: &str) -> Value {
    json!({
        "name": name, "match": {"platforms": ["IosDeviceEnrollment"]},
        "support": "Supported", "action": "RemoveDevicePasscode", "reason": "PasscodeRemoved",
    })
}

/// A policy with a rule, a budget and hours.
pub fn policy(name: &str) -> Value {
    let approval = json!({"required": 2, "roles": [{"name": "lead"}]});
    json!({
        "apiVersion": API_VERSION, "kind": "PasscodeResetPolicy",
        "metadata": {"name": name},
        "spec": {
            "rules": [{"name": "leads", "match": {}, "decision": "RequireApproval", "approval": approval}],
            "budgets": [{"name": "hourly", "max": 5, "per": "1h", "scope": "Namespace"}],
            "hours": [{"days": ["Mon"], "from": "07:00", "to": "19:00", "timeZone": "Europe/Amsterdam"}],
        },
    })
}

/// An approval.
pub fn approval(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "PasscodeResetApproval",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"request": {"kind": "PasscodeReset", "name": "inc1", "uid": GUID}, "decision": "Approved", "approver": "jane"},
    })
}
