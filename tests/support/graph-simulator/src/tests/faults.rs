//! Scripted faults.

use super::*;
use crate::{ConnectionLost, Device, DeviceClass, Fault, PathClass, RetryAfter, Rule};
use std::time::Duration;
use tokio::time::{Instant, timeout};

const SECOND: Duration = Duration::from_secs(1);
const LIST: &str = "/v1.0/deviceManagement/managedDevices";

/// A client, an iPhone, and a fault on every reset.
async fn faulty(fault: Fault) -> (Client, String) {
    let client = client().await;
    let id = client.simulator.add_device(Device::example(DeviceClass::IPhone, 1));
    client.simulator.script(Rule::on(PathClass::Action, fault));
    (client, id)
}

#[tokio::test(start_paused = true)]
async fn every_status_may_hide_an_execution() {
    for status in [400, 401, 403, 404, 405, 406, 408, 409, 415, 422, 423, 424, 429, 500, 502, 503, 504] {
        for (fault, executions) in [(Fault::status(status), 0), (Fault::status(status).executed(), 1)] {
            let (client, id) = faulty(fault).await;
            let answer = client.reset(&id).await;
            assert_eq!(answer.status(), status);
            assert!(json(&answer)["error"]["code"].is_string());
            assert_eq!(client.simulator.executed().len(), executions, "{status}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn named_answers() {
    let (client, id) = faulty(Fault::refused_by_intune()).await;
    let body = json(&client.reset(&id).await);
    assert!(body["error"]["message"].as_str().unwrap().contains("_version"));
    let (client, id) = faulty(Fault::unknown_segment()).await;
    assert!(json(&client.reset(&id).await)["error"]["message"].as_str().unwrap().contains("segment 'resetPasscode'"));
    let (client, id) = faulty(Fault::approval_required()).await;
    let answer = client.reset(&id).await;
    assert_eq!((answer.status().as_u16(), json(&answer)["error"]["code"].as_str()), (403, Some("ApprovalRequired")));
    assert_eq!(header(&answer, "x-msft-approval-code").len(), 36);
    let (client, id) = faulty(Fault::redirect("https://elsewhere.example/x")).await;
    let answer = client.reset(&id).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "location")), (302, "https://elsewhere.example/x"));
    let (client, id) = faulty(Fault::html(502)).await;
    let page = client.reset(&id).await;
    assert!(page.body().starts_with(b"<html>") && !page.headers().contains_key("request-id"), "it is not Graph's");
    for (fault, status, says, has_code) in [
        (Fault::approval_not_justified(), 400, "x-msft-approval-justification", false),
        (Fault::approval_filed(), 412, "Approval is required", true),
        (Fault::approval_pending(), 409, "Approval Request already exists", false),
    ] {
        let (client, id) = faulty(fault).await;
        let answer = client.reset(&id).await;
        assert_eq!(answer.status(), status);
        assert!(json(&answer)["error"]["message"].as_str().unwrap().contains(says), "{status}");
        assert_eq!(answer.headers().contains_key("x-msft-approval-code"), has_code, "{status}");
    }
    let (client, id) = faulty(Fault::throttled(2 * SECOND, RetryAfter::Seconds)).await;
    assert_eq!(header(&client.reset(&id).await, "retry-after"), "2");
    assert!(client.simulator.executed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn connections_end_before_and_after_execution() {
    let (client, id) = faulty(Fault::lost()).await;
    assert!(matches!(client.simulator.handle(client.reset_request(&id)).await, Err(ConnectionLost::LostAfterSending)));
    assert_eq!((client.simulator.executed().len(), client.simulator.requests().pop().unwrap().status), (0, None));
    let (client, id) = faulty(Fault::lost().executed()).await;
    assert!(client.simulator.handle(client.reset_request(&id)).await.is_err());
    assert_eq!(client.simulator.executed().len(), 1);
    let (client, id) = faulty(Fault::connection_refused()).await;
    assert!(matches!(
        client.simulator.handle(client.reset_request(&id)).await,
        Err(ConnectionLost::RefusedBeforeSending)
    ));
    assert_eq!((client.simulator.executed().len(), client.simulator.requests().len()), (0, 1));
    client.simulator.clear_faults();
    client.simulator.configure(|settings| settings.graph_reachable = false);
    assert!(matches!(
        client.simulator.handle(client.reset_request(&id)).await,
        Err(ConnectionLost::RefusedBeforeSending)
    ));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_gives_up_has_still_been_heard() {
    let (client, id) = faulty(Fault::hang().executed()).await;
    assert!(timeout(20 * SECOND, client.simulator.handle(client.reset_request(&id))).await.is_err());
    assert_eq!(client.simulator.executed().len(), 1);
    let (client, id) = faulty(Fault::status(204).slow(15 * SECOND).executed()).await;
    let start = Instant::now();
    assert_eq!(client.reset(&id).await.status(), 204);
    assert_eq!(start.elapsed(), 15 * SECOND);
    assert_eq!(header(&client.reset(&id).await, "date"), "Sun, 22 Nov 2026 09:00:30 GMT");
}

#[tokio::test(start_paused = true)]
async fn late_and_double_executions() {
    let (client, id) = faulty(Fault::status(504).executed_after(149 * SECOND)).await;
    assert_eq!(client.reset(&id).await.status(), 504);
    tokio::time::advance(148 * SECOND).await;
    assert!(client.simulator.executed().is_empty());
    let begin = client.simulator.now();
    tokio::time::advance(10 * SECOND).await;
    let executed = client.simulator.executed();
    assert_eq!(executed.len(), 1);
    assert_eq!(executed[0].at, begin.checked_add(SECOND).unwrap(), "at its own time, whenever one looks");
    let (client, id) = faulty(Fault::duplicated()).await;
    assert_eq!(client.reset(&id).await.status(), 204);
    assert_eq!(client.simulator.executed().len(), 2);
    let (client, id) = faulty(Fault::status(502).executed_twice()).await;
    assert_eq!(client.reset(&id).await.status(), 502);
    assert_eq!(client.simulator.executed().len(), 2);
    let (client, id) = faulty(Fault::status(504).executed_after(SECOND)).await;
    client.reset(&id).await;
    client.simulator.retire(&id);
    tokio::time::advance(2 * SECOND).await;
    assert!(client.simulator.executed().is_empty(), "the device was gone by then");
    let (client, id) = faulty(Fault::none().not_executed()).await;
    assert_eq!(client.reset(&id).await.status(), 204);
    assert!(client.simulator.executed().is_empty());
}

#[tokio::test(start_paused = true)]
async fn answers_may_be_cut_unreadable_or_bare() {
    let (client, id) = faulty(Fault::cut_body()).await;
    client.simulator.script(Rule::on(PathClass::List, Fault::cut_body()).once());
    client.simulator.script(Rule::on(PathClass::List, Fault::malformed_json()).once());
    client.simulator.script(Rule::on(PathClass::List, Fault::none().without_date().without_request_id()).once());
    let Err(ConnectionLost::CutBody(part)) = client.simulator.handle(client.request(Method::GET, LIST)).await else {
        panic!("not cut")
    };
    assert!(part.body().len() < header(&part, "content-length").parse().unwrap());
    let malformed = client.get(LIST).await;
    assert_eq!(malformed.status(), 200);
    assert!(serde_json::from_slice::<Value>(malformed.body()).is_err());
    let bare = client.get(LIST).await;
    assert!(["date", "request-id", "client-request-id"].iter().all(|name| !bare.headers().contains_key(*name)));
    assert!(client.simulator.handle(client.reset_request(&id)).await.is_err());
    assert_eq!(client.simulator.executed().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn rules_pick_by_number_device_method_and_chance() {
    let client = client().await;
    let [a, b] = [1, 2].map(|number| client.simulator.add_device(Device::example(DeviceClass::IPhone, number)));
    client.simulator.script(Rule::on(PathClass::Action, Fault::status(500)).device(&a).nth(2));
    client.simulator.script(Rule::everywhere(Fault::status(502)).method(Method::POST).device(&b).times(2));
    let mut statuses = Vec::new();
    for id in [&a, &a, &a, &b, &b, &b] {
        statuses.push(client.reset(id).await.status().as_u16());
    }
    assert_eq!(statuses, [204, 500, 204, 502, 502, 204]);
    client.simulator.script(Rule::on(PathClass::List, Fault::status(503)).with_probability(0.3, 42));
    let mut failures = 0;
    for _ in 0..1000 {
        failures += u32::from(client.get(LIST).await.status() == 503);
    }
    assert!((250..350).contains(&failures), "{failures}");
}
