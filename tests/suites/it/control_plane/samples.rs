//! The manifests that people start from are taken as they are: the samples, the README's, the built-in matrices.

use std::{fs, path::Path};

use k8s_openapi::api::core::v1::ResourceQuota;
use kube::{Api, CustomResourceExt, api::PostParams};
use passcode_core::{
    api::{matrix::PlatformSupportMatrix, reset::PasscodeReset},
    platform::{builtin_names, builtin_spec},
};
use serde_json::Value;

use super::server::{NAMESPACE, Server};

/// The manifests of the operator's own kinds in a text of YAML documents.
fn ours(yaml: &str) -> Vec<Value> {
    let all = documents(yaml).into_iter();
    all.filter(|object| object["apiVersion"] == "passcode-operator.dev/v1alpha1").collect()
}

fn documents(yaml: &str) -> Vec<Value> {
    let read = |document: &str| serde_saphyr::from_str::<Value>(document).unwrap_or_else(|e| panic!("{e}: {document}"));
    yaml.split("\n---\n").map(read).collect()
}

async fn check(from: &str, mut object: Value) {
    if object["kind"] == "PasscodeReset" {
        object["metadata"]["namespace"] = NAMESPACE.into();
    }
    if let Err(refusal) = Server::shared().await.try_out(&object).await {
        panic!("{from}: {}", refusal.message);
    }
}

#[tokio::test]
async fn control_plane_takes_the_samples() {
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples")];
    let mut count = 0;
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                for object in ours(&fs::read_to_string(&path).unwrap()) {
                    check(&path.display().to_string(), object).await;
                    count += 1;
                }
            }
        }
    }
    assert!(count > 10, "{count} samples");
}

#[tokio::test]
async fn control_plane_takes_the_quota() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/samples/quota.yaml");
    let [quota] = documents(&fs::read_to_string(path).unwrap()).try_into().unwrap();
    let definition = PasscodeReset::crd();
    let counted = format!("count/{}.{}", definition.spec.names.plural, definition.spec.group);
    assert_eq!(quota["spec"]["hard"].as_object().unwrap().keys().collect::<Vec<_>>(), [&counted]);
    let quotas: Api<ResourceQuota> = Api::namespaced(Server::shared().await.client, NAMESPACE);
    let mut quota: ResourceQuota = serde_json::from_value(quota).unwrap();
    quota.metadata.namespace = Some(NAMESPACE.to_owned());
    let tried = PostParams { dry_run: true, ..PostParams::default() };
    quotas.create(&tried, &quota).await.unwrap();
}

#[tokio::test]
async fn control_plane_takes_the_manifests_of_the_readme() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let objects: Vec<Value> = blocks.flat_map(ours).collect();
    assert!(!objects.is_empty(), "the README has manifests");
    for object in objects {
        check("README.md", object).await;
    }
}

#[tokio::test]
async fn control_plane_takes_the_built_in_matrices() {
    for name in builtin_names() {
        let matrix = PlatformSupportMatrix::new(name, builtin_spec(name).unwrap());
        check(name, serde_json::to_value(matrix).unwrap()).await;
    }
}
