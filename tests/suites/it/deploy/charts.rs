//! The charts as files: current, described, strict, and with words for mistakes.

use std::collections::BTreeSet;

use deploy::{Helm, repository};
use serde_json::Value;

use super::{chart, definitions, render, rendered, the};

#[tokio::test]
async fn made_files_are_current() {
    let made = deploy::made().await.unwrap();
    assert!(made.len() > 10, "{} files", made.len());
    let stale: Vec<_> = made.iter().filter(|file| !file.is_current()).map(|file| &file.path).collect();
    assert!(stale.is_empty(), "`make charts` writes {stale:?} again");
    // Nothing is left of a definition that is no more.
    let templates = std::fs::read_dir(repository("deploy/charts/passcode-operator-crds/templates")).unwrap();
    assert_eq!(templates.count(), std::fs::read_dir(repository("crds")).unwrap().count());
}

#[tokio::test]
async fn helm_lint_has_nothing_to_say() {
    let helm = Helm::find().await.unwrap();
    helm.print(None, ["lint", "--strict", &definitions()]).await.unwrap();
    let image = "image.repository=registry.example.com/passcode-operator";
    helm.print(None, ["lint", "--strict", &chart(), "--set", image]).await.unwrap();
}

#[tokio::test]
async fn the_charts_are_of_the_operators_version() {
    let helm = Helm::find().await.unwrap();
    for chart in [chart(), definitions()] {
        let about: Value = serde_saphyr::from_str(&helm.print(None, ["show", "chart", &chart]).await.unwrap()).unwrap();
        assert_eq!(about["appVersion"], env!("CARGO_PKG_VERSION"), "{chart}");
        assert_eq!(about["version"], env!("CARGO_PKG_VERSION"), "{chart}");
    }
    let container = &the(&rendered(&[]).await, "Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
    let image = concat!("registry.example.com/passcode-operator:", env!("CARGO_PKG_VERSION"));
    assert_eq!(container["image"], image);
}

#[tokio::test]
async fn a_mistake_in_a_value_is_named() {
    let mistakes = [
        ("replica=3", "at '': additional properties 'replica' not allowed"),
        ("image.repo=registry.example.com/x", "at '/image': additional properties 'repo' not allowed"),
        ("image.repository=Registry.Example", "at '/image/repository': 'Registry.Example' does not match pattern"),
        (
            "image.repository=registry:5000/x:1.2",
            "image.repository is \"registry:5000/x:1.2\": write the repository alone",
        ),
        ("image.repository=x@sha256:ab", "image.repository is \"x@sha256:ab\": write the repository alone"),
        ("image.digest=abc", "at '/image/digest': 'abc' does not match pattern"),
        ("replicas=two", "at '/replicas': got string, want integer"),
        ("replicas=11", "at '/replicas': maximum: got 11, want 10"),
        ("secretNames=intune-client-secret", "at '/secretNames': got string, want array"),
        ("secretNames={Intune_Secret}", "at '/secretNames/0': 'Intune_Secret' does not match pattern"),
        ("allowedEndpoints=https://a.example", "at '/allowedEndpoints': got string, want array"),
        ("allowedEndpoints={http://a.example}", "at '/allowedEndpoints/0': 'http://a.example' does not match pattern"),
        ("allowedEndpoints={https://a.example/v1.0}", "at '/allowedEndpoints/0': 'https://a.example/v1.0' does not"),
        ("podSecurityContext.runAsUser=root", "at '/podSecurityContext/runAsUser': got string, want null or integer"),
        ("podSecurityContext.runAsUser=0", "at '/podSecurityContext/runAsUser': minimum: got 0, want 1"),
        ("workloadIdentity.mode=webhook", "value must be one of 'None', 'Webhook', 'ProjectedToken'"),
        (
            "workloadIdentity.expirationSeconds=60",
            "at '/workloadIdentity/expirationSeconds': minimum: got 60, want 600",
        ),
        ("log.format=yaml", "at '/log/format': value must be one of 'text', 'json'"),
        ("proxy.https=proxy:3128", "at '/proxy/https': 'proxy:3128' does not match pattern"),
        ("resources.limit.memory=1Gi", "at '/resources': additional properties 'limit' not allowed"),
        ("networkPolicy.enabled=yes", "at '/networkPolicy/enabled': got string, want boolean"),
        ("networkPolicy.apiServerPorts={https}", "at '/networkPolicy/apiServerPorts/0': got string, want integer"),
        ("serviceMonitor.interval=30", "at '/serviceMonitor/interval'"),
        ("identity.enabled=yes", "at '/identity/enabled': got string, want boolean"),
        ("identity.stamp=true", "at '/identity/enabled': value must be true"),
    ];
    for (mistake, sentence) in mistakes {
        let words = render(&["--set", mistake]).await.expect_err(mistake);
        assert!(words.contains(sentence), "{mistake}: {words}");
    }
    // An unknown name at the top comes with those that there are.
    let words = render(&["--set", "replicaCuont=3"]).await.expect_err("a slip");
    assert!(words.contains("'replicaCuont' not allowed") && words.contains("'replicas', 'secretNames'"), "{words}");
    let port = render(&["--set", "image.repository=registry:5000/x"]).await.unwrap();
    let image = &the(&port, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(*image, concat!("registry:5000/x:", env!("CARGO_PKG_VERSION")));
    let words = render(&[]).await.expect_err("no image");
    assert!(words.contains("image.repository is missing: name the repository that you pushed the image to"), "{words}");
}

#[tokio::test]
async fn every_value_is_described_and_has_a_schema() {
    let schema = std::fs::read_to_string(repository("deploy/charts/passcode-operator/values.schema.json")).unwrap();
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let described: BTreeSet<String> = deploy::values().unwrap().into_iter().map(|value| value.path).collect();
    let mut known = BTreeSet::new();
    leaves(&schema, "", &described, &mut known);
    known.remove("global");
    assert_eq!(described, known);
    let named: Vec<_> =
        schema["propertyNames"]["enum"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let properties: Vec<_> = schema["properties"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(named.iter().collect::<BTreeSet<_>>(), properties.iter().collect::<BTreeSet<_>>());
}

/// The paths of a schema down to those that are described as one value.
fn leaves(schema: &Value, path: &str, described: &BTreeSet<String>, into: &mut BTreeSet<String>) {
    match schema["properties"].as_object() {
        Some(properties) if !described.contains(path) => {
            assert_eq!(schema["additionalProperties"], false, "{path} takes what it does not know");
            for (name, below) in properties {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                leaves(below, &path, described, into);
            }
        }
        _ => {
            into.insert(path.to_owned());
        }
    }
}

#[tokio::test]
async fn values_arrive_where_they_belong() {
    let objects = rendered(&[
        "--set=image.tag=1.2.3,image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
        "--set=image.pullSecrets[0].name=registry,priorityClassName=high,podLabels.team=it",
        "--set=workloadIdentity.mode=ProjectedToken,proxy.https=http://proxy:3128,proxy.none=a\\,b",
        "--set=serviceMonitor.enabled=true,serviceMonitor.labels.release=prometheus",
        "--set-json=networkPolicy.metricsFrom=[{\"namespaceSelector\":{}}]",
        "--set=networkPolicy.metadataService=true",
        "--set=allowedEndpoints={https://graph.example.com:8443,https://login.example.com,https://10.0.0.1:8443}",
        "--set-json=networkPolicy.extraEgress=[{\"ports\":[{\"port\":3128}]}]",
    ])
    .await;
    let pod = &the(&objects, "Deployment")["spec"]["template"];
    let container = &pod["spec"]["containers"][0];
    let digest = "0".repeat(64);
    assert_eq!(container["image"], format!("registry.example.com/passcode-operator:1.2.3@sha256:{digest}"));
    assert_eq!(pod["spec"]["imagePullSecrets"][0]["name"], "registry");
    assert_eq!(pod["spec"]["priorityClassName"], "high");
    assert_eq!(pod["metadata"]["labels"]["team"], "it");
    let token = &pod["spec"]["volumes"][0]["projected"]["sources"][0]["serviceAccountToken"];
    assert_eq!(token["audience"], "api://AzureADTokenExchange");
    let file =
        format!("{}/{}", container["volumeMounts"][0]["mountPath"].as_str().unwrap(), token["path"].as_str().unwrap());
    assert_eq!(file, "/var/run/secrets/azure/tokens/azure-identity-token");
    let environment = |name: &str| {
        let all = container["env"].as_array().unwrap();
        all.iter().find(|variable| variable["name"] == name).map(|variable| variable["value"].clone())
    };
    assert_eq!(environment("HTTPS_PROXY"), Some("http://proxy:3128".into()));
    assert_eq!(environment("NO_PROXY"), Some("a,b".into()));
    let origins = "https://graph.example.com:8443 https://login.example.com https://10.0.0.1:8443";
    assert_eq!(environment("ALLOWED_ENDPOINTS"), Some(origins.into()));
    assert_eq!(the(&objects, "ServiceMonitor")["metadata"]["labels"]["release"], "prometheus");
    let policy = &the(&objects, "NetworkPolicy")["spec"];
    assert_eq!(policy["ingress"][0]["from"][0]["namespaceSelector"], serde_json::json!({}));
    assert_eq!(policy["egress"].as_array().unwrap().len(), 5);
    let https: Vec<_> =
        policy["egress"][2]["ports"].as_array().unwrap().iter().map(|port| port["port"].clone()).collect();
    assert_eq!(https, [443, 8443]);
    assert_eq!(policy["egress"][3]["to"][0]["ipBlock"]["cidr"], "169.254.169.254/32");

    let objects = rendered(&["--set=workloadIdentity.mode=Webhook,networkPolicy.enabled=false,userRoles=false"]).await;
    let labels = &the(&objects, "Deployment")["spec"]["template"]["metadata"]["labels"];
    assert_eq!(labels["azure.workload.identity/use"], "true");
    assert!(!objects.iter().any(|object| object["kind"] == "NetworkPolicy"));
    assert_eq!(the(&objects, "ClusterRole")["metadata"]["name"], "passcode-operator");
}

/// OpenShift refuses a user id that is not of the namespace's range; the image has one of its own for all others.
#[tokio::test]
async fn no_user_id_is_fixed_unless_one_is_asked_for() {
    let context = async |arguments: &[&str]| {
        let objects = rendered(arguments).await;
        the(&objects, "Deployment")["spec"]["template"]["spec"]["securityContext"].clone()
    };
    let seccomp = serde_json::json!({"type": "RuntimeDefault"});
    let own = serde_json::json!({"runAsNonRoot": true, "seccompProfile": seccomp});
    assert_eq!(context(&[]).await, own);
    assert_eq!(context(&["--set-json=podSecurityContext.runAsUser=null"]).await, own);
    let asked = context(&["--set=podSecurityContext.runAsUser=1000660000,podSecurityContext.runAsGroup=7"]).await;
    assert_eq!((&asked["runAsUser"], &asked["runAsGroup"]), (&1_000_660_000.into(), &7.into()));
}

/// What helm says after an installation, from the command that looks at the tenants on.
async fn notes(values: &str) -> String {
    let helm = Helm::find().await.unwrap();
    let values = format!("image.repository=example{values}");
    let arguments = ["install", "passcode-operator", &chart(), "-n", "elsewhere", "--dry-run=client", "--set", &values];
    let printed = helm.print(None, arguments).await.unwrap();
    let (_, notes) = printed.split_once("\nNOTES:\n").unwrap();
    assert!(notes.contains("deploy/charts/passcode-operator-crds -n elsewhere\n"), "{notes}");
    notes.split_once("get intunetenants -o wide\n").unwrap().1.trim().replace('\n', " ")
}

#[tokio::test]
async fn the_notes_are_true_of_every_way_to_sign_in() {
    let ways = ["secretNames={s}", "workloadIdentity.mode=Webhook", "workloadIdentity.mode=ProjectedToken"];
    for way in ways.into_iter().chain(["networkPolicy.metadataService=true"]) {
        for policy in [true, false] {
            assert_eq!(notes(&format!(",{way},networkPolicy.enabled={policy}")).await, "", "{way} {policy}");
        }
    }
    let none = notes("").await;
    assert!(none.starts_with("These values prepare no way to sign in. Set"), "{none}");
    // Nothing keeps the pods from the node's metadata service.
    let open = notes(",networkPolicy.enabled=false").await;
    assert!(open.starts_with("With these values it can sign in as a managed identity of its Azure node"), "{open}");
    assert!(open.contains("secretNames") && !open.contains("networkPolicy"), "{open}");
}
