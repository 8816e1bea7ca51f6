#![allow(clippy::unwrap_used)]
use std::sync::LazyLock;

use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use graph_simulator::ClientCertificate;

use super::*;
use crate::graph::auth::SignInFailure;

/// When the tests' certificates are valid: a day from here on.
const BEGIN: &str = "2026-11-22T09:00:00Z";

static ONE: LazyLock<ClientCertificate> = LazyLock::new(fresh);
static OTHER: LazyLock<ClientCertificate> = LazyLock::new(fresh);

fn fresh() -> ClientCertificate {
    ClientCertificate::valid(begin(), begin() + jiff::SignedDuration::from_hours(24)).unwrap()
}

fn begin() -> Timestamp {
    BEGIN.parse().unwrap()
}

fn load(certificate: &str, key: &str) -> Result<Certificate, ConfigError> {
    Certificate::from_pem(certificate.as_bytes(), key.as_bytes())
}

fn json(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[test]
fn the_assertion_is_the_documented_one_and_its_signature_holds() {
    for key in [&ONE.key, &ONE.pkcs1_key] {
        let certificate = load(&ONE.certificate, key).unwrap();
        let audience = "https://login.test/t/oauth2/v2.0/token";
        let assertion = certificate.assertion("client-1", audience, begin()).unwrap();
        let (message, signature) = assertion.rsplit_once('.').unwrap();
        let (header, claims) = message.split_once('.').unwrap();

        let der = CertificateDer::from_pem_slice(ONE.certificate.as_bytes()).unwrap();
        let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(&der));
        assert_eq!(json(header), json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint}));
        let claims = json(claims);
        let now = begin().as_second();
        for (name, expected) in [
            ("aud", json!(audience)),
            ("iss", json!("client-1")),
            ("sub", json!("client-1")),
            ("nbf", json!(now)),
            ("iat", json!(now)),
            ("exp", json!(now + 600)),
        ] {
            assert_eq!(claims[name], expected, "{name}");
        }
        claims["jti"].as_str().unwrap().parse::<Uuid>().unwrap();

        let (_, parsed) = X509Certificate::from_der(&der).unwrap();
        let key = UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &parsed.public_key().subject_public_key.data);
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(message.as_bytes(), &signature).unwrap();
        assert!(key.verify(b"another", &signature).is_err());
    }
}

#[test]
fn no_two_assertions_have_the_same_id() {
    let certificate = load(&ONE.certificate, &ONE.key).unwrap();
    let id = || {
        let assertion = certificate.assertion("c", "a", begin()).unwrap();
        json(assertion.split('.').nth(1).unwrap())["jti"].clone()
    };
    assert_ne!(id(), id());
}

#[test]
fn the_first_certificate_of_a_chain_counts() {
    let chain = format!("{}{}", ONE.certificate, OTHER.certificate);
    load(&chain, &ONE.key).unwrap();
    assert_eq!(load(&chain, &OTHER.key).unwrap_err(), MISMATCH);
}

#[test]
fn what_cannot_be_used_is_told_with_what_to_put_in_its_place() {
    let elliptic = rcgen::KeyPair::generate().unwrap();
    let of_elliptic = rcgen::CertificateParams::default().self_signed(&elliptic).unwrap().pem();
    let elliptic = elliptic.serialize_pem();
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----\n";
    let locked = ONE.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    let cut: Vec<&str> = ONE.key.lines().enumerate().filter(|(number, _)| *number != 5).map(|(_, line)| line).collect();
    let cut = cut.join("\n");
    for (certificate, key, expected) in [
        (ONE.certificate.as_str(), OTHER.key.as_str(), MISMATCH),
        (&of_elliptic, &elliptic, NOT_RSA),
        (&ONE.certificate, &elliptic, KEY_SIZE),
        (&ONE.certificate, sec1, KEY_SIZE),
        (&ONE.certificate, &cut, KEY_SIZE),
        (&ONE.certificate, &locked, KEY_FORM),
        (&ONE.certificate, "", KEY_FORM),
        (&ONE.certificate, &ONE.certificate, KEY_FORM),
        (&ONE.key, &ONE.key, CERTIFICATE_FORM),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", &ONE.key, CERTIFICATE_FORM),
        ("", &ONE.key, CERTIFICATE_FORM),
    ] {
        assert_eq!(load(certificate, key).unwrap_err(), expected, "{certificate} {key}");
    }
}

#[test]
fn outside_its_validity_nothing_is_signed() {
    let certificate = load(&ONE.certificate, &ONE.key).unwrap();
    let day = jiff::SignedDuration::from_hours(24);
    let second = jiff::SignedDuration::from_secs(1);
    let at = |time| certificate.assertion("c", "a", time);
    at(begin() + day).unwrap();
    let late = at(begin() + day + second).unwrap_err();
    assert!(late.message.contains("expired at 2026-11-23T09:00:00Z"), "{late}");
    let early = at(begin() - second).unwrap_err();
    assert!(early.message.contains("not valid before 2026-11-22T09:00:00Z"), "{early}");
    assert_eq!((late.kind, early.kind), (SignInFailure::Refused, SignInFailure::Refused));
}

#[test]
fn nothing_of_the_key_is_printed() {
    let printed = format!("{:?}", load(&ONE.certificate, &ONE.key).unwrap());
    assert!(printed.starts_with("Certificate { thumbprint: "), "{printed}");
    assert!(!printed.contains("key"), "{printed}");
}
