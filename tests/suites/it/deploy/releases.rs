//! Install, upgrade, rollback and uninstall by helm, on the real API server.

use std::path::{Path, PathBuf};

use control_plane::{ControlPlane, Options};
use deploy::{Helm, repository};
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Secret},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use passcode_core::api::{reset::PasscodeReset, tenant::IntuneTenant};
use serde_json::json;
use tempfile::TempDir;
use world::objects::{HELPDESK, OPERATOR, reset, reset_object, tenant, tenant_object};

use super::{chart, definitions};

const RESETS: &str = "passcoderesets.passcode-operator.dev";

/// A cluster, and helm for it.
struct Cluster {
    plane: ControlPlane,
    client: Client,
    helm: Helm,
}

impl Cluster {
    async fn start() -> Self {
        let plane = ControlPlane::start(Options::default()).await.unwrap();
        let client = plane.client().await.unwrap();
        Self { plane, client, helm: Helm::find().await.unwrap() }
    }

    async fn helm(&self, arguments: &[&str]) -> Result<String, String> {
        let kubeconfig = self.plane.admin_kubeconfig();
        self.helm.print(Some(&kubeconfig), arguments).await.map_err(|error| error.to_string())
    }

    async fn replicas(&self) -> Option<i32> {
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), OPERATOR);
        deployments.get_opt("passcode-operator").await.unwrap().and_then(|deployment| deployment.spec.replicas)
    }

    /// Whether the served definition of resets knows `spec.justification`.
    async fn knows_justification(&self) -> bool {
        let all: Api<CustomResourceDefinition> = Api::all(self.client.clone());
        let definition = serde_json::to_value(all.get(RESETS).await.unwrap()).unwrap();
        let schema = &definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        schema["properties"]["spec"]["properties"].get("justification").is_some()
    }
}

/// The chart of the definitions as an earlier version would have had it: without `spec.justification`.
fn earlier(directory: &TempDir) -> PathBuf {
    let chart = directory.path().join("passcode-operator-crds");
    copy(Path::new(&definitions()), &chart);
    let file = chart.join(format!("templates/{RESETS}.yaml"));
    let mut definition: serde_json::Value = serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let schema = &mut definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    let fields = schema["properties"]["spec"]["properties"].as_object_mut().unwrap();
    assert!(fields.remove("justification").is_some());
    std::fs::write(&file, definition.to_string()).unwrap();
    chart
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (path, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(path, to).unwrap();
        }
    }
}

#[tokio::test]
async fn control_plane_releases_come_change_go_back_and_leave_history() {
    let cluster = Cluster::start().await;
    let directory = tempfile::tempdir().unwrap();
    let earlier = earlier(&directory);
    let (current, operator) = (definitions(), chart());
    let install = ["upgrade", "--install", "passcode-operator", &operator, "-n", OPERATOR, "--create-namespace"];
    let image = "--set=image.repository=example";
    let with = |more: &[&'static str]| [&install[..], &[image], more].concat();

    // Definitions first, in an earlier version; then the operator.
    let earlier = earlier.to_string_lossy();
    cluster.helm(&["install", "definitions", &earlier, "-n", OPERATOR, "--create-namespace"]).await.unwrap();
    let notes = cluster.helm(&with(&[])).await.unwrap();
    assert!(notes.contains("These values prepare no way to sign in"), "{notes}");
    assert_eq!(cluster.replicas().await, Some(2));
    assert!(!cluster.knows_justification().await);
    let finished = history(&cluster).await;

    // Both are upgraded, definitions first: what helm does not do for a chart's crds/.
    cluster.helm(&["upgrade", "definitions", &current, "-n", OPERATOR]).await.unwrap();
    assert!(cluster.knows_justification().await);
    let notes = cluster.helm(&with(&["--set=replicas=3,secretNames={intune-client-secret}"])).await.unwrap();
    assert!(!notes.contains("sign in"), "{notes}");
    assert_eq!(cluster.replicas().await, Some(3));

    // An upgrade of the chart alone keeps what was set.
    let keep = ["upgrade", "passcode-operator", &operator, "-n", OPERATOR, "--reset-then-reuse-values"];
    cluster.helm(&keep).await.unwrap();
    assert_eq!(cluster.replicas().await, Some(3));

    // A mistake changes nothing.
    let words = cluster.helm(&with(&["--set=replica=4"])).await.expect_err("a mistake");
    assert!(words.contains("additional properties 'replica' not allowed"), "{words}");
    assert_eq!(cluster.replicas().await, Some(3));

    // The operator goes back; the definitions stay.
    cluster.helm(&["rollback", "passcode-operator", "1", "-n", OPERATOR]).await.unwrap();
    assert_eq!(cluster.replicas().await, Some(2));
    assert!(cluster.knows_justification().await);

    // A second installation is refused.
    let second = ["install", "second", &operator, "-n", HELPDESK, image];
    let words = cluster.helm(&second).await.expect_err("a second installation");
    assert!(words.contains("passcode-operator") && words.contains("meta.helm.sh/release-name"), "{words}");

    // Gone, and everything that happened is still there; and again, onto what was left.
    cluster.helm(&["uninstall", "passcode-operator", "-n", OPERATOR]).await.unwrap();
    cluster.helm(&["uninstall", "definitions", "-n", OPERATOR]).await.unwrap();
    assert_eq!(cluster.replicas().await, None);
    unchanged(&cluster, &finished).await;
    cluster.helm(&["install", "definitions", &current, "-n", OPERATOR]).await.unwrap();
    cluster.helm(&with(&[])).await.unwrap();
    unchanged(&cluster, &finished).await;
    assert_eq!(cluster.replicas().await, Some(2));
}

#[tokio::test]
async fn control_plane_is_set_up_by_kubectl_alone() {
    let cluster = Cluster::start().await;
    let path = |path: &str| repository(path).to_string_lossy().into_owned();
    let (crds, overlay) = (path("crds"), path("deploy/kustomize/overlays/secret"));
    for arguments in [&["apply", "--server-side", "-f", &crds][..], &["apply", "-k", &overlay]] {
        let applied = cluster.plane.kubectl(arguments).await.unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    }
    assert_eq!(cluster.replicas().await, Some(2));
}

#[tokio::test]
async fn control_plane_definitions_applied_by_kubectl_are_taken_over() {
    let cluster = Cluster::start().await;
    let crds = repository("crds").to_string_lossy().into_owned();
    let applied = cluster.plane.kubectl(["apply", "--server-side", "-f", &crds]).await.unwrap();
    assert!(applied.status.success());
    let finished = history(&cluster).await;
    let current = definitions();
    let words = cluster
        .helm(&["install", "definitions", &current, "-n", OPERATOR])
        .await
        .expect_err("somebody else's definitions");
    assert!(words.contains("--take-ownership") || words.contains("invalid ownership metadata"), "{words}");
    cluster
        .helm(&["install", "definitions", &current, "-n", OPERATOR, "--take-ownership", "--force-conflicts"])
        .await
        .unwrap();
    cluster.helm(&["upgrade", "definitions", &current, "-n", OPERATOR]).await.unwrap();
    unchanged(&cluster, &finished).await;
}

/// A tenant, its Secret, and a reset that is over.
async fn history(cluster: &Cluster) -> PasscodeReset {
    for namespace in [OPERATOR, HELPDESK] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        cluster.plane.apply(&object.to_string()).await.unwrap();
    }
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), OPERATOR);
    secrets.create(&PostParams::default(), &world::objects::credentials("secret")).await.unwrap();
    let tenants: Api<IntuneTenant> = Api::all(cluster.client.clone());
    tenants.create(&PostParams::default(), &tenant_object(tenant("default"))).await.unwrap();
    let resets: Api<PasscodeReset> = Api::namespaced(cluster.client.clone(), HELPDESK);
    let object = reset_object(reset("over", "F9F92XQ9AF25", k8s_openapi::jiff::Timestamp::now()));
    resets.create(&PostParams::default(), &object).await.unwrap();
    let status =
        json!({"status": {"observedGeneration": 1, "outcome": "Complete", "completionTime": "2026-11-22T09:01:00Z"}});
    resets.patch_status("over", &PatchParams::default(), &Patch::Merge(status)).await.unwrap()
}

async fn unchanged(cluster: &Cluster, finished: &PasscodeReset) {
    let resets: Api<PasscodeReset> = Api::namespaced(cluster.client.clone(), HELPDESK);
    assert_eq!(&resets.get("over").await.unwrap(), finished);
    let tenants: Api<IntuneTenant> = Api::all(cluster.client.clone());
    assert!(tenants.get_opt("default").await.unwrap().is_some());
    let secrets: Api<Secret> = Api::namespaced(cluster.client.clone(), OPERATOR);
    assert!(secrets.get_opt("graph-credentials").await.unwrap().is_some());
}
