//! What becomes of a field that is none, where a client does not ask for strict validation.

use std::ffi::OsStr;

use passcode_core::api::reset::PasscodeReset;
use serde_json::{Value, json};

use super::{rules::manifests::reset, server::Server};

fn misspelt(name: &str) -> Value {
    let mut object = reset(name);
    object["spec"]["dryrun"] = json!(true);
    object
}

fn dropped(stored: &Value) -> Vec<String> {
    serde_json::from_value::<PasscodeReset>(stored.clone()).unwrap().dropped_fields()
}

#[tokio::test]
async fn control_plane_leaves_no_trace_of_a_field_that_it_dropped() {
    let server = Server::shared().await;
    let stored = server.create_leniently(&misspelt("dropped-posted")).await;
    assert_eq!(stored["spec"]["dryRun"], false);
    assert!(stored["metadata"]["managedFields"].is_array());
    assert!(!stored.to_string().contains("dryrun"), "{stored}");
    assert_eq!(dropped(&stored), Vec::<String>::new());
}

#[tokio::test]
async fn control_plane_keeps_what_kubectl_applied() {
    let server = Server::shared().await;
    let file = server.plane.directory().join("dropped.json");
    std::fs::write(&file, misspelt("dropped-applied").to_string()).unwrap();
    let kubectl = async |arguments: &[&str]| {
        let arguments = arguments.iter().map(OsStr::new).chain([file.as_os_str()]);
        server.plane.kubectl(arguments).await.unwrap()
    };
    let strict = kubectl(&["apply", "-f"]).await;
    let said = String::from_utf8_lossy(&strict.stderr).into_owned();
    assert!(!strict.status.success() && said.contains("unknown field \"spec.dryrun\""), "{said}");
    for validation in ["--validate=false", "--validate=warn"] {
        let applied = kubectl(&["apply", validation, "-o", "json", "-f"]).await;
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
        let stored: Value = serde_json::from_slice(&applied.stdout).unwrap();
        assert_eq!(stored["spec"]["dryRun"], false);
        assert_eq!(dropped(&stored), ["spec.dryrun"], "{stored}");
    }
}
