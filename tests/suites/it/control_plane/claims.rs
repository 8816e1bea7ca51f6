//! The samples of `deploy/admission/` that decide about claims and deletions, as they are, on the API server that judges by them.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use super::admission::{Cluster, Told, asked, in_effect};

const SAMPLES: [&str; 6] = [
    "company-owned-only.yaml",
    "executives.yaml",
    "office-hours.yaml",
    "minimum-os-version.yaml",
    "ticket-number.yaml",
    "public-holidays.yaml",
];
/// A Tuesday in December, 10:00 in Amsterdam.
const WORKING_TIME: &str = "2026-12-01T09:00:00Z";

/// A claim as the operator writes it, of a device that every sample admits but for these facts of it.
fn claim(claim_time: &str, device: Value) -> Value {
    let mut facts = json!({
        "managedDeviceId": "0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11", "platform": "IosDeviceEnrollment",
        "operatingSystem": "iOS", "osVersion": "18.2", "ownership": "company", "category": "Phones",
    });
    facts.as_object_mut().unwrap().extend(device.as_object().unwrap().clone());
    json!({"status": {"device": facts, "attempt": {
        "number": 1, "id": "c0ffee00-0000-4000-8000-000000000001", "claimTime": claim_time,
        "sendDeadline": "2027-01-01T00:00:00Z", "settleWindow": "280s",
    }}})
}

/// Writes a status, or tries to without storing it.
async fn write_status(cluster: &Cluster, namespace: &str, name: &str, status: &Value, dry_run: bool) -> Told {
    let status = status.to_string();
    let mut arguments =
        vec!["patch", "pcr", name, "-n", namespace, "--subresource=status", "--type=merge", "-p", &status];
    if dry_run {
        arguments.push("--dry-run=server");
    }
    cluster.kubectl("jane", &arguments).await
}

/// What is denied: the name of the object, the claim, the sample's sentence.
fn denied() -> Vec<(&'static str, Value, &'static str)> {
    let at = |time: &str| claim(time, json!({}));
    let of = |device: Value| claim(WORKING_TIME, device);
    vec![
        ("inc", of(json!({"ownership": "personal"})), "Intune says of this one: personal"),
        ("inc", of(json!({"ownership": null})), "Intune says of this one: unknown"),
        ("inc", of(json!({"category": "Executives"})), "which this help desk does not reset"),
        ("inc", of(json!({"osVersion": "16.7.2"})), "this one has 16.7.2"),
        ("inc", of(json!({"osVersion": null})), "this one has no version that Intune knows"),
        ("inc", of(json!({"osVersion": "beta"})), "this one has beta"),
        // A Saturday; one minute early and one minute late, in winter and in summer.
        ("inc", at("2026-12-05T09:00:00Z"), "hold: resets are sent from Monday to Friday"),
        ("inc", at("2026-12-01T05:59:59Z"), "hold: resets are sent from Monday to Friday"),
        ("inc", at("2026-12-01T18:00:00Z"), "hold: resets are sent from Monday to Friday"),
        ("inc", at("2026-07-01T17:00:00Z"), "hold: resets are sent from Monday to Friday"),
        ("inc", at("2026-12-25T09:00:00Z"), "hold: 2026-12-25 is Christmas Day; resets are sent on the next day"),
        ("inc", at("2027-01-01T09:00:00Z"), "hold: 2027-01-01 is New Year's Day"),
        ("without-ticket", at(WORKING_TIME), "spec.justification has to name the ticket"),
    ]
}

fn admitted() -> Vec<(&'static str, &'static str, Value)> {
    let at = |time: &str| claim(time, json!({}));
    vec![
        ("default", "inc", at(WORKING_TIME)),
        ("default", "inc", at("2026-12-01T06:00:00Z")),
        ("default", "inc", at("2026-12-01T17:59:59Z")),
        ("default", "inc", at("2026-07-01T05:00:00Z")),
        ("default", "inc", at("2026-12-24T09:00:00Z")),
        ("default", "inc", claim(WORKING_TIME, json!({"osVersion": "17"}))),
        ("default", "inc", claim(WORKING_TIME, json!({"operatingSystem": "Android", "osVersion": "14"}))),
        ("board", "inc", claim(WORKING_TIME, json!({"category": "Executives"}))),
    ]
}

fn with_ticket(name: &str, namespace: &str, justification: &str) -> Value {
    let mut object = asked(name, Timestamp::now());
    object["metadata"]["namespace"] = namespace.into();
    object["spec"]["justification"] = justification.into();
    object
}

#[tokio::test]
async fn control_plane_samples_decide_about_claims() {
    let cluster = Cluster::start().await;
    for namespace in ["board", "passcode-operator"] {
        cluster.plane.create_namespace(namespace).await.unwrap();
    }
    let label = ["label", "namespace", "board", "passcode-operator.dev/executives=true"];
    assert!(cluster.plane.kubectl(label).await.unwrap().status.success());
    for object in
        [with_ticket("inc", "default", "INC0012345 locked out"), with_ticket("inc", "board", "see INC0099999")]
    {
        cluster.write("jane", "create", &object).await.well();
    }
    cluster.write("jane", "create", &asked("without-ticket", Timestamp::now())).await.well();
    for sample in SAMPLES {
        cluster.install(sample).await;
    }
    let all_denied = async {
        for (name, claim, sentence) in denied() {
            let tried = async || write_status(&cluster, "default", name, &claim, true).await;
            in_effect(tried, |told| !told.well && told.err.contains(sentence)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), all_denied).await.unwrap();
    for (namespace, name, claim) in admitted() {
        write_status(&cluster, namespace, name, &claim, true).await.well();
    }
    // The requester reads it at once.
    for (name, justification) in
        [("none", "locked out"), ("short", "INC123"), ("longer", "INC00123456"), ("other", "XINC0012345")]
    {
        let told = cluster.write("jane", "create", &with_ticket(name, "default", justification)).await;
        told.refused_with("such as INC0012345");
    }
    // Only claims are judged: whatever the device is meanwhile, an answer and an outcome are recorded.
    write_status(&cluster, "default", "inc", &claim(WORKING_TIME, json!({})), false).await.well();
    let personal =
        json!({"status": {"device": {"ownership": "personal", "category": "Executives"}, "outcome": "Complete"}});
    write_status(&cluster, "default", "inc", &personal, false).await.well();
    // Without its list no day is a holiday, and nothing else is denied.
    let list = ["delete", "configmap", "public-holidays", "-n", "passcode-operator"];
    assert!(cluster.plane.kubectl(list).await.unwrap().status.success());
    let christmas = claim("2026-12-25T09:00:00Z", json!({}));
    in_effect(async || write_status(&cluster, "board", "inc", &christmas, true).await, |told| told.well).await;
}

#[tokio::test]
async fn control_plane_samples_decide_about_deletions() {
    let cluster = Cluster::start().await;
    let statuses = [
        ("fresh", json!({})),
        ("sent", claim(WORKING_TIME, json!({}))),
        ("sent-too", claim(WORKING_TIME, json!({}))),
        ("done", json!({"status": {"outcome": "Complete"}})),
    ];
    for (name, status) in &statuses {
        cluster.write("jane", "create", &asked(name, Timestamp::now())).await.well();
        write_status(&cluster, "default", name, status, false).await.well();
    }
    let delete =
        async |user, name, how: &[&str]| cluster.kubectl(user, &[&["delete", "pcr", name][..], how].concat()).await;
    let not_stored = &["--dry-run=server"];

    cluster.install("deletion-does-not-cancel.yaml").await;
    let warned = in_effect(
        async || {
            let told = delete("jane", "sent", not_stored).await;
            told.well();
            told
        },
        |told| told.err.contains("a reset was already sent for sent and cannot be cancelled"),
    );
    let err = warned.await.err;
    assert!(err.contains("0c6a4ab5-6a6c-4f2c-8a6e-3d2b7d3f1a11"), "{err}");
    for name in ["fresh", "done"] {
        let told = delete("jane", name, not_stored).await;
        assert!(told.well && !told.err.contains("Warning"), "{name}: {}", told.err);
    }

    cluster.install("history-is-kept.yaml").await;
    in_effect(async || delete("jane", "done", not_stored).await, |told| !told.well).await;
    delete("jane", "done", &[]).await.refused_with("done is history: a reset was sent for it, or it has an outcome");
    // Of all of them only what was not sent goes.
    let told = cluster.kubectl("jane", &["delete", "pcr", "--all"]).await;
    assert!(!told.well, "{}", told.out);
    let left = cluster.kubectl("bob", &["get", "pcr", "-o", "name"]).await.out;
    assert!(!left.contains("/fresh") && left.contains("/done") && left.contains("/sent"), "{left}");
    // A verb of its own lets people clean up, and the end of a namespace is nobody's to hold up.
    let may_purge = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role",
        "metadata": {"name": "purge", "namespace": "default"},
        "rules": [{"apiGroups": ["passcode-operator.dev"], "resources": ["passcoderesets"], "verbs": ["purge"]}],
    });
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding",
        "metadata": {"name": "purge", "namespace": "default"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "purge"},
        "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "bob"}],
    });
    for object in [may_purge, binding] {
        cluster.plane.apply(&object.to_string()).await.unwrap();
    }
    delete("bob", "done", &[]).await.well();
}
