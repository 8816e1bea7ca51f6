//! Whole watchers, reflectors and controllers on top.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use api_server::{ApiServer, EventFault, Fault, On, Stale, Verb};
use futures::StreamExt as _;
use kube::runtime::controller::Action;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::runtime::{Controller, WatchStreamExt as _, reflector, watcher};
use kube::{Api, Client, Resource as _, ResourceExt as _};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::support::*;

#[derive(Clone)]
struct Context {
    client: Client,
    runs: Arc<AtomicUsize>,
}

async fn switch_on(light: Arc<Light>, context: Arc<Context>) -> Result<Action, kube::Error> {
    context.runs.fetch_add(1, Ordering::Relaxed);
    let api: Api<Light> = Api::namespaced(context.client.clone(), &light.namespace().unwrap_or_default());
    if light.status.as_ref().is_none_or(|status| status.phase.is_none()) {
        let patch = json!({
            "metadata": {"uid": light.uid(), "resourceVersion": light.resource_version()},
            "status": {"phase": "On", "observedGeneration": light.metadata.generation},
        });
        patch_status(&api, &light.name_any(), patch).await?;
    }
    Ok(Action::await_change())
}

fn run(server: &ApiServer, name: &str, config: watcher::Config) -> (JoinHandle<()>, Arc<AtomicUsize>) {
    let client = server.client_named(name);
    let runs = Arc::new(AtomicUsize::new(0));
    let context = Context { client: client.clone(), runs: runs.clone() };
    let controller = Controller::new(Api::<Light>::all(client), config);
    let retry = |_, _: &kube::Error, _| Action::requeue(Duration::from_secs(1));
    (tokio::spawn(controller.run(switch_on, retry, Arc::new(context)).for_each(async |_| ())), runs)
}

fn phase(server: &ApiServer, name: &str) -> String {
    server.object("Light", "default", name).unwrap()["status"]["phase"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_controller_follows_a_list_and_watch_for_an_hour() {
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let server = server();
        let (api, _) = with_light(&server, "a").await;
        let (task, runs) = run(&server, "replica-a", config);
        sleep(Duration::from_secs(3600)).await;
        create(&api, &light("b")).await;
        sleep(Duration::from_secs(1)).await;
        assert_eq!((phase(&server, "a"), phase(&server, "b")), ("On".into(), "On".into()));
        assert_eq!(server.writes().iter().filter(|write| write.call.verb == Verb::Patch).count(), 2);
        assert_eq!(runs.load(Ordering::Relaxed), 4);
        let watches = server.requests().iter().filter(|request| request.call.verb == Verb::Watch).count();
        assert!((12..15).contains(&watches), "{watches}");
        task.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn a_controller_survives_lost_answers_lost_events_and_expired_watches() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let caller = server.caller("replica-a");
    let lost = caller.fault(On::verb(Verb::Patch), Fault::ApplyThenLose);
    let (task, _) = run(&server, "replica-a", watcher::Config::default().any_semantic());
    lost.wait().await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(phase(&server, "a"), "On");
    assert_eq!(server.history("Light", "default", "a").len(), 2);
    caller.on_event(|event| event.object["metadata"]["name"] == "b", 1, EventFault::Drop);
    create(&api, &light("b")).await;
    sleep(Duration::from_secs(10)).await;
    assert_eq!(phase(&server, "b"), "");
    caller.expire_next_watch();
    caller.close_watches();
    sleep(Duration::from_secs(60)).await;
    assert_eq!(phase(&server, "b"), "On");
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_stale_controller_is_stopped_by_its_precondition() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    server.caller("replica-b").travel_to(server.resource_version(), Stale::Cached);
    set_phase(&api, "a", "Off").await;
    let (task, runs) = run(&server, "replica-b", watcher::Config::default().streaming_lists());
    sleep(Duration::from_secs(30)).await;
    assert!(runs.load(Ordering::Relaxed) > 10);
    assert_eq!(phase(&server, "a"), "Off");
    server.caller("replica-b").return_to_present();
    sleep(Duration::from_secs(10)).await;
    let settled = runs.load(Ordering::Relaxed);
    sleep(Duration::from_secs(100)).await;
    assert_eq!(runs.load(Ordering::Relaxed), settled);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_reflector_holds_what_is_selected() {
    let server = server();
    let (api, _) = with_light(&server, "a").await;
    let (store, writer) = reflector::store();
    let config = watcher::Config::default().fields("status.phase=").streaming_lists();
    let events = watcher(lights(&server.caller("replica-a")), config).default_backoff().reflect(writer);
    let task = tokio::spawn(events.for_each(async |_| ()));
    store.wait_until_ready().await.unwrap();
    create(&api, &light("b")).await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(store.len(), 2);
    set_phase(&api, "a", "On").await;
    sleep(Duration::from_secs(1)).await;
    let names: Vec<String> = store.state().iter().map(|light| light.name_any()).collect();
    assert_eq!(names, ["b"]);
    task.abort();
}

#[tokio::test(start_paused = true)]
async fn a_recorder_publishes_and_repeats_events() {
    let server = server();
    let (_, light) = with_light(&server, "a").await;
    let reporter = Reporter { controller: "lamplighter".into(), instance: None };
    let recorder = Recorder::new(server.client_named("replica-a"), reporter);
    let event =
        Event { type_: EventType::Normal, reason: "Lit".into(), note: None, action: "Light".into(), secondary: None };
    for _ in 0..2 {
        recorder.publish(&event, &light.object_ref(&())).await.unwrap();
    }
    let events = server.objects("events.events.k8s.io");
    assert_eq!((events.len(), events[0]["series"]["count"].as_i64()), (1, Some(2)));
}
