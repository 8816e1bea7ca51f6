//! Create, replace, patch and delete of the main resource.

use api_server::{Change, Outcome};
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::dynamic::{ApiResource, DynamicObject};
use kube::{Api, ResourceExt as _};
use serde_json::json;

use crate::support::*;

fn create_params() -> PostParams {
    PostParams::default()
}

#[tokio::test(start_paused = true)]
async fn create_fills_in_what_the_server_owns() {
    let server = server();
    tokio::time::advance(std::time::Duration::from_secs(90)).await;
    let mut sent = light("a");
    sent.status = Some(LightStatus { phase: Some("On".into()), ..LightStatus::default() });
    let got = create(&lights(&server.caller("admin")), &sent).await;
    assert_eq!(got.metadata.creation_timestamp.as_ref().unwrap().0, "2026-01-01T00:01:30Z".parse().unwrap());
    assert_eq!((got.metadata.generation, got.namespace().as_deref()), (Some(1), Some("default")));
    assert!(got.uid().is_some());
    assert_eq!(version(&got), server.resource_version());
    // The status that was sent is dropped, the schema's default takes its place.
    assert_eq!(got.status, Some(LightStatus { observed_generation: Some(-1), phase: None }));
}

#[tokio::test(start_paused = true)]
async fn schema_defaults_apply_and_unknown_fields_go() {
    let server = server();
    let kind = ApiResource::erase::<Light>(&());
    let api: Api<DynamicObject> = Api::default_namespaced_with(server.client(), &kind);
    let sent = DynamicObject::new("a", &kind).data(json!({"spec": {"shape": "round"}, "extra": 1}));
    let got = api.create(&create_params(), &sent).await.unwrap();
    assert_eq!(got.data, json!({"spec": {"color": "white"}, "status": {"observedGeneration": -1}}));
    let path = "/apis/example.dev/v1/namespaces/default/lights?fieldValidation=Strict";
    let odd = json!({
        "apiVersion": "example.dev/v1", "kind": "Light",
        "metadata": {"name": "b", "foo": 1}, "spec": {"shape": "round"}, "extra": 1,
    });
    let body = serde_json::to_vec(&odd);
    let request = http::Request::post(path).body(body.unwrap()).unwrap();
    let status = refusal(server.client().request::<Light>(request).await);
    assert_eq!((status.code, status.reason.as_str()), (400, "BadRequest"));
    assert!(
        status.message.ends_with(
            r#"strict decoding error: unknown field "metadata.foo", unknown field "extra", unknown field "spec.shape""#
        ),
        "{}",
        status.message
    );
}

#[tokio::test(start_paused = true)]
async fn names_are_unique_generated_and_checked() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    assert_eq!(code_and_reason(api.create(&create_params(), &light("a")).await), (409, "AlreadyExists".into()));
    let mut generated = light("");
    generated.metadata.generate_name = Some("g-".into());
    let (one, two) = (create(&api, &generated).await, create(&api, &generated).await);
    assert!(one.name_any().starts_with("g-") && one.name_any().len() == 7 && one.name_any() != two.name_any());
    assert_eq!(code_and_reason(api.create(&create_params(), &light("No")).await), (422, "Invalid".into()));
    assert_eq!(code_and_reason(api.create(&create_params(), &light("")).await), (422, "Invalid".into()));
}

#[tokio::test(start_paused = true)]
async fn a_namespaced_object_needs_its_namespace() {
    let server = server();
    let api: Api<Light> = Api::namespaced(server.client(), "helpdesk");
    let status = refusal(api.create(&create_params(), &light("a")).await);
    assert_eq!((status.code, status.message.as_str()), (404, r#"namespaces "helpdesk" not found"#));
    server.create_namespace("helpdesk", &[("team", "it")]);
    create(&api, &light("a")).await;
    let namespaces: Api<Namespace> = Api::all(server.client());
    let found = namespaces.list(&ListParams::default().labels("team=it,kubernetes.io/metadata.name=helpdesk")).await;
    assert_eq!(found.unwrap().items.len(), 1);
    namespaces.delete("helpdesk", &DeleteParams::default()).await.unwrap();
    assert_eq!(server.objects("Light"), Vec::<serde_json::Value>::new());
    assert!(server.object("Namespace", "", "helpdesk").is_none());
}

#[tokio::test(start_paused = true)]
async fn replace_compares_resource_version_and_uid() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let mut next = first.clone();
    next.spec.level = Some(1);
    let second = api.replace("a", &create_params(), &next).await.unwrap();
    assert_eq!(second.metadata.generation, Some(2));
    assert_eq!(code_and_reason(api.replace("a", &create_params(), &next).await), (409, "Conflict".into()));
    let mut foreign = second.clone();
    foreign.metadata.uid = Some("other".into());
    assert_eq!(code_and_reason(api.replace("a", &create_params(), &foreign).await), (409, "Conflict".into()));
    let mut blind = second.clone();
    blind.metadata.resource_version = None;
    assert_eq!(code_and_reason(api.replace("a", &create_params(), &blind).await), (422, "Invalid".into()));
    assert_eq!(code_and_reason(api.replace("b", &create_params(), &light("b")).await), (404, "NotFound".into()));
}

#[tokio::test(start_paused = true)]
async fn a_merge_patch_compares_resource_version_and_uid() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let guarded =
        json!({"metadata": {"resourceVersion": first.resource_version(), "uid": first.uid()}, "spec": {"level": 1}});
    let second = patch(&api, "a", guarded.clone()).await.unwrap();
    assert_eq!((second.spec.level, second.metadata.generation), (Some(1), Some(2)));
    assert_eq!(code_and_reason(patch(&api, "a", guarded).await), (409, "Conflict".into()));
    let status = refusal(patch(&api, "a", json!({"metadata": {"uid": "other"}})).await);
    assert!(status.code == 422 && status.message.contains("metadata.uid"), "{status:?}");
    assert_eq!(code_and_reason(patch(&api, "b", json!({})).await), (404, "NotFound".into()));
    let labelled =
        patch(&api, "a", json!({"metadata": {"labels": {"x": "y"}}, "spec": {"level": null}})).await.unwrap();
    assert_eq!((labelled.spec.level, labelled.labels()["x"].as_str()), (None, "y"));
    let apply = Patch::Apply(light("a"));
    assert_eq!(
        code_and_reason(api.patch("a", &PatchParams::apply("me"), &apply).await),
        (415, "UnsupportedMediaType".into())
    );
}

#[tokio::test(start_paused = true)]
async fn a_json_patch_may_test_first() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let set = |uid: Option<String>| {
        let operations = json!([
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status/phase", "value": "On"},
        ]);
        Patch::<Light>::Json(serde_json::from_value(operations).unwrap())
    };
    let params = PatchParams::default();
    let refused = api.patch_status("a", &params, &set(Some("other".into()))).await;
    assert_eq!(code_and_reason(refused), (422, "Invalid".into()));
    let got = api.patch_status("a", &params, &set(first.uid())).await.unwrap();
    assert_eq!(got.status.unwrap().phase.as_deref(), Some("On"));
}

#[tokio::test(start_paused = true)]
async fn only_metadata_leaves_the_generation_and_nothing_new_leaves_the_version() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let labels = json!({"metadata": {"labels": {"x": "y"}}});
    let second = patch(&api, "a", labels.clone()).await.unwrap();
    assert_eq!(second.metadata.generation, Some(1));
    assert!(version(&second) > version(&first));
    let third = patch(&api, "a", labels).await.unwrap();
    assert_eq!(version(&third), version(&second));
    assert_eq!(version(&api.replace("a", &create_params(), &third).await.unwrap()), version(&second));
    assert_eq!(server.writes().last().unwrap().outcome, Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn delete_compares_its_preconditions() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let only = |uid: Option<String>, resource_version: Option<String>| {
        DeleteParams::default().preconditions(Preconditions { uid, resource_version })
    };
    let second = set_phase(&api, "a", "On").await;
    assert_eq!(code_and_reason(api.delete("a", &only(Some("other".into()), None)).await), (409, "Conflict".into()));
    assert_eq!(code_and_reason(api.delete("a", &only(None, first.resource_version())).await), (409, "Conflict".into()));
    let gone = api.delete("a", &only(first.uid(), second.resource_version())).await.unwrap();
    assert!(gone.right().unwrap().is_success());
    assert_eq!(code_and_reason(api.delete("a", &DeleteParams::default()).await), (404, "NotFound".into()));
    let recreated = create(&api, &light("a")).await;
    assert_ne!(recreated.uid(), first.uid());
}

#[tokio::test(start_paused = true)]
async fn finalizers_hold_an_object_until_the_last_is_gone() {
    let server = server();
    let api = lights(&server.caller("admin"));
    let mut held = light("a");
    held.metadata.finalizers = Some(vec!["example.dev/hold".into()]);
    create(&api, &held).await;
    let marked = api.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(marked.metadata.deletion_timestamp.is_some());
    assert_eq!(marked.metadata.generation, Some(2));
    patch(&api, "a", json!({"metadata": {"finalizers": null}})).await.unwrap();
    assert!(api.get_opt("a").await.unwrap().is_none());
    assert_eq!(server.history("Light", "default", "a").last().unwrap().change, Change::Deleted);
}

#[tokio::test(start_paused = true)]
async fn a_collection_is_deleted_by_selector() {
    let server = server();
    let api = lights(&server.caller("admin"));
    create(&api, &labelled("a", "x", "1")).await;
    create(&api, &labelled("b", "x", "2")).await;
    api.delete_collection(&DeleteParams::default(), &ListParams::default().labels("x=1")).await.unwrap();
    assert_eq!(server.objects("lights.example.dev").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dry_run_stores_nothing() {
    let server = server();
    let api = lights(&server.caller("admin"));
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    assert_eq!(api.create(&dry, &light("a")).await.unwrap().name_any(), "a");
    assert!(server.objects("Light").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_created_by_put_and_guarded_by_its_version() {
    let server = server();
    let api: Api<Lease> = Api::default_namespaced(server.client());
    let spec = LeaseSpec { holder_identity: Some("a".into()), ..LeaseSpec::default() };
    let lease = Lease { metadata: meta("lock"), spec: Some(spec) };
    let held = api.replace("lock", &create_params(), &lease).await.unwrap();
    assert_eq!(code_and_reason(api.create(&create_params(), &lease).await), (409, "AlreadyExists".into()));
    assert_eq!(code_and_reason(api.replace("lock", &create_params(), &lease).await), (422, "Invalid".into()));
    let mut renewed = held.clone();
    renewed.spec.get_or_insert_default().lease_transitions = Some(1);
    api.replace("lock", &create_params(), &renewed).await.unwrap();
    assert_eq!(code_and_reason(api.replace("lock", &create_params(), &renewed).await), (409, "Conflict".into()));
}

#[tokio::test(start_paused = true)]
async fn a_secret_takes_plain_text() {
    let server = server();
    let api: Api<Secret> = Api::default_namespaced(server.client());
    let data = [("key".to_owned(), "value".to_owned())].into();
    let secret = Secret { metadata: meta("s"), string_data: Some(data), ..Secret::default() };
    let got = api.create(&create_params(), &secret).await.unwrap();
    assert_eq!(got.data.unwrap()["key"].0, b"value");
    assert_eq!(got.type_.as_deref(), Some("Opaque"));
}

#[tokio::test(start_paused = true)]
async fn definitions_are_readable_and_a_new_one_replaces_the_schema() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    patch(&api, "a", json!({"spec": {"level": 3}})).await.unwrap();
    let crds: Api<CustomResourceDefinition> = Api::all(server.client());
    let mut crd = crds.get("lights.example.dev").await.unwrap();
    let schema = crd.spec.versions[0].schema.as_mut().unwrap().open_api_v3_schema.as_mut().unwrap();
    schema.properties.as_mut().unwrap().get_mut("spec").unwrap().properties.as_mut().unwrap().remove("level");
    server.register(crd);
    assert_eq!(api.get("a").await.unwrap().spec.level, None);
    let patched = patch(&api, "a", json!({"spec": {"level": 4, "color": "blue"}})).await.unwrap();
    assert_eq!(patched.spec, LightSpec { color: "blue".into(), level: None });
    assert_eq!(code_and_reason(crds.delete("lights.example.dev", &DeleteParams::default()).await).0, 405);
}
