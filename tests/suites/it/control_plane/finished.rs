//! What people see of resets that the operator carried out, at the command line. The objects are those of the sample for Argo CD, which were
//! taken from a cluster.

use std::{fs, path::Path};

use serde_json::{Value, json};

use super::server::{NAMESPACE, Server};

/// A terminal's width.
pub(super) const COLUMNS: usize = 160;
/// A terminal's height.
const LINES: usize = 24;

/// Stores a copy of an object with its status.
pub(super) async fn store(server: &Server, file: &str, name: &str) -> Value {
    let directory =
        "deploy/samples/gitops/argo-cd/resource_customizations/passcode-operator.dev/PasscodeReset/testdata";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory).join(file);
    let mut object: Value = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    object["metadata"] = json!({"name": name, "namespace": NAMESPACE});
    let status = object.as_object_mut().unwrap().remove("status").unwrap();
    server.create(&object).await;
    server.patch(&object, "/status", "", &json!({"status": status})).await.unwrap();
    object
}

pub(super) async fn kubectl(server: &Server, arguments: &[&str]) -> String {
    let output = server.plane.kubectl(arguments).await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `kubectl describe` prints every field of a status on a line of its own; the guide has this instead.
#[tokio::test]
async fn control_plane_conditions_fit_a_screen() {
    let server = Server::shared().await;
    store(&server, "healthy_complete.yaml", "screen").await;
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md")).unwrap();
    let template = guide.split("-o jsonpath='").find(|part| part.starts_with("{range .status.conditions")).unwrap();
    let template = format!("jsonpath={}", template.split('\'').next().unwrap());
    let printed = kubectl(&server, &["get", "pcr", "screen", "-o", &template]).await;
    let types: Vec<_> = printed.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(types, ["Ready", "Supported", "Permitted", "Issued", "Complete"], "{printed}");
    let rows: usize = printed.lines().map(|line| line.len().div_ceil(COLUMNS)).sum();
    assert!(rows <= LINES, "{rows}: {printed}");
    // All that is known stands in describe, and not much more.
    let described = kubectl(&server, &["describe", "pcr", "screen"]).await;
    assert!(described.contains("Managed Device Id") && described.lines().count() <= 100, "{described}");
}

/// Each recipe of the guide ends, well or not, as it says there.
#[tokio::test]
async fn control_plane_waits_end_as_the_guide_says() {
    let server = Server::shared().await;
    let files = [("healthy_complete.yaml", "wait-complete"), ("degraded_rejected.yaml", "wait-rejected")];
    for (file, name) in files {
        let object = store(&server, file, name).await;
        server.patch(&object, "", "", &json!({"metadata": {"labels": {"batch": "waits"}}})).await.unwrap();
    }
    let waits = async |name: &str, until: &str| {
        let command = ["wait", name, until, "--timeout=2s"];
        server.plane.kubectl(command).await.unwrap().status.success()
    };
    let ended = "--for=jsonpath={.status.completionTime}";
    let one = |index: usize| format!("pcr/{}", files[index].1);
    assert!(waits(&one(0), ended).await && waits(&one(1), ended).await);
    assert!(waits(&one(0), "--for=condition=Complete").await);
    assert!(!waits(&one(1), "--for=condition=Complete").await, "it never ends for a rejected one");
    assert!(waits(&one(1), "--for=condition=Stalled").await, "Rejected and Failed alike");
    let batch = ["wait", "pcr", "-l", "batch=waits", ended, "--timeout=2s"];
    assert_eq!(kubectl(&server, &batch).await.lines().count(), 2);
    let outcome = ["get", &one(1), "-o", "jsonpath={.status.outcome}"];
    assert_eq!(kubectl(&server, &outcome).await, "Rejected");
}
