//! Watches as a caller sees them for whom nothing goes wrong.

use std::time::Duration;

use futures::StreamExt as _;
use kube::api::{DeleteParams, WatchParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use tokio::time::Instant;

use crate::support::*;

fn streaming() -> WatchParams {
    WatchParams::default().initial_events()
}

#[tokio::test(start_paused = true)]
async fn a_watch_goes_on_from_a_version() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    create(&api, &light("b")).await;
    let mut events = follow(&api, &WatchParams::default(), &first.resource_version().unwrap()).await;
    assert_eq!(take(&mut events, 1).await, ["ADDED b"]);
    set_phase(&api, "a", "On").await;
    api.delete("b", &DeleteParams::default()).await.unwrap();
    assert_eq!(take(&mut events, 2).await, ["MODIFIED a On", "DELETED b"]);
    assert!(is_silent(&mut events).await);
}

#[tokio::test(start_paused = true)]
async fn a_watch_without_a_version_begins_with_what_there_is() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
}

#[tokio::test(start_paused = true)]
async fn a_streaming_list_marks_the_end_of_what_there_is() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    create(&api, &light("b")).await;
    let mut events = follow(&api, &streaming(), "0").await;
    assert_eq!(take(&mut events, 3).await, ["ADDED a", "ADDED b", "INITIAL END"]);
    set_phase(&api, "a", "On").await;
    assert_eq!(take(&mut events, 1).await, ["MODIFIED a On"]);
}

#[tokio::test(start_paused = true)]
async fn objects_enter_and_leave_a_field_selection() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let mut events = follow(&api, &WatchParams::default().fields("status.phase="), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
    let left = set_phase(&api, "a", "On").await;
    assert_eq!(take(&mut events, 1).await, ["DELETED a"]);
    set_phase(&api, "a", "Off").await;
    patch_status(&api, "a", json!({"status": {"phase": null}})).await.unwrap();
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
    let mut again = api
        .watch(&WatchParams::default().fields("status.phase="), &(version(&left) - 1).to_string())
        .await
        .unwrap()
        .boxed();
    let Some(Ok(kube::api::WatchEvent::Deleted(gone))) = again.next().await else { panic!("not deleted") };
    // Shown as it was while it was selected, with the version it left at.
    assert_eq!(gone.resource_version(), left.resource_version());
    assert_eq!(gone.status.unwrap().phase, None);
}

#[tokio::test(start_paused = true)]
async fn a_watch_keeps_to_its_namespace_and_labels() {
    let server = server();
    server.create_namespace("other", &[]);
    let (api, _) = with_light(&server, "a").await;
    let mut events = follow(&api, &WatchParams::default().labels("x"), "0").await;
    let other: Api<Light> = Api::namespaced(server.client(), "other");
    create(&other, &labelled("b", "x", "1")).await;
    create(&api, &labelled("c", "x", "1")).await;
    assert_eq!(take(&mut events, 1).await, ["ADDED c"]);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_every_minute_if_there_is_news() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let start = Instant::now();
    let mut events = follow(&api, &WatchParams::default(), &server.resource_version().to_string()).await;
    assert_eq!(take(&mut events, 1).await, ["BOOKMARK"]);
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    server.create_namespace("news", &[]);
    assert_eq!(take(&mut events, 1).await, ["BOOKMARK"]);
    assert_eq!(start.elapsed(), Duration::from_secs(120));
    let without = WatchParams { bookmarks: false, ..WatchParams::default() };
    assert!(is_silent(&mut follow(&api, &without, &server.resource_version().to_string()).await).await);
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_after_its_timeout() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let start = Instant::now();
    let params = WatchParams { bookmarks: false, ..WatchParams::default().timeout(290) };
    let events = follow(&api, &params, &server.resource_version().to_string()).await;
    assert_eq!(events.count().await, 0);
    assert_eq!(start.elapsed(), Duration::from_secs(290));
}

#[tokio::test(start_paused = true)]
async fn too_old_a_version_is_an_event() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    set_phase(&api, "a", "On").await;
    server.compact(server.resource_version());
    let events = follow(&api, &WatchParams::default(), &first.resource_version().unwrap()).await;
    assert_eq!(events.collect::<Vec<_>>().await, ["ERROR 410 Expired"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_schema_ends_watches_and_their_versions() {
    let server = server();
    let (api, first) = with_light(&server, "a").await;
    let then = first.resource_version().unwrap();
    let events = follow(&api, &WatchParams::default(), &then).await;
    server.create_namespace("later", &[]);
    server.register(<Light as kube::CustomResourceExt>::crd());
    assert!(events.collect::<Vec<_>>().await.is_empty());
    let events = follow(&api, &WatchParams::default(), &then).await;
    assert_eq!(events.collect::<Vec<_>>().await, ["ERROR 410 Expired"]);
}

#[tokio::test(start_paused = true)]
async fn watches_close_on_demand() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let events = follow(&api, &streaming(), "0").await;
    server.close_watches();
    assert!(events.collect::<Vec<_>>().await.is_empty());
}
