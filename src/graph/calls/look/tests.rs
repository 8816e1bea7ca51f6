#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{
    auth::testing::client_secret,
    calls::testing::*,
    http::{Exchange, testing::*},
};
use http::Response;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

const ID: &str = "705c034c-034c-705c-4c03-5c704c035c70";

fn document() -> Value {
    json!({
        "@odata.context": "x", "id": ID.to_uppercase(),
        "deviceActionResults": [
            {"@odata.type": "#microsoft.graph.resetPasscodeActionResult", "actionName": "resetPasscode", "actionState": "pending",
             "startDateTime": "2026-11-22T08:58:00.1234567Z", "lastUpdatedDateTime": "2026-11-22T08:58:00Z", "errorCode": 0,
             "passcode": "planted"},
            {"actionName": "resetPasscode", "actionState": "done", "startDateTime": "0001-01-01T00:00:00Z",
             "lastUpdatedDateTime": "0001-01-01T00:00:00Z"},
            {"actionName": "remoteLock", "actionState": "done", "startDateTime": "2025-01-01T00:00:00Z",
             "lastUpdatedDateTime": "2025-01-01T00:00:00Z", "unlockPin": "planted"},
        ],
        "enrolledDateTime": "2024-01-01T00:00:00Z", "lastSyncDateTime": "9999-12-31T23:59:59Z",
    })
}

fn unreadable(error: &ReadError) -> &str {
    match error {
        ReadError::Unreadable { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

async fn look_at(document: Value) -> Result<Timed<Look>, ReadError> {
    let script = Script::signed_in(move |_| ok(&document));
    client(&script).0.look(ID, Priority::LookUp).await
}

#[tokio::test]
async fn a_look_is_one_single_read_of_v1() {
    let script = Script::signed_in(|_| ok(&document()));
    let heard = client(&script).0.look(ID, Priority::LookUp).await.unwrap();
    let calls = script.graph_calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(
        calls[0].line,
        format!(
            "GET {GRAPH}/v1.0/deviceManagement/managedDevices/{ID}?$select=id,deviceActionResults,enrolledDateTime,lastSyncDateTime"
        )
    );
    assert_eq!(calls[0].header("prefer"), Some("include-unknown-enum-members"));
    assert_eq!(heard.request_id.as_deref(), Some("request-200"));
    let Look::Seen { results, enrolled, last_sync } = heard.value else {
        panic!("gone");
    };
    assert_eq!(results.len(), 3);
    assert_eq!(results[0].state, "pending");
    assert_eq!(results[0].start.unwrap().to_string(), "2026-11-22T08:58:00.1234567Z");
    assert_eq!(results[1].start, None);
    assert!(enrolled.is_some() && last_sync.is_none());
}

#[tokio::test]
async fn an_empty_ledger_is_an_answer_and_a_missing_one_is_not() {
    let mut empty = document();
    empty["deviceActionResults"] = json!([]);
    let heard = look_at(empty).await.unwrap();
    assert!(matches!(heard.value, Look::Seen { results, .. } if results.is_empty()));
    for missing in [json!({"id": ID}), json!({"id": ID, "deviceActionResults": null})] {
        let error = look_at(missing).await.unwrap_err();
        assert!(unreadable(&error).contains("deviceActionResults"));
    }
}

#[tokio::test]
async fn what_cannot_be_believed_is_no_answer() {
    let with = |pointer: &str, value: Value| {
        let mut changed = document();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    for document in [
        with("/id", json!("other")),
        with("/id", json!(null)),
        with("/deviceActionResults/0", json!(null)),
        with("/deviceActionResults/0/startDateTime", json!("soon")),
        with("/deviceActionResults/0/startDateTime", json!(null)),
        with("/deviceActionResults/2/startDateTime", json!("soon")),
        with("/deviceActionResults/0/lastUpdatedDateTime", json!("soon")),
        with("/deviceActionResults/0/actionState", json!(4)),
        with("/enrolledDateTime", json!("soon")),
        with("/lastSyncDateTime", json!("")),
        json!({"value": document()}),
        json!([]),
        json!([ID, [], null, null]),
        with("/deviceActionResults/2", json!(["remoteLock", "done", "2025-01-01T00:00:00Z", null, null])),
    ] {
        let error = look_at(document).await.unwrap_err();
        assert!(!error.to_string().contains("planted"));
        unreadable(&error);
    }
}

#[tokio::test]
async fn gone_is_what_graph_itself_says() {
    let script = Script::signed_in(|_| reply(404, samples::NOT_FOUND));
    let heard = client(&script).0.look(ID, Priority::LookUp).await.unwrap();
    assert_eq!(heard.value, Look::Gone);
    assert_eq!(heard.request_id.as_deref(), Some("request-404"));
    let script = Script::signed_in(|_| reply(404, "<html>no such page</html>"));
    let error = client(&script).0.look(ID, Priority::LookUp).await.unwrap_err();
    assert!(unreadable(&error).contains("404"));
}

#[tokio::test]
async fn an_answer_without_date_has_no_time_and_counts_for_nothing() {
    for (status, body) in [(200, document().to_string()), (404, samples::NOT_FOUND.to_owned())] {
        for date in [None, Some("soon")] {
            let body = body.clone();
            let script = Script::signed_in(move |_| {
                let mut answer = answer(status, &body);
                answer.headers_mut().remove("date");
                if let Some(date) = date {
                    answer.headers_mut().insert("date", date.parse().unwrap());
                }
                Some(Ok(answer))
            });
            let (graph, _) = client(&script);
            let error = graph.look(ID, Priority::LookUp).await.unwrap_err();
            assert!(unreadable(&error).contains("Date"));
            assert_eq!(graph.reading(), None);
        }
    }
}

#[tokio::test]
async fn a_truncated_answer_is_none_even_if_it_parses() {
    let script = Script::signed_in(|_| {
        let mut answer = answer(200, &document().to_string());
        answer.extensions_mut().insert(crate::graph::Truncated);
        Some(Ok(answer))
    });
    let error = client(&script).0.look(ID, Priority::LookUp).await.unwrap_err();
    assert!(unreadable(&error).contains("as a whole"));
}

#[tokio::test]
async fn an_id_that_is_none_is_not_asked_for() {
    let script = Script::signed_in(|_| ok(&document()));
    for id in ["", "a/b", "../users", "a?b"] {
        let error = client(&script).0.look(id, Priority::LookUp).await.unwrap_err();
        assert!(matches!(error, ReadError::BadSelector(_)), "{id}");
    }
    assert!(script.seen().is_empty());
}

/// Takes three seconds by the hand clock for every exchange.
struct Slow(Arc<HandClock>);

#[async_trait::async_trait]
impl crate::graph::Transport for Slow {
    async fn send(
        &self,
        request: http::Request<bytes::Bytes>,
        _: Exchange,
    ) -> Result<Response<bytes::Bytes>, crate::graph::TransportError> {
        if is_token_request(&request) {
            return token("t").unwrap();
        }
        self.0.advance(Duration::from_secs(3));
        ok(&document()).unwrap()
    }
}

#[tokio::test]
async fn a_look_is_dated_before_the_time_it_took() {
    let clock = Arc::new(HandClock::default());
    let transport = Arc::new(Slow(clock.clone()));
    let graph = Graph::new(TENANT, endpoints(), client_secret(), transport, clock.clone()).unwrap();
    let heard = graph.look(ID, Priority::LookUp).await.unwrap();
    assert_eq!(heard.at.to_string(), "2026-11-22T08:59:57Z");
    assert_eq!(heard.sent, Duration::ZERO);
    assert_eq!(graph.now().unwrap().to_string(), "2026-11-22T09:00:04Z");
}
