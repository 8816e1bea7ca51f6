//! What goes wrong with single requests.

use std::time::Duration;

use api_server::{ApiServer, Caller, Fault, On, Outcome, Verb, status, too_many_requests};
use kube::Api;
use kube::api::PostParams;
use tokio::time::Instant;

use crate::support::*;

fn start() -> (ApiServer, Caller, Api<Light>) {
    let server = server();
    let caller = server.caller("replica-a");
    let api = lights(&caller);
    (server, caller, api)
}

async fn try_create(api: &Api<Light>, name: &str) -> kube::Result<Light> {
    api.create(&PostParams::default(), &light(name)).await
}

fn last(server: &ApiServer) -> (Outcome, Option<u16>) {
    let request = server.requests().pop().unwrap();
    (request.outcome, request.answered)
}

#[tokio::test(start_paused = true)]
async fn a_request_fails_with_or_without_being_applied() {
    let (server, caller, api) = start();
    caller.fault(On::writes(), Fault::Fail(too_many_requests(7)));
    let refused = refusal(try_create(&api, "a").await);
    assert_eq!((refused.code, refused.details.unwrap().retry_after_seconds), (429, 7));
    assert!(server.objects("Light").is_empty());
    assert_eq!(last(&server), (Outcome::Withheld, Some(429)));
    caller.fault(On::writes(), Fault::ApplyThenFail(status(504, "Timeout", "request timed out")));
    assert_eq!(code_and_reason(try_create(&api, "a").await), (504, "Timeout".into()));
    assert_eq!(server.objects("Light").len(), 1);
    assert_eq!(last(&server), (Outcome::Stored, Some(504)));
    assert_eq!(code_and_reason(try_create(&api, "a").await).0, 409);
}

#[tokio::test(start_paused = true)]
async fn a_connection_breaks_before_or_after() {
    let (server, caller, api) = start();
    caller.fault(On::writes(), Fault::LoseBefore);
    assert!(matches!(try_create(&api, "a").await, Err(kube::Error::Service(_))));
    assert_eq!(last(&server), (Outcome::Withheld, None));
    caller.fault(On::writes(), Fault::ApplyThenLose);
    assert!(matches!(try_create(&api, "a").await, Err(kube::Error::Service(_))));
    assert_eq!(last(&server), (Outcome::Stored, None));
    assert_eq!(server.objects("Light").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_late_or_never_comes() {
    let (server, caller, api) = start();
    let begin = Instant::now();
    caller.fault(On::writes(), Fault::Delay(Duration::from_secs(3)));
    try_create(&api, "a").await.unwrap();
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
    caller.fault(On::writes(), Fault::ApplyThenDelay(Duration::from_secs(5)));
    assert!(tokio::time::timeout(Duration::from_secs(4), try_create(&api, "b")).await.is_err());
    assert_eq!(server.objects("Light").len(), 2);
    caller.fault(On::writes(), Fault::Hang);
    caller.fault(On::writes().nth(2), Fault::ApplyThenHang);
    // The client gives up by itself, as the operator's does.
    for name in ["c", "d"] {
        let begin = Instant::now();
        assert!(matches!(try_create(&api, name).await, Err(kube::Error::Service(_))));
        assert_eq!(begin.elapsed(), Duration::from_secs(300));
    }
    assert!(server.object("Light", "default", "c").is_none() && server.object("Light", "default", "d").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_fault_is_for_the_requests_it_names() {
    let (server, caller, api) = start();
    with_light(&server, "a").await;
    let on = On::verb(Verb::Patch)
        .resource("lights.example.dev")
        .subresource("status")
        .namespace("default")
        .named("a")
        .when(|call| call.body["status"]["phase"] == "Off")
        .nth(2);
    let fired = caller.fault(on, Fault::LoseBefore);
    set_phase(&api, "a", "Off").await;
    set_phase(&api, "a", "On").await;
    assert_eq!(fired.count(), 0);
    assert!(patch_status(&api, "a", serde_json::json!({"status": {"phase": "Off"}})).await.is_err());
    assert_eq!(fired.count(), 1);
    set_phase(&api, "a", "Off").await;
    set_phase(&lights(&server.caller("other")), "a", "On").await;
    assert_eq!(fired.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fault_fires_as_often_as_said() {
    let (_, caller, api) = start();
    let twice = caller.fault(On::any().resource("lights").named("a").times(2), Fault::LoseBefore);
    for expected in [false, false, true] {
        assert_eq!(try_create(&api, "a").await.is_ok(), expected);
    }
    assert_eq!(twice.count(), 2);
    caller.fault(On::any().always(), Fault::LoseBefore);
    for _ in 0..10 {
        assert!(try_create(&api, "b").await.is_err());
    }
    caller.clear_faults();
    try_create(&api, "b").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn hooks_act_between_a_request_and_its_answer() {
    let (server, caller, api) = start();
    let rival = lights(&server.caller("rival"));
    caller.before(move |call| {
        let rival = rival.clone();
        async move {
            if call.verb == Verb::Create {
                create(&rival, &light("a")).await;
            }
            None
        }
    });
    assert_eq!(code_and_reason(try_create(&api, "a").await), (409, "AlreadyExists".into()));
    caller.clear_faults();
    caller
        .after(|call, code| async move { (call.verb == Verb::Create && code == 201).then_some(Fault::ApplyThenLose) });
    assert!(try_create(&api, "b").await.is_err());
    assert_eq!(server.objects("Light").len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_process_dies_at_the_boundary_of_a_write() {
    let (server, caller, api) = start();
    let reached = caller.fault(On::writes().nth(2), Fault::ApplyThenHang);
    let process = tokio::spawn(async move {
        for name in ["a", "b", "c"] {
            create(&api, &light(name)).await;
        }
    });
    reached.wait().await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    process.abort();
    assert!(process.await.unwrap_err().is_cancelled());
    assert_eq!(server.objects("Light").len(), 2);
    assert_eq!(server.writes().len(), 2);
}
