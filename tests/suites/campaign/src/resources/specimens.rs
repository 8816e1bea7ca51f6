//! Valid manifests in which every field is written, so that each can be changed.

use graph_simulator::{Device, DevicePlan, EXAMPLE_CLIENT, EXAMPLE_TENANT};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use passcode_core::api::Time;
use serde_json::{Value, json};
use world::objects::HELPDESK;

use super::places::{KEY, Place};

const API_VERSION: &str = "passcode-operator.dev/v1alpha1";

/// The kinds that are only tried, without storing anything: a stored policy would be about every reset.
pub const TRIED_KINDS: [&str; 2] = ["PasscodeResetPolicy", "PasscodeResetApproval"];
/// The kinds that are stored.
pub const KINDS: [&str; 3] = ["PasscodeReset", "IntuneTenant", "PlatformSupportMatrix"];
/// The tenant of resets that are tried.
pub const TENANT: &str = "default";
/// The matrix that tenants refer to.
pub const MATRIX: &str = "own";

/// A certificate that nobody has signed anything with.
pub struct Certificate(pub String);

/// A phone that answers at once, or never.
pub fn phone(number: u32, answers: bool) -> Device {
    let plan = if answers {
        DevicePlan { delay: Some(std::time::Duration::ZERO), ..DevicePlan::default() }
    } else {
        DevicePlan::never()
    };
    Device::example(graph_simulator::DeviceClass::IPhone, number).with_plan(plan)
}

/// The ways to name a device, the first with every other field of the spec.
pub fn resets(name: &str, device: &Device) -> Vec<Value> {
    let now = Timestamp::now();
    let at = |seconds: i64| Time(now + SignedDuration::from_secs(seconds)).floor_to_second().to_string();
    let reset = |device: Value| {
        json!({
            "apiVersion": API_VERSION, "kind": "PasscodeReset",
            "metadata": {"name": name, "namespace": HELPDESK},
            "spec": {"device": device, "requestTime": at(0)},
        })
    };
    let mut full = reset(json!({"serialNumber": device.serial()}));
    let fields = json!({
        "tenantRef": {"name": TENANT}, "expirationTime": at(7200), "completionTimeout": "168h", "action": "UnlockDevice",
        "dryRun": false, "justification": "INC0012345",
    });
    full["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    vec![
        full,
        reset(json!({
            "userPrincipalName": device.text("userPrincipalName"), "deviceName": device.text("deviceName"),
            "operatingSystem": device.text("operatingSystem"),
        })),
        reset(json!({"imei": device.text("imei")})),
        reset(json!({"managedDeviceId": device.id})),
        reset(json!({"azureADDeviceId": device.text("azureADDeviceId")})),
    ]
}

/// Tenants: one with endpoints of its own, which works and settles in seconds, and one in a cloud for each other way to sign in, none
/// of which is set up here.
pub fn tenants(name: &str, certificate: &Certificate) -> Vec<Value> {
    let mut tenant = working_tenant(name);
    let spec = tenant["spec"].as_object_mut().unwrap();
    let fields = json!({
        "cloud": "Global", "suspend": false, "unknownOutcome": "Look", "candidates": "Hide", "requiredPolicies": [], "platformSupportMatrixRef": {"name": MATRIX},
        "defaults": {"issueWindow": "24h", "completionTimeout": "168h"},
        "allowedNamespaces": {
            "matchLabels": {KEY: "it"}, "matchExpressions": [{"key": KEY, "operator": "In", "values": ["it", "desk"]}],
        },
    });
    spec.extend(fields.as_object().unwrap().clone());
    spec["endpoints"]["caBundle"] = json!(certificate.0);
    let others = [
        json!({"workloadIdentity": {}}),
        json!({"managedIdentity": {"clientId": EXAMPLE_CLIENT}}),
        json!({"clientCertificateRef": {"name": "graph-tls"}}),
    ];
    let others = others.map(|auth| {
        json!({
            "apiVersion": API_VERSION, "kind": "IntuneTenant", "metadata": {"name": name},
            "spec": {
                "tenantId": EXAMPLE_TENANT, "clientId": EXAMPLE_CLIENT, "cloud": "Global", "auth": auth,
                "allowedNamespaces": {},
            },
        })
    });
    std::iter::once(tenant).chain(others).collect()
}

/// A tenant with what has to be written and what makes it fast.
pub fn working_tenant(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "IntuneTenant", "metadata": {"name": name},
        "spec": {
            "tenantId": EXAMPLE_TENANT, "clientId": EXAMPLE_CLIENT,
            "endpoints": {"graph": "https://graph.microsoft.com", "authority": "https://login.microsoftonline.com"},
            "auth": {"clientSecretRef": {"name": "graph-credentials", "key": "clientSecret"}},
            "allowedNamespaces": {}, "minInterval": "0s",
            "limits": {"requestsPer20s": 100_000, "writesPer20s": 100_000, "resetsPerHour": 100_000},
            "timing": {"clockError": "1s", "sendGrace": "3s", "ledgerLag": "3s", "ledgerClockError": "2s"},
        },
    })
}

/// A matrix with two rules, the first with every field.
pub fn matrix(name: &str) -> Value {
    json!({
        "apiVersion": API_VERSION, "kind": "PlatformSupportMatrix", "metadata": {"name": name},
        "spec": {
            "revision": "2026-11", "sources": ["our own tests"],
            "rules": [
                {
                    "name": "phones", "match": {"platforms": ["IosDeviceEnrollment"], "osVersion": ">=8.0", "ownership": "company"},
                    "support": "Supported", "action": "RemoveDevicePasscode", "reason": "PasscodeRemoved",
                    "guidance": "The passcode is gone.", "prerequisites": ["online"], "certainty": "Documented",
                    "source": "our own tests",
                },
                {"name": "all-phones", "match": {"platforms": ["IosDeviceEnrollment"]}, "support": "Supported",
                 "action": "RemoveDevicePasscode", "reason": "PasscodeRemoved"},
                {"name": "macs", "match": {"platforms": ["MacOS"]}, "support": "Unsupported", "reason": "PlatformNotSupported"},
            ],
        },
    })
}

/// Policies: one with every field.
pub fn policy(name: &str) -> Value {
    let labels = |key: &str| json!({"matchLabels": {key: "x"}, "matchExpressions": [{"key": key, "operator": "In", "values": ["x", "y"]}]});
    json!({
        "apiVersion": API_VERSION, "kind": "PasscodeResetPolicy", "metadata": {"name": name},
        "spec": {
            "enforcement": "Enforce", "tenantSelector": labels(KEY), "namespaceSelector": labels(KEY),
            "rules": [
                {
                    "name": "leads", "decision": "RequireApproval", "message": "A lead has to agree.", "overridable": true,
                    "match": {
                        "platforms": ["AndroidFullyManaged"], "osVersion": ">=8.0", "ownership": ["company"],
                        "actions": ["ResetDevicePasscode"], "requesters": {"serviceAccounts": ["flux-system/kustomize-controller"]},
                    },
                    "approval": {"required": 2, "roles": [{"name": "lead", "count": 1}], "validFor": "8h"},
                },
                {"name": "others", "decision": "Deny", "message": "Only fully managed phones."},
            ],
            "budgets": [{"name": "desk", "max": 20, "per": "1h", "scope": "Namespace"}],
            "hours": [{"days": ["Mon", "Fri"], "from": "07:00", "to": "19:00", "timeZone": "Europe/Amsterdam"}],
        },
    })
}

/// An approval with every field.
pub fn approval(name: &str) -> Value {
    let id = "0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11";
    json!({
        "apiVersion": API_VERSION, "kind": "PasscodeResetApproval", "metadata": {"name": name, "namespace": HELPDESK},
        "spec": {
            "request": {"kind": "PasscodeReset", "name": "inc", "uid": id}, "decision": "Approved", "role": "lead",
            "managedDeviceId": id, "reason": "called back", "approver": "jane@example.com",
        },
    })
}

/// The one of these that has something at this place; the first, where none has.
pub fn with_place<'a>(specimens: &'a [Value], place: &Place) -> &'a Value {
    specimens.iter().find(|specimen| place.of(specimen).is_some()).unwrap_or(&specimens[0])
}
