#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{
    calls::{request::DeviceId, testing::*},
    http::testing::*,
};
use http::Method;
use serde_json::{Value, json};

fn look(number: usize) -> Call {
    Call::Look { id: DeviceId::parse(&format!("device-{number}")).unwrap() }
}

fn looks(count: usize) -> Vec<Call> {
    (0..count).map(look).collect()
}

fn item(number: usize, status: u16) -> Value {
    json!({
        "id": number.to_string(), "status": status, "headers": {"request-id": format!("r{number}"), "Retry-After": 3},
        "body": {"id": format!("device-{number}"), "deviceActionResults": []},
    })
}

/// What becomes of two looks where Graph answers so.
async fn two(answer: impl Fn() -> Reply + Send + Sync + 'static) -> Vec<Result<GraphResponse, ReadError>> {
    let script = Script::signed_in(move |_| answer());
    let (graph, _) = client(&script);
    let asked = read(&graph.channel, Version::V1, &looks(2)).await;
    assert_eq!(asked.answers.len(), 2);
    asked.answers
}

fn documents(answers: &[Result<GraphResponse, ReadError>]) -> Vec<Option<String>> {
    let id = |answered: &GraphResponse| {
        answered.document::<Value>().ok().and_then(|body| Some(body["id"].as_str()?.to_owned()))
    };
    answers.iter().map(|answer| answer.as_ref().ok().and_then(id)).collect()
}

fn of(number: usize) -> Option<String> {
    Some(format!("device-{number}"))
}

#[tokio::test]
async fn the_envelope_word_for_word() {
    let script = Script::signed_in(|_| ok(&json!({"responses": [item(0, 200)]})));
    let (graph, _) = client(&script);
    read(&graph.channel, Version::V1, &looks(1)).await;
    let beta = vec![Call::List { filter: "serialNumber eq 'A 1'".to_owned() }];
    read(&graph.channel, Version::Beta, &beta).await;
    let calls = script.graph_calls();
    assert_eq!(calls[0].line, "POST https://graph.test/v1.0/$batch");
    assert_eq!(calls[1].line, "POST https://graph.test/beta/$batch");
    assert_eq!(calls[0].header("content-type"), Some("application/json"));
    assert!(calls.iter().all(|call| call.request.method() == Method::POST));
    let body = |call: &Seen| serde_json::from_str::<Value>(call.body()).unwrap();
    let first = &body(&calls[0])["requests"][0];
    assert_eq!(first["id"], "0");
    assert_eq!(first["method"], "GET");
    let select = "id,deviceActionResults,enrolledDateTime,lastSyncDateTime";
    assert_eq!(first["url"], format!("/deviceManagement/managedDevices/device-0?$select={select}"));
    assert_eq!(first["headers"]["Prefer"], "include-unknown-enum-members");
    assert!(first["headers"].get("Authorization").is_none());
    let url = body(&calls[1])["requests"][0]["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("/deviceManagement/managedDevices?$filter=serialNumber%20eq%20%27A%201%27&"), "{url}");
}

#[tokio::test]
async fn answers_in_any_order_find_their_requests() {
    let answers = two(|| ok(&json!({"responses": [item(1, 200), item(7, 200), item(0, 200)]}))).await;
    assert_eq!(documents(&answers), [of(0), of(1)]);
    let first = answers[0].as_ref().unwrap();
    assert_eq!(first.request_id().as_deref(), Some("r0"));
    assert_eq!(first.date().unwrap().to_string(), "2026-11-22T09:00:00Z");
}

#[tokio::test]
async fn what_is_missing_or_there_twice_could_not_be_told() {
    let answers = two(|| ok(&json!({"responses": [item(1, 200)]}))).await;
    assert_eq!(documents(&answers), [None, of(1)]);
    assert!(matches!(answers[0], Err(ReadError::Unreadable { .. })));
    let answers = two(|| ok(&json!({"responses": [item(1, 200), item(0, 200), item(1, 200)]}))).await;
    assert_eq!(documents(&answers), [of(0), None]);
    assert!(matches!(answers[1], Err(ReadError::Unreadable { .. })));
}

#[tokio::test]
async fn one_is_throttled_alone_and_one_is_gone_alone() {
    let answers = two(|| ok(&json!({"responses": [item(0, 429), item(1, 200)]}))).await;
    assert_eq!(answers[0].as_ref().unwrap().read_error().retry_after(), Some(Duration::from_secs(3)));
    assert_eq!(documents(&answers)[1], of(1));
    let gone = json!({"id": "0", "status": 404, "body": serde_json::from_str::<Value>(samples::NOT_FOUND).unwrap()});
    let answers = two(move || ok(&json!({"responses": [gone, item(1, 200)]}))).await;
    assert!(answers[0].as_ref().unwrap().is_gone());
    assert_eq!(documents(&answers)[1], of(1));
}

/// What an envelope says of itself is about no device: a 404 least of all.
#[tokio::test]
async fn an_envelope_that_is_no_answer_tells_nothing_of_any_device() {
    for status in [404, 401, 403, 429, 500, 503, 504, 301, 204] {
        let answers = two(move || reply(status, samples::NOT_FOUND)).await;
        assert!(answers.iter().all(Result::is_err), "{status}");
    }
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"responses": null}"#,
        r#"{"responses": [["0", 200]]}"#,
        r#"{"responses": [{"id": 0, "status": 200}]}"#,
    ] {
        let answers = two(move || reply(200, body)).await;
        assert!(answers.iter().all(Result::is_err), "{body}");
    }
    let answers = two(|| ok(&json!({"responses": [{"id": "0", "status": 99}, {"id": "1", "status": 200}]}))).await;
    assert!(answers[0].is_err());
    assert_eq!(documents(&answers)[1], None);
}

#[tokio::test]
async fn a_claims_challenge_of_one_item_is_answered_by_the_next_token() {
    let challenged = json!({"id": "0", "status": 401, "headers": {"WWW-Authenticate": samples::CHALLENGE}});
    let script = Script::signed_in(move |_| ok(&json!({"responses": [challenged, item(1, 200)]})));
    let (graph, _) = client(&script);
    let asked = read(&graph.channel, Version::V1, &looks(2)).await;
    assert!(asked.answers[0].as_ref().unwrap().rejects_token());
    read(&graph.channel, Version::V1, &looks(2)).await;
    let tokens = script.token_calls();
    assert_eq!(tokens.len(), 2);
    assert!(tokens[1].body().contains("&claims=%7B%22access_token%22"));
}
