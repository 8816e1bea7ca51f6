#![allow(clippy::unwrap_used)]
use super::*;
use crate::graph::{
    auth::{Certificate, SignInFailure, claims, error::SIGN_IN_TIME_OUT, testing::*},
    http::{Cloud, Connection, TransportError, testing::*},
};
use azure_core::credentials::Secret;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

fn form(seen: &Seen) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(seen.body().as_bytes()).into_owned().collect()
}

fn jwt(payload: &str) -> String {
    format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(payload))
}

#[tokio::test]
async fn a_client_secret_is_posted_to_the_authority_and_nowhere_else() {
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in(&script);
    sign_in.signed_in().await.unwrap();
    let seen = script.seen();
    assert_eq!(seen.len(), 1);
    let line = format!("POST {AUTHORITY}/{TENANT}/oauth2/v2.0/token");
    assert_eq!(seen[0].line, line);
    let form = form(&seen[0]);
    assert_eq!(form["client_id"], "client-1");
    assert_eq!(form["client_secret"], SECRET);
    assert_eq!(form["grant_type"], "client_credentials");
    assert_eq!(form["scope"], format!("{GRAPH}/.default"));
    assert!(!form.contains_key("claims"));
}

#[tokio::test]
async fn a_projected_token_is_read_again_for_every_token() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "assertion-1\n").unwrap();
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in_with(&script, workload_identity(file.clone()));
    sign_in.signed_in().await.unwrap();
    std::fs::write(&file, "assertion-2").unwrap();
    sign_in.forget();
    sign_in.signed_in().await.unwrap();
    let forms: Vec<_> = script.seen().iter().map(form).collect();
    assert_eq!(forms[0]["client_assertion"], "assertion-1");
    assert_eq!(forms[1]["client_assertion"], "assertion-2");
    let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
    assert_eq!(forms[0]["client_assertion_type"], kind);
    assert!(!forms[0].contains_key("client_secret"));
}

#[tokio::test]
async fn a_missing_or_empty_token_file_is_a_refusal_that_heals() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in_with(&script, workload_identity(file.clone()));
    let error = sign_in.signed_in().await.unwrap_err();
    assert_eq!(error.kind, SignInFailure::Refused);
    assert!(error.message.contains("cannot be read"), "{error}");
    std::fs::write(&file, " \n").unwrap();
    let error = sign_in.signed_in().await.unwrap_err();
    assert!(error.message.contains("is empty"), "{error}");
    assert!(script.seen().is_empty());
    std::fs::write(&file, "assertion").unwrap();
    sign_in.signed_in().await.unwrap();
}

/// The addresses that Microsoft documents for each cloud ("National cloud deployments"), written out once more.
const CLOUDS: [(Cloud, &str, &str); 4] = [
    (Cloud::Global, "https://login.microsoftonline.com", "https://graph.microsoft.com"),
    (Cloud::UsGov, "https://login.microsoftonline.us", "https://graph.microsoft.us"),
    (Cloud::UsGovDoD, "https://login.microsoftonline.us", "https://dod-graph.microsoft.us"),
    (Cloud::China, "https://login.chinacloudapi.cn", "https://microsoftgraph.chinacloudapi.cn"),
];

fn certificate() -> Credentials {
    let made =
        graph_simulator::ClientCertificate::valid(Timestamp::UNIX_EPOCH, Timestamp::from_second(1 << 32).unwrap());
    let made = made.unwrap();
    let certificate = Certificate::from_pem(made.certificate.as_bytes(), made.key.as_bytes()).unwrap();
    Credentials::ClientCertificate { client_id: "client-1".to_owned(), certificate: Arc::new(certificate) }
}

fn of_cloud(cloud: Cloud, credentials: Credentials, script: &Arc<Script>) -> SignIn {
    let (tenant_id, clock) = (TENANT.to_owned(), Arc::new(HandClock::default()));
    SignIn::new(Identity { tenant_id, endpoints: cloud.into(), credentials, clock }, script.clone()).unwrap()
}

#[tokio::test]
async fn in_each_cloud_the_token_is_asked_of_its_authority_and_for_its_graph() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    std::fs::write(&file, "assertion").unwrap();
    let certificate = certificate();
    for (cloud, authority, graph) in CLOUDS {
        for credentials in [client_secret(), workload_identity(file.clone()), certificate.clone()] {
            let script = Script::signed_in(|_| None);
            of_cloud(cloud, credentials.clone(), &script).signed_in().await.unwrap();
            let seen = script.seen();
            let endpoint = format!("{authority}/{TENANT}/oauth2/v2.0/token");
            assert_eq!(seen[0].line, format!("POST {endpoint}"), "{cloud:?}");
            let form = form(&seen[0]);
            assert_eq!(form["scope"], format!("{graph}/.default"), "{cloud:?}");
            if matches!(credentials, Credentials::ClientCertificate { .. }) {
                let claims = claims::decode(form["client_assertion"].split('.').nth(1).unwrap()).unwrap();
                let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
                assert_eq!((&claims["aud"], &claims["iss"]), (&json!(endpoint), &json!("client-1")), "{cloud:?}");
            }
        }
    }
}

/// What the metadata service answers: numbers are strings (entra-docs, how-to-use-vm-token.md).
fn of_the_node(text: &str) -> Reply {
    let ends = Timestamp::now().as_second() + 3600;
    ok(&json!({
        "access_token": text, "refresh_token": "", "expires_in": "3600", "expires_on": ends.to_string(),
        "not_before": "0", "resource": "https://graph.microsoft.com", "token_type": "Bearer",
    }))
}

fn managed_identity() -> Credentials {
    Credentials::ManagedIdentity { client_id: "client-1".to_owned() }
}

#[tokio::test]
async fn a_managed_identity_is_asked_of_the_node_for_each_clouds_graph() {
    for (cloud, _, graph) in CLOUDS {
        let script = Script::new(|_| of_the_node("token"));
        of_cloud(cloud, managed_identity(), &script).signed_in().await.unwrap();
        let seen = script.seen();
        let url: url::Url = seen[0].line.strip_prefix("GET ").unwrap().parse().unwrap();
        assert!(url.as_str().starts_with("http://169.254.169.254/metadata/identity/oauth2/token?"), "{url}");
        let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
        assert_eq!((query["resource"].as_str(), query["client_id"].as_str()), (graph, "client-1"));
        assert_eq!(seen[0].header("metadata"), Some("true"));
        assert_eq!(seen[0].request.headers().len(), 1);
        assert_eq!(seen[0].exchange.connection, Connection::Node);
    }
}

#[tokio::test]
async fn a_node_that_refuses_or_is_silent_is_asked_once() {
    for (answer, says) in [
        (reply(400, r#"{"error":"invalid_request","error_description":"Identity not found"}"#), "no managed identity"),
        (reply(404, ""), "being updated"),
        (reply(410, ""), "being updated"),
        (reply(429, ""), "Too much"),
        (reply(500, r#"{"error":"unknown"}"#), "tried again"),
        (Some(Err(TransportError::NotConnected("no route".to_owned()))), "on an Azure node only"),
        (ok(&json!({"access_token": "a", "expires_in": "1e99", "expires_on": "1"})), "no token that can be used"),
        (ok(&json!({"access_token": "a", "expires_in": "60", "expires_on": "x"})), "no token that can be used"),
    ] {
        let script = Script::new(move |_| answer.clone());
        let error = of_cloud(Cloud::Global, managed_identity(), &script).signed_in().await.unwrap_err();
        assert!(error.message.contains(says), "{error}");
        assert_eq!(script.seen().len(), 1, "{error}");
    }
}

#[tokio::test]
async fn a_token_of_another_tenant_is_not_used() {
    let own = jwt(&format!(r#"{{"tid":"{}"}}"#, TENANT.to_uppercase()));
    let foreign = jwt(r#"{"tid":"99999999-2222-3333-4444-555555555555"}"#);
    let asked = async |text: String| {
        let script = Script::new(move |_| of_the_node(&text));
        of_cloud(Cloud::Global, managed_identity(), &script).token().await.map(|_| ())
    };
    asked(own).await.unwrap();
    let error = asked(foreign).await.unwrap_err();
    assert_eq!(error.kind, SignInFailure::Refused);
    assert!(error.message.contains("of the Entra tenant 99999999-2222"), "{error}");
}

#[tokio::test]
async fn permissions_are_those_of_a_readable_token() {
    let readable = jwt(r#"{"roles":["A.Read.All","B.All"],"aud":"x"}"#);
    let without = jwt("{}");
    for (token_text, expected) in [
        (readable, Some(vec!["A.Read.All".to_owned(), "B.All".to_owned()])),
        (without, Some(vec![])),
        ("opaque".to_owned(), None),
        ("a.b.c".to_owned(), None),
        (format!("{}.x", jwt("{}")), None),
    ] {
        let script = Script::new(move |_| token(&token_text));
        let signed_in = sign_in(&script).0.signed_in().await.unwrap();
        assert_eq!(signed_in.permissions, expected);
        let left = signed_in.token_expiry.duration_since(Timestamp::now()).as_secs();
        assert!((3500..=3600).contains(&left), "{left}");
    }
}

#[tokio::test]
async fn a_token_is_kept_until_it_is_forgotten() {
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in(&script);
    sign_in.signed_in().await.unwrap();
    sign_in.signed_in().await.unwrap();
    assert_eq!(script.token_calls().len(), 1);
    sign_in.forget();
    sign_in.signed_in().await.unwrap();
    assert_eq!(script.token_calls().len(), 2);
}

#[tokio::test]
async fn calls_at_the_same_time_share_one_sign_in() {
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in(&script);
    let all = futures::future::join_all((0..20).map(|_| sign_in.signed_in())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(script.token_calls().len(), 1);
}

#[tokio::test]
async fn a_refusal_says_entras_code_and_sentence() {
    let script = Script::new(|_| reply(400, samples::OAUTH_ERROR));
    let error = sign_in(&script).0.signed_in().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "sign-in failed (AADSTS70011): The provided value for the input parameter 'scope' isn't valid. The scope isn't valid. Check cloud and endpoints: this Graph is not known there."
    );
    assert_eq!(error.kind, SignInFailure::Refused);
    assert_eq!(script.seen().len(), 1, "no retry");
}

#[tokio::test]
async fn entra_is_left_alone_for_as_long_as_it_asks() {
    for (status, wait, asked_for) in [(429, "120", 120), (503, "2.5", 3), (429, "Sun, 22 Nov 2026 09:00:30 GMT", 30)] {
        let calls = AtomicU64::new(0);
        let script = Script::new(move |_| {
            if calls.fetch_add(1, Ordering::SeqCst) > 0 {
                return token("a");
            }
            let mut answer = answer(status, r#"{"error":"temporarily_unavailable"}"#);
            answer.headers_mut().insert("retry-after", wait.parse().unwrap());
            Some(Ok(answer))
        });
        let (sign_in, clock) = sign_in(&script);
        let first = sign_in.signed_in().await.unwrap_err();
        assert_eq!(first.kind, SignInFailure::Unreachable);
        clock.advance(Duration::from_secs(asked_for - 1));
        sign_in.forget();
        assert_eq!(sign_in.signed_in().await.unwrap_err(), first, "{wait}");
        assert_eq!(script.seen().len(), 1, "{wait}");
        clock.advance(Duration::from_secs(1));
        sign_in.signed_in().await.unwrap();
    }
}

#[tokio::test]
async fn what_is_no_token_is_not_taken_for_one() {
    for body in [
        "",
        "<html>",
        "{}",
        r#"{"access_token":""}"#,
        // azure_identity adds these to the time, and panics.
        r#"{"access_token":"a","expires_in":9223372036854775807,"token_type":"Bearer"}"#,
        r#"{"access_token":"a","expires_in":-9223372036854775807,"token_type":"Bearer"}"#,
        r#"{"access_token":"a\nb","expires_in":3599,"token_type":"Bearer","ext_expires_in":1}"#,
    ] {
        let script = Script::new(move |_| reply(200, body));
        let (sign_in, _) = sign_in(&script);
        let Err(error) = sign_in.token().await else {
            panic!("{body}");
        };
        assert_eq!(error.kind, SignInFailure::Unreachable, "{body}");
        assert!(error.message.contains("holds no token"), "{error}");
    }
}

#[tokio::test]
async fn no_answer_and_no_connection_are_unreachable_and_not_tried_again() {
    for failure in [TransportError::NotConnected("refused".to_owned()), TransportError::Lost("reset".to_owned())] {
        let script = Script::new(move |_| Some(Err(failure.clone())));
        let error = sign_in(&script).0.signed_in().await.unwrap_err();
        assert_eq!(error.kind, SignInFailure::Unreachable);
        assert_eq!(script.seen().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_authority_delays_no_caller_for_longer_than_the_limit() {
    let script = Script::new(|_| None);
    let (sign_in, _) = sign_in(&script);
    let start = tokio::time::Instant::now();
    let all = futures::future::join_all((0..5).map(|_| sign_in.signed_in())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(start.elapsed().as_secs(), SIGN_IN_TIME_OUT.as_secs());
}

/// Tasks of their own, so that they could wake each other: without a lock of ours they do, and no time passes any more.
#[tokio::test(start_paused = true)]
async fn callers_that_wait_for_a_silent_authority_do_not_wake_each_other() {
    let script = Script::new(|_| None);
    let sign_in = Arc::new(sign_in(&script).0);
    let start = tokio::time::Instant::now();
    let waiting = (0..6).map(|number| {
        let sign_in = sign_in.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(5 * number)).await;
            sign_in.signed_in().await
        })
    });
    for one in waiting.collect::<Vec<_>>() {
        assert!(one.await.unwrap().is_err());
    }
    assert_eq!(start.elapsed(), Duration::from_secs(25) + SIGN_IN_TIME_OUT);
}

#[tokio::test]
async fn a_redirect_of_the_authority_is_not_followed() {
    let script = Script::new(|_| {
        let mut answer = answer(302, "");
        let location = "https://evil.test/".parse().unwrap();
        answer.headers_mut().insert("location", location);
        Some(Ok(answer))
    });
    let error = sign_in(&script).0.signed_in().await.unwrap_err();
    assert_eq!(error.kind, SignInFailure::Unreachable);
    assert_eq!(script.seen().len(), 1);
}

#[tokio::test]
async fn only_the_first_rejection_of_a_token_counts() {
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in(&script);
    let old = sign_in.token().await.unwrap();
    sign_in.rejected(&old, None);
    let new = sign_in.token().await.unwrap();
    sign_in.rejected(&old, None);
    let same = sign_in.token().await.unwrap();
    assert_eq!(new.header, same.header);
    assert_ne!(old.header, new.header);
}

#[tokio::test]
async fn claims_are_sent_with_the_next_token_and_live_as_long_as_its_credential() {
    let script = Script::signed_in(|_| None);
    let (sign_in, _) = sign_in(&script);
    let mut headers = http::HeaderMap::new();
    headers.insert("www-authenticate", samples::CHALLENGE.parse().unwrap());
    let token = sign_in.token().await.unwrap();
    sign_in.rejected(&token, Claims::of(&headers));
    sign_in.token().await.unwrap();
    sign_in.forget();
    sign_in.token().await.unwrap();
    let forms: Vec<_> = script.seen().iter().map(form).collect();
    let claims: serde_json::Value = serde_json::from_str(&forms[1]["claims"]).unwrap();
    assert_eq!(
        claims,
        json!({"access_token": {"acrs": {"essential": true, "value": "cp1"}, "xms_cc": {"values": ["cp1"]}}})
    );
    assert_eq!(forms[1]["client_secret"], SECRET);
    assert!(!forms[0].contains_key("claims") && !forms[2].contains_key("claims"));
}

#[test]
fn what_cannot_be_an_identity_is_refused_at_once() {
    let script = Script::signed_in(|_| None);
    let secret = |client_id: &str, secret: &'static str| Credentials::ClientSecret {
        client_id: client_id.to_owned(),
        secret: Secret::new(secret),
    };
    for (tenant, credentials) in
        [("", secret("a", "b")), ("a/../b", secret("a", "b")), (TENANT, secret("", "b")), (TENANT, secret("a", ""))]
    {
        let (tenant_id, clock) = (tenant.to_owned(), Arc::new(HandClock::default()));
        let identity = Identity { tenant_id, endpoints: Cloud::Global.into(), credentials, clock };
        assert!(matches!(SignIn::new(identity, script.clone()), Err(ConfigError::Identity(_))));
    }
}
