//! Argo CD's health script, run by the interpreter that Argo CD has.

use std::{fs, path::Path, process::Stdio};

use serde::Deserialize;
use serde_json::Value;
use tokio::process::Command;

use super::programs;

const HERE: &str = "argo-cd/resource_customizations/passcode-operator.dev/PasscodeReset";

/// What Argo CD shows of an object.
#[derive(Debug, PartialEq, Deserialize)]
pub struct Health {
    pub status: String,
    pub message: String,
}

/// The layout of Argo CD's own tests.
#[derive(Deserialize)]
struct HealthTest {
    tests: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    input_path: String,
    health_status: Health,
}

/// What the sample's script says of objects, each in a file of its own.
pub async fn health(objects: &[impl AsRef<Path>]) -> Vec<Health> {
    let output = Command::new(programs::directory().await.join("argo-health"))
        .arg(programs::sample(HERE).join("health.lua"))
        .args(objects.iter().map(AsRef::as_ref))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn argo_cd_health_is_as_its_tests_say() {
    let directory = programs::sample(HERE);
    let text = fs::read_to_string(directory.join("health_test.yaml")).unwrap();
    let test: HealthTest = serde_saphyr::from_str(&text).unwrap();
    let paths: Vec<_> = test.tests.iter().map(|case| directory.join(&case.input_path)).collect();
    let answers = health(&paths).await;
    assert_eq!(answers.len(), test.tests.len());
    for (case, answer) in test.tests.iter().zip(&answers) {
        assert_eq!(answer, &case.health_status, "{}", case.input_path);
    }
    let mut statuses: Vec<_> = answers.iter().map(|answer| answer.status.as_str()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert_eq!(statuses, ["Degraded", "Healthy", "Progressing", "Suspended"], "every answer has a test");
    assert_eq!(fs::read_dir(directory.join("testdata")).unwrap().count(), paths.len(), "every object has a test");
}

/// The script stands in two files, because Argo CD takes it from its ConfigMap.
#[test]
fn argo_cd_config_map_has_the_script() {
    let text = fs::read_to_string(programs::sample("argo-cd/argocd-cm.yaml")).unwrap();
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let script = fs::read_to_string(programs::sample(HERE).join("health.lua")).unwrap();
    assert_eq!(config["data"]["resource.customizations.health.passcode-operator.dev_PasscodeReset"], script);
}
