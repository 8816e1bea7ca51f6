//! A small custom resource, and short ways to ask for things.

use api_server::{ApiServer, Caller};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use kube::api::{ObjectMeta, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::core::Status;
use kube::{Api, CustomResource, CustomResourceExt as _, KubeSchema, ResourceExt as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(CustomResource, KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "example.dev",
    version = "v1",
    kind = "Light",
    namespaced,
    status = "LightStatus",
    derive = "PartialEq",
    selectable = ".status.phase"
)]
#[serde(rename_all = "camelCase")]
pub struct LightSpec {
    #[serde(default = "default_color")]
    pub color: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<i64>,
}

fn default_color() -> String {
    "white".into()
}

#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("default" = json!({"observedGeneration": -1})))]
pub struct LightStatus {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
}

pub fn server() -> ApiServer {
    let server = ApiServer::new();
    server.register(Light::crd());
    server
}

pub fn light(name: &str) -> Light {
    Light::new(name, LightSpec { color: "red".into(), level: None })
}

pub fn labelled(name: &str, key: &str, value: &str) -> Light {
    let mut light = light(name);
    light.labels_mut().insert(key.into(), value.into());
    light
}

pub fn lights(caller: &Caller) -> Api<Light> {
    Api::default_namespaced(caller.client())
}

/// Lights, and one of them.
pub async fn with_light(server: &ApiServer, name: &str) -> (Api<Light>, Light) {
    let api = lights(&server.caller("admin"));
    let light = create(&api, &light(name)).await;
    (api, light)
}

pub async fn create(api: &Api<Light>, light: &Light) -> Light {
    api.create(&PostParams::default(), light).await.unwrap()
}

pub async fn set_phase(api: &Api<Light>, name: &str, phase: &str) -> Light {
    patch_status(api, name, json!({"status": {"phase": phase}})).await.unwrap()
}

pub async fn patch_status(api: &Api<Light>, name: &str, patch: Value) -> kube::Result<Light> {
    api.patch_status(name, &PatchParams::default(), &Patch::Merge(patch)).await
}

pub async fn patch(api: &Api<Light>, name: &str, patch: Value) -> kube::Result<Light> {
    api.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await
}

pub fn meta(name: &str) -> ObjectMeta {
    ObjectMeta { name: Some(name.into()), ..ObjectMeta::default() }
}

/// The `Status` a request was refused with.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(result: kube::Result<T>) -> Status {
    match result {
        Err(kube::Error::Api(status)) => *status,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
pub fn code_and_reason<T: std::fmt::Debug>(result: kube::Result<T>) -> (u16, String) {
    let status = refusal(result);
    (status.code, status.reason)
}

pub fn version(light: &Light) -> u64 {
    light.resource_version().unwrap().parse().unwrap()
}

/// A watch from a resourceVersion, as texts such as `ADDED a white`.
pub async fn follow(api: &Api<Light>, params: &WatchParams, from: &str) -> impl Stream<Item = String> + Unpin + use<> {
    let events = api.watch(params, from).await.unwrap();
    events.map_ok(|event| text_of(&event)).map(|event| event.unwrap_or_else(|_| "BROKEN".into())).boxed()
}

fn text_of(event: &WatchEvent<Light>) -> String {
    let phase = |light: &Light| light.status.clone().and_then(|status| status.phase).unwrap_or_default();
    let text = |word: &str, light: &Light| format!("{word} {} {}", light.name_any(), phase(light)).trim().to_owned();
    match event {
        WatchEvent::Added(light) => text("ADDED", light),
        WatchEvent::Modified(light) => text("MODIFIED", light),
        WatchEvent::Deleted(light) => text("DELETED", light),
        WatchEvent::Bookmark(bookmark) if bookmark.metadata.annotations.is_empty() => "BOOKMARK".into(),
        WatchEvent::Bookmark(_) => "INITIAL END".into(),
        WatchEvent::Error(status) => format!("ERROR {} {}", status.code, status.reason),
    }
}

pub async fn take(events: &mut (impl Stream<Item = String> + Unpin), count: usize) -> Vec<String> {
    events.take(count).collect().await
}

/// Whether nothing comes for some time.
pub async fn is_silent(events: &mut (impl Stream<Item = String> + Unpin)) -> bool {
    tokio::time::timeout(std::time::Duration::from_secs(5), events.next()).await.is_err()
}
