//! What may be changed of a stored object.

use serde_json::{Value, json};

use super::{
    Accepted, Expect, Refused,
    manifests::{approval, endpoints, matrix, reset, rule, tenant},
};
use crate::control_plane::server::Server;

const SPEC: &str =
    "spec is immutable: create a new PasscodeReset with a new name for a new reset, or delete this one to cancel it";
const TENANT_ID: &str = "tenantId is immutable: create a new IntuneTenant";
const CLIENT_ID: &str = "clientId is immutable: create a new IntuneTenant";
const PLACE: &str = "cloud and endpoints are immutable: create a new IntuneTenant";

const ANSWER: &str = "spec is immutable: create a new PasscodeResetApproval, or delete this one to take it back";

/// What the rules about changes say.
pub fn sentences() -> [&'static str; 5] {
    [SPEC, TENANT_ID, CLIENT_ID, PLACE, ANSWER]
}

/// Stores the object and tries the patches on it, none of which is stored.
async fn check(object: &Value, patches: impl IntoIterator<Item = (Value, Expect)>) {
    let server = Server::shared().await;
    server.create(object).await;
    for (patch, expect) in patches {
        let answer = server.patch(object, "", "?dryRun=All&fieldValidation=Strict", &patch).await;
        let right = match (expect, &answer) {
            (Accepted, Ok(_)) => true,
            (Refused(part), Err(refusal)) => refusal.code == 422 && refusal.message.contains(part),
            _ => false,
        };
        assert!(right, "{patch}: expected {expect:?}, was {answer:?}");
    }
}

#[tokio::test]
async fn control_plane_updates_of_resets() {
    let mut object = reset("updates");
    object["spec"]["justification"] = "INC1".into();
    let patches = [
        (json!({"spec": {"justification": "INC2"}}), Refused(SPEC)),
        (json!({"spec": {"justification": null}}), Refused(SPEC)),
        (json!({"spec": {"expirationTime": "2026-11-23T09:00:00Z"}}), Refused(SPEC)),
        (json!({"spec": {"completionTimeout": "1h"}}), Refused(SPEC)),
        (json!({"spec": {"action": "ResetDevicePin"}}), Refused(SPEC)),
        (json!({"spec": {"dryRun": true}}), Refused(SPEC)),
        (json!({"spec": {"tenantRef": {"name": "other"}}}), Refused(SPEC)),
        (json!({"spec": {"device": {"serialNumber": "f9fxk0abcdef"}}}), Refused(SPEC)),
        (json!({"spec": {"device": {"serialNumber": null, "imei": "123456789012345"}}}), Refused(SPEC)),
        // The same time in other words: texts are compared.
        (json!({"spec": {"requestTime": "2026-11-22T10:00:00+01:00"}}), Refused(SPEC)),
        // The same again, with or without what the server has filled in.
        (json!({"spec": {"justification": "INC1"}}), Accepted),
        (json!({"spec": {"dryRun": false, "action": "UnlockDevice", "tenantRef": {"name": "default"}}}), Accepted),
        (json!({"spec": {"dryRun": null, "action": null, "tenantRef": null}}), Accepted),
        (json!({"metadata": {"labels": {"a": "b"}}}), Accepted),
    ];
    check(&object, patches).await;
}

#[tokio::test]
async fn control_plane_updates_of_approvals() {
    let patches = [
        (json!({"spec": {"decision": "Denied", "reason": "no"}}), Refused(ANSWER)),
        (json!({"spec": {"approver": "bob"}}), Refused(ANSWER)),
        (json!({"spec": {"role": "lead"}}), Refused(ANSWER)),
        (json!({"metadata": {"labels": {"a": "b"}}}), Accepted),
    ];
    check(&approval("updates"), patches).await;
}

#[tokio::test]
async fn control_plane_updates_of_tenants() {
    let guid = "11111111-2222-3333-4444-555555555555";
    let patches = [
        (json!({"spec": {"tenantId": guid}}), Refused(TENANT_ID)),
        (json!({"spec": {"clientId": guid}}), Refused(CLIENT_ID)),
        (json!({"spec": {"cloud": "USGov"}}), Refused(PLACE)),
        (json!({"spec": {"endpoints": endpoints()}}), Refused(PLACE)),
        (json!({"spec": {"cloud": null}}), Accepted),
        (json!({"spec": {"auth": {"workloadIdentity": null, "clientSecretRef": {"name": "graph"}}}}), Accepted),
        (json!({"spec": {"auth": {"workloadIdentity": null, "clientCertificateRef": {"name": "tls"}}}}), Accepted),
        (json!({"spec": {"auth": {"workloadIdentity": null, "managedIdentity": {}}}}), Accepted),
        (json!({"spec": {"auth": {"clientSecretRef": {"name": "graph"}}}}), Refused("sign in by exactly one of")),
        (json!({"spec": {"suspend": true, "limits": {"resetsPerHour": 1}, "minInterval": "1h"}}), Accepted),
        (json!({"spec": {"timing": {"ledgerLag": "10m"}}}), Refused("minInterval must be 0s or at least")),
        (json!({"spec": {"timing": {"ledgerLag": "10m"}, "minInterval": "1h"}}), Accepted),
        (json!({"spec": {"allowedNamespaces": {}, "platformSupportMatrixRef": {"name": "own"}}}), Accepted),
    ];
    check(&tenant("updates"), patches).await;
}

#[tokio::test]
async fn control_plane_updates_of_tenants_with_endpoints() {
    let mut object = tenant("updates-endpoints");
    object["spec"]["endpoints"] = endpoints();
    let patches = [
        (json!({"spec": {"endpoints": null}}), Refused(PLACE)),
        (json!({"spec": {"endpoints": {"graph": "https://other.example.test"}}}), Refused(PLACE)),
        (json!({"spec": {"endpoints": {"caBundle": "x"}}}), Refused(PLACE)),
        (json!({"spec": {"endpoints": endpoints()}}), Accepted),
        (json!({"spec": {"timing": {"clockError": "1s", "sendGrace": "1s", "ledgerLag": "1s"}}}), Accepted),
    ];
    check(&object, patches).await;
}

#[tokio::test]
async fn control_plane_updates_of_matrices() {
    let patches = [
        (json!({"spec": {"revision": "2026-12", "rules": [rule("b"), rule("a")]}}), Accepted),
        (json!({"spec": {"rules": []}}), Refused("spec.rules in body should have at least 1 items")),
    ];
    check(&matrix("updates"), patches).await;
}
