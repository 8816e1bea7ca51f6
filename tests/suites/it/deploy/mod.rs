//! What `deploy/` installs: the charts, kustomize's overlays, and the rights that come with them.

mod agreement;
mod charts;
mod image;
mod least_privilege;
mod manifests;
mod people;
mod releases;
mod rights;
mod rules;

use deploy::{Helm, repository};
use serde_json::Value;

/// The operator's chart.
fn chart() -> String {
    repository("deploy/charts/passcode-operator").to_string_lossy().into_owned()
}

/// The chart of the definitions.
fn definitions() -> String {
    repository("deploy/charts/passcode-operator-crds").to_string_lossy().into_owned()
}

/// What helm makes of the operator's chart with these arguments, or its words where it refuses.
async fn render(arguments: &[&str]) -> Result<Vec<Value>, String> {
    let chart = chart();
    let all = ["template", "passcode-operator", &chart, "--namespace", "passcode-operator"];
    let helm = Helm::find().await.unwrap();
    let output = helm.run(None, all.iter().chain(arguments)).await.unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(objects(&String::from_utf8(output.stdout).unwrap()))
}

/// The same, with an image.
async fn rendered(arguments: &[&str]) -> Vec<Value> {
    let image = ["--set", "image.repository=registry.example.com/passcode-operator"];
    render(&[&image, arguments].concat()).await.unwrap()
}

/// The documents of a YAML text.
fn objects(text: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(text).unwrap()
}

/// The only object of a kind.
fn the<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    let mut of_kind = objects.iter().filter(|object| object["kind"] == kind);
    let one = of_kind.next().unwrap_or_else(|| panic!("there is no {kind}"));
    assert!(of_kind.next().is_none(), "there is more than one {kind}");
    one
}
