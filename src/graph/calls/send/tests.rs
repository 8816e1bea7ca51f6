#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{
    auth::SignInFailure,
    calls::testing::*,
    http::{Truncated, testing::*},
    limits::Priority,
};
use http::Response;
use serde_json::json;
use std::sync::Arc;

const ID: &str = "705c034c-034c-705c-4c03-5c704c035c70";
const TIME_OUT: Duration = Duration::from_secs(20);

fn deadline() -> Timestamp {
    "2026-11-22T09:00:30Z".parse().unwrap()
}

/// A Graph whose looks succeed and whose actions are answered by `action`.
fn intune(action: impl Fn() -> Reply + Send + Sync + 'static) -> Arc<Script> {
    Script::signed_in(move |request| {
        if request.method() == http::Method::GET {
            return ok(&json!({"id": ID, "deviceActionResults": []}));
        }
        action()
    })
}

fn posts(script: &Script) -> Vec<Seen> {
    let calls = script.graph_calls().into_iter();
    calls.filter(|call| call.request.method() == http::Method::POST).collect()
}

async fn send(graph: &Graph) -> Sent {
    graph.send(Action::ResetPasscode, ID, "attempt-1", deadline(), TIME_OUT, reservation()).await
}

/// Looks, then sends once.
async fn outcome(action: impl Fn() -> Reply + Send + Sync + 'static) -> Sent {
    let script = intune(action);
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    let sent = send(&graph).await;
    assert_eq!(posts(&script).len(), 1, "exactly one POST");
    sent
}

async fn answered(status: u16, body: &'static str) -> Answer {
    let sent = outcome(move || reply(status, body)).await;
    let id = format!("request-{status}");
    assert_eq!(sent.request_id.as_deref(), Some(id.as_str()));
    assert_eq!(sent.date.unwrap().to_string(), "2026-11-22T09:00:00Z");
    assert!(!sent.message.is_empty());
    sent.answer
}

/// With Graph's own error, and this header.
async fn with_header(status: u16, name: &'static str, value: &'static str) -> Answer {
    let sent = outcome(move || {
        let mut answer = answer(status, samples::ERROR);
        answer.headers_mut().insert(name, value.parse().unwrap());
        Some(Ok(answer))
    });
    sent.await.answer
}

/// Of something on the way: without Graph's request id.
fn of_another(status: u16, body: &str) -> Response<bytes::Bytes> {
    let mut answer = answer(status, body);
    answer.headers_mut().remove("request-id");
    answer
}

fn not(reason: NotExecuted) -> Answer {
    Answer::NotExecuted(reason)
}

#[tokio::test]
async fn the_post_as_it_goes_out() {
    let script = intune(|| reply(204, ""));
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    let sent = send(&graph).await;
    assert_eq!(sent.answer, Answer::Accepted);
    assert_eq!(sent.message, "Microsoft Graph accepted the request.");
    assert_eq!(sent.request_id.as_deref(), Some("request-204"));
    let posts = posts(&script);
    let line = format!("POST {GRAPH}/v1.0/deviceManagement/managedDevices/{ID}/resetPasscode");
    assert_eq!(posts[0].line, line);
    assert_eq!(posts[0].header("client-request-id"), Some("attempt-1"));
    assert_eq!(posts[0].header("content-length"), Some("0"));
    assert_eq!(posts[0].body(), "");
    let exchange = Exchange { connection: Connection::Own, time_out: TIME_OUT };
    assert_eq!(posts[0].exchange, exchange);
}

#[tokio::test]
async fn accepted_is_every_2xx_of_graphs_whatever_its_body() {
    for (status, body) in [(200, "{"), (202, ""), (204, ""), (299, "<html>")] {
        assert_eq!(answered(status, body).await, Answer::Accepted, "{status}");
    }
    let truncated = || {
        let mut answer = answer(200, "{\"value\":");
        answer.extensions_mut().insert(Truncated);
        Some(Ok(answer))
    };
    assert_eq!(outcome(truncated).await.answer, Answer::Accepted);
    let undated =
        || Some(Ok(Response::builder().status(204).header("request-id", "1").body(Default::default()).unwrap()));
    let sent = outcome(undated).await;
    assert_eq!((sent.answer, sent.request_id.as_deref(), sent.date), (Answer::Accepted, Some("1"), None));
}

#[tokio::test]
async fn not_executed() {
    for (status, body, reason) in [
        (401, samples::ERROR, NotExecuted::TokenRejected),
        (403, samples::MISSING_SCOPE, NotExecuted::PermissionMissing),
        (403, samples::ERROR, NotExecuted::PermissionMissing),
        (405, samples::ERROR, NotExecuted::WrongAddress),
        (406, samples::ERROR, NotExecuted::WrongAddress),
        (415, samples::ERROR, NotExecuted::WrongAddress),
        (400, samples::UNKNOWN_SEGMENT, NotExecuted::WrongAddress),
        (424, samples::ERROR, NotExecuted::DependencyFailed),
        (429, samples::TOO_MANY, NotExecuted::Throttled { retry_after: Some(Duration::from_secs(2)) }),
    ] {
        assert_eq!(answered(status, body).await, not(reason), "{status} {body}");
    }
    let retry_after = Some(Duration::from_millis(2128));
    let throttled = with_header(429, "retry-after", "2.128").await;
    assert_eq!(throttled, not(NotExecuted::Throttled { retry_after }));
    let challenged = with_header(403, "www-authenticate", samples::CHALLENGE).await;
    assert_eq!(challenged, not(NotExecuted::TokenRejected));
}

#[tokio::test]
async fn multi_admin_approval_in_each_of_its_forms() {
    let approval = |code: Option<&str>| not(NotExecuted::ApprovalRequired { code: code.map(str::to_owned) });
    for (status, body) in [
        (403, samples::APPROVAL),
        (400, samples::APPROVAL_NOT_JUSTIFIED),
        (409, samples::APPROVAL_PENDING),
        (409, r#"{"error":{"code":"ApprovalPending","message":""}}"#),
    ] {
        assert_eq!(answered(status, body).await, approval(None), "{status} {body}");
    }
    for status in [403, 412] {
        assert_eq!(with_header(status, "x-msft-approval-code", "c1").await, approval(Some("c1")), "{status}");
        let long = with_header(status, "x-msft-approval-code", "https://fef.example/x?y=1 a\tb").await;
        assert_eq!(long, approval(Some("a b")), "no URL, no control characters");
    }
    for (status, body) in [(412, samples::ERROR), (409, samples::ERROR), (400, samples::ERROR)] {
        assert!(!matches!(answered(status, body).await, Answer::NotExecuted(_)), "{status}");
    }
}

#[tokio::test]
async fn refused() {
    for (status, body) in
        [(400, samples::BAD_REQUEST), (400, samples::ERROR), (404, samples::NOT_FOUND), (422, samples::ERROR)]
    {
        assert_eq!(answered(status, body).await, Answer::Refused, "{status}");
    }
    let sent = outcome(|| reply(400, samples::BAD_REQUEST)).await;
    assert_eq!(sent.message, "Microsoft Graph refused it with 400 (BadRequest): An error has occurred");
}

#[tokio::test]
async fn every_other_status_is_unknown() {
    let known = [400, 401, 403, 404, 405, 406, 415, 422, 424, 429];
    for status in (300..=599).filter(|status| !known.contains(status)) {
        assert_eq!(answered(status, samples::ERROR).await, Answer::Unknown, "{status}");
    }
    let sent = outcome(|| reply(504, r#"{"error":{"code":"UnknownError","message":""}}"#)).await;
    assert_eq!(
        (sent.answer, sent.message.as_str()),
        (Answer::Unknown, "Microsoft Graph answered 504 (UnknownError) without a reason")
    );
}

#[tokio::test]
async fn a_failure_under_the_status_of_a_refusal_is_unknown() {
    for status in [400, 404, 422] {
        for code in ["InternalError", "internalservererror", "UnknownError", "generalException", "ServiceNotAvailable"]
        {
            let body = json!({"error": {"code": code, "message": "An internal error has occurred."}}).to_string();
            let sent = outcome(move || reply(status, &body)).await;
            assert_eq!(sent.answer, Answer::Unknown, "{status} {code}");
            assert!(sent.message.contains("An internal error has occurred."), "{}", sent.message);
        }
    }
}

#[tokio::test]
async fn what_graph_did_not_write_says_nothing() {
    let page = "<html><body>Blocked by proxy.contoso.example for anna@contoso.example</body></html>";
    for status in (200..=599).filter(|status| *status != 304) {
        for body in ["", page, samples::ERROR, samples::BAD_REQUEST, samples::TOO_MANY] {
            let sent = outcome(move || Some(Ok(of_another(status, body)))).await;
            assert_eq!(sent.answer, Answer::Unknown, "{status} {body}");
            assert!(sent.message.contains(&format!("Something on the way answered {status}")), "{}", sent.message);
            assert!(!sent.message.contains("anna") && !sent.message.contains("error has"), "{}", sent.message);
            assert!(sent.went_out);
        }
        // Its id may be handed through while its words are not.
        for body in ["", page, r#"{"statusCode":403,"message":"no"}"#].into_iter().filter(|_| status >= 300) {
            assert_eq!(answered(status, body).await, Answer::Unknown, "{status} {body}");
        }
    }
    let challenged = || {
        let mut answer = of_another(401, "");
        answer.headers_mut().insert("www-authenticate", samples::CHALLENGE.parse().unwrap());
        Some(Ok(answer))
    };
    let script = intune(challenged);
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    send(&graph).await;
    send(&graph).await;
    assert_eq!(script.token_calls().len(), 1, "the token stays");
}

#[tokio::test]
async fn no_answer_is_unknown_unless_no_connection_was_made() {
    let lost = || Some(Err(TransportError::Lost("connection reset by https://graph.test/x\u{0}".to_owned())));
    let sent = outcome(lost).await;
    assert_eq!((sent.answer, sent.went_out), (Answer::Unknown, true));
    assert!(sent.message.ends_with("connection reset by"), "{}", sent.message);
    let unconnected = outcome(|| Some(Err(TransportError::NotConnected("refused".to_owned())))).await;
    assert_eq!((unconnected.answer, unconnected.went_out), (not(NotExecuted::NotConnected), false));
    let truncated = |status| {
        move || {
            let mut answer = answer(status, samples::ERROR);
            answer.extensions_mut().insert(Truncated);
            Some(Ok(answer))
        }
    };
    for status in [400, 403, 404, 429] {
        assert_eq!(outcome(truncated(status)).await.answer, Answer::Unknown, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_unknown_after_the_time_out() {
    let script = intune(|| None);
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    let start = tokio::time::Instant::now();
    assert_eq!(send(&graph).await.answer, Answer::Unknown);
    assert_eq!(start.elapsed(), TIME_OUT);
    assert_eq!(posts(&script).len(), 1);
}

#[tokio::test]
async fn after_a_challenge_the_next_send_uses_a_token_that_answers_it() {
    let script = intune(|| {
        let mut answer = answer(401, samples::ERROR);
        let challenge = samples::CHALLENGE.parse().unwrap();
        answer.headers_mut().insert("www-authenticate", challenge);
        Some(Ok(answer))
    });
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    assert_eq!(send(&graph).await.answer, not(NotExecuted::TokenRejected));
    assert_eq!(script.token_calls().len(), 1, "no second try of its own");
    send(&graph).await;
    let tokens: Vec<_> = posts(&script).iter().map(|p| p.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Bearer token-1", "Bearer token-2"]);
    assert!(script.token_calls()[1].body().contains("&claims="));
}

#[tokio::test]
async fn without_a_token_nothing_is_sent() {
    let script = Script::new(|_| reply(400, samples::OAUTH_ERROR));
    let (graph, _) = client(&script);
    let sent = send(&graph).await;
    let Answer::NotExecuted(NotExecuted::NoToken(error)) = sent.answer else {
        panic!("{:?}", sent.answer);
    };
    assert_eq!(error.kind, SignInFailure::Refused);
    assert!(sent.message.contains("AADSTS70011") && !sent.went_out);
    assert!(script.graph_calls().is_empty());
}

#[tokio::test]
async fn nothing_is_sent_past_the_deadline_or_without_knowing_the_time() {
    let script = intune(|| reply(204, ""));
    let (graph, clock) = client(&script);
    let sent = send(&graph).await;
    assert_eq!((sent.answer, sent.went_out), (not(NotExecuted::PastDeadline), false), "no time");
    graph.look(ID, Priority::LookUp).await.unwrap();
    clock.advance(Duration::from_millis(29_001));
    assert_eq!(send(&graph).await.answer, not(NotExecuted::PastDeadline), "one ms late");
    assert!(posts(&script).is_empty());
    graph.look(ID, Priority::LookUp).await.unwrap();
    clock.advance(Duration::from_secs(29));
    assert_eq!(send(&graph).await.answer, Answer::Accepted, "just in time");
    clock.advance(Duration::from_secs(61));
    assert_eq!(send(&graph).await.answer, not(NotExecuted::PastDeadline), "too long ago");
    assert_eq!(posts(&script).len(), 1);
}

/// The token may take longer than there is time: the deadline is judged after it is there.
#[tokio::test]
async fn a_slow_sign_in_is_counted() {
    let clock = Arc::new(std::sync::OnceLock::<Arc<HandClock>>::new());
    let slow = clock.clone();
    let script = Script::new(move |request| {
        if is_token_request(request) {
            slow.get().unwrap().advance(Duration::from_secs(30));
            return token("t");
        }
        ok(&json!({"id": ID, "deviceActionResults": []}))
    });
    let (graph, hand) = client(&script);
    clock.set(hand).ok().unwrap();
    graph.look(ID, Priority::LookUp).await.unwrap();
    graph.forget_token();
    assert_eq!(send(&graph).await.answer, not(NotExecuted::PastDeadline));
    assert!(posts(&script).is_empty());
}

#[tokio::test]
async fn an_id_that_is_none_is_not_posted_to() {
    let script = intune(|| reply(204, ""));
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    for id in ["", "a/../b", "a%2Fb", "wipe?x"] {
        let sent = graph.send(Action::ResetPasscode, id, "a", deadline(), TIME_OUT, reservation()).await;
        assert_eq!((sent.answer, sent.went_out), (not(NotExecuted::WrongAddress), false), "{id}");
    }
    assert!(posts(&script).is_empty());
}

#[tokio::test]
async fn the_pin_of_windows_10_mobile_is_the_other_action() {
    let script = intune(|| reply(204, ""));
    let (graph, _) = client(&script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    graph.send(Action::RecoverPasscode, ID, "a", deadline(), TIME_OUT, reservation()).await;
    assert!(posts(&script)[0].line.ends_with("/recoverPasscode"));
}

/// A client that has looked, and room for two resets.
async fn two_rooms(script: &Arc<Script>) -> (Graph, Arc<HandClock>, [Reservation; 2]) {
    let (graph, clock) = client(script);
    graph.look(ID, Priority::LookUp).await.unwrap();
    let first = graph.reserve_again().await;
    // Resets follow each other at a pace.
    clock.advance(Duration::from_secs(1));
    let second = graph.reserve_again().await;
    (graph, clock, [first, second])
}

#[tokio::test(start_paused = true)]
async fn what_has_room_waits_all_the_same_while_graph_asks_to_wait() {
    let script = intune(|| reply(429, samples::TOO_MANY));
    let (graph, clock, [first, second]) = two_rooms(&script).await;
    graph.send(Action::ResetPasscode, ID, "attempt-1", deadline(), TIME_OUT, first).await;
    // A 429 that does not say how long asks for 2 s.
    let mut sending = Box::pin(graph.send(Action::ResetPasscode, ID, "attempt-2", deadline(), TIME_OUT, second));
    assert!(tokio::time::timeout(Duration::from_secs(60), &mut sending).await.is_err());
    assert_eq!(posts(&script).len(), 1);
    clock.advance(Duration::from_secs(2));
    sending.await;
    assert_eq!(posts(&script).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_would_have_to_wait_beyond_its_deadline_is_not_sent() {
    let script = intune(|| {
        let mut answer = answer(429, samples::TOO_MANY);
        answer.headers_mut().insert("retry-after", "40".parse().unwrap());
        Some(Ok(answer))
    });
    let (graph, _clock, [first, second]) = two_rooms(&script).await;
    graph.send(Action::ResetPasscode, ID, "attempt-1", deadline(), TIME_OUT, first).await;
    let sent = graph.send(Action::ResetPasscode, ID, "attempt-2", deadline(), TIME_OUT, second).await;
    assert_eq!(sent.answer, not(NotExecuted::PastDeadline));
    assert!(sent.message.contains("asked to wait"), "{}", sent.message);
    assert_eq!(posts(&script).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn after_a_pause_that_graph_did_not_ask_for_one_alone_tries() {
    let script = intune(|| reply(429, samples::TOO_MANY));
    let (graph, clock, [first, mut second]) = two_rooms(&script).await;
    clock.advance(Duration::from_secs(1));
    let third = graph.reserve_again().await;
    graph.send(Action::ResetPasscode, ID, "attempt-1", deadline(), TIME_OUT, first).await;
    assert_eq!(third.held_back(), Duration::from_secs(2));
    clock.advance(Duration::from_secs(2));
    assert_eq!(third.held_back(), Duration::ZERO);
    second.begin();
    assert!(third.held_back() > Duration::ZERO, "until the second is answered");
    // Dropped is answered, by something else than a 429.
    drop(second);
    assert_eq!(third.held_back(), Duration::ZERO);
}
