//! Callers that are cut off, or see the past, or miss events.

use std::time::Duration;

use api_server::{ApiServer, Caller, Cut, EventFault, EventType, Stale};
use futures::StreamExt as _;
use kube::api::{DeleteParams, ListParams, WatchParams};
use kube::{Api, ResourceExt as _};

use crate::support::*;

async fn start() -> (ApiServer, Api<Light>, Caller, Api<Light>) {
    let server = server();
    let (admin, _) = with_light(&server, "a").await;
    let caller = server.caller("replica-a");
    let api = lights(&caller);
    (server, admin, caller, api)
}

#[tokio::test(start_paused = true)]
async fn a_refused_caller_fails_at_once() {
    let (_, admin, caller, api) = start().await;
    let events = follow(&api, &WatchParams::default(), "0").await;
    caller.cut_off(Cut::Refused);
    assert!(matches!(api.get("a").await, Err(kube::Error::Service(_))));
    assert_eq!(events.collect::<Vec<_>>().await, ["BROKEN"]);
    admin.get("a").await.unwrap();
    caller.reconnect();
    api.get("a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_silenced_caller_hears_nothing_until_it_is_connected_again() {
    let (server, _, caller, api) = start().await;
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
    caller.cut_off(Cut::Silent);
    let before = server.requests().len();
    let getting = tokio::spawn({
        let api = api.clone();
        async move { api.get("a").await }
    });
    assert!(is_silent(&mut events).await);
    assert!(!getting.is_finished());
    caller.reconnect();
    assert!(getting.await.unwrap().is_err());
    assert_eq!(take(&mut events, 2).await, ["BROKEN"]);
    assert_eq!(server.requests().len(), before);
    api.get("a").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn frozen_watches_catch_up_when_thawed() {
    let (_, admin, caller, api) = start().await;
    let mut events = follow(&api, &WatchParams::default().timeout(290), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
    caller.freeze_watches();
    set_phase(&admin, "a", "On").await;
    assert!(is_silent(&mut events).await);
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert_eq!(api.get("a").await.unwrap().status.unwrap().phase.as_deref(), Some("On"));
    caller.thaw_watches();
    assert_eq!(events.take(1).collect::<Vec<_>>().await, ["MODIFIED a On"]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_in_the_past_reads_old_caches_but_writes_now() {
    let (server, admin, caller, api) = start().await;
    let then = server.resource_version();
    let now = set_phase(&admin, "a", "On").await;
    create(&admin, &light("b")).await;
    caller.travel_to(then, Stale::Cached);
    let cached = api.list(&ListParams::default().match_any()).await.unwrap();
    assert_eq!((cached.items.len(), cached.metadata.resource_version), (1, Some(then.to_string())));
    let mut events = follow(&api, &WatchParams::default().initial_events(), "0").await;
    assert_eq!(take(&mut events, 2).await, ["ADDED a", "INITIAL END"]);
    assert!(is_silent(&mut events).await);
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 2);
    assert_eq!(api.get("a").await.unwrap().resource_version(), now.resource_version());
    caller.travel_to(then, Stale::Lists);
    assert_eq!(api.list(&ListParams::default()).await.unwrap().items.len(), 1);
    assert_eq!(api.get("a").await.unwrap().resource_version(), now.resource_version());
    caller.travel_to(then, Stale::Every);
    let old = api.get("a").await.unwrap();
    assert_eq!(old.status.unwrap().phase, None);
    assert!(api.get_opt("b").await.unwrap().is_none());
    let stale = serde_json::json!({"metadata": {"resourceVersion": then.to_string()}, "status": {"phase": "Off"}});
    assert_eq!(code_and_reason(patch_status(&api, "a", stale).await).0, 409);
    caller.return_to_present();
    assert_eq!(take(&mut events, 2).await, ["MODIFIED a On", "ADDED b"]);
}

#[tokio::test(start_paused = true)]
async fn events_are_dropped() {
    let (_, admin, caller, api) = start().await;
    caller.on_event(|event| event.event_type == EventType::Modified, 1, EventFault::Drop);
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    set_phase(&admin, "a", "On").await;
    set_phase(&admin, "a", "Off").await;
    assert_eq!(take(&mut events, 2).await, ["ADDED a", "MODIFIED a Off"]);
}

#[tokio::test(start_paused = true)]
async fn events_of_one_object_are_merged() {
    let (_, admin, caller, api) = start().await;
    caller.on_event(|event| event.object["metadata"]["name"] == "b", 2, EventFault::Merge);
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    create(&admin, &light("b")).await;
    set_phase(&admin, "a", "On").await;
    set_phase(&admin, "b", "On").await;
    set_phase(&admin, "b", "Off").await;
    assert_eq!(take(&mut events, 3).await, ["ADDED a", "MODIFIED a On", "ADDED b Off"]);
    caller.on_event(|event| event.event_type == EventType::Deleted, 1, EventFault::Merge);
    admin.delete("b", &DeleteParams::default()).await.unwrap();
    create(&admin, &light("b")).await;
    assert_eq!(take(&mut events, 1).await, ["MODIFIED b"]);
}

#[tokio::test(start_paused = true)]
async fn events_swap_places_or_come_late() {
    let (_, admin, caller, api) = start().await;
    caller.on_event(|event| event.object["status"]["phase"] == "On", 1, EventFault::Swap);
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    set_phase(&admin, "a", "On").await;
    set_phase(&admin, "a", "Off").await;
    assert_eq!(take(&mut events, 3).await, ["ADDED a", "MODIFIED a Off", "MODIFIED a On"]);
    caller.on_event(|event| event.object["status"]["phase"] == "Late", 1, EventFault::Delay(Duration::from_secs(10)));
    let begin = tokio::time::Instant::now();
    set_phase(&admin, "a", "Late").await;
    create(&admin, &light("b")).await;
    assert_eq!(take(&mut events, 2).await, ["ADDED b", "MODIFIED a Late"]);
    assert_eq!(begin.elapsed(), Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn bookmarks_are_dropped_but_the_one_that_ends_a_streaming_list() {
    let (_, _, caller, api) = start().await;
    caller.drop_bookmarks(true);
    let events = follow(&api, &WatchParams::default().initial_events().timeout(290), "0").await;
    assert_eq!(events.collect::<Vec<_>>().await, ["ADDED a", "INITIAL END"]);
}

#[tokio::test(start_paused = true)]
async fn one_watch_expires() {
    let (server, _, caller, api) = start().await;
    caller.expire_next_watch();
    let now = server.resource_version().to_string();
    assert_eq!(follow(&api, &WatchParams::default(), &now).await.collect::<Vec<_>>().await, ["ERROR 410 Expired"]);
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
    caller.close_watches();
    assert!(events.next().await.is_none());
    caller.expire_watches();
    assert_eq!(events.next().await, None);
    assert_eq!(follow(&api, &WatchParams::default(), &now).await.collect::<Vec<_>>().await, ["ERROR 410 Expired"]);
    let mut events = follow(&api, &WatchParams::default(), "0").await;
    assert_eq!(take(&mut events, 1).await, ["ADDED a"]);
}
