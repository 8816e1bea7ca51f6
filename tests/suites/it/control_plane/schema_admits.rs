//! What the schema admits can be read: an object that is stored but that the operator cannot read would be a reset that
//! silently never happens.

use futures::{StreamExt, stream};
use passcode_core::api::{
    manifests::definitions, matrix::PlatformSupportMatrix, reset::PasscodeReset, tenant::IntuneTenant,
};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{
    rules::manifests::{endpoints, matrix, reset, tenant},
    schema_values,
    server::Server,
};

/// How many manifests of a kind are tried.
const MANIFESTS: usize = 300;

/// Tries manifests that differ from this one, the same ones in every run.
async fn check<T: DeserializeOwned>(manifest: Value) {
    let places = schema_values::places(&["spec".to_owned()], &spec_schema(&manifest), &manifest["spec"]);
    let strategy = schema_values::manifests(manifest, places);
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let manifests: Vec<Value> =
        (0..MANIFESTS).map(|_| strategy.new_tree(&mut runner).expect("a manifest").current()).collect();

    let server = Server::shared().await;
    let (server, accepted) = (&server, &std::cell::Cell::new(0_usize));
    let unreadable: Vec<String> = stream::iter(manifests)
        .map(|manifest| async move { (server.try_out(&manifest).await, manifest) })
        .buffer_unordered(8)
        .filter_map(|(answer, manifest)| async move {
            let stored = answer.ok()?;
            accepted.set(accepted.get() + 1);
            let error = serde_json::from_value::<T>(stored).err()?;
            Some(format!("{error}: {}", manifest["spec"]))
        })
        .collect()
        .await;
    assert!(unreadable.is_empty(), "stored, but not to be read:\n{}", unreadable.join("\n"));
    // Neither would show anything: manifests that are all refused, and manifests that are all harmless.
    let accepted = accepted.get();
    assert!((MANIFESTS / 6..MANIFESTS * 5 / 6).contains(&accepted), "{accepted} of {MANIFESTS} were accepted");
}

/// The schema of this object's spec.
fn spec_schema(object: &Value) -> Value {
    let definitions = serde_json::to_value(definitions().unwrap()).unwrap();
    let definition =
        definitions.as_array().unwrap().iter().find(|d| d["spec"]["names"]["kind"] == object["kind"]).unwrap();
    definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"].clone()
}

#[tokio::test]
async fn control_plane_admits_only_resets_that_can_be_read() {
    check::<PasscodeReset>(reset("admits")).await;
}

#[tokio::test]
async fn control_plane_admits_only_tenants_that_can_be_read() {
    check::<IntuneTenant>(tenant("admits")).await;
}

#[tokio::test]
async fn control_plane_admits_only_tenants_with_endpoints_that_can_be_read() {
    let mut object = tenant("admits");
    object["spec"]["endpoints"] = endpoints();
    check::<IntuneTenant>(object).await;
}

#[tokio::test]
async fn control_plane_admits_only_matrices_that_can_be_read() {
    check::<PlatformSupportMatrix>(matrix("admits")).await;
}
