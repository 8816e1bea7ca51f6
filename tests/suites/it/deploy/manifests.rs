//! What helm and kustomize render is the same, and the real API server takes it.

use std::{collections::BTreeMap, ffi::OsStr, path::Path, time::Duration};

use deploy::repository;
use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use super::{objects, rendered, the};
use crate::control_plane::server::Server;

const NAMESPACE: &str = "passcode-operator";
/// A definition that takes everything: that of the Prometheus operator is not ours to pin.
const SERVICE_MONITORS: &str = include_str!("servicemonitors.yaml");

/// The overlays, and the arguments for helm that mean the same.
const OVERLAYS: [(&str, &[&str]); 3] = [
    ("secret", &["--set", "secretNames={intune-client-secret}"]),
    ("workload-identity", &["--set", "workloadIdentity.mode=Webhook"]),
    ("projected-token", &["--set", "workloadIdentity.mode=ProjectedToken"]),
];

/// Components, and the arguments for helm that mean the same.
const COMPONENTS: [(&[&str], &[&str]); 4] = [
    (&["allowed-endpoints"], &["--set", "allowedEndpoints={https://graph.example.com:8443,https://login.example.com}"]),
    (&["fixed-user-id"], &["--set", "podSecurityContext.runAsUser=65532,podSecurityContext.runAsGroup=65532"]),
    (&["identity"], &["--set", "identity.enabled=true"]),
    (&["identity", "identity-stamp"], &["--set", "identity.enabled=true,identity.stamp=true"]),
];

async fn kustomized(overlay: &str) -> Vec<Value> {
    build(&repository("deploy/kustomize/overlays").join(overlay)).await
}

/// The overlay `secret` with these components, as somebody's own overlay has them.
async fn kustomized_with(components: &[&str]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().canonicalize().unwrap();
    // kustomize takes relative paths only.
    let up = "../".repeat(place.components().count() - 1);
    let kustomize = repository("deploy/kustomize").canonicalize().unwrap();
    let kustomize = format!("{up}{}", kustomize.strip_prefix("/").unwrap().display());
    let components: Vec<_> = components.iter().map(|name| format!("{kustomize}/components/{name}")).collect();
    let own = json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
        "resources": [format!("{kustomize}/overlays/secret")],
        "components": components,
    });
    std::fs::write(place.join("kustomization.yaml"), own.to_string()).unwrap();
    build(&place).await
}

async fn build(path: &Path) -> Vec<Value> {
    let server = Server::shared().await;
    let output = server.plane.kubectl([OsStr::new("kustomize"), path.as_os_str()]).await.unwrap();
    assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
    objects(&String::from_utf8(output.stdout).unwrap())
}

/// Objects by kind and name, without the labels that helm has for itself.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let name = |object: &Value| format!("{} {}", object["kind"], object["metadata"]["name"]);
    let plain = |mut object: Value| {
        if let Some(labels) = object["metadata"]["labels"].as_object_mut() {
            labels.remove("app.kubernetes.io/managed-by");
            labels.remove("helm.sh/chart");
        }
        object
    };
    objects.into_iter().map(|object| (name(&object), plain(object))).collect()
}

/// Everything but the namespace, which helm does not make.
fn same(what: &str, from_kustomize: Vec<Value>, from_helm: Vec<Value>) {
    let (mut from_kustomize, from_helm) = (by_name(from_kustomize), by_name(from_helm));
    from_kustomize.remove(&format!("\"Namespace\" \"{NAMESPACE}\"")).expect("a namespace");
    let names = |objects: &BTreeMap<String, Value>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&from_kustomize), names(&from_helm), "{what}");
    for (name, object) in &from_helm {
        assert_eq!(object, &from_kustomize[name], "{what}: {name}");
    }
}

#[tokio::test]
async fn overlays_and_components_render_what_the_chart_renders() {
    for (overlay, arguments) in OVERLAYS {
        same(overlay, kustomized(overlay).await, rendered(arguments).await);
    }
    let (_, secret) = OVERLAYS[0];
    for (components, arguments) in COMPONENTS {
        let helms = rendered(&[secret, arguments].concat()).await;
        same(&components.join(" "), kustomized_with(components).await, helms);
    }
}

/// The server with the operator's namespace, as strict about pods as it can be.
async fn restricted() -> Server {
    let server = Server::shared().await;
    let namespace = json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": NAMESPACE, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}},
    });
    let namespaces: Api<Namespace> = Api::all(server.client.clone());
    namespaces.patch(NAMESPACE, &PatchParams::apply("test"), &Patch::Apply(namespace)).await.unwrap();
    server
}

/// What the API server says to objects that it is not to store, with unknown and repeated fields refused.
async fn say(server: &Server, objects: &[Value]) -> Result<(), String> {
    let list = json!({"apiVersion": "v1", "kind": "List", "items": objects});
    let file = server.plane.directory().join(format!("{}.json", uuid::Uuid::new_v4()));
    std::fs::write(&file, list.to_string()).unwrap();
    let arguments = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f"];
    let output =
        server.plane.kubectl(arguments.map(OsStr::new).iter().copied().chain([file.as_os_str()])).await.unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(words) }
}

#[tokio::test]
async fn control_plane_takes_every_manifest() {
    let server = restricted().await;
    server.plane.apply(SERVICE_MONITORS).await.unwrap();
    let everything = [
        "--set=serviceMonitor.enabled=true,secretNames={one,two},priorityClassName=high,image.pullSecrets[0].name=registry",
        "--set=proxy.https=http://proxy:3128,proxy.none=localhost,podAnnotations.a=b,nodeSelector.disk=ssd",
        "--set-json=networkPolicy.metricsFrom=[{\"namespaceSelector\":{}}]",
        "--set=networkPolicy.metadataService=true,identity.enabled=true,identity.stamp=true",
        "--set-json=networkPolicy.extraEgress=[{\"ports\":[{\"port\":3128}]}]",
        "--set-json=tolerations=[{\"key\":\"dedicated\",\"operator\":\"Exists\"}]",
    ];
    // The definition of ServiceMonitors is served a moment after it was applied.
    let objects = rendered(&everything).await;
    let mut said = say(&server, &objects).await;
    for _ in 0..50 {
        if !said.as_ref().is_err_and(|words| words.contains("no matches for kind")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        said = say(&server, &objects).await;
    }
    said.unwrap();
    for (overlay, arguments) in OVERLAYS {
        say(&server, &kustomized(overlay).await).await.unwrap_or_else(|words| panic!("{overlay}: {words}"));
        say(&server, &rendered(arguments).await).await.unwrap_or_else(|words| panic!("{arguments:?}: {words}"));
    }

    // It is strict.
    let mut wrong = the(&objects, "Deployment").clone();
    wrong["spec"]["template"]["spec"]["containers"][0]["readinessprobe"] = json!({});
    let words = say(&server, &[wrong]).await.expect_err("an unknown field");
    assert!(words.contains("readinessprobe"), "{words}");
}

#[tokio::test]
async fn control_plane_takes_the_pods_as_restricted() {
    let server = restricted().await;
    for (_, arguments) in OVERLAYS {
        let deployment = the(&rendered(arguments).await, "Deployment").clone();
        let template = &deployment["spec"]["template"];
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "pod", "namespace": NAMESPACE, "labels": template["metadata"]["labels"]},
            "spec": template["spec"],
        });
        say(&server, std::slice::from_ref(&pod)).await.unwrap();
        let security = &template["spec"]["securityContext"];
        // The image names its user; a number here would be outside of OpenShift's range.
        assert_eq!((&security["runAsNonRoot"], &security["runAsUser"]), (&json!(true), &json!(null)));
        assert_eq!(template["spec"]["containers"][0]["securityContext"]["readOnlyRootFilesystem"], true);

        let mut lax = pod;
        lax["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = true.into();
        let words = say(&server, &[lax]).await.expect_err("what is not restricted");
        assert!(words.contains("violates PodSecurity \"restricted"), "{words}");
    }
}
