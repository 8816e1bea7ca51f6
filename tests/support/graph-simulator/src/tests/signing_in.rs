//! The token endpoint, and what Graph says to tokens.

use super::*;
use crate::{AppState, Fault, PathClass, Revocation, Rule, Timestamp, TokenFormat};
use base64::{Engine, prelude::*};
use serde_json::json;
use std::time::Duration;

pub(super) fn code(answer: &Response<Bytes>) -> (u16, String, u64) {
    let body = super::json(answer);
    (answer.status().as_u16(), body["error"].as_str().unwrap().to_owned(), body["error_codes"][0].as_u64().unwrap())
}

pub(super) fn with(
    mut form: Vec<(&'static str, String)>,
    name: &'static str,
    value: &str,
) -> Vec<(&'static str, String)> {
    form.retain(|(field, _)| *field != name);
    form.push((name, value.to_owned()));
    form
}

#[tokio::test(start_paused = true)]
async fn a_secret_buys_a_token_of_the_set_life() {
    let simulator = Simulator::new();
    simulator.configure(|settings| settings.token_lifetime = Duration::from_secs(600));
    let body = super::json(&ask_for_token(&simulator, &form(EXAMPLE_SECRET)).await);
    assert_eq!((body["token_type"].as_str(), body["expires_in"].as_u64()), (Some("Bearer"), Some(600)));
    let client = Client { token: body["access_token"].as_str().unwrap().into(), simulator };
    assert_eq!(client.get("/v1.0/deviceManagement/managedDevices").await.status(), 200);
    tokio::time::advance(Duration::from_secs(600)).await;
    let answer = client.get("/v1.0/deviceManagement/managedDevices").await;
    assert_eq!(answer.status(), 401);
    assert!(super::json(&answer)["error"]["message"].as_str().unwrap().contains("expired"));
    assert!(client.simulator.refusals().is_empty());
    assert_eq!(client.simulator.token_requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn wrong_credentials_are_told_apart() {
    let simulator = Simulator::new();
    let ask = async |form: Vec<(&'static str, String)>| code(&ask_for_token(&simulator, &form).await);
    assert_eq!(ask(form("nonsense")).await, (401, "invalid_client".into(), 7_000_215));
    assert_eq!(
        ask(with(form(EXAMPLE_SECRET), "client_id", "nobody")).await,
        (400, "unauthorized_client".into(), 700_016)
    );
    simulator.change_app(EXAMPLE_CLIENT, |app| app.secret_expired = true);
    assert_eq!(ask(form(EXAMPLE_SECRET)).await, (401, "invalid_client".into(), 7_000_222));
    let elsewhere = ask_for_token_of(&simulator, "no-tenant", &form(EXAMPLE_SECRET)).await;
    assert_eq!(code(&elsewhere), (400, "invalid_tenant".into(), 90_002));
    assert!(simulator.refusals().is_empty(), "these happen to well-behaved clients");
    assert_eq!(simulator.token_requests().iter().filter_map(|request| request.error).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_a_tenant_did_with_the_app_is_told() {
    let simulator = Simulator::new();
    for (state, status, error, number) in [
        (AppState::Disabled, 400, "unauthorized_client", 7_000_112),
        (AppState::WithoutServicePrincipal, 401, "invalid_client", 7_000_229),
        (AppState::BlockedByConditionalAccess, 400, "access_denied", 53_003),
    ] {
        simulator.change_app(EXAMPLE_CLIENT, |app| app.state = state);
        let answer = ask_for_token(&simulator, &form(EXAMPLE_SECRET)).await;
        assert_eq!(code(&answer), (status, error.to_owned(), number));
    }
    // A policy is asked about who has proved who it is.
    assert_eq!(code(&ask_for_token(&simulator, &form("nonsense")).await).2, 7_000_215);
    assert!(simulator.refusals().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_is_not_documented_is_recorded() {
    let simulator = Simulator::new();
    let ask = async |form: Vec<(&'static str, String)>| code(&ask_for_token(&simulator, &form).await);
    let scope = with(form(EXAMPLE_SECRET), "scope", "https://graph.microsoft.us/.default");
    assert_eq!(ask(scope).await, (400, "invalid_scope".into(), 70_011));
    assert_eq!(ask(with(form(EXAMPLE_SECRET), "grant_type", "password")).await.2, 70_003);
    assert_eq!(ask(with(form(EXAMPLE_SECRET), "resource", "x")).await.2, 900_144);
    assert_eq!(
        ask(form(EXAMPLE_SECRET).into_iter().filter(|(name, _)| *name != "client_secret").collect()).await.2,
        7_000_218
    );
    let request = Request::post("https://login.microsoftonline.com/t/oauth2/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::new())
        .unwrap();
    assert_eq!(simulator.handle(request).await.unwrap().status(), 404);
    assert_eq!(simulator.refusals().len(), 5);
    assert!(!format!("{:?}{:?}", simulator.refusals(), simulator.requests()).contains("PLANTED"));
}

#[tokio::test(start_paused = true)]
async fn a_jwt_tells_the_permissions_of_its_time() {
    let simulator = Simulator::new();
    simulator.configure(|settings| settings.token_format = TokenFormat::Jwt);
    let token = sign_in(&simulator).await;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["roles"].as_array().unwrap().len(), 2);
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3599);
    simulator.change_app(EXAMPLE_CLIENT, |app| app.permissions.clear());
    let client = Client { simulator, token };
    assert_eq!(client.get("/v1.0/deviceManagement/managedDevices").await.status(), 200);
    let token = sign_in(&client.simulator).await;
    assert_eq!(Client { token, ..client }.get("/v1.0/deviceManagement/managedDevices").await.status(), 403);
}

#[tokio::test(start_paused = true)]
async fn a_claims_challenge_is_met_by_those_claims_only() {
    let client = client().await;
    client.simulator.revoke_tokens(EXAMPLE_CLIENT, Revocation::ClaimsChallenge);
    let answer = client.get("/v1.0/deviceManagement/managedDevices").await;
    assert_eq!(answer.status(), 401);
    let challenge =
        header(&answer, "www-authenticate").split("claims=\"").nth(1).unwrap().trim_end_matches('"').to_owned();
    let fresh = Client { token: sign_in(&client.simulator).await, simulator: client.simulator.clone() };
    assert_eq!(
        fresh.get("/v1.0/deviceManagement/managedDevices").await.status(),
        401,
        "a token without the claims loops"
    );
    let mut claims: Value = serde_json::from_slice(&BASE64_STANDARD.decode(challenge).unwrap()).unwrap();
    claims["access_token"]["xms_cc"] = json!({"values": ["cp1"]});
    let answer = ask_for_token(&client.simulator, &with(form(EXAMPLE_SECRET), "claims", &claims.to_string())).await;
    let good =
        Client { token: super::json(&answer)["access_token"].as_str().unwrap().into(), simulator: client.simulator };
    assert_eq!(good.get("/v1.0/deviceManagement/managedDevices").await.status(), 200);
    assert!(good.simulator.token_requests()[2].claims.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_plain_revocation_ends_old_tokens() {
    let client = client().await;
    client.simulator.revoke_tokens(EXAMPLE_CLIENT, Revocation::Plain);
    assert_eq!(client.get("/v1.0/deviceManagement/managedDevices").await.status(), 401);
    tokio::time::advance(Duration::from_secs(1)).await;
    let fresh = Client { token: sign_in(&client.simulator).await, simulator: client.simulator };
    assert_eq!(fresh.get("/v1.0/deviceManagement/managedDevices").await.status(), 200);
    fresh.simulator.expire_tokens();
    assert_eq!(fresh.get("/v1.0/deviceManagement/managedDevices").await.status(), 401);
}

#[tokio::test(start_paused = true)]
async fn entra_has_a_clock_and_faults_of_its_own() {
    let simulator = Simulator::starting_at("2026-11-22T10:00:00Z".parse::<Timestamp>().unwrap());
    simulator.configure(|settings| settings.token_offset = crate::SignedDuration::from_secs(-60));
    let answer = ask_for_token(&simulator, &form(EXAMPLE_SECRET)).await;
    assert_eq!(header(&answer, "date"), "Sun, 22 Nov 2026 09:59:00 GMT");
    simulator.script(Rule::on(PathClass::Token, Fault::status(503)).once());
    assert_eq!(ask_for_token(&simulator, &form(EXAMPLE_SECRET)).await.status(), 503);
    assert_eq!(ask_for_token(&simulator, &form(EXAMPLE_SECRET)).await.status(), 200);
    simulator.configure(|settings| settings.authority_reachable = false);
    let request = Request::post("https://login.microsoftonline.com/t/oauth2/v2.0/token").body(Bytes::new()).unwrap();
    assert!(simulator.handle(request).await.is_err());
}
