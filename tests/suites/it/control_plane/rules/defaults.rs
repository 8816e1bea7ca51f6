//! What the server fills in, and what it drops.

use passcode_core::api::{matrix::PlatformSupportMatrix, reset::PasscodeReset, tenant::IntuneTenant};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::manifests::{GUID, matrix, reset, tenant};
use crate::control_plane::server::Server;

/// What a tenant gets that says no more than it has to.
fn tenant_defaults() -> Value {
    json!({
        "tenantId": GUID, "clientId": GUID, "auth": {"workloadIdentity": {}},
        "cloud": "Global", "suspend": false, "minInterval": "10m", "candidates": "Show", "unknownOutcome": "Look",
        "limits": {"requestsPer20s": 2000, "writesPer20s": 200, "resetsPerHour": 100},
        "defaults": {"issueWindow": "24h", "completionTimeout": "168h"},
        "timing": {"clockError": "5s", "sendGrace": "150s", "ledgerLag": "2m", "ledgerClockError": "2m"},
    })
}

fn reset_defaults() -> Value {
    json!({
        "device": {"serialNumber": "F9FXK0ABCDEF"}, "requestTime": "2026-11-22T09:00:00Z",
        "tenantRef": {"name": "default"}, "action": "UnlockDevice", "dryRun": false,
    })
}

/// What the server would store, and that the operator's own defaults for a field that is missing are the same.
async fn stored<T: Serialize + DeserializeOwned>(object: &Value) -> Value {
    let stored = Server::shared().await.try_out(object).await.unwrap();
    assert_eq!(stored["status"], json!({"observedGeneration": -1}), "a fresh object must not count as seen");
    let own: T = serde_json::from_value(object.clone()).unwrap();
    assert_eq!(serde_json::to_value(own).unwrap()["spec"], stored["spec"], "the operator's own defaults");
    stored["spec"].clone()
}

#[tokio::test]
async fn control_plane_defaults_of_resets() {
    assert_eq!(stored::<PasscodeReset>(&reset("defaults")).await, reset_defaults());
}

#[tokio::test]
async fn control_plane_defaults_of_tenants() {
    let mut object = tenant("defaults");
    assert_eq!(stored::<IntuneTenant>(&object).await, tenant_defaults());

    // Each part of a group has its own default.
    object["spec"]["limits"] = json!({"writesPer20s": 7});
    object["spec"]["timing"] = json!({"sendGrace": "60s"});
    object["spec"]["defaults"] = json!({"issueWindow": "1h"});
    object["spec"]["auth"] = json!({"clientSecretRef": {"name": "graph"}});
    let spec = Server::shared().await.try_out(&object).await.unwrap()["spec"].clone();
    let mut expected = tenant_defaults();
    expected["limits"]["writesPer20s"] = 7.into();
    expected["timing"]["sendGrace"] = "60s".into();
    expected["defaults"]["issueWindow"] = "1h".into();
    expected["auth"] = json!({"clientSecretRef": {"name": "graph", "key": "clientSecret"}});
    assert_eq!(spec, expected);
}

#[tokio::test]
async fn control_plane_defaults_of_matrices() {
    let object = matrix("defaults");
    assert_eq!(stored::<PlatformSupportMatrix>(&object).await, object["spec"]);
}

/// A null is dropped, and what has a default gets it: a rule that asks `has(self.imei)` never meets a null.
#[tokio::test]
async fn control_plane_drops_nulls() {
    let server = Server::shared().await;
    let mut object = reset("nulls");
    for field in ["tenantRef", "expirationTime", "completionTimeout", "action", "dryRun", "justification"] {
        object["spec"][field] = Value::Null;
    }
    for field in ["imei", "managedDeviceId", "azureADDeviceId", "userPrincipalName", "deviceName", "operatingSystem"] {
        object["spec"]["device"][field] = Value::Null;
    }
    assert_eq!(server.try_out(&object).await.unwrap()["spec"], reset_defaults());

    let mut object = tenant("nulls");
    for field in tenant_defaults().as_object().unwrap().keys() {
        if object["spec"].get(field).is_none() {
            object["spec"][field] = Value::Null;
        }
    }
    for kind in ["clientSecretRef", "clientCertificateRef", "managedIdentity"] {
        object["spec"]["auth"][kind] = Value::Null;
    }
    for field in ["endpoints", "platformSupportMatrixRef", "allowedNamespaces"] {
        object["spec"][field] = Value::Null;
    }
    assert_eq!(server.try_out(&object).await.unwrap()["spec"], tenant_defaults());
}

/// Who writes a status with the object itself does not get it stored.
#[tokio::test]
async fn control_plane_ignores_a_status_at_creation() {
    let mut object = reset("status-at-creation");
    object["status"] = json!({"outcome": "Complete", "observedGeneration": 1});
    let created = Server::shared().await.create(&object).await;
    assert_eq!(created["status"], json!({"observedGeneration": -1}));
    assert_eq!(created["metadata"]["generation"], 1);
}
