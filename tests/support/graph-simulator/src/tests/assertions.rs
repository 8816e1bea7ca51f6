//! What signs in with an assertion, and what does not.

use super::signing_in::{code, with};
use super::*;
use crate::{App, ClientCertificate, EXCHANGE_AUDIENCE, SignedDuration, Timestamp, TokenIssuer};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding};
use base64::{Engine, prelude::*};
use serde_json::json;
use std::sync::LazyLock;
use x509_parser::pem::parse_x509_pem;

const APP: &str = "11111111-0000-4000-8000-000000000001";
const SUBJECT: &str = "system:serviceaccount:passcode-operator:passcode-operator";
const ISSUER: &str = "https://oidc.cluster.example/";
const AUDIENCE: &str = "https://login.microsoftonline.com/5f1e2a30-7c64-4c1b-9a55-2f0d6c8b1a77/oauth2/v2.0/token";

static REGISTERED: LazyLock<ClientCertificate> = LazyLock::new(|| certificate(24));
static CLUSTER: LazyLock<TokenIssuer> = LazyLock::new(|| TokenIssuer::new(ISSUER).unwrap());

fn begin() -> Timestamp {
    "2026-11-22T09:00:00Z".parse().unwrap()
}

fn certificate(hours: i64) -> ClientCertificate {
    ClientCertificate::valid(begin(), begin() + SignedDuration::from_hours(hours)).unwrap()
}

fn der(pem: &str) -> Vec<u8> {
    parse_x509_pem(pem.as_bytes()).unwrap().1.contents
}

/// What a client would sign.
struct Draft {
    header: Value,
    claims: Value,
    signer: ClientCertificate,
    encoding: &'static dyn RsaEncoding,
}

impl Draft {
    fn new(signer: &ClientCertificate) -> Self {
        let thumbprint = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der(&signer.certificate));
        let now = begin().as_second();
        Self {
            header: json!({"alg": "PS256", "typ": "JWT", "x5t#S256": BASE64_URL_SAFE_NO_PAD.encode(thumbprint)}),
            claims: json!({
                "aud": AUDIENCE, "iss": APP, "sub": APP, "jti": format!("{:?}", std::time::Instant::now()),
                "nbf": now, "exp": now + 600,
            }),
            signer: signer.clone(),
            encoding: &RSA_PSS_SHA256,
        }
    }

    fn header(mut self, name: &str, value: Value) -> Self {
        self.header[name] = value;
        self
    }

    fn claim(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    fn signed(&self) -> String {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&self.header), part(&self.claims));
        let key = KeyPair::from_pkcs8(&der(&self.signer.key)).unwrap();
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(self.encoding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
        format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn simulator(app: App) -> Simulator {
    let simulator = Simulator::new();
    simulator.add_app(EXAMPLE_TENANT, app);
    simulator
}

/// The code of the answer, 0 for a token.
async fn answer(simulator: &Simulator, assertion: &str) -> u64 {
    let form = vec![
        ("client_id", APP.to_owned()),
        ("grant_type", "client_credentials".to_owned()),
        ("scope", "https://graph.microsoft.com/.default".to_owned()),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer".to_owned()),
    ];
    let answer = ask_for_token(simulator, &with(form, "client_assertion", assertion)).await;
    if answer.status() == 200 { 0 } else { code(&answer).2 }
}

#[tokio::test(start_paused = true)]
async fn a_signed_assertion_is_verified_in_every_part() {
    let expired = certificate(-1);
    let app = App::new(APP).with_certificate(&REGISTERED.certificate).with_certificate(&expired.certificate);
    let simulator = simulator(app);
    let good = || Draft::new(&REGISTERED);
    let now = begin().as_second();
    let other = certificate(24);
    let other_key = Draft { signer: other.clone(), ..good() };
    for (draft, expected) in [
        (good(), 0),
        (good().claim("aud", json!("https://login.microsoftonline.us/t/oauth2/v2.0/token")), 700_023),
        (good().claim("iss", json!("another")), 700_021),
        (good().claim("sub", json!("another")), 700_021),
        (good().claim("exp", json!(now - 301)), 700_024),
        (good().claim("nbf", json!(now + 301)), 700_024),
        (good().claim("exp", Value::Null), 700_024),
        (good().header("x5t#S256", json!("AAAA")), 700_027),
        (Draft::new(&other), 700_027),
        (Draft::new(&expired), 700_027),
        (other_key, 700_027),
    ] {
        assert_eq!(answer(&simulator, &draft.signed()).await, expected, "{} {}", draft.header, draft.claims);
    }
    let mut tampered = good().signed();
    let claims = BASE64_URL_SAFE_NO_PAD.encode(good().claim("exp", json!(now + 60_000)).claims.to_string());
    let part = tampered.split('.').nth(1).unwrap().to_owned();
    tampered = tampered.replace(&part, &claims);
    assert_eq!(answer(&simulator, &tampered).await, 700_027);
    assert_eq!(answer(&simulator, "nonsense").await, 50_027);
    assert!(simulator.refusals().is_empty(), "these happen to well-behaved clients: {:?}", simulator.refusals());
}

#[tokio::test(start_paused = true)]
async fn a_mistake_of_the_client_is_recorded() {
    let simulator = simulator(App::new(APP).with_certificate(&REGISTERED.certificate));
    let good = || Draft::new(&REGISTERED);
    let old = good().header("alg", json!("RS256"));
    let twice = good().signed();
    assert_eq!(answer(&simulator, &twice).await, 0);
    for assertion in [
        twice,
        good().claim("jti", Value::Null).signed(),
        good().header("x5t#S256", Value::Null).header("x5t", json!("x")).signed(),
        Draft { encoding: &RSA_PKCS1_SHA256, ..old }.signed(),
    ] {
        assert_ne!(answer(&simulator, &assertion).await, 0);
    }
    assert_eq!(simulator.refusals().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_clusters_token_is_compared_in_all_three_and_verified() {
    let app = App::new(APP).with_federated(CLUSTER.federated(SUBJECT, EXCHANGE_AUDIENCE));
    let simulator = simulator(app);
    let soon = begin() + SignedDuration::from_hours(1);
    let stranger = TokenIssuer::new("https://other.example/").unwrap();
    let forger = TokenIssuer::new(ISSUER).unwrap();
    let token = |issuer: &TokenIssuer, subject: &str, audience: &str| issuer.token(subject, audience, soon).unwrap();
    let upper = SUBJECT.replace("passcode-operator:", "Passcode-Operator:");
    for (token, expected) in [
        (token(&CLUSTER, SUBJECT, EXCHANGE_AUDIENCE), 0),
        (token(&CLUSTER, SUBJECT, EXCHANGE_AUDIENCE), 0),
        (token(&stranger, SUBJECT, EXCHANGE_AUDIENCE), 700_211),
        (token(&CLUSTER, SUBJECT, "api://AzureADTokenExchangeUSGov"), 700_212),
        (token(&CLUSTER, &upper, EXCHANGE_AUDIENCE), 700_213),
        (token(&stranger, &upper, EXCHANGE_AUDIENCE), 70_021),
        (token(&forger, SUBJECT, EXCHANGE_AUDIENCE), 50_013),
        (CLUSTER.token(SUBJECT, EXCHANGE_AUDIENCE, begin() - SignedDuration::from_mins(6)).unwrap(), 700_024),
    ] {
        assert_eq!(answer(&simulator, &token).await, expected, "{token}");
    }
    simulator.change_app(APP, |app| app.federated.clear());
    assert_eq!(answer(&simulator, &token(&CLUSTER, SUBJECT, EXCHANGE_AUDIENCE)).await, 70_025);
    assert!(simulator.refusals().is_empty());
}
