#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{
    auth::testing::{SECRET, client_secret},
    calls::{Action, Answer, NotExecuted, Selector, channel::READ_TIME_OUT, testing::*},
    http::{TransportError, testing::*},
};
use http::Method;
use serde_json::json;
use std::time::Duration;

mod scheduling;

const DEVICE: &str = "705c034c-034c-705c-4c03-5c704c035c70";

fn look() -> serde_json::Value {
    json!({"id": DEVICE, "deviceActionResults": []})
}

#[tokio::test]
async fn now_is_known_from_answers_for_sixty_seconds() {
    let script = Script::signed_in(|_| ok(&look()));
    let (graph, clock) = client(&script);
    assert_eq!(graph.now(), None);
    graph.look(DEVICE, Priority::LookUp).await.unwrap();
    clock.advance(Duration::from_secs(7));
    assert_eq!(graph.now().unwrap().to_string(), "2026-11-22T09:00:08Z");
    clock.advance(Duration::from_secs(54));
    assert_eq!(graph.now(), None);
    assert!(graph.reading().is_some());
}

#[tokio::test]
async fn an_answer_that_refuses_tells_the_time_too_if_it_is_graphs() {
    for status in [400, 403, 404, 429, 503] {
        for graphs in [true, false] {
            let script = Script::signed_in(move |_| {
                let mut answer = answer(status, samples::BAD_REQUEST);
                if !graphs {
                    answer.headers_mut().remove("request-id");
                }
                Some(Ok(answer))
            });
            let (graph, _) = client(&script);
            // A 404 by Graph says that the device is gone.
            let _ = graph.look(DEVICE, Priority::LookUp).await;
            assert_eq!(graph.reading().is_some(), graphs, "{status}");
        }
    }
}

/// Graph took the token, and Intune did not let the app in: another token does not help.
#[tokio::test]
async fn a_401_of_intune_says_nothing_against_the_token() {
    let inner = json!({"ErrorCode": "Forbidden", "Message": json!({"Message": "An error has occurred"}).to_string()});
    let body = json!({"error": {"code": "UnknownError", "message": inner.to_string()}}).to_string();
    let script = Script::signed_in(move |_| reply(401, &body));
    let (graph, _) = client(&script);
    for _ in 0..2 {
        let error = graph.look(DEVICE, Priority::LookUp).await.unwrap_err();
        assert!(matches!(error, ReadError::WithoutIntune(_)), "{error}");
    }
    assert_eq!((script.token_calls().len(), script.graph_calls().len()), (1, 2));
}

#[tokio::test]
async fn refusals_that_concern_the_whole_tenant_are_told_apart() {
    let not_applicable = r#"{"error":{"code":"BadRequest","message":"Request not applicable to target tenant."}}"#;
    let property = r#"{"error":{"code":"BadRequest","message":"Could not find a property named 'x' on type 'y'."}}"#;
    for (status, body, expected) in [
        (400, not_applicable, "Intune is not available: "),
        (400, property, "a property is not there: "),
        (403, samples::APPROVAL, "another administrator's approval is asked for: "),
        (400, samples::BAD_REQUEST, "refused: "),
    ] {
        let script = Script::signed_in(move |_| reply(status, body));
        let (graph, _) = client(&script);
        let error = graph.look(DEVICE, Priority::LookUp).await.unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}

#[tokio::test]
async fn a_rejected_token_is_replaced_and_the_read_made_once_more() {
    let script = Script::signed_in(|request| {
        if request.headers()["authorization"] == "Bearer token-1" {
            let mut answer = answer(401, "");
            let challenge = samples::CHALLENGE.parse().unwrap();
            answer.headers_mut().insert("www-authenticate", challenge);
            return Some(Ok(answer));
        }
        ok(&look())
    });
    let (graph, _) = client(&script);
    graph.look(DEVICE, Priority::LookUp).await.unwrap();
    let tokens = script.token_calls();
    assert_eq!(tokens.len(), 2);
    assert!(!tokens[0].body().contains("claims="));
    assert!(tokens[1].body().contains("&claims=%7B%22access_token%22"));
    assert_eq!(script.graph_calls().len(), 2);
}

#[tokio::test]
async fn a_token_rejected_twice_ends_the_read() {
    let challenge = |status: u16| {
        let mut answer = answer(status, samples::MISSING_SCOPE);
        let challenge = samples::CHALLENGE.parse().unwrap();
        answer.headers_mut().insert("www-authenticate", challenge);
        Some(Ok(answer))
    };
    for status in [401, 403] {
        let script = Script::signed_in(move |_| challenge(status));
        let (graph, _) = client(&script);
        let error = graph.look(DEVICE, Priority::LookUp).await.unwrap_err();
        assert!(matches!(error, ReadError::TokenRejected(_)), "{error}");
        assert_eq!(script.graph_calls().len(), 2);
    }
}

#[tokio::test]
async fn every_other_answer_to_a_read_is_final_and_an_error() {
    type Is = fn(&ReadError) -> bool;
    let cases: [(u16, &str, Is); 22] = [
        (403, samples::MISSING_SCOPE, |e| matches!(e, ReadError::PermissionMissing(_))),
        (429, samples::TOO_MANY, |e| matches!(e, ReadError::Throttled { .. })),
        (408, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (409, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (423, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (424, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (500, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (502, "<html>", |e| matches!(e, ReadError::Unavailable { .. })),
        (503, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (504, "", |e| matches!(e, ReadError::Unavailable { .. })),
        (301, "", |e| matches!(e, ReadError::WrongAddress(_))),
        (405, "", |e| matches!(e, ReadError::WrongAddress(_))),
        (406, "", |e| matches!(e, ReadError::WrongAddress(_))),
        (415, "", |e| matches!(e, ReadError::WrongAddress(_))),
        (400, samples::UNKNOWN_SEGMENT, |e| matches!(e, ReadError::WrongAddress(_))),
        (404, samples::UNKNOWN_SEGMENT, |e| matches!(e, ReadError::WrongAddress(_))),
        (404, "<html>", |e| matches!(e, ReadError::Unreadable { .. })),
        (404, "", |e| matches!(e, ReadError::Unreadable { .. })),
        (400, samples::BAD_REQUEST, |e| matches!(e, ReadError::Refused(_))),
        (422, "", |e| matches!(e, ReadError::Refused(_))),
        (204, "", |e| matches!(e, ReadError::Unreadable { .. })),
        (200, "{", |e| matches!(e, ReadError::Unreadable { .. })),
    ];
    for (status, body, is) in cases {
        let script = Script::signed_in(move |_| reply(status, body));
        let error = client(&script).0.look(DEVICE, Priority::LookUp).await.unwrap_err();
        assert!(is(&error), "{status}: {error:?}");
        let id = format!("request-{status}");
        assert_eq!(error.request_id(), Some(id.as_str()));
        assert_eq!(script.graph_calls().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn throttling_says_how_long() {
    let script = Script::signed_in(|_| {
        let mut answer = answer(429, samples::TOO_MANY);
        answer.headers_mut().insert("retry-after", "2.128".parse().unwrap());
        Some(Ok(answer))
    });
    let error = client(&script).0.look(DEVICE, Priority::LookUp).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_millis(2128)));
    assert_eq!(error.refusal().unwrap().code.as_deref(), Some("TooManyRequests"));
}

#[tokio::test]
async fn a_lost_connection_is_unreachable_and_not_tried_again() {
    let script = Script::signed_in(|_| Some(Err(TransportError::Lost("reset".to_owned()))));
    let error = client(&script).0.look(DEVICE, Priority::LookUp).await.unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    assert_eq!(script.graph_calls().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_ends() {
    let script = Script::signed_in(|_| None);
    let (graph, _) = client(&script);
    let start = tokio::time::Instant::now();
    let error = graph.look(DEVICE, Priority::LookUp).await.unwrap_err();
    assert!(matches!(error, ReadError::Unreachable(_)), "{error}");
    assert_eq!(start.elapsed(), READ_TIME_OUT);
}

#[tokio::test]
async fn no_sign_in_no_read() {
    let script = Script::new(|_| reply(400, samples::OAUTH_ERROR));
    let error = client(&script).0.look(DEVICE, Priority::LookUp).await.unwrap_err();
    assert!(matches!(error, ReadError::SignIn(_)), "{error}");
    assert_eq!(error.request_id(), None);
    assert!(script.graph_calls().is_empty());
}

/// Everything the client can do, against a Graph that redirects, and one whose pages link elsewhere.
#[tokio::test]
async fn the_token_goes_to_graph_alone_and_nothing_but_two_actions_is_posted() {
    let script = Script::signed_in(|request| {
        if request.uri().path().ends_with("managedDevices") {
            let row = json!({"id": DEVICE, "serialNumber": "S", "imei": "1"});
            return ok(&json!({"value": [row, row], "@odata.nextLink": "https://evil.test/next"}));
        }
        let mut answer = answer(307, "");
        let location = "https://evil.test/".parse().unwrap();
        answer.headers_mut().insert("location", location);
        Some(Ok(answer))
    });
    let (graph, _) = client(&script);
    for selector in [
        Selector::SerialNumber("s".to_owned()),
        Selector::Imei("1".to_owned()),
        Selector::ManagedDeviceId(DEVICE.to_owned()),
    ] {
        graph.find(&selector, Priority::LookUp).await.unwrap_err();
    }
    graph.look(DEVICE, Priority::LookUp).await.unwrap_err();
    let later = "2026-11-22T10:00:00Z".parse().unwrap();
    for action in [Action::ResetPasscode, Action::RecoverPasscode] {
        let time_out = Duration::from_secs(20);
        let sent = graph.send(action, DEVICE, "attempt", later, time_out, reservation()).await;
        assert_eq!(sent.answer, Answer::Unknown);
    }

    let mut posts = Vec::new();
    for seen in script.seen() {
        let to_graph = seen.line.contains(&format!(" {GRAPH}/"));
        let to_entra = seen.line.contains(&format!(" {AUTHORITY}/{TENANT}/oauth2/v2.0/token"));
        assert!(to_graph ^ to_entra, "{}", seen.line);
        let has_token = seen.request.headers().values().any(|v| v.as_bytes().starts_with(b"Bearer "));
        assert_eq!(has_token, to_graph, "{}", seen.line);
        if to_graph && seen.request.method() != Method::GET {
            posts.push(seen.line);
        }
    }
    let device = format!("POST {GRAPH}/v1.0/deviceManagement/managedDevices/{DEVICE}");
    let expected = [format!("{device}/resetPasscode"), format!("{device}/recoverPasscode")];
    assert_eq!(posts, expected);
}

/// Secrets and personal data planted wherever they occur; nothing that can be printed may show one.
#[tokio::test]
async fn nothing_that_is_printed_holds_a_secret() {
    let planted = json!({
        "id": DEVICE, "serialNumber": "S", "userPrincipalName": "planted-user", "deviceName": "planted-name",
        "deviceActionResults": [{"actionName": "resetPasscode", "actionState": "done", "passcode": "planted-passcode",
            "startDateTime": "2026-11-22T08:00:00Z", "lastUpdatedDateTime": "2026-11-22T08:00:00Z", "unlockPin": "planted-pin"}],
    });
    let row = planted.clone();
    let broken = json!({"id": DEVICE, "deviceActionResults": "planted-passcode"});
    let script = Script::new(move |request| {
        if is_token_request(request) {
            return token("planted-token");
        }
        match request.uri().path() {
            path if path.ends_with("managedDevices") => ok(&json!({"value": [row]})),
            path if path.ends_with("Passcode") => reply(200, r#"{"value":"planted-passcode"}"#),
            path if path.ends_with("broken") => ok(&broken),
            _ => ok(&row),
        }
    });
    let (graph, _) = client(&script);
    let selector = Selector::User {
        principal_name: "planted-user".to_owned(),
        device_name: Some("planted-name".to_owned()),
        operating_system: None,
    };
    let later = "2026-11-22T10:00:00Z".parse().unwrap();
    let seen = graph.look(DEVICE, Priority::LookUp).await.unwrap();
    let found = graph.find(&selector, Priority::LookUp).await.unwrap();
    let broken = graph.look("broken", Priority::LookUp).await.unwrap_err();
    let sent = graph.send(Action::ResetPasscode, DEVICE, "a", later, Duration::from_secs(20), reservation()).await;
    assert_eq!(sent.answer, Answer::Accepted);
    let bearer = script.graph_calls()[0].request.headers()["authorization"].clone();
    assert!(bearer.is_sensitive());
    let printed = [
        format!("{graph:?} {:?} {selector:?}", client_secret()),
        format!("{seen:?} {found:?} {sent:?}"),
        format!("{broken:?} {broken}"),
        format!("{bearer:?}"),
    ];
    for text in printed {
        assert!(!text.contains("planted"), "{text}");
    }
}

#[tokio::test]
async fn a_refused_sign_in_repeats_no_secret() {
    let body = json!({"error": "invalid_client", "error_description": format!("AADSTS7000215: Invalid secret {SECRET} given.")});
    let script = Script::new(move |_| reply(401, &body.to_string()));
    let (graph, _) = client(&script);
    let later = "2026-11-22T10:00:00Z".parse().unwrap();
    let sent = graph.send(Action::ResetPasscode, DEVICE, "a", later, Duration::from_secs(20), reservation()).await;
    assert!(matches!(&sent.answer, Answer::NotExecuted(NotExecuted::NoToken(_))));
    let printed = format!("{sent:?} {}", sent.message);
    assert!(!printed.contains(SECRET), "{printed}");
    assert!(printed.contains("AADSTS7000215"), "{printed}");
}
